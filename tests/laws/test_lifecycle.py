"""How calls end: abandoned, cancelled, timed out, or with a layer that does not let go. In all four modes."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import anyio
import pytest

from psf_runtime.errors import BudgetExceeded, GuardError, ProviderError, ProviderTimeout
from psf_runtime.flow.aio import AsyncDriver
from psf_runtime.flow.compose import compose
from psf_runtime.flow.effects import sleep
from psf_runtime.flow.protocols import StrategyBase
from psf_runtime.flow.sync import SyncDriver
from psf_runtime.flow.world import Journey, World
from psf_runtime.testing.clock import ManualClock
from psf_runtime.testing.laws import STREAMS
from psf_runtime.testing.modes import MODES, Mode, default_request, run_in_mode
from psf_runtime.testing.scripted import ScriptedSource, ScriptedTransport, Silence
from psf_runtime.types.chunks import TextDelta
from psf_runtime.types.context import Context
from psf_runtime.types.messages import Message
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response
from tests.laws.layers import Fallback, NoOp, Retry, ScreenWindow, Tokens, TokenStore, Watch

BACKENDS = ["asyncio", "trio"]
NINE = [[TextDelta("a")]] * 9
STUCK = [[TextDelta("a")], Silence(30.0), [TextDelta("b")]]


def journey(**settings: Any) -> Journey:
    return Journey(Context("c", attempts_left=50, **settings))


def watched(log: list[str | None], *inside: Any) -> list[Any]:
    """Layers between two guards that write down how their sessions ended."""
    return [Watch(log), Fallback("m1", "m2"), *inside, Watch(log)]


# ---- abandoned


def test_an_abandoned_sync_stream_closes_everything_once() -> None:
    """Leaving the block early closes the source, and every session once, with GeneratorExit."""
    log: list[str | None] = []
    transport = ScriptedTransport(lambda _: NINE)
    driver = SyncDriver(compose(watched(log, Retry())), World(transport))
    with driver.stream(journey(), default_request()) as stream:
        assert next(stream) == TextDelta("a")
        assert transport.live == 1
    assert (transport.live, len(transport.requests)) == (0, 1)
    assert log == ["GeneratorExit", "GeneratorExit"]
    assert stream.close() is None
    assert log == ["GeneratorExit", "GeneratorExit"]
    assert list(stream) == []


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_abandoned_async_stream_closes_everything_once(backend: str) -> None:
    """The same with `async with`."""

    async def main() -> None:
        log: list[str | None] = []
        transport = ScriptedTransport(lambda _: NINE)
        driver = AsyncDriver(compose(watched(log, Retry())), World(transport))
        async with driver.stream(journey(), default_request()) as stream:
            async for chunk in stream:
                assert chunk == TextDelta("a")
                assert transport.live == 1
                break
        assert (transport.live, len(transport.requests)) == (0, 1)
        assert log == ["GeneratorExit", "GeneratorExit"]
        await stream.aclose()
        assert log == ["GeneratorExit", "GeneratorExit"]

    anyio.run(main, backend=backend)


def test_an_error_of_the_caller_inside_the_block_is_not_masked() -> None:
    """An exception raised in the block comes out unchanged; the source is closed."""
    transport = ScriptedTransport(lambda _: NINE)
    driver = SyncDriver(compose([Asking()]), World(transport))
    with pytest.raises(KeyError, match="mine"), driver.stream(journey(), default_request()) as stream:
        next(stream)
        raise KeyError("mine")
    assert transport.live == 0


def test_a_dropped_sync_stream_warns_and_closes() -> None:
    """A stream that is dropped inside its block closes its source and warns with ResourceWarning."""
    log: list[str | None] = []
    transport = ScriptedTransport(lambda _: NINE)
    driver = SyncDriver(compose(watched(log)), World(transport))
    stream = driver.stream(journey(), default_request()).__enter__()
    next(stream)
    with pytest.warns(ResourceWarning, match="dropped"):
        del stream
        gc.collect()
    assert transport.live == 0
    assert log == ["GeneratorExit", "GeneratorExit"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_dropped_async_stream_warns_and_closes(backend: str) -> None:
    """The same for an async stream: without an event loop to wait on, the source is closed directly."""

    async def main() -> None:
        log: list[str | None] = []
        transport = ScriptedTransport(lambda _: NINE)
        driver = AsyncDriver(compose(watched(log)), World(transport))
        stream = await driver.stream(journey(), default_request()).__aenter__()
        await stream.__anext__()
        with pytest.warns(ResourceWarning, match="dropped"):
            del stream
            gc.collect()
        assert transport.live == 0
        assert log == ["GeneratorExit", "GeneratorExit"]

    anyio.run(main, backend=backend)


@pytest.mark.parametrize("mode", STREAMS)
def test_a_stream_is_a_context_manager(mode: Mode) -> None:
    """Pulling from a stream that was not entered is a RuntimeError, and nothing is sent."""
    transport = ScriptedTransport(lambda _: NINE)
    run = compose([])
    with pytest.raises(RuntimeError, match="context manager"):
        if mode == "sync-stream":
            next(SyncDriver(run, World(transport)).stream(journey(), default_request()))
        else:
            anyio.run(AsyncDriver(run, World(transport)).stream(journey(), default_request()).__anext__)
    assert transport.requests == []


# ---- cancelled


async def _use(driver: AsyncDriver, streamed: bool, got: list[Any]) -> None:
    if not streamed:
        await driver.complete(journey(), default_request())
        return
    async with driver.stream(journey(), default_request()) as stream:
        async for chunk in stream:
            got.append(chunk)


async def _by_scope(work: Callable[[], Awaitable[None]]) -> None:
    with anyio.move_on_after(0.02) as scope:
        await work()
    assert scope.cancelled_caught


async def _by_group(work: Callable[[], Awaitable[None]]) -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(work)  # type: ignore[arg-type]
        await anyio.sleep(0.02)
        group.cancel_scope.cancel()


async def _by_timeout(work: Callable[[], Awaitable[None]]) -> None:
    with pytest.raises(TimeoutError):
        with anyio.fail_after(0.02):
            await work()


async def _by_task(work: Callable[[], Awaitable[None]]) -> None:
    task = asyncio.ensure_future(work())
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


WAYS = [("asyncio", _by_scope), ("trio", _by_scope), ("asyncio", _by_group), ("trio", _by_group)]
WAYS += [("asyncio", _by_timeout), ("trio", _by_timeout), ("asyncio", _by_task)]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(("backend", "way"), WAYS)
def test_a_cancelled_call_closes_everything_once(backend: str, way: Any, streamed: bool) -> None:
    """However a task is cancelled while it waits: source closed, sessions closed once, one request, and no retry."""
    log: list[str | None] = []
    got: list[Any] = []

    async def main() -> None:
        transport = ScriptedTransport(lambda _: STUCK)
        driver = AsyncDriver(compose(watched(log, Retry(3, 1.0))), World(transport))
        await way(lambda: _use(driver, streamed, got))
        assert (transport.live, len(transport.requests)) == (0, 1)

    began = time.monotonic()
    anyio.run(main, backend=backend)
    assert time.monotonic() - began < 5
    assert log == ["CancelledError" if backend == "asyncio" else "Cancelled"] * 2
    assert got == ([TextDelta("a")] if streamed else [])


class Stubborn(StrategyBase):
    """Catches even a cancellation, waits, and answers by itself."""

    name = "stubborn"

    def __init__(self, log: list[str]) -> None:
        self.log = log

    def run(self, context: Any, request: Any, attempt: Any) -> Any:
        try:
            return (yield from attempt(request))
        except BaseException as error:
            self.log.append(type(error).__name__)
            yield from sleep(0.0)
            self.log.append("went on")
            return Response()


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(("backend", "way"), WAYS)
def test_a_strategy_that_catches_the_cancellation_is_refused(backend: str, way: Any, streamed: bool) -> None:
    """The cancellation is re-raised whatever a strategy answers, and its effect is not performed."""
    log: list[str] = []

    async def main() -> None:
        transport = ScriptedTransport(lambda _: STUCK)
        driver = AsyncDriver(compose([Stubborn(log)]), World(transport))
        await way(lambda: _use(driver, streamed, []))
        assert transport.live == 0

    anyio.run(main, backend=backend)
    assert len(log) == 1


class Interrupted(ScriptedSource):
    """The user presses Ctrl-C while we wait for the second piece."""

    count = 0

    def read(self, left: float | None) -> Any:
        self.count += 1
        if self.count == 2:
            raise KeyboardInterrupt
        return super().read(left)


class InterruptedTransport(ScriptedTransport):
    def open(self, request: Any, *, stream: bool, left: float | None) -> Any:
        self.requests.append(request)
        self.live += 1
        return Interrupted(self, list(NINE), request.model)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("stubborn", [False, True])
def test_keyboard_interrupt_ends_a_sync_call(streamed: bool, stubborn: bool) -> None:
    """Ctrl-C comes out as it is, with the source closed and every session closed once, even past a strategy."""
    log: list[str | None] = []
    transport = InterruptedTransport(lambda _: [])
    inside: list[Any] = [Stubborn([])] if stubborn else [Retry(3, 1.0)]
    driver = SyncDriver(compose([*inside, Watch(log)]), World(transport))
    with pytest.raises(KeyboardInterrupt):
        if streamed:
            with driver.stream(journey(), default_request()) as stream:
                list(stream)
        else:
            driver.complete(journey(), default_request())
    assert (transport.live, len(transport.requests)) == (0, 1)
    assert log == ["KeyboardInterrupt"]


# ---- effects while closing


class Asking(StrategyBase):
    """Asks the world for something in a finally block."""

    name = "asking"

    def run(self, context: Any, request: Any, attempt: Any) -> Any:
        try:
            return (yield from attempt(request))
        finally:
            yield from sleep(0.0)


def test_an_effect_while_a_sync_stream_is_abandoned_is_a_guard_error() -> None:
    """A strategy that wants something while the call closes gets a GuardError; the source is closed all the same."""
    log: list[str | None] = []
    transport = ScriptedTransport(lambda _: NINE)
    driver = SyncDriver(compose([Watch(log), Asking(), Watch(log)]), World(transport))
    with pytest.raises(GuardError, match="closing"), driver.stream(journey(), default_request()) as stream:
        next(stream)
    assert transport.live == 0
    assert len(log) == 2


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_effect_while_an_async_stream_is_abandoned_is_a_guard_error(backend: str) -> None:
    """The same with `async with`."""

    async def main() -> None:
        log: list[str | None] = []
        transport = ScriptedTransport(lambda _: NINE)
        driver = AsyncDriver(compose([Watch(log), Asking(), Watch(log)]), World(transport))
        with pytest.raises(GuardError, match="closing"):
            async with driver.stream(journey(), default_request()) as stream:
                await stream.__anext__()
        assert transport.live == 0
        assert len(log) == 2

    anyio.run(main, backend=backend)


@pytest.mark.parametrize("mode", MODES)
def test_sources_are_closed_before_the_next_effect(mode: Mode) -> None:
    """A failed attempt's connection is closed before a retry sleeps or opens another one."""
    seen: list[int] = []
    clock = ManualClock()

    class Peek(ManualClock):
        def sleep(self, seconds: float) -> None:
            seen.append(transport.live)
            clock.sleep(seconds)

    peek = Peek()
    calls = 0

    def script(_: Any) -> Any:
        nonlocal calls
        calls += 1
        return [ProviderError("cut")] if calls < 3 else [[TextDelta("a")]]

    transport = ScriptedTransport(script, clock=peek)
    world = World(transport, None, peek)
    run = compose([Retry(3, 1.0)])
    if mode.startswith("sync"):
        if mode == "sync":
            SyncDriver(run, world).complete(journey(), default_request())
        else:
            with SyncDriver(run, world).stream(journey(), default_request()) as stream:
                list(stream)
    else:
        anyio.run(_use, AsyncDriver(run, world), mode == "async-stream", [])
    assert seen == [0, 0]
    assert transport.live == 0


class BadlyClosing(ScriptedSource):
    """A source that cannot be closed without an error."""

    def close(self) -> None:
        super().close()
        raise OSError("secret")


class BadlyClosingTransport(ScriptedTransport):
    def open(self, request: Any, *, stream: bool, left: float | None) -> Any:
        self.requests.append(request)
        self.live += 1
        return BadlyClosing(self, list(NINE[:2]), request.model)


@pytest.mark.parametrize("mode", MODES)
def test_a_source_that_cannot_be_closed_hides_nothing(mode: Mode) -> None:
    """An error in closing a connection is noted; the answer that was there is delivered, and sessions are closed."""
    log: list[str | None] = []
    transport = BadlyClosingTransport(lambda _: [])
    run = compose([Watch(log)])
    trip = journey()
    if mode == "sync":
        assert SyncDriver(run, World(transport)).complete(trip, default_request()).text == "aa"
    elif mode == "sync-stream":
        with SyncDriver(run, World(transport)).stream(trip, default_request()) as stream:
            list(stream)
    elif mode == "async":
        assert anyio.run(AsyncDriver(run, World(transport)).complete, trip, default_request()).text == "aa"
    else:

        async def main() -> None:
            async with AsyncDriver(run, World(transport)).stream(trip, default_request()) as stream:
                async for _ in stream:
                    pass

        anyio.run(main)
    assert log == [None]
    assert "close_failed" in {note.kind for note in trip.context.notes}


# ---- the deadline


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("mode", MODES)
def test_the_deadline_ends_a_pull(mode: Mode, backend: str) -> None:
    """A provider that falls silent past the deadline is a ProviderTimeout of kind deadline_exceeded, never retried."""
    log: list[str | None] = []
    clock = ManualClock()
    layers = [Watch(log), Retry(5, 0.0)]
    outcome = run_in_mode(mode, layers, lambda _: STUCK, timeout=5.0, clock=clock, backend=backend)
    assert isinstance(outcome.error, ProviderTimeout)
    assert outcome.error.kind == "deadline_exceeded"
    assert outcome.transport.live == 0
    assert len(outcome.transport.requests) == 1
    assert log == ["ProviderTimeout"]
    assert clock.monotonic() == 5.0
    assert not outcome.finished


@pytest.mark.parametrize("mode", MODES)
def test_a_sleep_that_would_reach_the_deadline_fails_at_once(mode: Mode) -> None:
    """A retry that would wait past the deadline does not wait at all, and sends nothing more."""
    clock = ManualClock()
    outcome = run_in_mode(mode, [Retry(5, 10.0)], lambda _: [ProviderError("x")], timeout=2.0, clock=clock)
    assert isinstance(outcome.error, ProviderTimeout)
    assert outcome.error.kind == "deadline_exceeded"
    assert clock.slept == []
    assert len(outcome.transport.requests) == 1


@pytest.mark.parametrize("mode", MODES)
def test_a_retry_that_fits_before_the_deadline_waits(mode: Mode) -> None:
    """Short waits are slept on the driver's clock, and the call goes on."""
    clock = ManualClock()
    answers = iter([[ProviderError("x")], [[TextDelta("a")]]])
    outcome = run_in_mode(mode, [Retry(5, 1.0)], lambda _: next(answers), timeout=2.0, clock=clock)
    assert outcome.error is None
    assert clock.slept == [1.0]


@pytest.mark.parametrize("mode", MODES)
def test_the_attempts_budget_holds_whatever_loops_above(mode: Mode) -> None:
    """Retries, times fallbacks, share one budget: no more requests than attempts are sent."""
    transport = ScriptedTransport(lambda _: [ProviderError("x")], clock=ManualClock())
    world = World(transport, None, transport.clock)
    run = compose([Fallback("a", "b", "c"), Retry(9, 0.0)])
    trip = Journey(Context("c", attempts_left=5))
    with pytest.raises(BudgetExceeded, match="used up"):
        if mode == "sync":
            SyncDriver(run, world).complete(trip, default_request())
        elif mode == "sync-stream":
            with SyncDriver(run, world).stream(trip, default_request()) as stream:
                list(stream)
        else:
            anyio.run(_drive_async, AsyncDriver(run, world), trip, mode == "async-stream")
    assert len(transport.requests) == 5
    assert trip.context.attempts_left == 0


async def _drive_async(driver: AsyncDriver, trip: Journey, streamed: bool) -> None:
    if not streamed:
        await driver.complete(trip, default_request())
        return
    async with driver.stream(trip, default_request()) as stream:
        async for _ in stream:
            pass


# ---- threads


def test_shared_layers_serve_several_threads() -> None:
    """Streams of one driver in several threads do not see each other: each gets its own answer, restored."""
    store = TokenStore()
    run = compose([ScreenWindow("zz"), Tokens(store), NoOp(), Fallback("p", "q"), Retry(2, 0)])
    transport = ScriptedTransport(
        lambda request: [[TextDelta("TKN0")], [TextDelta("000Q " + request.messages[0].text)]]
    )
    driver = SyncDriver(run, World(transport))
    wrong: list[str] = []
    SyncDriver(run, World(transport)).complete(journey(), default_request())

    def work(number: int) -> None:
        for turn in range(30):
            asked = Request((Message.user(f"bob@x.example {number}-{turn}"),), model="m")
            with driver.stream(journey(), asked) as stream:
                text = "".join(event.text for event in stream if isinstance(event, TextDelta))
            if text != f"bob@x.example bob@x.example {number}-{turn}":
                wrong.append(text)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert transport.live == 0


def _busy_threads() -> list[str]:
    """Threads of guards and branches. The watchdog of a transport, used by other tests, ends by itself when idle."""
    names = [thread.name for thread in threading.enumerate() if thread.name.startswith("psf-")]
    return [name for name in names if name != "psf-runtime-watchdog"]


@pytest.fixture(autouse=True)
def _no_thread_left() -> Iterator[None]:
    """No test of this file leaves a thread behind that still works."""
    yield
    until = time.monotonic() + 5
    while time.monotonic() < until and _busy_threads():
        time.sleep(0.005)
    assert _busy_threads() == []
