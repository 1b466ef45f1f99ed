"""Asking one target: late checks, breaker, retries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from psf_runtime.errors import ConfigError, ProviderError
from psf_runtime.flow.effects import Flow, call, call_once, monotonic, random_fraction, sleep
from psf_runtime.flow.protocols import NONE, Attempt, StrategyBase
from psf_runtime.guards.resilience import breaker
from psf_runtime.guards.resilience.breaker import CLOSED, BreakerRules, BreakerState
from psf_runtime.guards.resilience.error_actions import action_for
from psf_runtime.guards.resilience.halt import CONTROL as HALT
from psf_runtime.guards.resilience.halt import halted
from psf_runtime.guards.resilience.refusal import ask_eligible, refusal
from psf_runtime.guards.resilience.timing import milliseconds, moment
from psf_runtime.guards.resilience.waits import Waits, may_retry, wait_before
from psf_runtime.ports import Cells, Eligibility, Eligible, HaltSwitch, TargetFacts
from psf_runtime.types.context import AttemptOutcome, Context
from psf_runtime.types.domain import Domain
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response

DEFAULT_RULES = BreakerRules()


class Retry(StrategyBase):
    """Sends a request to the target that `request.model` names, and again when that is safe and may help.

    Right before every send, after the last wait: the kill switch, and every late check (consent, residency, fitness)
    for this very recipient. An error is tried again only when the provider's answer says that this is safe
    (`retry_safe`), nothing was delivered yet, and waiting (full jitter, or the provider's `retry_after`) does not
    reach the deadline. Each send is one `AttemptOutcome` of the call's route. How often a call may be sent in all,
    whatever loops above (5), is counted by the engine: when nothing is left, the last error stands.

    A target that fails for several callers is left alone for a while (see `breaker`), if there is another one: the
    only target is never shut out. Callers are told apart by tenant and user, and where no user is declared by their
    requests.

    Args:
        targets: facts of every target that may be asked; one that is not listed is judged by the strictest.
        retries, base, cap: see `Waits`.
        late_checks: asked for the target right before it is opened.
        switch: the kill switch; None when there is none.
        cells: where the breakers keep their state; None for no breakers.

    Raises:
        ProviderError: the last one, when the target did not answer.
        Halted, ConsentDenied, NotEligible: a late check said no; nothing was sent.

    Still to come: limits of concurrency and rate, budgets of retries over all calls, slow calls in the breaker.
    Source: PSF domain 07; the numbers are those of the OpenAI and Anthropic SDKs.
    """

    name = "resilience.attempt"
    domain = Domain.RESILIENCE
    hold = NONE
    inside_of = ("privacy.tokens", "observability.record", "resilience.route")

    def __init__(
        self,
        *,
        targets: Sequence[TargetFacts],
        retries: int = 2,
        base: float = 0.5,
        cap: float = 8.0,
        late_checks: Sequence[Eligible] = (),
        switch: HaltSwitch | None = None,
        cells: Cells | None = None,
        rules: BreakerRules = DEFAULT_RULES,
    ) -> None:
        if retries < 0 or base < 0 or cap < base:
            raise ConfigError(
                "retries and waits must not be negative, and the longest wait not shorter than the first",
                control="resilience.limits",
                change="retries >= 0 and 0 <= base <= cap",
            )
        self._targets = {target.name: target for target in targets}
        self._waits = Waits(retries, base, cap)
        self._late_checks = tuple(late_checks)
        self._switch = switch
        self._cells = cells if len(self._targets) > 1 else None
        self._rules = rules

    def run(self, context: Context, request: Request, attempt: Attempt) -> Flow[Response]:
        """Ask until there is an answer, or no sense in asking again."""
        target = self._targets.get(request.model) or TargetFacts(request.model, request.model.partition(":")[0])
        failures = 0
        while True:
            yield from self._check(context, request, target)
            if self._cells is not None:
                yield from self._admit(target, self._cells)
            result = yield from self._send(context, request, target, attempt)
            if isinstance(result, Response):
                return result
            failures += 1
            wait = yield from self._wait(context, result, failures, attempt)
            if wait is None:
                try:
                    raise result
                finally:
                    del result  # its traceback holds this frame: a circle that only the garbage collector could free
            yield from sleep(wait)

    def _check(self, context: Context, request: Request, target: TargetFacts) -> Flow[None]:
        """Everything that may have changed since the call began."""
        reasons = yield from ask_eligible(self._late_checks, context, request, target)
        if self._switch is not None:  # last, because the others may have taken time
            everywhere = self._switch.reason(context.facts, None)
            if everywhere is not None:
                raise halted(everywhere)
            here = self._switch.reason(context.facts, target.name)
            if here is not None:
                reasons.append(Eligibility(HALT, here))
        if reasons:
            raise refusal([(target.name, reason) for reason in reasons], target=target.name)

    def _send(
        self, context: Context, request: Request, target: TargetFacts, attempt: Attempt
    ) -> Flow[Response | ProviderError]:
        """One send, recorded: the answer, or the provider's error. Anything else is raised."""
        started = yield from monotonic()
        try:
            response = yield from attempt(request)
        except ProviderError as error:
            failure = error
        except Exception as error:
            ended = yield from moment(context.deadline or started)
            _record(context, target, type(error).__name__, started, ended, None)
            yield from self._change(target, breaker.let_go)
            raise
        else:
            ended = yield from monotonic()
            _record(context, target, "ok", started, ended, None)
            if self._cells is not None:
                yield from self._change(target, partial(breaker.succeeded, rules=self._rules, now=ended))
            return response
        ended = yield from moment(context.deadline or started)
        _record(context, target, type(failure).__name__, started, ended, failure.status)
        yield from self._blame(context, request, target, failure, ended)
        try:
            return failure
        finally:
            del failure  # its traceback holds this frame

    def _blame(
        self, context: Context, request: Request, target: TargetFacts, error: ProviderError, ended: float
    ) -> Flow[None]:
        """Tell the breaker whose fault a failed send was."""
        match action_for(error.kind).breaker:
            case "count":
                who, which = _caller(context, request)
                change = partial(breaker.failed, rules=self._rules, now=ended, caller=who, request=which)
                yield from self._change(target, change)
            case "cool" if error.retry_after is not None:
                until = ended + min(error.retry_after, self._waits.longest)
                yield from self._change(target, partial(breaker.cooled, until=until))
            case _:
                yield from self._change(target, breaker.let_go)

    def _wait(self, context: Context, error: ProviderError, failures: int, attempt: Attempt) -> Flow[float | None]:
        """Seconds until the next try; None when there will be none."""
        if attempt.committed or context.attempts_left <= 0 or not may_retry(self._waits, error, failures):
            return None
        fraction = yield from random_fraction()
        wait = wait_before(self._waits, error, failures, fraction)
        if wait is not None and context.deadline is not None:
            now = yield from monotonic()
            if now + wait >= context.deadline:
                return None
        return wait

    def _admit(self, target: TargetFacts, cells: Cells) -> Flow[None]:
        """Raise when the target's breaker is open."""
        now = yield from monotonic()

        def admit(state: BreakerState | None) -> tuple[BreakerState, float]:
            return breaker.admit(state or CLOSED, self._rules, now)

        wait = yield from call_once(cells.update, _key(target), admit)
        if wait > 0:
            raise ProviderError(
                f"target '{target.name}' was not asked: it failed too often, or asked for a pause",
                kind="overloaded",
                target=target.name,
                retry_safe=True,
                retry_after=wait,
                control="resilience.limits",
                why=f"it is left alone for another {wait:.0f} s",
                change="wait, or add a fallback",
            )

    def _change(self, target: TargetFacts, change: Callable[[BreakerState], BreakerState]) -> Flow[None]:
        if self._cells is not None:
            yield from call(self._cells.update, _key(target), lambda state: (change(state or CLOSED), None))


def _record(
    context: Context, target: TargetFacts, outcome: str, started: float, ended: float, status: int | None
) -> None:
    context.route.append(AttemptOutcome(target.name, outcome, milliseconds(started, ended), status))


def _key(target: TargetFacts) -> str:
    return f"breaker:{target.name}"


def _caller(context: Context, request: Request) -> tuple[str, int]:
    """Who asks, and an opaque number for the request; both stay in memory.

    Python's own `hash` of text is keyed per process, so the number cannot be turned back. Without a declared user
    each request counts as a caller of its own: an application that declares `user=` cannot be shut out by one.
    """
    facts = context.facts
    which = hash((facts.tenant, tuple(_parts(message.parts) for message in request.messages)))
    return f"{facts.tenant}\x00{facts.user or which}", which


def _parts(parts: Any) -> int:
    return hash(tuple(parts))
