"""Running guards' functions beside the driver: inline, or in a thread of the guard's own lane.

A Python thread cannot be cancelled. So a call that does not come back is given up: its result is thrown away
whenever it comes, it is counted as abandoned, and a lane with as many abandoned calls as it is wide is broken and
fails at once, so that one hanging guard can neither use up the threads of others nor pile up threads of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from psf_runtime.errors import GuardError
from psf_runtime.flow.effects import Lane, Offload
from psf_runtime.flow.outcomes import guard_timed_out

_lane_lock = threading.Lock()  # guards `running` and `abandoned` of every lane; held for a few instructions only


def enter_lane(lane: Lane) -> object:
    """Begin a call in a lane. Raises GuardError when all its places are taken by calls that never came back."""
    place = object()
    with _lane_lock:
        if lane.abandoned >= lane.width:
            raise GuardError(
                f"guard {lane.name!r} is broken: {lane.abandoned} of its calls never came back",
                layer=lane.name,
                hook="offload",
                control=lane.name,
                change="mend the guard and restart the process",
            )
        lane.running.add(place)
    return place


def leave_lane(lane: Lane, place: object) -> None:
    """End a call in a lane, given up or not."""
    with _lane_lock:
        if place in lane.running:
            lane.running.discard(place)
        else:
            lane.abandoned -= 1


def give_up(lane: Lane, place: object) -> bool:
    """Stop waiting for a call. False when it has ended in the meantime."""
    with _lane_lock:
        if place not in lane.running:
            return False
        lane.running.discard(place)
        lane.abandoned += 1
        return True


def tracked(lane: Lane, place: object, fn: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    """Run a function and leave the lane, whatever happens."""
    try:
        return fn(*args)
    finally:
        leave_lane(lane, place)


def shortest(timeout: float | None, left: float | None) -> float | None:
    """The smaller of two limits in seconds, None being no limit."""
    if timeout is None:
        return left
    return timeout if left is None else min(timeout, left)


def run_inline_or_in_thread(effect: Offload, left: float | None) -> Any:
    """The sync way: inline, or in a thread when the guard declares a time-out (only then can it be given up)."""
    lane = effect.lane
    if lane.timeout is None or lane.inline:
        return effect.fn(*effect.args)
    place = enter_lane(lane)
    limit = shortest(lane.timeout, left)
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
        raise guard_timed_out(lane.name, limit or 0.0)
    done.wait()
    good, value = outcome[0]
    if good:
        return value
    raise value
