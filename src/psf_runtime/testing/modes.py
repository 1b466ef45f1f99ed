"""Run the same layers in all four modes: sync and async, whole and streamed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import anyio

from psf_runtime.errors import PsfError
from psf_runtime.flow.aio import AsyncDriver
from psf_runtime.flow.compose import compose
from psf_runtime.flow.protocols import Layer
from psf_runtime.flow.sync import SyncDriver
from psf_runtime.flow.tape import Tape
from psf_runtime.flow.world import Journey, World
from psf_runtime.ports import Clock, Reviewer
from psf_runtime.testing.clock import ManualClock
from psf_runtime.testing.scripted import Script, ScriptedTransport
from psf_runtime.types.chunks import Chunk, Finish, StreamEvent, TextDelta, UsageDelta
from psf_runtime.types.context import Context
from psf_runtime.types.messages import Message
from psf_runtime.types.request import Facts, Request
from psf_runtime.types.response import Response

Mode = Literal["sync", "sync-stream", "async", "async-stream"]
MODES: tuple[Mode, ...] = ("sync", "sync-stream", "async", "async-stream")


@dataclass(slots=True)
class Outcome:
    """What became of a call in one mode.

    Attributes:
        response: the answer, or None when the call failed with `error`.
        delivered: the chunks a caller received, without usage and finish; empty when not streamed.
        finished: whether the stream ended with its Finish.
        transport: what was asked of the provider, and what is still open.
        context: notes, findings and route of the call.
    """

    response: Response | None
    error: BaseException | None
    transport: ScriptedTransport
    context: Context
    delivered: list[Chunk] = field(default_factory=list)
    finished: bool = False
    tape: Tape | None = None

    @property
    def text(self) -> str:
        """The text that was delivered."""
        return "".join(chunk.text for chunk in self.delivered if type(chunk) is TextDelta)


def default_request() -> Request:
    """A small request with two addresses in it."""
    return Request((Message.user("mail bob@x.example and eve@y.example"),), model="m")


def run_in_mode(
    mode: Mode,
    layers: Sequence[Layer],
    script: Script,
    *,
    request: Request | None = None,
    timeout: float | None = None,
    reviewer: Reviewer | None = None,
    clock: Clock | None = None,
    tape: Tape | None = None,
    facts: Facts | None = None,
    backend: str = "asyncio",
) -> Outcome:
    """Run one call through `layers` in one mode, against a scripted provider."""
    clock = clock or ManualClock()
    transport = ScriptedTransport(script, clock=clock)
    world = World(transport, reviewer, clock, random=lambda size: b"\x07" * size)
    deadline = None if timeout is None else clock.monotonic() + timeout
    context = Context("0199c2f1", facts or Facts(), deadline, attempts_left=50)
    outcome = Outcome(None, None, transport, context, tape=tape)
    journey = Journey(context, tape)
    asked = request or default_request()
    run = compose(layers)
    try:
        if mode.startswith("sync"):
            _run_sync(SyncDriver(run, world), journey, asked, mode == "sync-stream", outcome)
        else:
            anyio.run(
                _run_async, AsyncDriver(run, world), journey, asked, mode == "async-stream", outcome, backend=backend
            )
    except (PsfError, ExceptionGroup) as error:
        outcome.error = error
    return outcome


def _run_sync(driver: SyncDriver, journey: Journey, request: Request, streamed: bool, outcome: Outcome) -> None:
    if not streamed:
        outcome.response = driver.complete(journey, request)
        return
    with driver.stream(journey, request) as stream:
        for event in stream:
            _receive(outcome, event)
    outcome.response = stream.response


async def _run_async(driver: AsyncDriver, journey: Journey, request: Request, streamed: bool, outcome: Outcome) -> None:
    if not streamed:
        outcome.response = await driver.complete(journey, request)
        return
    async with driver.stream(journey, request) as stream:
        async for event in stream:
            _receive(outcome, event)
    outcome.response = stream.response


def _receive(outcome: Outcome, event: StreamEvent) -> None:
    if isinstance(event, Finish):
        outcome.finished = True
    elif not isinstance(event, UsageDelta):
        outcome.delivered.append(event)  # type: ignore[arg-type]


def run_in_modes(
    layers: Callable[[], Sequence[Layer]],
    script: Callable[[], Script],
    *,
    request: Request | None = None,
    timeout: float | None = None,
    reviewer: Callable[[], Reviewer] | None = None,
    facts: Facts | None = None,
) -> dict[Mode, Outcome]:
    """Run one call in all four modes, with fresh layers and a fresh provider in each."""
    return {
        mode: run_in_mode(
            mode,
            layers(),
            script(),
            request=request,
            timeout=timeout,
            reviewer=None if reviewer is None else reviewer(),
            facts=facts,
        )
        for mode in MODES
    }
