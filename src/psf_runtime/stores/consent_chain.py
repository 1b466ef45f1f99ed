"""Consent chains over any storage: given, renewed, refused, withdrawn, asked, and every use written down."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from psf_runtime.errors import ConfigError
from psf_runtime.stores.consent_chain_book import Alias
from psf_runtime.stores.consent_chain_grants import event_for
from psf_runtime.stores.consent_chain_reader import ConsentReader
from psf_runtime.stores.consent_chain_storage import AliasStorage, ConsentStorage
from psf_runtime.types.consent import (
    ALLOWING,
    ANY,
    ConsentEvent,
    ConsentRecord,
    ConsentState,
    ErasedChain,
    Head,
    Link,
    Swept,
    UseLink,
)
from psf_runtime.types.consent_links import Signer, data_of, event_of
from psf_runtime.types.consent_rules import is_restricted, purpose_covers, records_of


class ConsentChains(ConsentReader):
    """The consents of subjects, each as a signed chain of events, and the uses that rested on them.

    A chain is read whole and verified with every question; one link that does not fit is a StateError, and nothing
    rests on such a chain. Of a subject only keyed digests are kept. Thread-safe.

    Args:
        key: the key of the state, 32 bytes.
        rows, aliases: where chains are kept, and which chain is whose. Keep aliases with the data keys.
        signer: signs links; None is HMAC-SHA256 under a key derived from `key`.

    Source: ISO/IEC TS 27560:2023; GDPR articles 6, 7, 9 and 18.
    """

    def __init__(
        self, key: bytes, *, rows: ConsentStorage, aliases: AliasStorage, signer: Signer | None = None
    ) -> None:
        super().__init__(key, rows=rows, aliases=aliases, signer=signer)
        self._lock = threading.Lock()

    # ---- what people decide

    def grant(
        self,
        *,
        subject: str,
        purpose: str,
        recipients: Sequence[str],
        now: float,
        tenant: str = "default",
        expires: float | None = None,
        jurisdictions: Sequence[str] = (),
        categories: Sequence[str] = (),
        special: bool = False,
        notice: str = "",
        notice_version: str = "",
        language: str = "",
        method: str = "",
        withdrawal_method: str = "",
        by: str | None = None,
        on_behalf_of: str | None = None,
        renews: str | None = None,
    ) -> ConsentRecord:
        """Keep a consent that holds from `now` on, until `expires` (seconds since the epoch) or its withdrawal.

        Args:
            categories: entities it covers (`["EMAIL"]`); empty means all that are no special category.
            special: the person agreed explicitly to special categories too (GDPR article 9).
            notice, notice_version, language: what they were shown; a notice needs its version. A newer version of the
                same notice ends what was agreed to under an older one.
            method: how they answered (`web form`); withdrawal_method: how they may withdraw.
            by: who acted, when it was not the subject; then `on_behalf_of` names the subject.
            renews: id of the consent that this renews.

        Raises ConfigError when something is missing or contradicts itself.
        """
        event = event_for(
            subject=subject,
            purpose=purpose,
            recipients=recipients,
            now=now,
            expires=expires,
            jurisdictions=jurisdictions,
            categories=categories,
            special=special,
            notice=notice,
            notice_version=notice_version,
            language=language,
            method=method,
            withdrawal_method=withdrawal_method,
            by=by,
            on_behalf_of=on_behalf_of,
        )
        self._make_room()
        with self._lock:
            alias = self.book.find_or_begin(tenant, subject)
            before = None if renews is None else self._renewable(alias, renews, purpose)
            event = self._signed_for(alias, event, before, subject=subject, by=by, on_behalf_of=on_behalf_of)
            record = self._kept(alias, event, now, by=by or "")
        self._granted = True
        return record

    def refuse(
        self, *, subject: str, purpose: str, now: float, tenant: str = "default", by: str | None = None
    ) -> ConsentRecord:
        """Keep a no: what was agreed to earlier for this purpose, and for what lies below it, no longer counts."""
        event = event_for(subject=subject, purpose=purpose, recipients=[ANY], now=now)
        self._make_room()
        with self._lock:
            alias = self.book.find_or_begin(tenant, subject)
            event = replace(
                event,
                record_id=_new_id(),
                pii_principal_id=alias.stream,
                event_state="refused",
                entity_id=alias.person(by or subject),
            )
            return self._kept(alias, event, now, by=by or "")

    def withdraw(
        self,
        consent: str | None = None,
        *,
        subject: str,
        now: float,
        purpose: str | None = None,
        tenant: str = "default",
        by: str | None = None,
    ) -> int:
        """End a subject's consents: the one named, or those for `purpose`, or all. Returns how many ended.

        Withdrawing a part (`support.refunds`) of a wider consent (`support`) leaves the rest.
        """
        ended = self._end(consent, "withdrawn", subject=subject, now=now, purpose=purpose, tenant=tenant, by=by)
        if purpose is not None and consent is None and self._wider(tenant, subject, purpose):
            self.refuse(subject=subject, purpose=purpose, now=now, tenant=tenant, by=by)
            ended += 1
        return ended

    def invalidate(
        self,
        consent: str | None = None,
        *,
        subject: str,
        now: float,
        purpose: str | None = None,
        tenant: str = "default",
    ) -> int:
        """End consents that should never have counted (a notice was wrong, a form was broken). Returns how many."""
        return self._end(consent, "invalidated", subject=subject, now=now, purpose=purpose, tenant=tenant, by=None)

    def restrict(self, *, subject: str, now: float, tenant: str = "default", lifted: bool = False) -> bool:
        """Stop every new call about a subject until it is lifted (GDPR article 18). False: it was so already."""
        with self._lock:
            alias = self.book.find(tenant, subject)
            links = () if alias is None else self.book.read(alias)
            if is_restricted(links) != lifted:
                return False
            alias = alias or self.book.find_or_begin(tenant, subject)
            state = {"state": "lifted" if lifted else "restricted"}
            self.book.append(alias, "restriction", state, now=_not_before(now, links))
            return True

    def erase(self, *, subject: str, now: float, counts: Mapping[str, int], tenant: str = "default") -> ErasedChain:
        """Destroy the way from a subject to their chain, after a last link that says what was erased.

        The chain stays, and verifies: it holds digests, and fields that nobody can open any more.

        Args:
            counts: what was erased in other stores, by store.
        """
        with self._lock:
            alias = self.book.find(tenant, subject)
            if alias is None:
                return ErasedChain()
            links = self.book.read(alias)
            consents, uses = len(records_of(links)), len(self.uses.of(alias))
            data = {"counts": {**counts, "consents": consents, "uses": uses}}
            alias, last = self.book.append(alias, "erasure", data, now=_not_before(now, links))
            self.book.drop(alias)
            head = Head(last.sequence, last.digest)
            return ErasedChain(known=True, stream=alias.stream, head=head, consents=consents, uses=uses)

    def sweep(self, retention_days: Mapping[str, int], *, now: float) -> Swept:
        """Remove what is older than its purpose allows, and return what that was. Raises ConfigError for no days."""
        numbers: list[Any] = list(retention_days.values())
        if any(isinstance(days, bool) or not isinstance(days, int) or days < 0 for days in numbers):
            raise ConfigError("retention is a number of whole days, 0 or more", control="privacy.consent")
        with self._lock:
            return self.uses.sweep(retention_days, now)

    # ---- what calls do

    def record_use(self, tenant: str, subject: str, use: UseLink, conversation: str, now: float) -> str:
        """Write down what a call does with a subject's data; returns the digest of the link.

        The conversation's name is kept with the subject's secret, and is destroyed with it.
        """
        with self._lock:
            alias = self.book.find_or_begin(tenant, subject)
            alias, link = self.uses.write(alias, use, conversation, now)
            self._after_use(alias)
            return link.digest

    # ---- inside

    def _end(
        self,
        consent: str | None,
        state: ConsentState,
        *,
        subject: str,
        now: float,
        purpose: str | None,
        tenant: str,
        by: str | None,
    ) -> int:
        ended = 0
        with self._lock:
            alias = self.book.find(tenant, subject)
            if alias is None:
                return 0
            links = self.book.read(alias)
            events = {link.data["record_id"]: event_of(link) for link in links if link.kind == "consent"}
            for record in records_of(links).values():
                named = consent is None or record.id == consent
                meant = purpose is None or purpose_covers(purpose, record.purpose)
                if record.state in ALLOWING and named and meant:
                    event = replace(events[record.id], event_state=state, entity_id=alias.person(by or subject))
                    # A clock that was moved back must not stop a withdrawal.
                    alias, _ = self.book.append(
                        alias, "consent", data_of(event), now=_not_before(now, links), sealed=by or ""
                    )
                    ended += 1
        return ended

    def _wider(self, tenant: str, subject: str, purpose: str) -> bool:
        """Whether a consent for more than this purpose still stands."""
        return any(
            record.state in ALLOWING and record.purpose != purpose and purpose_covers(record.purpose, purpose)
            for record in self.list(subject=subject, tenant=tenant)
        )

    def _renewable(self, alias: Alias, consent: str, purpose: str) -> ConsentRecord:
        record = records_of(self.book.read(alias)).get(consent)
        if record is None or record.state not in ALLOWING or record.purpose != purpose:
            raise ConfigError(
                "there is no such consent to renew",
                control="privacy.consent",
                why="it is not known, has ended, or is for another purpose",
                change="grant(...) without renews=, which keeps a new one",
            )
        return record

    def _signed_for(
        self,
        alias: Alias,
        event: ConsentEvent,
        before: ConsentRecord | None,
        *,
        subject: str,
        by: str | None,
        on_behalf_of: str | None,
    ) -> ConsentEvent:
        """The event in the names that the chain uses."""
        return replace(
            event,
            record_id=_new_id() if before is None else before.id,
            event_state="given" if before is None else "renewed",
            pii_principal_id=alias.stream,
            entity_id=alias.person(by or subject),
            on_behalf_of="" if on_behalf_of is None else alias.person(on_behalf_of),
        )

    def _kept(self, alias: Alias, event: ConsentEvent, now: float, *, by: str) -> ConsentRecord:
        alias, _ = self.book.append(alias, "consent", data_of(event), now=now, sealed=by)
        return records_of(self.book.read(alias))[event.record_id]

    def _make_room(self) -> None:
        """Before one more consent is kept; a storage without limits has nothing to do."""

    def _after_use(self, alias: Alias) -> None:
        """After one more use was kept; a storage without limits has nothing to do."""


def _not_before(now: float, links: Sequence[Link]) -> float:
    return max([now, *(link.time for link in links)])


def _new_id() -> str:
    return "c_" + os.urandom(8).hex()
