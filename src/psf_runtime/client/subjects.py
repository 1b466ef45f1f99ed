"""`client.subjects`: what is kept about a person, erasing it, and holding it still, through code."""

from __future__ import annotations

from functools import partial

from psf_runtime.client.apart import crossed_apart
from psf_runtime.client.border import crossed
from psf_runtime.client.core import Core
from psf_runtime.client.receipts import SubjectExport
from psf_runtime.client.subject_rights import Rights
from psf_runtime.ports import Clock
from psf_runtime.types.consent_erasure import ErasureReceipt
from psf_runtime.types.consent_receipt import Controller


class Subjects:
    """The rights of data subjects (GDPR articles 15, 17 and 18), over every store of this client.

    Args:
        tenant: whose subjects are meant where a method is given no tenant.
    """

    def __init__(self, rights: Rights, clock: Clock, *, tenant: str = "default") -> None:
        self._rights = rights
        self._clock = clock
        self._tenant = tenant

    @classmethod
    def of(cls, core: Core, tenant: str | None) -> Subjects:
        """The subjects of one client."""
        return cls(_rights_of(core), core.clock, tenant=tenant or "default")

    def export(self, subject: str, *, tenant: str | None = None, controller: Controller | None = None) -> SubjectExport:
        """Everything that is kept about a subject: consents, uses, values, tickets. It holds personal data."""
        work = partial(
            self._rights.export,
            subject,
            tenant=tenant or self._tenant,
            now=self._clock.time(),
            controller=controller,
        )
        result = crossed(work)
        del subject, work
        export: SubjectExport = result.unwrap()
        return export

    def erase(self, subject: str, *, tenant: str | None = None) -> ErasureReceipt:
        """Erase a subject: values, remembered spans, and every way from their name to their consent chain.

        Conversations in which calls named the subject are forgotten whole, with what was said of others there. The
        chain and the decision log stay, and verify: they hold keyed digests. Those of the chain cannot be worked out
        again from the subject's name; those of the log can, by whoever holds the state's key. Safe to repeat; a subject
        that is not known is no error.

        Returns:
            A signed receipt: what was erased, what is kept, what cannot be reached, and until when backups are
            readable.

        Raises:
            StateError: a store failed; call again to erase the rest.
        """
        work = partial(self._rights.erase, subject, tenant=tenant or self._tenant, now=self._clock.time())
        result = crossed(work)
        del subject, work
        receipt: ErasureReceipt = result.unwrap()
        return receipt

    def restrict(self, subject: str, *, tenant: str | None = None, lifted: bool = False) -> bool:
        """Stop every new call that names this subject, on any lawful basis; `lifted=True` lets them run again.

        Effective before the next attempt of calls under way. Such a call is ConsentDenied. Returns whether anything
        changed.
        """
        now = self._clock.time()
        work = partial(self._rights.restrict, subject, tenant=tenant or self._tenant, now=now, lifted=lifted)
        result = crossed(work)
        del subject, work
        changed: bool = result.unwrap()
        return changed


class AsyncSubjects:
    """The rights of data subjects, with `await` in front."""

    def __init__(self, rights: Rights, clock: Clock, *, blocking: bool, tenant: str = "default") -> None:
        self._subjects = Subjects(rights, clock, tenant=tenant)
        self._blocking = blocking

    @classmethod
    def of(cls, core: Core, tenant: str | None) -> AsyncSubjects:
        """The subjects of one client."""
        blocking = core.state.consents.blocking or core.state.vault.blocking
        return cls(_rights_of(core), core.clock, blocking=blocking, tenant=tenant or "default")

    async def export(
        self, subject: str, *, tenant: str | None = None, controller: Controller | None = None
    ) -> SubjectExport:
        """Everything that is kept about a subject."""
        work = partial(self._subjects.export, subject, tenant=tenant, controller=controller)
        result = await crossed_apart(work, blocking=self._blocking)
        del subject, work
        export: SubjectExport = result.unwrap()
        return export

    async def erase(self, subject: str, *, tenant: str | None = None) -> ErasureReceipt:
        """Erase a subject; see `Subjects.erase`."""
        work = partial(self._subjects.erase, subject, tenant=tenant)
        result = await crossed_apart(work, blocking=self._blocking)
        del subject, work
        receipt: ErasureReceipt = result.unwrap()
        return receipt

    async def restrict(self, subject: str, *, tenant: str | None = None, lifted: bool = False) -> bool:
        """Stop every new call that names this subject, or let them run again."""
        work = partial(self._subjects.restrict, subject, tenant=tenant, lifted=lifted)
        result = await crossed_apart(work, blocking=self._blocking)
        del subject, work
        changed: bool = result.unwrap()
        return changed


def _rights_of(core: Core) -> Rights:
    return Rights(core.state, targets=core.targets.facts, purposes=core.policy.purposes)
