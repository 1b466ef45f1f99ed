"""What both drivers share: the ports they perform effects with, the deadline, and the closing rules."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from psf_runtime.errors import ApprovalPending, BudgetExceeded, ConfigError, GuardError, ProviderTimeout
from psf_runtime.flow.clock import SystemClock
from psf_runtime.flow.effects import Effect, Flow, Open, Sleep
from psf_runtime.flow.tape import Tape
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
        original: what is needed to begin the call again, given by the client; sealed with the tape when it is parked.
        cancelled: asked between effects: True when this branch has lost its race.
    """

    context: Context
    tape: Tape | None = None
    wait: float = 0.0
    original: dict[str, Any] = field(default_factory=dict)
    sources: list[Source] = field(default_factory=list)
    cancelled: Callable[[], bool] | None = None


class RaceLost(BaseException):
    """Thrown into a branch when another one has won."""


def time_left(journey: Journey, clock: Clock, effect: Effect) -> float | None:
    """Seconds until the deadline. Raises ProviderTimeout when it has passed, or a sleep would reach it."""
    deadline = journey.context.deadline
    if deadline is None:
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


def reached_deadline(journey: Journey, clock: Clock, error: ProviderTimeout) -> bool:
    """Whether a source's time-out was really the call's own deadline."""
    deadline = journey.context.deadline
    return deadline is not None and clock.monotonic() >= deadline and error.kind != "deadline_exceeded"


def take_attempt(context: Context, effect: Open) -> None:
    """Count one opening of a provider, whatever loops above."""
    if context.attempts_left <= 0:
        raise BudgetExceeded(
            "the attempts of this call are used up",
            control="resilience.limits",
            why="retries, fallbacks and re-asks share one budget",
            change="raise resilience.attempts in the policy",
        )
    context.attempts_left -= 1


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
    checkpoint = {"original": journey.original, "tape": None if tape is None else tape.to_data()}
    ticket = reviewer.park(journey.context, checkpoint)
    return ApprovalPending(
        "a person has to decide first; nothing was delivered",
        control="oversight.triggers",
        ticket=ticket,
        why=f"ticket {journey.context.ticket}",
        change="show the ticket to a reviewer, then call client.resume(ticket)",
    )


def branch_of(context: Context, number: int) -> Context:
    """The context of one branch of a `together`: shares the record, counts for itself."""
    return replace(context, discard=[], branch=(*context.branch, number), usage=type(context.usage)())


def merge_branches(context: Context, branches: list[Context], attempts_before: int) -> None:
    """Bring the counts of finished branches back into the call's context."""
    for branch in branches:
        context.usage = context.usage + branch.usage
        context.attempts_left -= attempts_before - branch.attempts_left
        context.degraded = context.degraded or branch.degraded
        context.ticket = context.ticket or branch.ticket


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
