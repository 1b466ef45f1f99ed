"""The synchronous driver: the only place in sync mode that waits, sleeps, or starts a thread."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar
from warnings import warn

from psf_runtime.errors import GuardError
from psf_runtime.flow.branches import run_branches
from psf_runtime.flow.effects import (
    Ask,
    Call,
    Effect,
    Flow,
    Monotonic,
    Now,
    Offload,
    Open,
    Pull,
    Random,
    Sleep,
    Together,
)
from psf_runtime.flow.lanes import run_inline_or_in_thread
from psf_runtime.flow.leaf import Run
from psf_runtime.flow.outcomes import Abort
from psf_runtime.flow.tape import MISSED
from psf_runtime.flow.world import (
    QUICK,
    Journey,
    RaceLost,
    World,
    close_flow,
    no_reviewer,
    park,
    take_attempt,
    take_discarded,
    throw_cancellation,
    time_left,
    transport_failure,
)
from psf_runtime.ports import Answer, Source
from psf_runtime.types.chunks import Chunk, Finish, StreamEvent, UsageDelta
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response

T = TypeVar("T")
POLL_SECONDS = 0.25  # how often a waiting call looks whether a person has decided


class SyncDriver:
    """Runs calls through a folded engine. May be shared between threads."""

    def __init__(self, run: Run, world: World) -> None:
        self.run = run
        self.world = world
        self._perform: dict[type, Callable[[Journey, Any, float | None], Any]] = {
            Open: self._open,
            Pull: self._pull,
            Sleep: self._sleep,
            Random: lambda journey, effect, left: world.random(effect.size),
            Ask: self._ask,
            Call: lambda journey, effect, left: effect.fn(*effect.args),
            Offload: lambda journey, effect, left: run_inline_or_in_thread(effect, left),
            Together: lambda journey, effect, left: run_branches(self, journey, effect),
        }
        # Half of all effects: they take no argument, and one call of a function less.
        self._clocks: dict[type, Callable[[], float]] = {Now: world.clock.time, Monotonic: world.clock.monotonic}

    def complete(self, journey: Journey, request: Request) -> Response:
        """The whole answer."""
        return self.drive(journey, self.run(journey.context, request, None))

    def stream(self, journey: Journey, request: Request) -> SyncStream:
        """The answer in pieces; use it in a `with` block."""
        return SyncStream(self, journey, request)

    def drive(self, journey: Journey, flow: Flow[T]) -> T:
        """Run a flow to its end; then every source is closed, whatever happened."""
        try:
            effect = next(flow)
            while True:
                effect = self.step(journey, flow, effect)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]
        finally:
            self.shut(journey, flow)

    def step(self, journey: Journey, flow: Flow[Any], effect: Effect) -> Effect:
        """Perform one effect and hand the flow its result, or its error; returns the next effect."""
        try:
            value = self.perform(journey, effect)
        except (Exception, Abort) as error:
            return flow.throw(error)
        except BaseException as cancellation:
            throw_cancellation(flow, cancellation)
            raise
        return flow.send(value)

    def perform(self, journey: Journey, effect: Effect) -> Any:
        """The result of one effect, from the tape or from the world."""
        if journey.context.discard:
            self._discard(journey)
        if journey.cancelled is not None and journey.cancelled():
            raise RaceLost
        tape = journey.tape
        if tape is None:
            return self._really(journey, effect)
        if tape.replays:
            value = tape.replay(journey.context.branch, effect)
            if value is not MISSED:
                return value
        try:
            value = self._really(journey, effect)
        except Exception as error:
            tape.failed(journey.context.branch, effect, error)
            raise
        tape.record(journey.context.branch, effect, value)
        return value

    def _really(self, journey: Journey, effect: Effect) -> Any:
        kind = type(effect)
        clock = self._clocks.get(kind)
        if clock is not None:
            return clock()
        left = None if kind in QUICK else time_left(journey, self.world.clock, effect)
        return self._perform[kind](journey, effect, left)

    def _open(self, journey: Journey, effect: Open, left: float | None) -> Any:
        take_attempt(journey)
        try:
            source = self.world.transport.open(effect.request, stream=effect.stream, left=left)
        except Exception as error:
            raise transport_failure(journey, self.world.clock, error) from None
        journey.sources.append(source)
        return source

    def _pull(self, journey: Journey, effect: Pull, left: float | None) -> list[Chunk] | None:
        try:
            return effect.source.read(left)
        except Exception as error:
            raise transport_failure(journey, self.world.clock, error) from None

    def _sleep(self, journey: Journey, effect: Sleep, left: float | None) -> None:
        self.world.clock.sleep(effect.seconds)

    def _ask(self, journey: Journey, effect: Ask, left: float | None) -> Answer:
        reviewer = self.world.reviewer
        if reviewer is None:
            raise no_reviewer()
        clock = self.world.clock
        until = clock.monotonic() + min(journey.wait, journey.wait if left is None else left)
        while True:
            answer = reviewer.ask(journey.context, effect.question)
            if answer is not None:
                return answer
            if clock.monotonic() >= until:
                raise park(journey, reviewer)
            clock.sleep(POLL_SECONDS)

    def _discard(self, journey: Journey) -> None:
        for source in take_discarded(journey):
            self._close(journey, source)
            journey.sources.remove(source)

    def _close(self, journey: Journey, source: Source) -> None:
        """Close a source. One that cannot even be closed is noted: it must not keep others open, nor hide an error."""
        try:
            source.close()
        except Exception:
            journey.context.note("close_failed", "provider", "close")

    def shut(self, journey: Journey, flow: Flow[Any]) -> GuardError | None:
        """Close everything: sources first, the flow second. Returns a layer's error in closing."""
        take_discarded(journey)
        for source in journey.sources:
            self._close(journey, source)
        journey.sources.clear()
        return close_flow(flow)


class SyncStream:
    """An answer in pieces. Leaving the `with` block early cancels the call."""

    def __init__(self, driver: SyncDriver, journey: Journey, request: Request) -> None:
        self._driver = driver
        self._journey = journey
        self._request = request
        self._state = "new"
        self._queue: deque[StreamEvent] = deque()
        self._effect: Effect | None = None
        self._flow: Flow[Response] | None = None
        self.response: Response | None = None

    def __enter__(self) -> SyncStream:
        """Begin. Nothing is sent before the first piece is asked for."""
        self._flow = self._driver.run(self._journey.context, self._request, self._queue.append)
        self._state = "open"
        return self

    def __iter__(self) -> SyncStream:
        """The stream is its own iterator."""
        return self

    def __next__(self) -> StreamEvent:
        """The next piece; after the last verdict, the usage and the finish."""
        if self._state == "new":
            raise RuntimeError("a stream is a context manager: with client.stream(...) as stream:")
        queue = self._queue
        while not queue:
            if self._state == "done":
                raise StopIteration
            self._advance()
        return queue.popleft()

    def _advance(self) -> None:
        flow = self._flow
        assert flow is not None
        try:
            self._effect = next(flow) if self._effect is None else self._driver.step(self._journey, flow, self._effect)
        except StopIteration as stop:
            self.response = stop.value
            self._finish(stop.value)
        except BaseException:
            self._queue.clear()
            self.close()
            raise

    def _finish(self, response: Response) -> None:
        self.close()
        usage = self._journey.context.usage
        if usage.reported:
            self._queue.append(UsageDelta(usage))
        self._queue.append(Finish(response.finish))

    def close(self) -> GuardError | None:
        """End the call now: the connection is closed, and every session once. Returns a layer's error in closing."""
        was_open, self._state = self._state == "open", "done"
        if not was_open or self._flow is None:
            return None
        return self._driver.shut(self._journey, self._flow)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leaving the block ends the call, finished or not."""
        failure = self.close()
        if failure is not None and error is None:
            raise failure

    def __del__(self) -> None:
        """A stream that was dropped while open closes its connection and warns."""
        if getattr(self, "_state", "") == "open":
            warn("a stream was dropped without leaving its with block", ResourceWarning, stacklevel=2, source=self)
            self.close()
