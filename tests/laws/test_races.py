"""Several attempts at once: `together` and `first_of`, in all four modes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from psf_runtime.errors import BudgetExceeded, GuardError, ProviderError, RoutesExhausted
from psf_runtime.flow.aio import AsyncDriver
from psf_runtime.flow.clock import SystemClock
from psf_runtime.flow.compose import compose
from psf_runtime.flow.effects import first_of, sleep, together
from psf_runtime.flow.outcomes import Stopped
from psf_runtime.flow.protocols import ALL, NONE, Hold, StrategyBase
from psf_runtime.flow.sync import SyncDriver
from psf_runtime.flow.world import Journey, World
from psf_runtime.testing.modes import MODES, Mode, default_request, run_in_mode
from psf_runtime.testing.scripted import ScriptedTransport, Silence
from psf_runtime.types.chunks import TextDelta
from psf_runtime.types.context import Context
from psf_runtime.types.response import Response
from tests.laws.layers import Fallback, Retry, ScreenAll, ScreenWindow, Watch

BACKENDS = ["asyncio", "trio"]


class Hedge(StrategyBase):
    """Asks two models; the second a little later."""

    name = "hedge"

    def __init__(self, *, wait: float = 0.01, hold: Hold = ALL) -> None:
        self.wait = wait
        self.hold = hold

    def run(self, context: Any, request: Any, attempt: Any) -> Any:
        def late() -> Any:
            yield from sleep(self.wait)
            return (yield from attempt(request.replace(model="b")))

        return (yield from first_of(attempt(request.replace(model="a")), late()))


class Both(StrategyBase):
    """Asks two models and joins their answers."""

    name = "both"
    hold = ALL

    def run(self, context: Any, request: Any, attempt: Any) -> Any:
        one, other = yield from together(*(attempt(request.replace(model=model)) for model in "ab"))
        return one.replace(parts=(*one.parts, *other.parts))


def by_model(**steps: Any) -> Callable[[Any], Any]:
    """A provider that does something else for each model."""
    return lambda request: steps[request.model]


def settled(transport: ScriptedTransport) -> bool:
    """Whether every source is closed; losers in threads get a moment, for nobody waits for them."""
    end = time.monotonic() + 5
    while transport.live and time.monotonic() < end:
        time.sleep(0.002)
    return transport.live == 0


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("mode", MODES)
def test_the_first_success_wins_and_the_loser_is_closed(mode: Mode, backend: str) -> None:
    """A slow first model loses to the second: its answer is delivered whole, the loser's source is closed."""
    script = by_model(a=[[TextDelta("a")], Silence(0.3), [TextDelta("a")]], b=[[TextDelta("b")]])
    outcome = run_in_mode(mode, [Hedge()], script, clock=SystemClock(), backend=backend)
    assert outcome.error is None
    assert outcome.response is not None
    assert outcome.response.text == "b"
    if mode.endswith("stream"):
        assert outcome.text == "b"
    assert [request.model for request in outcome.transport.requests] == ["a", "b"]
    assert settled(outcome.transport)


@pytest.mark.parametrize("mode", MODES)
def test_a_failed_first_model_does_not_end_the_race(mode: Mode) -> None:
    """An error loses the race; only when every branch fails does the call, with the errors of all."""
    outcome = run_in_mode(mode, [Hedge()], by_model(a=[ProviderError("x")], b=[[TextDelta("b")]]))
    assert outcome.response is not None
    assert outcome.response.text == "b"
    outcome = run_in_mode(mode, [Hedge()], by_model(a=[ProviderError("x")], b=[ProviderError("y")]))
    assert isinstance(outcome.error, RoutesExhausted)
    assert isinstance(outcome.error, ProviderError), "a race does not change what a caller catches"
    assert {error.what for error in outcome.error.exceptions} == {"x", "y"}  # type: ignore[attr-defined]


@pytest.mark.parametrize("mode", MODES)
def test_a_guards_no_is_what_a_failed_race_says(mode: Mode) -> None:
    """When one branch was blocked and the other's provider failed, the block comes out, not the provider's failure."""
    outcome = run_in_mode(mode, [Hedge(), ScreenAll()], by_model(a=[[TextDelta("bad")]], b=[ProviderError("y")]))
    assert isinstance(outcome.error, Stopped)
    assert outcome.error.layer == "screen_all"


@pytest.mark.parametrize("mode", MODES)
def test_all_of_returns_everything_in_order(mode: Mode) -> None:
    """`together` returns every result in the order of its flows; usage and attempts of all branches are counted."""
    outcome = run_in_mode(mode, [Both()], by_model(a=[[TextDelta("a")]], b=[[TextDelta("b")]]))
    assert outcome.response is not None
    assert outcome.response.text == "ab"
    assert outcome.context.usage.input_tokens == 6
    assert outcome.context.attempts_left == 48
    assert outcome.transport.live == 0


@pytest.mark.parametrize("mode", MODES)
def test_the_first_error_ends_an_all_of(mode: Mode) -> None:
    """One failing branch fails all: the others are closed, without waiting for them."""
    script = by_model(a=[[TextDelta("a")], Silence(20.0)], b=[ProviderError("y")])
    if mode.startswith("sync"):  # nobody can interrupt a thread that sleeps: only its source is closed
        script = by_model(a=[[TextDelta("a")]] * 3, b=[ProviderError("y")])
    began = time.monotonic()
    outcome = run_in_mode(mode, [Both()], script, clock=SystemClock())
    assert isinstance(outcome.error, ProviderError)
    assert outcome.error.what == "y"
    assert time.monotonic() - began < 5
    assert settled(outcome.transport)


@pytest.mark.parametrize("mode", MODES)
def test_branches_share_one_attempts_budget(mode: Mode) -> None:
    """Branches that retry take from the call's own budget: no more requests than it allows are sent."""
    transport = ScriptedTransport(lambda _: [ProviderError("x")])
    run = compose([Both(), Retry(9, 0.0)])
    trip = Journey(Context("c", attempts_left=5))
    with pytest.raises((BudgetExceeded, ProviderError)):
        if mode == "sync":
            SyncDriver(run, World(transport)).complete(trip, default_request())
        elif mode == "sync-stream":
            with SyncDriver(run, World(transport)).stream(trip, default_request()) as stream:
                list(stream)
        elif mode == "async":
            anyio.run(AsyncDriver(run, World(transport)).complete, trip, default_request())
        else:
            anyio.run(_consume, AsyncDriver(run, World(transport)), trip)
    assert settled(transport)
    assert len(transport.requests) <= 5
    assert trip.context.attempts_left == 5 - len(transport.requests)


async def _consume(driver: AsyncDriver, trip: Journey) -> None:
    async with driver.stream(trip, default_request()) as stream:
        async for _ in stream:
            pass


@pytest.mark.parametrize("mode", MODES)
def test_sources_of_a_branch_are_closed_before_its_next_effect(mode: Mode) -> None:
    """A retry inside a branch does not keep the failed attempt's connection while it waits."""
    live: list[int] = []

    class Peek(SystemClock):
        def sleep(self, seconds: float) -> None:
            live.append(transport.live)

        async def asleep(self, seconds: float) -> None:
            live.append(transport.live)

    class One(StrategyBase):
        name = "one"
        hold = ALL

        def run(self, context: Any, request: Any, attempt: Any) -> Any:
            return (yield from together(attempt(request)))[0]

    answers = iter([[ProviderError("x")], [[TextDelta("a")]]])
    transport = ScriptedTransport(lambda _: next(answers))
    run, trip = compose([One(), Retry(2, 0.5)]), Journey(Context("c"))
    if mode == "sync":
        SyncDriver(run, World(transport, None, Peek())).complete(trip, default_request())
    elif mode == "sync-stream":
        with SyncDriver(run, World(transport, None, Peek())).stream(trip, default_request()) as stream:
            list(stream)
    elif mode == "async":
        anyio.run(AsyncDriver(run, World(transport, None, Peek())).complete, trip, default_request())
    else:
        anyio.run(_consume, AsyncDriver(run, World(transport, None, Peek())), trip)
    assert live == [0]
    assert trip.context.discard == []


@pytest.mark.parametrize("mode", MODES)
def test_a_race_without_holding_is_refused_in_every_mode(mode: Mode) -> None:
    """A strategy that streams may not run two attempts at once: pieces of both could be delivered."""
    script = by_model(a=[[TextDelta("a")], Silence(0.05), [TextDelta("a")]], b=[[TextDelta("b")]])
    layers = [Fallback("m"), Hedge(hold=NONE, wait=0.0)]
    outcome = run_in_mode(mode, layers, script, clock=SystemClock())
    assert isinstance(outcome.error, GuardError)
    assert "two attempts at once" in outcome.error.what
    assert outcome.error.layer == "hedge"
    assert settled(outcome.transport)


class Swallows(StrategyBase):
    """Catches everything, even what only the engine raises."""

    name = "swallows"

    def __init__(self, *, other_error: bool = False) -> None:
        self.other_error = other_error

    def run(self, context: Any, request: Any, attempt: Any) -> Any:
        try:
            return (yield from attempt(request))
        except GeneratorExit:
            raise
        except BaseException:
            if self.other_error:
                raise ProviderError("not what happened") from None
            return Response()


@pytest.mark.parametrize("mode", ["sync-stream", "async-stream"])
@pytest.mark.parametrize("other_error", [False, True])
def test_an_outer_block_outlives_a_strategy_that_catches_everything(mode: Mode, other_error: bool) -> None:
    """Whatever a strategy makes of an outer guard's block, the call ends blocked, and with nothing more sent."""
    layers = [ScreenWindow(), Fallback("m1", "m2"), Swallows(other_error=other_error)]
    outcome = run_in_mode(mode, layers, lambda _: [[TextDelta("bad")]])
    assert isinstance(outcome.error, Stopped)
    assert outcome.error.layer == "screen_window"
    assert len(outcome.transport.requests) == 1
    assert not outcome.finished


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_cancelled_race_closes_every_branch(backend: str) -> None:
    """Cancelling the task during a race closes the sources and the sessions of all branches."""
    log: list[str | None] = []

    async def main() -> None:
        transport = ScriptedTransport(lambda _: [[TextDelta("a")], Silence(30.0)])
        driver = AsyncDriver(compose([Hedge(wait=0.0), Watch(log)]), World(transport))
        with anyio.move_on_after(0.05) as scope:
            await driver.complete(Journey(Context("c")), default_request())
        assert scope.cancelled_caught
        assert len(transport.requests) == 2
        assert transport.live == 0

    anyio.run(main, backend=backend)
    assert log == ["CancelledError" if backend == "asyncio" else "Cancelled"] * 2


def test_a_sync_loser_is_closed_from_outside_and_never_joined() -> None:
    """A loser that waits in its source is closed by the winner's side; the caller does not wait for its thread."""
    closed = threading.Event()

    class Stuck:
        def head(self) -> Response:
            return Response()

        def read(self, left: float | None) -> Any:
            assert closed.wait(20)
            raise ProviderError("closed")

        def close(self) -> None:
            closed.set()

    class Transport(ScriptedTransport):
        def open(self, request: Any, *, stream: bool, left: float | None) -> Any:
            return Stuck() if request.model == "a" else super().open(request, stream=stream, left=left)

    driver = SyncDriver(compose([Hedge()]), World(Transport(lambda _: [[TextDelta("b")]])))
    began = time.monotonic()
    assert driver.complete(Journey(Context("c")), default_request()).text == "b"
    assert time.monotonic() - began < 5
    assert closed.is_set()
