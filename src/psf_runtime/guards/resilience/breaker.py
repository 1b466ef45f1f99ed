"""A breaker per target, as pure functions over an immutable state.

Others stay closed while three of four calls fail, because one success between resets them, and let every waiting
call through at once when they try again. This one judges a window, and lets one call through. One caller cannot
open it: a request counts once however often it fails, and at least two callers must have failed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class BreakerRules:
    """When a breaker opens, and for how long. Times in seconds.

    Attributes:
        consecutive: opens after so many failures in a row.
        share, minimum: opens when at least this share (0..1) of at least so many calls failed.
        window, window_calls: only calls this recent, and at most so many, are looked at.
        callers: how many different callers must have failed.
        open_for, open_at_most: the first opening lasts `open_for`; each further one twice as long, up to the cap.
        probe_for: a trial call that has not come back after this time no longer keeps others out.
    """

    consecutive: int = 5
    share: float = 0.5
    minimum: int = 20
    window: float = 30.0
    window_calls: int = 64
    callers: int = 2
    open_for: float = 10.0
    open_at_most: float = 300.0
    probe_for: float = 60.0


@dataclass(frozen=True, slots=True)
class Seen:
    """One call that ended: when, whether it failed, whose it was and which request (an opaque number)."""

    at: float
    failed: bool
    caller: str = ""
    request: int = 0


@dataclass(frozen=True, slots=True)
class BreakerState:
    """What a breaker remembers. `openings` is 0 while it is closed. Times are of a monotonic clock."""

    seen: tuple[Seen, ...] = ()
    openings: int = 0
    open_until: float = 0.0
    probe_until: float = 0.0
    cool_until: float = 0.0


CLOSED = BreakerState()


def admit(state: BreakerState, rules: BreakerRules, now: float) -> tuple[BreakerState, float]:
    """The new state, and 0.0 when a call may go; else the seconds until it makes sense to ask again."""
    if now < state.cool_until:
        return state, state.cool_until - now
    if not state.openings:
        return state, 0.0
    shut_until = max(state.open_until, state.probe_until)
    if now < shut_until:
        return state, shut_until - now
    return replace(state, probe_until=now + rules.probe_for), 0.0


def succeeded(state: BreakerState, rules: BreakerRules, now: float) -> BreakerState:
    """After a call that went well: the trial call closes the breaker, one that began before it opened does not."""
    if state.openings:
        return CLOSED if now >= state.open_until else state
    return replace(state, seen=_recent(state, rules, now, Seen(now, failed=False)))


def failed(state: BreakerState, rules: BreakerRules, now: float, caller: str, request: int) -> BreakerState:
    """After a failure that is the target's: may open the breaker."""
    if state.openings:
        return _open(state, rules, now) if now >= state.open_until else state
    recent = _recent(state, rules, now)
    if any(one.failed and one.request == request for one in recent):
        return replace(state, seen=recent)
    recent = _recent(state, rules, now, Seen(now, True, caller, request))
    state = replace(state, seen=recent)
    return _open(state, rules, now) if _too_many(recent, rules) else state


def let_go(state: BreakerState) -> BreakerState:
    """After a call that says nothing about the target: the place of the trial call is free again."""
    return replace(state, probe_until=0.0)


def cooled(state: BreakerState, until: float) -> BreakerState:
    """After the target asked for a pause: no call before `until`, and no failure counted."""
    return replace(state, cool_until=max(state.cool_until, until), probe_until=0.0)


def _recent(state: BreakerState, rules: BreakerRules, now: float, *new: Seen) -> tuple[Seen, ...]:
    kept = tuple(one for one in state.seen if now - one.at <= rules.window)
    return (kept + new)[-rules.window_calls :]


def _too_many(recent: tuple[Seen, ...], rules: BreakerRules) -> bool:
    failures = [one for one in recent if one.failed]
    in_a_row: list[Seen] = []
    for one in reversed(recent):
        if not one.failed:
            break
        in_a_row.append(one)
    if len(in_a_row) >= rules.consecutive and _callers(in_a_row) >= rules.callers:
        return True
    enough = len(recent) >= rules.minimum and len(failures) >= rules.share * len(recent)
    return enough and _callers(failures) >= rules.callers


def _callers(failures: list[Seen]) -> int:
    return len({one.caller for one in failures})


def _open(state: BreakerState, rules: BreakerRules, now: float) -> BreakerState:
    openings = state.openings + 1
    lasts = min(rules.open_at_most, rules.open_for * 2.0 ** min(openings - 1, 30))
    return BreakerState(openings=openings, open_until=now + lasts, cool_until=state.cool_until)
