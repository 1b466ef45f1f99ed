"""Running guards' functions beside the driver: inline, or in a thread of the guard's own lane.

A Python thread cannot be cancelled. So a call that does not come back is given up: its result is thrown away
whenever it comes, it is counted as abandoned, and a lane with as many abandoned calls as it is wide is broken and
fails at once, so that one hanging guard can neither use up the threads of others nor pile up threads of its own.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from psf_runtime.errors import ConfigError, GuardError
from psf_runtime.flow.effects import Lane, Offload
from psf_runtime.flow.outcomes import guard_timed_out

# Guards `running` and `abandoned` of every lane, and wakes who waits for a place; held for a few instructions only.
_lanes = threading.Condition()


class Place:
    """One call in a lane: waiting for its turn, running, abandoned while it ran, given up before it ran, or over."""

    __slots__ = ("state",)

    def __init__(self) -> None:
        self.state = "waiting"


def enter_lane(lane: Lane) -> Place:
    """Begin a call in a lane. Raises GuardError when all its places are taken by calls that never came back."""
    with _lanes:
        _check_not_broken(lane)
    return Place()


def _check_not_broken(lane: Lane) -> None:
    if lane.abandoned >= lane.width:
        raise GuardError(
            f"guard {lane.name!r} is broken: {lane.abandoned} of its calls never came back",
            layer=lane.name,
            hook="offload",
            control=lane.name,
            change="mend the guard and restart the process",
        )


def give_up(lane: Lane, place: Place) -> bool:
    """Stop waiting for a call. False when it has ended in the meantime.

    Only a call that is running in a thread counts as abandoned: one that was still waiting for its turn holds
    nothing, and will not begin any more.
    """
    with _lanes:
        if place.state == "over":
            return False
        if place.state == "running":
            lane.running.discard(place)
            lane.abandoned += 1
            place.state = "abandoned"
        else:
            place.state = "given up"
        return True


def tracked(lane: Lane, place: Place, fn: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """Run a function, holding a place of the lane while it runs."""
    with _lanes:
        if place.state == "given up":
            return None
        if place.state == "waiting":
            _check_not_broken(lane)
            _run(lane, place)
    try:
        return fn(*args)
    finally:
        with _lanes:
            if place.state == "abandoned":
                lane.abandoned -= 1
            lane.running.discard(place)
            place.state = "over"
            _lanes.notify_all()


def _run(lane: Lane, place: Place) -> None:
    place.state = "running"
    lane.running.add(place)


def _take_place(lane: Lane, place: Place, limit: float | None) -> float | None:
    """Wait until fewer calls are running than the lane is wide; returns the seconds that are left of `limit`."""
    began = time.monotonic()

    def free() -> bool:
        return lane.abandoned >= lane.width or len(lane.running) + lane.abandoned < lane.width

    with _lanes:
        if not _lanes.wait_for(free, limit):
            raise guard_timed_out(lane.name, limit or 0.0)
        _check_not_broken(lane)
        _run(lane, place)
    return None if limit is None else max(0.0, limit - (time.monotonic() - began))


def shortest(timeout: float | None, left: float | None) -> float | None:
    """The smaller of two limits in seconds, None being no limit."""
    if timeout is None:
        return left
    return timeout if left is None else min(timeout, left)


def is_coroutine_function(fn: Callable[..., Any]) -> bool:
    """Whether calling `fn` gives something to await. (inspect's own test costs an import at start-up.)"""
    while hasattr(fn, "func"):  # functools.partial
        fn = fn.func
    code = getattr(fn, "__code__", None) or getattr(getattr(type(fn), "__call__", None), "__code__", None)  # noqa: B004
    return bool(code is not None and code.co_flags & 0x80)


def needs_async_client(name: str) -> ConfigError:
    """The error for an async function under a sync driver."""
    return ConfigError(
        f"guard {name!r} is an async function, which needs an AsyncClient",
        control=name,
        change="use AsyncClient, or write the guard as a plain function",
    )


def run_inline_or_in_thread(effect: Offload, left: float | None) -> Any:
    """The sync way: inline, or in a thread when the guard declares a time-out (only then can it be given up)."""
    lane = effect.lane
    if is_coroutine_function(effect.fn):
        raise needs_async_client(lane.name)
    if lane.timeout is None or lane.inline:
        return effect.fn(*effect.args)
    place = enter_lane(lane)
    limit = _take_place(lane, place, shortest(lane.timeout, left))
    outcome: list[Any] = []
    done = threading.Event()

    def work() -> None:
        try:
            outcome.append((True, tracked(lane, place, effect.fn, effect.args)))
        except BaseException as error:
            outcome.append((False, error))
        finally:
            done.set()

    threading.Thread(target=work, name=f"psf-{lane.name}", daemon=True).start()
    if not done.wait(limit) and give_up(lane, place):
        raise guard_timed_out(lane.name, shortest(lane.timeout, left) or 0.0)
    done.wait()
    good, value = outcome[0]
    if good:
        return value
    raise value
