"""Consent: no call without a purpose and a lawful basis, and no recipient that the subject did not agree to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from psf_runtime.errors import ConfigError, ConsentDenied
from psf_runtime.flow.effects import Flow, call, now
from psf_runtime.flow.protocols import GuardBase, Session
from psf_runtime.ports import Consents, Eligibility, TargetFacts
from psf_runtime.types.context import Context
from psf_runtime.types.domain import Domain
from psf_runtime.types.request import Request
from psf_runtime.types.rules import Mode, Purpose
from psf_runtime.types.verdict import Finding, Verdict

_CONTROL = "privacy.consent"
_RESIDENCY = "privacy.residency"


class Consent(GuardBase):
    """Lets a call begin only for a declared purpose with a lawful basis, and with a valid consent where that is it.

    Framework domain 01; the lawful bases are those of GDPR article 6(1). `eligible` is the same question for one
    recipient: the route asks it for each target, and again right before the bytes leave. Still to come: consent records
    with notice, language and chain of events (ISO/IEC TS 27560).

    Args:
        purposes: what the application declares, by name.
        consents: answers for purposes whose basis is consent.
        clock: the time in seconds since the epoch, for `eligible`, which is asked outside of any flow.
        mode: `observe` records `no purpose` and `no lawful basis` and goes on.
        residency: the mode of `privacy.residency`, the jurisdictions of a purpose.
    """

    name = _CONTROL
    domain = Domain.PRIVACY
    outside_of = ("privacy.tokens",)

    def __init__(
        self,
        *,
        purposes: Mapping[str, Purpose],
        consents: Consents,
        clock: Callable[[], float],
        mode: Mode = "enforce",
        residency: Mode = "enforce",
    ) -> None:
        self.purposes = dict(purposes)
        self.consents = consents
        self.clock = clock
        self.mode: Mode = mode
        self.residency: Mode = residency

    @property
    def session(self) -> type[Session]:  # type: ignore[override]
        """The class of what `open` returns."""
        return ConsentSession

    def open(self, context: Context) -> ConsentSession:
        """A session for one attempt."""
        return ConsentSession(self, context)

    def purpose_of(self, name: str | None) -> Purpose | None:
        """The declared purpose. Raises ConfigError for a name that is not among the declared ones."""
        if name is None:
            return None
        purpose = self.purposes.get(name)
        if purpose is None and self.purposes:
            raise ConfigError(
                f"purpose {name!r} is not declared",
                control=_CONTROL,
                why=f"declared are: {', '.join(sorted(self.purposes))}",
                change=f"add [purposes.{name}] with an owner and a lawful_basis, or correct the name",
            )
        return purpose

    def eligible(self, context: Context, request: Request, target: TargetFacts) -> Iterator[Eligibility]:
        """Why this target may not take this call: no consent for it, or a place where the purpose may not go.

        Observing controls leave a finding and no reason. A target of unknown jurisdiction is in none.
        """
        purpose = self.purpose_of(request.facts.purpose)
        if purpose is None:
            return
        if purpose.jurisdictions and not _within(target, purpose):
            yield from self._refuse(context, self.residency, _outside(target, purpose), target.name)
        if purpose.lawful_basis == "consent":
            reason = self._consent_for(request, target)
            if reason is not None:
                yield from self._refuse(context, self.mode, Eligibility(_CONTROL, reason), target.name)

    def _consent_for(self, request: Request, target: TargetFacts) -> str | None:
        """None when a record covers the target by its own name or its provider's; else why not."""
        moment, place = self.clock(), target.jurisdiction or ""
        reason = self.consents.check(request.facts, target.name, place, moment)
        if reason is not None and target.provider and target.provider != target.name:
            reason = self.consents.check(request.facts, target.provider, place, moment)
        return reason

    @staticmethod
    def _refuse(context: Context, mode: Mode, reason: Eligibility, where: str) -> Iterator[Eligibility]:
        if mode == "enforce":
            yield reason
            return
        finding = Finding(reason.control, "not eligible", where, observed=True)
        if finding not in context.findings:
            context.findings.append(finding)


class ConsentSession(Session):
    """One attempt: asks once, before anything else is done with the request."""

    def __init__(self, guard: Consent, context: Context) -> None:
        self._guard = guard
        self._context = context

    def on_request(self, request: Request) -> Flow[Request | Verdict]:
        """The request, when it may go on. Raises ConsentDenied, or ConfigError for an undeclared purpose."""
        guard, facts = self._guard, request.facts
        purpose = guard.purpose_of(facts.purpose)
        if purpose is None:
            self._missing("no purpose", facts.purpose)
        elif purpose.lawful_basis is None:
            self._missing("no lawful basis", facts.purpose)
        elif purpose.lawful_basis == "consent":
            moment = yield from now()
            reason = yield from call(guard.consents.check, facts, "", "", moment)
            if reason is not None:
                self._refuse("no consent", facts.purpose, f"the purpose rests on consent; {reason}", _GRANT)
        return request

    def _missing(self, kind: str, purpose: str | None) -> None:
        if kind == "no purpose":
            why = "the call names no purpose" if purpose is None else "the policy declares no purposes"
            change = "purpose='...' on the call, and [purposes.NAME] with a lawful_basis in the policy"
        else:
            why = "the purpose declares none"
            change = f"lawful_basis = 'contract' (or another) under [purposes.{purpose}]"
        self._refuse(kind, purpose, why, change)

    def _refuse(self, kind: str, purpose: str | None, why: str, change: str) -> None:
        finding = Finding(_CONTROL, kind, observed=self._guard.mode == "observe")
        if finding not in self._context.findings:
            self._context.findings.append(finding)
        if not finding.observed:
            what = f"nothing was sent: {kind}" + (
                f" for purpose {purpose!r}." if purpose and kind != "no purpose" else "."
            )
            raise ConsentDenied(what, control=_CONTROL, why=why, change=change, findings=(finding,))


_GRANT = "client.consents.grant(subject=..., purpose=..., recipients=[...]), or another lawful basis"


def _within(target: TargetFacts, purpose: Purpose) -> bool:
    return target.jurisdiction is not None and target.jurisdiction in purpose.jurisdictions


def _outside(target: TargetFacts, purpose: Purpose) -> Eligibility:
    where = "is in an unknown place" if target.jurisdiction is None else f"is in {target.jurisdiction}"
    return Eligibility(_RESIDENCY, f"the target {where}; the purpose allows {', '.join(purpose.jurisdictions)}")
