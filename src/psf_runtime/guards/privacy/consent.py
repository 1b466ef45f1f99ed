"""Consent: no call without a purpose and a lawful basis, and no recipient that the subject did not agree to."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from psf_runtime.errors import ConfigError, ConsentDenied
from psf_runtime.flow.effects import Flow, call, call_once
from psf_runtime.flow.protocols import GuardBase, Session
from psf_runtime.guards.privacy.consent_chain import Chains, question_for, use_for
from psf_runtime.guards.privacy.residency import outside
from psf_runtime.ports import Eligibility, TargetFacts
from psf_runtime.types.consent import ConsentAnswer
from psf_runtime.types.context import Context
from psf_runtime.types.domain import Domain
from psf_runtime.types.request import Request
from psf_runtime.types.rules import Mode, Purpose
from psf_runtime.types.verdict import Finding, Verdict

_CONTROL = "privacy.consent"
_ASKED = "privacy.consent.asked"  # in context.shared: which targets this call has asked about, and what was written
_INTENT = "accountability.intent"  # in context.shared, once the call is on record; a preview never is
_NO_SUBJECT = "the call names no subject"


class Consent(GuardBase):
    """Lets a call begin only for a declared purpose with a lawful basis, and with a valid consent where that is it.

    `eligible` is the same question for one recipient, with the categories that the detectors found: the route asks it
    for each target, and again right before the bytes leave. What a call then does with a subject's data is written
    into the subject's chain: one link per recipient that is really asked, or refused. A subject whose data is
    restricted is refused on any basis and in any mode, and a chain that does not hold is a StateError in any mode.

    Framework domain 01; the lawful bases are those of GDPR article 6(1), consent records those of ISO/IEC TS 27560.

    Args:
        purposes: what the application declares, by name.
        consents: the chains of subjects.
        clock: the time in seconds since the epoch. It is read anew when a call goes on after a person has decided:
            a consent may have run out meanwhile.
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
        consents: Chains,
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

    def eligible(self, context: Context, request: Request, target: TargetFacts) -> Flow[list[Eligibility]]:
        """Why this target may not take this call: no consent for it, or a place where the purpose may not go.

        Observing controls leave a finding and no reason. A target of unknown jurisdiction is in none.
        """
        purpose = self.purpose_of(request.facts.purpose)
        reasons: list[Eligibility] = []
        noticed: list[str] = []
        elsewhere = outside(target, purpose)
        if elsewhere is not None:
            self._refuse(context, self.residency, elsewhere, target.name, reasons, noticed)
        answer = yield from self.ask(context, request, purpose, target)
        if answer.reason is not None:
            mode: Mode = "enforce" if answer.restricted else self.mode
            self._refuse(context, mode, Eligibility(_CONTROL, answer.reason), target.name, reasons, noticed)
        if request.facts.subject is not None and _is_due(context, target, blocked=bool(reasons)):
            yield from self.write(context, request, target, answer, why="; ".join(noticed), blocked=bool(reasons))
        return reasons

    def ask(
        self, context: Context, request: Request, purpose: Purpose | None, target: TargetFacts | None
    ) -> Flow[ConsentAnswer]:
        """What the subject's chain says; without a target, about any recipient."""
        facts = request.facts
        rests_on_consent = purpose is not None and purpose.lawful_basis == "consent"
        if facts.subject is None:
            return ConsentAnswer(_NO_SUBJECT if rests_on_consent else None)
        question = None
        if rests_on_consent:
            moment = yield from call(self.clock)
            question = question_for(context, request, target, moment)
        return (yield from call(self.consents.ask, facts.tenant, facts.subject, question))

    def write(
        self,
        context: Context,
        request: Request,
        target: TargetFacts | None,
        answer: ConsentAnswer,
        *,
        why: str,
        blocked: bool,
    ) -> Flow[None]:
        """Write a use link. Raises StateError when it cannot be kept: then nothing is sent."""
        facts = request.facts
        use = use_for(context, request, target, answer, why=why, blocked=blocked)
        conversation = str(context.shared.get("privacy.conversation", ""))
        moment = yield from call(self.clock)
        # A call that goes on after a person decided sends nothing again, so a use is written once; a refusal that is
        # new by then is written then.
        keep = call if blocked else call_once
        yield from keep(self.consents.record_use, facts.tenant, facts.subject, use, conversation, moment)

    @staticmethod
    def _refuse(
        context: Context,
        mode: Mode,
        reason: Eligibility,
        where: str,
        reasons: list[Eligibility],
        noticed: list[str],
    ) -> None:
        noticed.append(reason.why)
        if mode == "enforce":
            reasons.append(reason)
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
        answer = yield from guard.ask(self._context, request, purpose, None)
        refused = None
        if answer.restricted:
            refused = self._refuse("restricted", facts.purpose, _RESTRICTED, _LIFT, firm=True)
        elif purpose is None:
            refused = self._missing("no purpose", facts.purpose)
        elif purpose.lawful_basis is None:
            refused = self._missing("no lawful basis", facts.purpose)
        elif purpose.lawful_basis == "consent" and answer.reason is not None:
            who = f"subject {answer.subject}: " if answer.subject else ""
            why = f"the purpose rests on consent; {who}{answer.reason}"
            refused = self._refuse("no consent", facts.purpose, why, _grant(facts.purpose))
        if refused is not None:
            if facts.subject is not None and _INTENT in self._context.shared:
                yield from guard.write(self._context, request, None, answer, why=refused.why, blocked=True)
            raise refused
        return request

    def _missing(self, kind: str, purpose: str | None) -> ConsentDenied | None:
        if kind == "no purpose":
            why = "the call names no purpose" if purpose is None else "the policy declares no purposes"
            change = "purpose='...' on the call, and [purposes.NAME] with a lawful_basis in the policy"
        else:
            why = "the purpose declares none"
            change = f"lawful_basis = 'contract' (or another) under [purposes.{purpose}]"
        return self._refuse(kind, purpose, why, change)

    def _refuse(
        self, kind: str, purpose: str | None, why: str, change: str, *, firm: bool = False
    ) -> ConsentDenied | None:
        """The error, or None when the control only observes; `firm`: it never only observes."""
        observed = self._guard.mode == "observe" and not firm
        finding = Finding(_CONTROL, kind, observed=observed)
        if finding not in self._context.findings:
            self._context.findings.append(finding)
        if observed:
            return None
        named = f" for purpose {purpose!r}" if purpose and kind in ("no lawful basis", "no consent") else ""
        what = _RESTRICTED_WHAT if kind == "restricted" else f"nothing was sent: {kind}{named}."
        return ConsentDenied(what, control=_CONTROL, why=why, change=change, findings=(finding,))


_RESTRICTED_WHAT = "nothing was sent: this subject's data may not be processed at present."
_RESTRICTED = "processing was restricted for this subject"
_LIFT = "client.subjects.restrict(subject, lifted=True), once the restriction is over"


def _grant(purpose: str | None) -> str:
    return f"client.consents.grant(subject=..., purpose={purpose!r}, recipients=[...]), or another lawful basis"


def _is_due(context: Context, target: TargetFacts, *, blocked: bool) -> bool:
    """Whether a use link has to be written now: one for each send, and one for each refusal of a target.

    The route asks first, about every target that it thinks of. Whoever sends asks again, right before the bytes leave:
    a question about a target that was asked about before is that one. A send uses up one of the call's attempts.
    """
    asked = context.shared.setdefault(_ASKED, {})
    before: set[object] | None = asked.get(target.name)
    mark: object = "blocked" if blocked else context.attempts_left
    if before is None:
        asked[target.name] = {"blocked"} if blocked else set()
        return blocked
    if mark in before:
        return False
    before.add(mark)
    return True
