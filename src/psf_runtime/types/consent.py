"""What a person agreed to, and what was done with it: the values of a consent chain.

Field names follow ISO/IEC TS 27560:2023 (consent record information structure) as the W3C DPV guide spells them.
Everything here is frozen, plain and free of content: of a person only keyed digests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

ConsentState = Literal["given", "renewed", "refused", "expired", "invalidated", "withdrawn"]
EventType = Literal["regular", "explicit"]
LinkKind = Literal["consent", "use", "restriction", "erasure", "retention"]
UseDecision = Literal["allow", "mask", "block", "escalate"]

ALLOWING: frozenset[str] = frozenset({"given", "renewed"})
STATES: frozenset[str] = ALLOWING | {"refused", "expired", "invalidated", "withdrawn"}
ANY = "*"
BEGINNING = "0" * 64


@dataclass(frozen=True, slots=True)
class Head:
    """How far a chain goes: the number of its last link, and that link's digest (SHA-256 in hex)."""

    sequence: int = 0
    digest: str = BEGINNING


START = Head()


@dataclass(frozen=True, slots=True)
class Link:
    """One link of a chain: a signed record that covers the link before it.

    Attributes:
        stream: which chain of the tenant; for a subject it is a keyed digest.
        sequence: 1, 2, 3 ...
        previous: digest of the link before; of the first one, 64 zeros.
        time: seconds since the epoch, as the writer's clock said.
        data: what happened, as plain JSON without content.
        sealed: what only the subject's own key opens, base64; empty when there is nothing.
        signature: over all of the above; `digest`: over all of it with the signature.
    """

    tenant: str
    stream: str
    sequence: int
    previous: str
    time: float
    kind: LinkKind
    data: Mapping[str, Any]
    sealed: str = ""
    signature: str = field(default="", repr=False)
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentEvent:
    """One event in the life of one consent: given, renewed, refused, expired, invalidated or withdrawn.

    Attributes:
        record_id: of the consent; every later event of it carries the same.
        pii_principal_id: keyed digest of the person whose data it is.
        purpose: a key; `support` also covers `support.refunds`.
        recipient_third_parties: targets, providers or jurisdictions; `"*"` is every recipient.
        geographic_restrictions: jurisdictions or regions where the data may go; empty means anywhere.
        pii_type: entities that the consent covers (`EMAIL`); empty means all that are no special category.
        special_category: whether it covers special categories (GDPR article 9); then it is `explicit`.
        valid_from, valid_until: seconds since the epoch; None is no end.
        entity_id: keyed digest of who acted; `on_behalf_of`: of whom they acted for, when it was somebody else.
    """

    record_id: str
    pii_principal_id: str
    purpose: str
    event_state: ConsentState
    valid_from: float
    valid_until: float | None = None
    recipient_third_parties: tuple[str, ...] = ()
    geographic_restrictions: tuple[str, ...] = ()
    pii_type: tuple[str, ...] = ()
    special_category: bool = False
    privacy_notice: str = ""
    notice_version: str = ""
    language: str = ""
    lawful_basis: str = "consent"
    collection_method: str = ""
    withdrawal_method: str = ""
    event_type: EventType = "regular"
    entity_id: str = ""
    on_behalf_of: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UseLink:
    """What one call did with a subject's data, for one recipient.

    Attributes:
        consents: digests of the consent links it rests on; empty when it rests on another basis.
        categories: entities that the detectors found; `token_ids`: the tokens that left in their place.
        recipient: the target really asked; "" when the call was stopped before one was chosen.
        decision: `mask` when personal data left as tokens or masks, `allow` when none was found, `escalate` when a
            person decides or has decided, `block` when nothing left.
        reason: why, without content; `observed`: the control only observed and let the call go on.
    """

    call_id: str
    purpose: str | None
    recipient: str
    decision: UseDecision
    reason: str = ""
    observed: bool = False
    jurisdiction: str | None = None
    region: str | None = None
    consents: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    token_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ConsentRecord:
    """One consent as it stands now: the sum of its events.

    Attributes:
        id: what `consent=` of a call may name.
        subject: keyed digest of the subject.
        purpose: a key; `support` also covers `support.refunds`.
        recipients: names of targets or providers, or jurisdictions; `"*"` is every recipient.
        jurisdictions: jurisdictions or regions where the data may go; empty means anywhere.
        granted, expires, withdrawn: seconds since the epoch; None means never.
        state: of the last event; only `given` and `renewed` allow anything.
        categories: entities it covers; empty means all that are no special category. `special`: those too.
        notice, notice_version, language, method: what the person was shown, and how they answered.
        by: keyed digest of who acted; `on_behalf_of`: of whom for, when it was somebody else.
        order: number of the link that last gave, renewed or refused it; `links`: digests of all its links.
    """

    id: str
    tenant: str
    subject: str
    purpose: str
    recipients: tuple[str, ...]
    granted: float
    expires: float | None = None
    withdrawn: float | None = None
    jurisdictions: tuple[str, ...] = ()
    state: ConsentState = "given"
    categories: tuple[str, ...] = ()
    special: bool = False
    notice: str = ""
    notice_version: str = ""
    language: str = ""
    method: str = ""
    by: str = ""
    on_behalf_of: str = ""
    order: int = field(default=0, repr=False)
    links: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentQuestion:
    """May this purpose use these categories of a subject's data with this recipient, now?

    Attributes:
        recipients: every name the recipient goes by (target, provider); empty asks about any recipient.
        jurisdiction, region: of the recipient; None is unknown, which only a record without limits of place covers.
        categories: entities that were found in the request.
        now: seconds since the epoch; `latest`: the latest time that was ever seen here.
        consent: the record that the call names; None: any will do.
    """

    purpose: str | None
    now: float
    latest: float = 0.0
    recipients: tuple[str, ...] = ()
    jurisdiction: str | None = None
    region: str | None = None
    categories: frozenset[str] = frozenset()
    consent: str | None = None


@dataclass(frozen=True, slots=True)
class ConsentAnswer:
    """`reason` is None when it may; else why not, without content.

    Attributes:
        links: digests of the consent links that a yes rests on.
        restricted: the subject's data may not be processed at all, on whatever basis.
        subject: the beginning of the subject's keyed digest, to tell one from another in messages; "" when not known.
    """

    reason: str | None
    links: tuple[str, ...] = ()
    restricted: bool = False
    subject: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What a sweep removed: per purpose, how many uses; and how many consents had run out. `time`: of the sweep."""

    time: float
    removed: Mapping[str, int]
    expired: int = 0

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON."""
        return {"time": self.time, "removed": dict(self.removed), "expired": self.expired}


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasedChain:
    """What is left of a subject's chain: a name that nobody can connect with a person any more.

    Attributes:
        known: whether anything was kept about the subject.
        stream, head: the chain, and how far it goes, with the link that says it was erased.
        consents, uses: how many records and uses the chain holds. They stay, as digests.
    """

    known: bool = False
    stream: str = ""
    head: Head = START
    consents: int = 0
    uses: int = 0
