"""Several flows at once, in sync mode: a thread each. A loser's source is closed from outside; it is never joined."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Any

from psf_runtime.flow.effects import Flow, Together
from psf_runtime.flow.outcomes import Abort
from psf_runtime.flow.world import Journey, RaceLost, branches_of, settle_race

if TYPE_CHECKING:
    from psf_runtime.flow.sync import SyncDriver

# The number of a branch, its result, and its error.
Ended = tuple[int, Any, BaseException | None]


def run_branches(driver: SyncDriver, journey: Journey, effect: Together) -> Any:
    """All results in order, or, with `first`, the first success. The first error ends an all-of."""
    over = threading.Event()
    ended: queue.SimpleQueue[Ended] = queue.SimpleQueue()
    branches = branches_of(journey, effect, over.is_set)
    for number, (branch, flow) in branches.items():
        work = (driver, branch, flow, number, ended)
        threading.Thread(target=_drive, args=work, name=f"psf-branch-{number}", daemon=True).start()
    try:
        results, errors = _collect(effect, len(branches), ended)
    finally:
        over.set()
        for branch, _ in branches.values():
            for source in tuple(branch.sources):
                source.close()
    return settle_race(journey, effect, branches, results, errors)


def _drive(driver: SyncDriver, journey: Journey, flow: Flow[Any], number: int, ended: queue.SimpleQueue[Ended]) -> None:
    try:
        ended.put((number, driver.drive(journey, flow), None))
    except RaceLost:
        return
    except BaseException as error:
        ended.put((number, None, error))


def _collect(
    effect: Together, count: int, ended: queue.SimpleQueue[Ended]
) -> tuple[dict[int, Any], dict[int, BaseException]]:
    results: dict[int, Any] = {}
    errors: dict[int, BaseException] = {}
    for _ in range(count):
        number, value, error = ended.get()
        if error is None:
            results[number] = value
        elif isinstance(error, Exception | Abort):
            errors[number] = error
        else:
            raise error
        if effect.first if error is None else not effect.first or isinstance(error, Abort):
            break  # decided: the others are closed
    return results, errors
