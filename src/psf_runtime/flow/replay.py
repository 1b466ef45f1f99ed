"""Replay a recorded call offline: a driver without a world. Everything comes from the tape, or it has diverged.

Look-ups of stores and guards' functions run again, so a recorded call can be shown to today's guards.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psf_runtime.errors import TapeDiverged
from psf_runtime.flow.compose import compose
from psf_runtime.flow.effects import Call, Effect, Flow, Offload, Together
from psf_runtime.flow.lanes import is_coroutine_function
from psf_runtime.flow.outcomes import Abort
from psf_runtime.flow.protocols import Layer
from psf_runtime.flow.tape import MISSED, Tape
from psf_runtime.flow.world import Journey, branches_of, settle_race
from psf_runtime.types.context import Context
from psf_runtime.types.request import Facts, Request
from psf_runtime.types.response import Response


def replay(layers: Sequence[Layer], tape_data: dict[str, Any], request: Request, *, facts: Facts) -> Response:
    """The answer of a recorded call, made again by `layers` without sending anything.

    Args:
        layers: outermost first; `tape_data`: what `Tape.to_data` wrote.
        request, facts: as they were when the call was recorded.

    Raises TapeDiverged when the layers ask for something that was not recorded, ask for less, or want a person.
    """
    context = Context("replay", facts)
    journey = Journey(context, Tape.from_data(tape_data))
    response: Response = _drive(journey, compose(layers)(context, request, None))
    assert journey.tape is not None
    journey.tape.check_used_up()
    return response


def _drive(journey: Journey, flow: Flow[Any]) -> Any:
    try:
        effect = next(flow)
        while True:
            try:
                value = _perform(journey, effect)
            except (Exception, Abort) as error:
                effect = flow.throw(error)
            else:
                effect = flow.send(value)
    except StopIteration as stop:
        return stop.value


def _perform(journey: Journey, effect: Effect) -> Any:
    tape = journey.tape
    assert tape is not None
    value = tape.replay(journey.context.branch, effect)
    if value is not MISSED:
        return value
    if isinstance(effect, Together):
        return _race(journey, effect)
    if isinstance(effect, Call) and not effect.once:
        return effect.fn(*effect.args)
    if isinstance(effect, Offload):
        return _run(effect)
    raise TapeDiverged(
        f"the layers ask for {type(effect).__name__}, which was not recorded",
        why="the layers, their settings or their order have changed, or the call was parked here for a person",
        change="replay it with the layers that recorded it",
    )


def _run(effect: Offload) -> Any:
    if not is_coroutine_function(effect.fn):
        return effect.fn(*effect.args)
    import anyio  # an async guard needs an event loop of its own; nothing else here does

    return anyio.run(effect.fn, *effect.args)


def _race(journey: Journey, effect: Together) -> Any:
    """One branch after the other: on the tape they have all ended already."""
    results: dict[int, Any] = {}
    errors: dict[int, BaseException] = {}
    branches = branches_of(journey, effect)
    for number, (branch, flow) in branches.items():
        try:
            results[number] = _drive(branch, flow)
        except (Exception, Abort) as error:
            errors[number] = error
    return settle_race(journey, effect, branches, results, errors)
