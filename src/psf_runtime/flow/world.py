"""What both drivers share: the ports they perform effects with, the deadline, and the closing rules."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from psf_runtime.errors import (
    ApprovalPending,
    BudgetExceeded,
    ConfigError,
    GuardError,
    ProviderError,
    ProviderTimeout,
    PsfError,
    RoutesExhausted,
)
from psf_runtime.flow.clock import SystemClock
from psf_runtime.flow.effects import Call, Effect, Flow, Monotonic, Now, Random, Sleep, Together
from psf_runtime.flow.tape import EVERY, Tape
from psf_runtime.ports import Clock, Reviewer, Source, Transport
from psf_runtime.types.context import Context


@dataclass(frozen=True, slots=True)
class World:
    """The outside, as ports.

    Attributes:
        transport: sends requests; `reviewer`: asks people, None when nobody can be asked.
        clock, random: time and random bytes; tests put their own here.
    """

    transport: Transport
    reviewer: Reviewer | None = None
    clock: Clock = field(default_factory=SystemClock)
    random: Callable[[int], bytes] = os.urandom


@dataclass(slots=True)
class Journey:
    """One call on its way: its context, the sources it has open, its tape.

    Attributes:
        wait: seconds to wait for a person before the call is parked.
        original: makes what is needed to begin the call again; asked only when the call is parked, and sealed then.
        cancelled: asked between effects: True when this branch has lost its race.
        root: of a branch: the context of the whole call, which holds the attempts that all branches share.
    """

    context: Context
    tape: Tape | None = None
    wait: float = 0.0
    original: Callable[[], dict[str, Any]] = dict
    sources: list[Source] = field(default_factory=list)
    cancelled: Callable[[], bool] | None = None
    root: Context | None = None


class RaceLost(BaseException):
    """Thrown into a branch when another one has won."""


QUICK = frozenset((Now, Monotonic, Random, Call))  # a late call must still be able to write its record


def time_left(journey: Journey, clock: Clock, effect: Effect) -> float | None:
    """Seconds until the deadline. Raises ProviderTimeout when it has passed, or a sleep would reach it.

    Effects that do not wait for the world outside are performed after the deadline too.
    """
    deadline = journey.context.deadline
    if deadline is None or type(effect) in QUICK:
        return None
    left = deadline - clock.monotonic()
    if left <= 0 or (type(effect) is Sleep and effect.seconds >= left):
        raise deadline_passed()
    return left


def deadline_passed() -> ProviderTimeout:
    """The error for a call that has used up its time."""
    return ProviderTimeout(
        "the time for the whole call is used up",
        kind="deadline_exceeded",
        retry_safe=False,
        control="resilience.limits",
        change="give the call a longer timeout=, or fewer retries and fallbacks",
    )


def transport_failure(journey: Journey, clock: Clock, error: Exception) -> PsfError:
    """What a flow is told when a transport failed: the call's deadline, the error itself, or a foreign one by name."""
    if not isinstance(error, PsfError):
        return ProviderError(
            f"the transport failed with {type(error).__name__}",
            kind="bad_response",
            why="a transport raises ProviderError and nothing else",
            change="mend the transport; what it raised is not passed on, because it may hold content",
        )
    deadline = journey.context.deadline
    late = deadline is not None and clock.monotonic() >= deadline
    if late and isinstance(error, ProviderTimeout) and error.kind != "deadline_exceeded":
        return deadline_passed()
    return error


_budget = threading.Lock()  # branches of one call take from one budget


def take_attempt(journey: Journey) -> None:
    """Count one opening of a provider, whatever loops and branches there are above."""
    context = journey.root or journey.context
    with _budget:
        if context.attempts_left > 0:
            context.attempts_left -= 1
            return
    raise BudgetExceeded(
        "the attempts of this call are used up",
        control="resilience.limits",
        why="retries, fallbacks and re-asks share one budget",
        change="raise resilience.attempts in the policy",
    )


def take_discarded(journey: Journey) -> list[Source]:
    """The sources of this journey that its leaf is done with, for the driver to close."""
    discard = journey.context.discard
    done = [source for source in journey.sources if source in discard]
    if journey.root is None:
        discard.clear()  # what is left comes from branches, which close their own
    else:
        for source in done:
            discard.remove(source)
    return done


def no_reviewer() -> ConfigError:
    """The error for an escalation when nobody can be asked."""
    return ConfigError(
        "a guard escalated, but nobody can be asked",
        control="oversight.triggers",
        change="build the client with a policy that has [oversight] reviewers",
    )


def park(journey: Journey, reviewer: Reviewer) -> ApprovalPending:
    """Keep the call for later and say so."""
    tape = journey.tape
    checkpoint = {"original": journey.original(), "tape": None if tape is None else tape.to_data()}
    ticket = reviewer.park(journey.context, checkpoint)
    return ApprovalPending(
        "a person has to decide first; nothing was delivered",
        control="oversight.triggers",
        ticket=ticket,
        why=f"ticket {journey.context.ticket}",
        change="show the ticket to a reviewer, then call client.resume(ticket)",
    )


def branches_of(
    journey: Journey, effect: Together, cancelled: Callable[[], bool] | None = None
) -> dict[int, tuple[Journey, Flow[Any]]]:
    """The branches of a `together` to run, each with a journey of its own.

    On a replay only the branch that decided the race runs again: the others were cut short at a point that no tape
    can repeat.
    """
    context = journey.context
    decided = EVERY if journey.tape is None else journey.tape.race_decided(context.branch)
    branches: dict[int, tuple[Journey, Flow[Any]]] = {}
    for number, flow in enumerate(effect.flows):
        if decided not in (EVERY, number):
            flow.close()
            continue
        branch = replace(context, branch=(*context.branch, number))
        root = journey.root or context
        branches[number] = (
            Journey(branch, journey.tape, journey.wait, journey.original, cancelled=cancelled, root=root),
            flow,
        )
    return branches


def settle_race(
    journey: Journey,
    effect: Together,
    branches: dict[int, tuple[Journey, Flow[Any]]],
    results: dict[int, Any],
    errors: dict[int, BaseException],
) -> Any:
    """The result of a `together`: all results in order, or the first; else the error that ended it."""
    for branch, _ in branches.values():
        journey.context.ticket = journey.context.ticket or branch.context.ticket
    first = next(iter(results), EVERY) if effect.first else next(iter(errors), EVERY)
    if journey.tape is not None:
        journey.tape.record_race(journey.context.branch, first)
    aborts = [error for error in errors.values() if not isinstance(error, Exception)]
    if aborts:
        raise aborts[0]
    if effect.first and results:
        return results[first]
    if errors:
        raise _error_of_race([error for error in errors.values() if isinstance(error, Exception)], effect)
    return [results[number] for number in range(len(effect.flows))]


def _error_of_race(errors: Sequence[Exception], effect: Together) -> Exception:
    """What a caller catches is the same with a race as without: a guard's no first, then what the providers said."""
    for error in errors:
        if not isinstance(error, ProviderError):
            return error
    if len(errors) == 1 or not effect.first:
        return errors[0]
    return RoutesExhausted("every branch failed", errors)


def throw_cancellation(flow: Flow[Any], error: BaseException) -> None:
    """Throw a cancellation in, once. Whatever the flow answers, the caller re-raises the cancellation."""
    try:
        flow.throw(error)
    except BaseException:
        return
    close_flow(flow)


def close_flow(flow: Flow[Any]) -> GuardError | None:
    """Close a flow; returns the error when a layer asked for something while it was closing."""
    try:
        flow.close()
    except RuntimeError:
        return GuardError(
            "a layer asked for something of the world while the call was closing",
            hook="run",
            change="do not `yield from` in a finally block or after catching GeneratorExit",
        )
    return None
