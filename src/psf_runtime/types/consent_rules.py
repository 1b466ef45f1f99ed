"""What a chain of consent events comes to: the records as they stand, and the answer to one question. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from psf_runtime.types.consent import (
    ALLOWING,
    ANY,
    STATES,
    ConsentAnswer,
    ConsentEvent,
    ConsentQuestion,
    ConsentRecord,
    Link,
)
from psf_runtime.types.consent_links import SKEW, broken, event_of
from psf_runtime.types.consent_places import lies_within

# Special categories of GDPR article 9(1), by the names that detectors use. A number that stands for somebody in health
# care is one (recital 35).
SPECIAL: frozenset[str] = frozenset(
    {
        "AU_MEDICARE",
        "BIOMETRIC",
        "ETHNICITY",
        "GENETIC",
        "HEALTH",
        "MEDICAL_ID",
        "NRP",
        "ORIENTATION",
        "POLITICAL",
        "RELIGION",
        "TRADE_UNION",
        "UK_NHS",
    }
)
NO_RECORD = "there is no record for this subject and purpose"
_ENDED: Mapping[str, str] = {
    "withdrawn": "the consent was withdrawn",
    "refused": "the subject refused",
    "expired": "the consent has expired",
    "invalidated": "the consent is no longer valid",
}


def purpose_covers(agreed: str, asked: str | None) -> bool:
    """Whether a consent for one purpose covers another: itself, and everything below it."""
    return asked is not None and (asked == agreed or asked.startswith(f"{agreed}."))


def records_of(links: Iterable[Link]) -> dict[str, ConsentRecord]:
    """Every consent of a chain as it stands, by id, oldest first. Other kinds of link are passed over.

    Raises StateError when an event contradicts the chain: it renews or ends what was never given, comes back after
    its end, was given by somebody who acted for nobody, names a notice without its version, or is about another person.
    """
    records: dict[str, ConsentRecord] = {}
    for link in links:
        if link.kind == "consent":
            event = event_of(link)
            _check(event, records.get(event.record_id), link)
            records[event.record_id] = _after(records.get(event.record_id), event, link)
    return records


def is_restricted(links: Iterable[Link]) -> bool:
    """Whether the subject's data may not be processed at present (GDPR article 18)."""
    states = [link.data.get("state") for link in links if link.kind == "restriction"]
    return bool(states) and states[-1] != "lifted"


def answer_of(records: Sequence[ConsentRecord], question: ConsentQuestion) -> ConsentAnswer:
    """Whether one of a subject's consents covers the question; else why the newest that comes near does not."""
    versions = _newest_versions(records)
    reason = None
    for record in sorted(records, key=lambda one: one.order, reverse=True):
        if not purpose_covers(record.purpose, question.purpose):
            continue
        named = question.consent is None or record.id == question.consent
        if record.state == "refused":
            return ConsentAnswer(reason or _ENDED["refused"])  # what was agreed to earlier no longer counts
        if not named:
            continue
        refused = _refusal(record, question)
        if refused is None and versions.get((record.notice, record.purpose)) != record.notice_version:
            refused = "the notice has changed since the consent"
        if refused is None:
            return ConsentAnswer(None, record.links)
        reason = reason or refused
    return ConsentAnswer(reason or NO_RECORD)


def _refusal(record: ConsentRecord, question: ConsentQuestion) -> str | None:
    """Why one record does not cover the question, or None when it does."""
    if record.state not in ALLOWING:
        return _ENDED[record.state]
    if record.expires is not None:
        if question.now < question.latest - SKEW:
            return "the clock was moved back"
        if question.now >= record.expires:
            return _ENDED["expired"]
    if question.now < record.granted:
        return "the consent does not hold yet"
    if not question.recipients:
        return None
    return _other_recipient(record, question) or _other_data(record, question)


def _other_recipient(record: ConsentRecord, question: ConsentQuestion) -> str | None:
    names = {ANY, *question.recipients}
    by_place = [name for name in record.recipients if name not in names]
    if names.isdisjoint(record.recipients) and not lies_within(question.jurisdiction, by_place):
        return "the consent does not cover this recipient"
    places = record.jurisdictions
    if places and question.region not in places and not lies_within(question.jurisdiction, places):
        return "the consent does not cover the place of this recipient"
    return None


def _other_data(record: ConsentRecord, question: ConsentQuestion) -> str | None:
    special = sorted(question.categories & SPECIAL)
    if special and not record.special:
        return f"the consent does not cover special categories: {', '.join(special)}"
    if record.categories and ANY not in record.categories:
        others = sorted(question.categories.difference(record.categories))
        if others:
            return f"the consent does not cover {', '.join(others)}"
    return None


def _newest_versions(records: Iterable[ConsentRecord]) -> dict[tuple[str, str], str]:
    """Per notice and purpose, the version that the subject saw last."""
    ordered = sorted(records, key=lambda one: one.order)
    return {(record.notice, record.purpose): record.notice_version for record in ordered}


def _check(event: ConsentEvent, before: ConsentRecord | None, link: Link) -> None:
    """One event against what came before it."""
    problems = (
        (event.event_state not in STATES, "an event is in a state that nobody knows"),
        (event.pii_principal_id != link.stream, "an event is about another person"),
        (before is not None and event.purpose != before.purpose, "an event changes the purpose of its consent"),
        (
            before is None and event.event_state not in ("given", "refused"),
            "an event is about no consent that was given",
        ),
        (before is not None and event.event_state in ("given", "refused"), "a consent is given twice"),
        (
            before is not None and before.state not in ALLOWING and event.event_state in ALLOWING,
            "a consent comes back after its end",
        ),
        (bool(event.privacy_notice) and not event.notice_version, "a notice has no version"),
        (event.special_category and event.event_type != "explicit", "a special category without explicit consent"),
        (event.event_state in ALLOWING and not _may_act(event), "somebody consented for a person who is not theirs"),
    )
    for wrong, why in problems:
        if wrong:
            raise broken(why)


def _may_act(event: ConsentEvent) -> bool:
    """The person themselves, or somebody who says that they act for this very person."""
    return event.entity_id == event.pii_principal_id or event.on_behalf_of == event.pii_principal_id


def _after(before: ConsentRecord | None, event: ConsentEvent, link: Link) -> ConsentRecord:
    """The record after one more event."""
    if before is not None and event.event_state not in ALLOWING:
        ended = link.time if event.event_state == "withdrawn" else before.withdrawn
        return replace(before, state=event.event_state, withdrawn=ended, links=(*before.links, link.digest))
    return ConsentRecord(
        id=event.record_id,
        tenant=link.tenant,
        subject=event.pii_principal_id,
        purpose=event.purpose,
        recipients=event.recipient_third_parties,
        granted=event.valid_from if before is None else before.granted,
        expires=event.valid_until,
        jurisdictions=event.geographic_restrictions,
        state=event.event_state,
        categories=event.pii_type,
        special=event.special_category,
        notice=event.privacy_notice,
        notice_version=event.notice_version,
        language=event.language,
        method=event.collection_method,
        by=event.entity_id,
        on_behalf_of=event.on_behalf_of,
        order=link.sequence,
        links=(() if before is None else before.links) + (link.digest,),
    )
