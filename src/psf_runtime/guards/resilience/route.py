"""Which target answers: in order, each only if it may, the next one when one fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from psf_runtime.errors import Blocked, BudgetExceeded, ConfigError, ProviderError, PsfError
from psf_runtime.flow.effects import Flow, monotonic
from psf_runtime.flow.outcomes import Stopped
from psf_runtime.flow.protocols import NONE, Attempt, StrategyBase
from psf_runtime.guards.resilience.error_actions import action_for
from psf_runtime.guards.resilience.exhausted import Failure, exhausted, not_tried
from psf_runtime.guards.resilience.profile import Profile, profile_gap
from psf_runtime.guards.resilience.refusal import ask_eligible, refusal, refused_target
from psf_runtime.guards.resilience.timing import milliseconds, moment
from psf_runtime.ports import Eligibility, Eligible, TargetFacts
from psf_runtime.types.context import AttemptOutcome, Context
from psf_runtime.types.domain import Domain
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response
from psf_runtime.types.verdict import Finding, Reroute


class Route(StrategyBase):
    """Asks the first target that may take the call, and the next one when it fails before anything was delivered.

    Every target is judged right before it would be asked: by each of `eligible` (consent, residency, fitness,
    capability) and by how strictly the request was prepared. A target that may not take the call is passed over, and
    the decision says why. What the error allows is the table in `error_actions`: a request that the provider calls
    bad, or that its filter declined, is never shown to another model; one that is too long goes only to a target with
    a window known to be larger. A refusal by the model (`ModelRefused`) never moves on. An embed call moves on only
    to another host of the same model.

    Args:
        targets: in the order in which they are asked. `request.model` may name another first one.
        eligible: asked for each target; no reason means yes.
        required_profile: per target and entity, the action that the target requires (`{"openai": {"EMAIL": "token"}}`).
            Once given, a target that it does not name is not eligible. None: nothing is checked.
        plans: per purpose, the names of the targets that may serve it, in order.
        default: names for calls whose purpose has no plan; None is all targets.
        models: per target, the model's name as it goes to the provider; a target that is missing has its own name.

    Raises:
        ProviderError: the error itself, when there is one target only, or no other may be asked after it.
        RoutesExhausted: every target failed or was not eligible, one error each.
        NotEligible, ConsentDenied: no target may take the call; nothing was sent.
        ConfigError: the call names a target that does not exist.

    Still to come: health and cost in the order, hedged requests, a restart of a stream on another target.
    Source: PSF domains 03 and 07.
    """

    name = "resilience.route"
    domain = Domain.RESILIENCE
    hold = NONE
    inside_of = ("privacy.tokens", "contracts.output", "observability.record", "resilience.halt")
    outside_of = ("resilience.budget", "resilience.attempt", "portability.pin")

    def __init__(
        self,
        *,
        targets: Sequence[TargetFacts],
        eligible: Sequence[Eligible] = (),
        required_profile: Mapping[str, Profile] | None = None,
        plans: Mapping[str, Sequence[str]] | None = None,
        default: Sequence[str] | None = None,
        models: Mapping[str, str] | None = None,
    ) -> None:
        self._targets = {target.name: target for target in targets}
        self._eligible = tuple(eligible)
        self._required = required_profile
        self._plans = {purpose: tuple(names) for purpose, names in (plans or {}).items() if names}
        self._default = tuple(self._targets if default is None else default)
        self._models = dict(models or {})
        named = [*self._default, *(name for names in self._plans.values() for name in names)]
        unknown = [name for name in named if name not in self._targets]
        if not targets or len(self._targets) < len(targets) or unknown:
            raise ConfigError(
                "a route needs targets, each under a name of its own, and plans only name those",
                control=self.name,
                why=f"no such target: {', '.join(unknown)}" if unknown else "",
                change="name at least one target, and none twice",
            )

    def run(self, context: Context, request: Request, attempt: Attempt) -> Flow[Response]:
        """Ask one target after the other until one has answered."""
        plan = self._plan(context, request)
        errors: list[tuple[str, PsfError]] = []
        refusals: list[tuple[str, Eligibility]] = []
        too_small: TargetFacts | None = None
        for position, target in enumerate(plan):
            reasons = yield from self._reasons(context, request, target, too_small)
            reasons += self._other_vectors(request, plan[0], target)
            if reasons:
                refusals.extend((target.name, reason) for reason in reasons)
                errors.append((target.name, self._pass_over(context, target, reasons)))
                continue
            if position and context.attempts_left <= 0:
                errors.append((target.name, not_tried(target.name)))
                continue
            if position:
                context.degraded = True
            result = yield from self._ask(context, request, target, attempt, alone=len(plan) == 1)
            if isinstance(result, Response):
                return result
            if isinstance(result, ProviderError) and action_for(result.kind).fallback == "larger_window":
                too_small = target
            if refused_target(result):
                refusals.append((target.name, Eligibility(result.control, result.why)))
            errors.append((target.name, result))
        raise _ending(errors, refusals)

    def _plan(self, context: Context, request: Request) -> list[TargetFacts]:
        """The targets in the order in which this call asks them."""
        names = list(self._plans.get(context.facts.purpose or "", self._default))
        first = request.model
        if first and first not in self._targets:
            raise ConfigError(
                "nothing was sent: the call names a target that does not exist",
                control=self.name,
                change=f"one of: {', '.join(self._targets)}",
            )
        if first:
            names = [first, *(name for name in names if name != first)]
        return [self._targets[name] for name in names]

    def _reasons(
        self, context: Context, request: Request, target: TargetFacts, too_small: TargetFacts | None
    ) -> Flow[list[Eligibility]]:
        """Why the target may not take the call."""
        reasons: list[Eligibility] = []
        plan = self._plans.get(context.facts.purpose or "")
        if plan is not None and target.name not in plan:
            reasons.append(Eligibility(self.name, "the purpose does not name this target"))
        if self._required is not None:
            gap = profile_gap(self._required.get(target.name), request.stamp)
            if gap is not None:
                reasons.append(gap)
        if too_small is not None and not _larger(target, too_small):
            reasons.append(
                Eligibility(self.name, f"its window is not known to be larger than that of {too_small.name}")
            )
        asked = _for(request, target)
        reasons.extend((yield from ask_eligible(self._eligible, context, asked, target)))
        return reasons

    def _other_vectors(self, request: Request, first: TargetFacts, target: TargetFacts) -> list[Eligibility]:
        """Why a target may not take the place of the first in an embed call: another model's vectors mean nothing."""
        if request.operation == "chat" or target.name == first.name:
            return []
        if self._models.get(first.name, first.name) == self._models.get(target.name, target.name):
            return []
        why = f"it is another model than {first.name}, and vectors of two models cannot be compared"
        return [Eligibility(self.name, why)]

    def _pass_over(self, context: Context, target: TargetFacts, reasons: Sequence[Eligibility]) -> Blocked:
        """Record that a target may not take the call; returns the error that says so."""
        error = refusal([(target.name, reason) for reason in reasons], target=target.name)
        context.route.append(AttemptOutcome(target.name, type(error).__name__, 0))
        context.findings.extend(Finding(reason.control, "target.not_eligible", target.name) for reason in reasons)
        return error

    def _ask(
        self, context: Context, request: Request, target: TargetFacts, attempt: Attempt, *, alone: bool
    ) -> Flow[Response | PsfError]:
        """The answer, or an error after which another target may be asked. Any other error is raised."""
        recorded = len(context.route)
        started = yield from monotonic()
        try:
            response = yield from attempt(_for(request, target))
        except PsfError as error:
            yield from _record(context, recorded, target, error, started)
            if alone or attempt.committed or not _may_move_on(error, target):
                raise
            failure = error
        else:
            yield from _record(context, recorded, target, None, started)
            return response
        return failure


def _for(request: Request, target: TargetFacts) -> Request:
    return request if request.model == target.name else request.replace(model=target.name)


def _record(context: Context, recorded: int, target: TargetFacts, error: PsfError | None, started: float) -> Flow[None]:
    """Add the attempt to the route, unless a layer inside has done so."""
    if len(context.route) > recorded:
        return
    ended = yield from moment(context.deadline or started)
    status = error.status if isinstance(error, ProviderError) else None
    outcome = "ok" if error is None else type(error).__name__
    context.route.append(AttemptOutcome(target.name, outcome, milliseconds(started, ended), status))


def _ending(errors: Sequence[Failure], refusals: Sequence[tuple[str, Eligibility]]) -> PsfError:
    """The one error of a call that no target answered."""
    if any(isinstance(error, ProviderError) for _, error in errors):
        return exhausted(errors)
    stopped = [error for _, error in errors if isinstance(error, Stopped | BudgetExceeded)]
    return stopped[-1] if stopped else refusal(refusals)


def _may_move_on(error: PsfError, target: TargetFacts) -> bool:
    if isinstance(error, ProviderError):
        return action_for(error.kind).fallback != "no"
    if isinstance(error, Stopped):
        return isinstance(error.verdict, Reroute)
    return refused_target(error) == target.name


def _larger(target: TargetFacts, than: TargetFacts) -> bool:
    if target.context_tokens is None or than.context_tokens is None:
        return False
    return target.context_tokens > than.context_tokens
