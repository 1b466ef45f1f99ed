"""MemoryConsents: who agreed to what, in this process only.

A record says that a subject's data may be used for one purpose by the recipients it lists. Of the subject only a keyed
digest is kept. Still to come: durable records with notice, language, method and the full chain of events.
"""

from __future__ import annotations

import hmac
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace

from psf_runtime.errors import ConfigError
from psf_runtime.stores.forking import start_anew_after_fork
from psf_runtime.types.request import Facts

ANY = "*"


@dataclass(frozen=True, slots=True)
class ConsentRecord:
    """One consent.

    Attributes:
        id: what `consent=` of a call may name.
        subject: keyed digest of the subject.
        recipients: names of targets or providers; `"*"` is every recipient.
        jurisdictions: where the data may go; empty means anywhere.
        granted, expires, withdrawn: seconds since the epoch; None means never.
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


class MemoryConsents:
    """Consent records in memory. Thread-safe.

    Args:
        key: keys the digests of subjects; None draws one.
        max_records: how many records are kept in all; one more is a ConfigError.
    """

    blocking = False

    def __init__(self, key: bytes | None = None, *, max_records: int = 100_000) -> None:
        self._key = key or os.urandom(32)
        self._max_records = max_records
        self._lock = threading.Lock()
        self._records: dict[tuple[str, str], dict[str, ConsentRecord]] = {}
        self._count = 0
        start_anew_after_fork(self)

    def start_anew(self) -> None:
        """In a forked child: a lock that another thread held while the process forked would stay locked for ever."""
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"MemoryConsents({self._count} records)"

    @property
    def holds_any(self) -> bool:
        """Whether any consent was ever kept here: the first one turns the control on."""
        return self._count > 0

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
    ) -> ConsentRecord:
        """Keep a consent that holds from `now` on, until `expires` (seconds since the epoch) or its withdrawal."""
        if isinstance(recipients, str) or not recipients or not subject or not purpose:
            raise ConfigError(
                "a consent needs a subject, a purpose and a list of recipients",
                control="privacy.consent",
                change="grant(subject='customer:42', purpose='support', recipients=['openai'])",
            )
        digest = self._digest(tenant, subject)
        record = ConsentRecord(
            id="c_" + os.urandom(8).hex(),
            tenant=tenant,
            subject=digest,
            purpose=purpose,
            recipients=tuple(recipients),
            granted=now,
            expires=expires,
            jurisdictions=tuple(jurisdictions),
        )
        with self._lock:
            if self._count >= self._max_records:
                raise ConfigError(
                    f"the memory holds {self._max_records} consent records and takes no more",
                    control="privacy.consent",
                    change="keep consents in a durable state",
                )
            self._records.setdefault((tenant, digest), {})[record.id] = record
            self._count += 1
        return record

    def withdraw(
        self,
        consent: str | None = None,
        *,
        subject: str,
        now: float,
        purpose: str | None = None,
        tenant: str = "default",
    ) -> int:
        """End a subject's consents: the one named, or those for `purpose`, or all. Returns how many ended."""
        place = (tenant, self._digest(tenant, subject))
        ended = 0
        with self._lock:
            records = self._records.get(place, {})
            for record in list(records.values()):
                if record.withdrawn is not None or (consent is not None and record.id != consent):
                    continue
                if purpose is not None and record.purpose != purpose:
                    continue
                records[record.id] = replace(record, withdrawn=now)
                ended += 1
        return ended

    def list(self, *, subject: str, tenant: str = "default") -> tuple[ConsentRecord, ...]:
        """Every record of a subject, oldest first, withdrawn and expired ones too."""
        with self._lock:
            return tuple(self._records.get((tenant, self._digest(tenant, subject)), {}).values())

    def check(self, facts: Facts, recipient: str, jurisdiction: str, now: float) -> str | None:
        """None when a record covers this call; else the reason why not, without content.

        An empty `recipient` asks whether there is a valid record for any recipient; an empty `jurisdiction` is an
        unknown one, which only a record without limits of place covers.
        """
        if facts.subject is None:
            return "the call names no subject"
        reason = "there is no record for this subject and purpose"
        for record in reversed(self.list(subject=facts.subject, tenant=facts.tenant)):
            if record.purpose != facts.purpose or (facts.consent is not None and record.id != facts.consent):
                continue
            refused = _refusal(record, recipient, jurisdiction, now)
            if refused is None:
                return None
            reason = refused
        return reason

    def _digest(self, tenant: str, subject: str) -> str:
        message = f"{len(tenant)}:{tenant}{subject}".encode("utf-8", "surrogatepass")
        return "s_" + hmac.digest(self._key, message, "sha256").hex()[:32]


def _refusal(record: ConsentRecord, recipient: str, jurisdiction: str, now: float) -> str | None:
    """Why one record does not cover a recipient, or None when it does."""
    if record.withdrawn is not None:
        return "the consent was withdrawn"
    if record.expires is not None and now >= record.expires:
        return "the consent has expired"
    if now < record.granted:
        return "the consent does not hold yet"
    if not recipient:
        return None
    covered = {ANY, recipient, recipient.partition(":")[0]}
    if covered.isdisjoint(record.recipients):
        return "the consent does not cover this recipient"
    if record.jurisdictions and jurisdiction not in record.jurisdictions:
        return "the consent does not cover the place of this recipient"
    return None
