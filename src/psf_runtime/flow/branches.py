"""Several flows at once, in sync mode: a thread each. A loser's source is closed from outside; it is never joined."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Any

from psf_runtime.flow.effects import Flow, Together
from psf_runtime.flow.world import Journey, RaceLost, branch_of, merge_branches

if TYPE_CHECKING:
    from psf_runtime.flow.sync import SyncDriver


def run_branches(driver: SyncDriver, journey: Journey, effect: Together) -> Any:
    """All results in order, or, with `first`, the first success. The first error ends an all-of."""
    over = threading.Event()
    results: queue.SimpleQueue[tuple[int, Any, BaseException | None]] = queue.SimpleQueue()
    journeys = [_branch(journey, number, over) for number in range(len(effect.flows))]
    before = journey.context.attempts_left
    for number, flow in enumerate(effect.flows):
        work = (driver, journeys[number], flow, number, results)
        threading.Thread(target=_drive, args=work, name=f"psf-branch-{number}", daemon=True).start()
    try:
        return _collect(effect, results)
    finally:
        over.set()
        for loser in journeys:
            for source in tuple(loser.sources):
                source.close()
        merge_branches(journey.context, [branch.context for branch in journeys], before)


def _branch(journey: Journey, number: int, over: threading.Event) -> Journey:
    context = branch_of(journey.context, number)
    return Journey(context, journey.tape, journey.wait, journey.original, cancelled=over.is_set)


def _drive(
    driver: SyncDriver,
    journey: Journey,
    flow: Flow[Any],
    number: int,
    results: queue.SimpleQueue[tuple[int, Any, BaseException | None]],
) -> None:
    try:
        results.put((number, driver.drive(journey, flow), None))
    except RaceLost:
        return
    except BaseException as error:
        results.put((number, None, error))


def _collect(effect: Together, results: queue.SimpleQueue[tuple[int, Any, BaseException | None]]) -> Any:
    values: dict[int, Any] = {}
    errors: list[Exception] = []
    for _ in effect.flows:
        number, value, error = results.get()
        if error is None:
            if effect.first:
                return value
            values[number] = value
        elif not isinstance(error, Exception) or not effect.first:
            raise error
        else:
            errors.append(error)
    if effect.first:
        raise errors[-1] if len(errors) == 1 else ExceptionGroup("every branch failed", errors)
    return [values[number] for number in range(len(effect.flows))]
