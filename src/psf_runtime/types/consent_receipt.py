"""A consent receipt: a subject's records as JSON, by the names of ISO/IEC TS 27560:2023. Pure.

What the standard wants and nobody declared is not left out and not made up: it reads "not stated", and is listed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from psf_runtime.types.consent import ConsentEvent, ConsentRecord, Link
from psf_runtime.types.consent_links import SCHEMA

STANDARD = "ISO/IEC TS 27560:2023"
NOT_STATED = "not stated"
RECORD_FIELDS = ("record_id", "schema_version", "pii_principal_id", "pii_processing", "parties", "events")
PROCESSING_FIELDS = (
    "privacy_notice",
    "language",
    "purpose",
    "pii_information",
    "pii_controllers",
    "storage_locations",
    "retention_period",
    "jurisdiction",
    "recipient_third_parties",
    "withdrawal_method",
)
PARTY_FIELDS = ("party_id", "party_name", "party_address")
EVENT_FIELDS = ("event_time", "validity_duration", "entity_id", "event_type", "event_state")


@dataclass(frozen=True, slots=True, kw_only=True)
class Controller:
    """Who is answerable for the processing: what a receipt says of them.

    Attributes:
        storage_locations, jurisdiction: where the controller keeps personal data, and whose law holds.
    """

    name: str = NOT_STATED
    address: str = NOT_STATED
    role: str = "controller"
    storage_locations: tuple[str, ...] = ()
    jurisdiction: str = NOT_STATED
    authority: str = NOT_STATED


NOBODY = Controller()
Event = tuple[Link, ConsentEvent]


def receipt_record(
    record: ConsentRecord,
    events: Sequence[Event],
    *,
    controller: Controller = NOBODY,
    retention_days: int | None = None,
) -> dict[str, Any]:
    """One consent as a record of the standard. `events`: all of this consent, oldest first."""
    newest = next(event for _, event in reversed(events) if event.record_id == record.id)
    data: dict[str, Any] = {
        "record_id": record.id,
        "schema_version": STANDARD,
        "pii_principal_id": record.subject,
        "pii_processing": [_processing(record, newest, controller, retention_days)],
        "parties": [
            {
                "party_id": "controller",
                "party_name": controller.name,
                "party_address": controller.address,
                "party_role": controller.role,
            }
        ],
        "events": [_event(link, event) for link, event in events],
    }
    data["not_stated"] = _not_stated(data)
    return data


def link_as_data(link: Link) -> dict[str, Any]:
    """One link of the chain, as proof beside the record."""
    return {
        "sequence": link.sequence,
        "kind": link.kind,
        "time": iso_time(link.time),
        "previous": link.previous,
        "digest": link.digest,
        "signature": link.signature,
    }


def chain_as_data(links: Sequence[Link], algorithm: str) -> dict[str, Any]:
    """The whole chain, without what it says."""
    return {"schema": SCHEMA, "signature_algorithm": algorithm, "links": [link_as_data(link) for link in links]}


def iso_time(seconds: float) -> str:
    """Seconds since the epoch as ISO 8601, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def _processing(
    record: ConsentRecord, event: ConsentEvent, controller: Controller, retention_days: int | None
) -> dict[str, Any]:
    notice = f"{record.notice} {record.notice_version}".strip()
    return {
        "privacy_notice": notice or NOT_STATED,
        "language": record.language or NOT_STATED,
        "purpose": record.purpose,
        "lawful_basis": event.lawful_basis,
        "pii_information": [
            {
                "pii_type": list(record.categories) or ["any"],
                "special_category": record.special,
                "necessity": NOT_STATED,
            }
        ],
        "pii_controllers": ["controller"],
        "collection_method": record.method or NOT_STATED,
        "processing_method": "inference by a large language model",
        "storage_locations": list(controller.storage_locations) or [NOT_STATED],
        "retention_period": NOT_STATED if retention_days is None else f"P{retention_days}D",
        "processing_locations": list(record.jurisdictions) or ["anywhere"],
        "geographic_restrictions": list(record.jurisdictions),
        "jurisdiction": controller.jurisdiction,
        "recipient_third_parties": list(record.recipients),
        "withdrawal_method": event.withdrawal_method or NOT_STATED,
        "privacy_rights": ["access", "erasure", "restriction", "withdrawal of consent"],
        "authority": controller.authority,
    }


def _event(link: Link, event: ConsentEvent) -> dict[str, Any]:
    ends = event.valid_until
    data: dict[str, Any] = {
        "event_time": iso_time(link.time),
        "validity_duration": "until withdrawn" if ends is None else f"PT{ends - event.valid_from:.0f}S",
        "entity_id": event.entity_id,
        "event_type": event.event_type,
        "event_state": event.event_state,
        "link": link.digest,
    }
    if event.on_behalf_of:
        data["on_behalf_of"] = event.on_behalf_of
    return data


def _not_stated(data: Mapping[str, Any]) -> list[str]:
    """The fields that read "not stated", by their names."""
    processing, party = data["pii_processing"][0], data["parties"][0]
    pairs = [*processing.items(), *party.items(), *processing["pii_information"][0].items()]
    return sorted(name for name, value in pairs if value in (NOT_STATED, [NOT_STATED]))
