"""`client.consents`: who agreed to what, through code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from psf_runtime.client.apart import crossed_apart
from psf_runtime.client.border import crossed
from psf_runtime.client.core import Core
from psf_runtime.client.receipts import consent_receipt, receipt_holds
from psf_runtime.policy.policy import Policy
from psf_runtime.ports import Clock
from psf_runtime.stores.consent_chain import ConsentChains
from psf_runtime.types.consent import ConsentRecord, Swept
from psf_runtime.types.consent_receipt import Controller


class Consents:
    """Who agreed to what: a signed chain per subject. Of a subject only keyed digests are kept.

    Args:
        tenant: whose subjects are meant where a method is given no tenant.
    """

    def __init__(self, records: ConsentChains, clock: Clock, *, policy: Policy, tenant: str = "default") -> None:
        self._records = records
        self._clock = clock
        self._policy = policy
        self._tenant = tenant

    @classmethod
    def of(cls, core: Core, tenant: str | None) -> Consents:
        """The consents of one client."""
        return cls(core.state.consents, core.clock, policy=core.policy, tenant=tenant or "default")

    def grant(
        self,
        *,
        subject: str,
        purpose: str,
        recipients: Sequence[str],
        tenant: str | None = None,
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
        """Keep a consent from now on, until `expires` (seconds since the epoch) or its withdrawal.

        Args:
            purpose: a key; `support` also covers `support.refunds`.
            recipients: names of targets or providers, or jurisdictions; `"*"` is every recipient. A provider (`openai`)
                is a way of speaking: it covers other hosts that speak so too. Name the target where that matters.
            jurisdictions: jurisdictions or regions where the data may go; empty means anywhere.
            categories: entities it covers (`["EMAIL"]`); empty means all that are no special category.
            special: the person agreed explicitly to special categories too (GDPR article 9).
            notice, notice_version, language: what they were shown; a newer version ends what an older one allowed.
            method: how they answered; withdrawal_method: how they may withdraw.
            by: who acted, when it was not the subject; then `on_behalf_of` names the subject.
            renews: id of the consent that this renews.

        Raises:
            ConfigError: something is missing or contradicts itself.
            StateError: the chain does not hold, or cannot be written.
        """
        work = partial(
            self._records.grant,
            subject=subject,
            purpose=purpose,
            recipients=recipients,
            now=self._clock.time(),
            tenant=self._tenant_of(tenant),
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
            renews=renews,
        )
        result = crossed(work)
        del subject, by, on_behalf_of, work
        record: ConsentRecord = result.unwrap()
        return record

    def refuse(self, *, subject: str, purpose: str, tenant: str | None = None, by: str | None = None) -> ConsentRecord:
        """Keep a no: what was agreed to earlier for this purpose, or below it, no longer counts."""
        place = self._tenant_of(tenant)
        work = partial(
            self._records.refuse, subject=subject, purpose=purpose, now=self._clock.time(), tenant=place, by=by
        )
        result = crossed(work)
        del subject, by, work
        record: ConsentRecord = result.unwrap()
        return record

    def withdraw(
        self,
        consent: str | None = None,
        *,
        subject: str,
        purpose: str | None = None,
        tenant: str | None = None,
        by: str | None = None,
    ) -> int:
        """End a consent, or all for a purpose, or all. Effective before the next attempt. Returns how many ended."""
        place, now = self._tenant_of(tenant), self._clock.time()
        work = partial(self._records.withdraw, consent, subject=subject, now=now, purpose=purpose, tenant=place, by=by)
        result = crossed(work)
        del subject, by, work
        count: int = result.unwrap()
        return count

    def list(self, *, subject: str, tenant: str | None = None) -> tuple[ConsentRecord, ...]:
        """Every record of a subject, oldest first. Raises StateError when the chain does not hold."""
        work = partial(self._records.list, subject=subject, tenant=self._tenant_of(tenant))
        result = crossed(work)
        del subject, work
        records: tuple[ConsentRecord, ...] = result.unwrap()
        return records

    def export(
        self, subject: str, *, tenant: str | None = None, controller: Controller | None = None
    ) -> dict[str, Any]:
        """A signed receipt of a subject's consents, as JSON by the names of ISO/IEC TS 27560.

        Args:
            controller: who is answerable; what nobody declared reads "not stated", and is listed as such.
        """
        work = partial(
            consent_receipt,
            self._records,
            subject=subject,
            tenant=self._tenant_of(tenant),
            now=self._clock.time(),
            purposes=self._policy.purposes,
            controller=controller,
        )
        result = crossed(work)
        del subject, work
        receipt: dict[str, Any] = result.unwrap()
        return receipt

    def verify(self, receipt: Mapping[str, Any]) -> bool:
        """Whether a receipt, for consents or for an erasure, was signed with this state's key and not changed since."""
        return receipt_holds(self._records, receipt)

    def sweep(self, *, retention_days: Mapping[str, int] | None = None) -> Swept:
        """Remove uses older than their purpose allows, and end consents whose time is over.

        Nothing calls it by itself: run it once a day (`psf consent sweep`). Returns what it removed.

        Args:
            retention_days: by purpose; beside `retention_days` of the policy's purposes, and before them.
        """
        days = {**self._retention(), **(retention_days or {})}
        result = crossed(partial(self._records.sweep, days, now=self._clock.time()))
        swept: Swept = result.unwrap()
        return swept

    def _retention(self) -> dict[str, int]:
        declared = {name: purpose.retention_days for name, purpose in self._policy.purposes.items()}
        return {name: days for name, days in declared.items() if days is not None}

    def _tenant_of(self, tenant: str | None) -> str:
        return self._tenant if tenant is None else tenant


class AsyncConsents:
    """Who agreed to what, with `await` in front."""

    def __init__(self, records: ConsentChains, clock: Clock, *, policy: Policy, tenant: str = "default") -> None:
        self._consents = Consents(records, clock, policy=policy, tenant=tenant)
        self._blocking = records.blocking

    @classmethod
    def of(cls, core: Core, tenant: str | None) -> AsyncConsents:
        """The consents of one client."""
        return cls(core.state.consents, core.clock, policy=core.policy, tenant=tenant or "default")

    async def grant(
        self,
        *,
        subject: str,
        purpose: str,
        recipients: Sequence[str],
        tenant: str | None = None,
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
        """Keep a consent; see `Consents.grant`."""
        work = partial(
            self._consents.grant,
            subject=subject,
            purpose=purpose,
            recipients=recipients,
            tenant=tenant,
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
            renews=renews,
        )
        result = await crossed_apart(work, blocking=self._blocking)
        del subject, by, on_behalf_of, work
        record: ConsentRecord = result.unwrap()
        return record

    async def refuse(
        self, *, subject: str, purpose: str, tenant: str | None = None, by: str | None = None
    ) -> ConsentRecord:
        """Keep a no."""
        work = partial(self._consents.refuse, subject=subject, purpose=purpose, tenant=tenant, by=by)
        result = await crossed_apart(work, blocking=self._blocking)
        del subject, by, work
        record: ConsentRecord = result.unwrap()
        return record

    async def withdraw(
        self,
        consent: str | None = None,
        *,
        subject: str,
        purpose: str | None = None,
        tenant: str | None = None,
        by: str | None = None,
    ) -> int:
        """End consents; returns how many."""
        work = partial(self._consents.withdraw, consent, subject=subject, purpose=purpose, tenant=tenant, by=by)
        result = await crossed_apart(work, blocking=self._blocking)
        del subject, by, work
        count: int = result.unwrap()
        return count

    async def list(self, *, subject: str, tenant: str | None = None) -> tuple[ConsentRecord, ...]:
        """Every record of a subject."""
        work = partial(self._consents.list, subject=subject, tenant=tenant)
        result = await crossed_apart(work, blocking=self._blocking)
        del subject, work
        records: tuple[ConsentRecord, ...] = result.unwrap()
        return records

    async def export(
        self, subject: str, *, tenant: str | None = None, controller: Controller | None = None
    ) -> dict[str, Any]:
        """A signed receipt of a subject's consents."""
        work = partial(self._consents.export, subject, tenant=tenant, controller=controller)
        result = await crossed_apart(work, blocking=self._blocking)
        del subject, work
        receipt: dict[str, Any] = result.unwrap()
        return receipt

    async def verify(self, receipt: Mapping[str, Any]) -> bool:
        """Whether a receipt was signed with this state's key and not changed since."""
        return self._consents.verify(receipt)

    async def sweep(self, *, retention_days: Mapping[str, int] | None = None) -> Swept:
        """Remove what is older than its purpose allows."""
        work = partial(self._consents.sweep, retention_days=retention_days)
        result = await crossed_apart(work, blocking=self._blocking)
        swept: Swept = result.unwrap()
        return swept
