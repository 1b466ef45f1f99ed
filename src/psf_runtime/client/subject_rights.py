"""The rights of a subject, over every store of one client: what is kept, erasing it, and holding it still."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

from psf_runtime.client.receipts import SubjectExport, consent_receipt
from psf_runtime.errors import ApprovalDenied, StateError
from psf_runtime.policy.state import State
from psf_runtime.ports import TargetFacts
from psf_runtime.types.consent_erasure import ErasureReceipt
from psf_runtime.types.consent_receipt import Controller, iso_time
from psf_runtime.types.plain import canonical_bytes
from psf_runtime.types.rules import Purpose

_ANSWERS = "answers kept under idempotency keys: in this process, until it ends or a thousand newer ones have come"
_COPIES = "copies of answers that your application has made, and its own logs"
_LOG = "the decision log: calls stay on record under a keyed digest, which the state's key can work out from the name"
_UNNAMED = "values from calls that named no subject, or another one"


@runtime_checkable
class Erasable(Protocol):
    """A store that can erase a subject by itself."""

    def erase_subject(self, tenant: str, subject: str) -> Mapping[str, Any]:
        """Erase everything filed under a subject; returns counts, under `values` what is gone."""
        ...


class Rights:
    """Export, erasure and restriction for the subjects of one state.

    Args:
        targets: facts of the targets; the receipt says how long each provider keeps what it was sent.
        purposes: by name; the receipt of consents says how long uses are kept.
    """

    def __init__(self, state: State, *, targets: Sequence[TargetFacts], purposes: Mapping[str, Purpose]) -> None:
        self._state = state
        self._targets = tuple(targets)
        self._purposes = purposes

    def export(self, subject: str, *, tenant: str, now: float, controller: Controller | None) -> SubjectExport:
        """Everything that is kept about a subject."""
        state = self._state
        consents = consent_receipt(
            state.consents,
            subject=subject,
            tenant=tenant,
            now=now,
            purposes=self._purposes,
            controller=controller,
        )
        talks = state.consents.conversations(subject=subject, tenant=tenant)
        values = tuple(
            (talk, entity, value) for talk in talks for entity, value in state.vault.known(tenant, talk).values()
        )
        return SubjectExport(consents, values, self._tickets_about(subject, tenant))

    def erase(self, subject: str, *, tenant: str, now: float) -> ErasureReceipt:
        """Erase a subject from every store, and sign what that came to. Safe to repeat.

        Values first, the way to the subject's chain last: when a store fails in between, nothing is forgotten about
        what is still to be erased, and a second call does the rest.
        """
        state = self._state
        spans = len(state.vault.recall)
        details: dict[str, Any] = {}
        values = 0
        talks = state.consents.conversations(subject=subject, tenant=tenant)
        for name, store in (("vault", state.vault), ("tickets", state.tickets)):
            if isinstance(store, Erasable):
                counts = store.erase_subject(tenant, subject)
                # Its name for the subject can be worked out again; beside that of the chain it would lead there.
                details[name] = {key: value for key, value in counts.items() if key != "subject"}
        values = int(details.get("vault", {}).get("values", 0))
        values += sum(state.vault.forget(tenant, talk) for talk in talks)
        state.vault.recall.clear()
        erased = {
            "vault": values,
            "conversations": len(talks),
            "spans": spans,
            "tickets": int(details.get("tickets", {}).get("values", 0)),
        }
        chain = state.consents.erase(subject=subject, now=now, counts=erased, tenant=tenant)
        receipt = ErasureReceipt(
            subject=chain.stream,
            tenant=tenant,
            time=now,
            erased={**erased, "consent_aliases": int(chain.known)},
            kept={"consents": chain.consents, "uses": chain.uses},
            not_reached=self._not_reached(subject, tenant),
            backups=_backups(details.get("vault", {})),
            chain=(chain.head.sequence, chain.head.digest),
            algorithm=state.consents.signer.algorithm,
            details=details,
        )
        return replace(receipt, signature=state.consents.signer.sign(canonical_bytes(receipt.content())))

    def restrict(self, subject: str, *, tenant: str, now: float, lifted: bool) -> bool:
        """Stop every new call about a subject, or let them run again; whether that changed anything."""
        return self._state.consents.restrict(subject=subject, now=now, tenant=tenant, lifted=lifted)

    def _tickets_about(self, subject: str, tenant: str) -> tuple[str, ...]:
        found = []
        for ticket in self._state.tickets.list(tenant=tenant):
            try:
                request, _ = self._state.tickets.contents(ticket.id)
            except (ApprovalDenied, StateError):
                continue  # it holds nothing any more
            if request.facts.subject == subject:
                found.append(ticket.id)
        return tuple(found)

    def _not_reached(self, subject: str, tenant: str) -> tuple[str, ...]:
        out = []
        for target in self._targets:
            if target.boundary == "own" or target.retention_days == 0:
                continue
            days = target.retention_days
            keeps = "for a time that is not declared" if days is None else f"for {days} days"
            out.append(f"{target.name}: the provider keeps what it was sent {keeps}")
        tickets = self._tickets_about(subject, tenant)
        if tickets:
            out.append(f"tickets: {len(tickets)} hold what a person was asked; they end when used or at their deadline")
        return (*out, _LOG, _ANSWERS, _COPIES, _UNNAMED)


def _backups(vault: Mapping[str, Any]) -> str:
    """When backups become unreadable, as the vault says."""
    if "backups_unreadable_at" not in vault:
        return "the state is in memory: there are no backups of it"
    at = vault["backups_unreadable_at"]
    if at is None:
        return "backups stay readable until the key epoch is retired: it is overdue"
    return f"backups become unreadable on {iso_time(float(at))}, when the key epoch ends"
