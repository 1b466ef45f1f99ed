"""What a subject may have of what is kept about them: a signed consent receipt, and everything else beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psf_runtime.stores.consent_chain import ConsentChains
from psf_runtime.types.consent_links import data_of
from psf_runtime.types.consent_receipt import (
    NOBODY,
    STANDARD,
    Controller,
    chain_as_data,
    iso_time,
    receipt_record,
)
from psf_runtime.types.consent_rules import records_of
from psf_runtime.types.plain import canonical_bytes
from psf_runtime.types.rules import Purpose


@dataclass(frozen=True, slots=True, repr=False)
class SubjectExport:
    """Everything that is kept about one subject.

    Attributes:
        consents: the consent receipt, signed.
        values: conversation, entity and value of all that the vault knows of the subject's conversations. Other people
            may be named in a conversation: look before you hand it on.
        tickets: ids of tickets that hold something about the subject.
    """

    consents: Mapping[str, Any]
    values: tuple[tuple[str, str, str], ...]
    tickets: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON. It holds personal data."""
        values = [{"conversation": talk, "entity": entity, "value": value} for talk, entity, value in self.values]
        return {"consents": dict(self.consents), "values": values, "tickets": list(self.tickets)}

    def __repr__(self) -> str:
        return f"SubjectExport({len(self.values)} values, {len(self.tickets)} tickets)"


def consent_receipt(
    chains: ConsentChains,
    *,
    subject: str,
    tenant: str,
    now: float,
    purposes: Mapping[str, Purpose],
    controller: Controller | None = None,
) -> dict[str, Any]:
    """A subject's consents, uses and chain, with a signature over all of it."""
    links = chains.links(subject=subject, tenant=tenant)
    events = [(link, event) for link, event, _ in chains.events(subject=subject, tenant=tenant)]
    records = []
    for record in records_of(links).values():
        purpose = purposes.get(record.purpose)
        records.append(
            receipt_record(
                record,
                [(link, event) for link, event in events if event.record_id == record.id],
                controller=controller or NOBODY,
                retention_days=None if purpose is None else purpose.retention_days,
            )
        )
    content = {
        "schema_version": STANDARD,
        "tenant": tenant,
        "pii_principal_id": links[0].stream if links else "",
        "issued": iso_time(now),
        "restricted": chains.is_restricted(subject=subject, tenant=tenant),
        "records": records,
        "uses": [data_of(use) for use in chains.uses_of(subject=subject, tenant=tenant)],
        "chain": chain_as_data(links, chains.signer.algorithm),
    }
    return {**content, "signature": chains.signer.sign(canonical_bytes(content))}


def receipt_holds(chains: ConsentChains, receipt: Mapping[str, Any]) -> bool:
    """Whether a receipt, for consents or for an erasure, is as it was signed here."""
    content = {name: value for name, value in receipt.items() if name != "signature"}
    signature = receipt.get("signature")
    return isinstance(signature, str) and chains.signer.verify(canonical_bytes(content), signature)
