"""Verdicts and errors that must not get lost on the way out, whatever stands between."""

from __future__ import annotations

import json
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from psf_runtime.errors import GuardError, ProviderError
from psf_runtime.flow.aio import AsyncDriver
from psf_runtime.flow.compose import compose
from psf_runtime.flow.effects import Random, random_bytes
from psf_runtime.flow.outcomes import Stopped
from psf_runtime.flow.protocols import GuardBase, Session, StrategyBase
from psf_runtime.flow.tape import Tape
from psf_runtime.flow.text import TextSession
from psf_runtime.flow.world import Journey, World
from psf_runtime.testing.laws import STREAMS
from psf_runtime.testing.modes import MODES, default_request, run_in_mode
from psf_runtime.testing.scripted import ScriptedSource, ScriptedTransport, Silence
from psf_runtime.types.chunks import TextDelta
from psf_runtime.types.context import Context
from psf_runtime.types.messages import Text
from psf_runtime.types.response import Response
from psf_runtime.types.verdict import ALLOW, Block, Rewrite


class HoldsAndBlocks(GuardBase):
    """Keeps all text back until the end, and judges the whole."""

    name = "holds_and_blocks"

    class session(TextSession):
        def __init__(self) -> None:
            self.kept = ""

        def text(self, piece: str, part: Any) -> str:
            self.kept += piece
            return ""

        def flush(self, part: Any) -> str:
            kept, self.kept = self.kept, ""
            return kept

        def on_response(self, response: Response) -> Any:
            return Block("bad") if "bad" in response.text else ALLOW


@pytest.mark.parametrize("mode", MODES)
def test_what_was_held_back_is_judged_before_it_is_released(mode: Any) -> None:
    """A guard's verdict on the whole answer comes before its own tail goes on outward."""
    outcome = run_in_mode(mode, [HoldsAndBlocks()], lambda _: [[TextDelta("b")], [TextDelta("ad")]])
    assert isinstance(outcome.error, Stopped)
    assert outcome.delivered == []


@pytest.mark.parametrize("mode", MODES)
def test_a_rewrite_of_the_whole_needs_a_guard_that_holds_the_whole(mode: Any) -> None:
    """Rewrite from a guard that lets chunks pass is a GuardError in every mode, streamed or not."""

    class Rewrites(GuardBase):
        name = "rewrites"

        class session(Session):
            def on_response(self, response: Response) -> Any:
                return Rewrite(response.replace(parts=(Text("other"),)))

    outcome = run_in_mode(mode, [Rewrites()], lambda _: [[TextDelta("a")]])
    assert isinstance(outcome.error, GuardError)
    assert (outcome.error.layer, outcome.error.hook) == ("rewrites", "on_response")


class CatchesExceptions(StrategyBase):
    """Makes an answer of its own out of every exception."""

    name = "catches_exceptions"

    def run(self, context: Any, request: Any, attempt: Any) -> Any:
        try:
            return (yield from attempt(request))
        except Exception:
            return Response((Text("swallowed"),))


class CatchesEverything(StrategyBase):
    """Makes an answer of its own out of everything that is raised."""

    name = "catches_everything"

    def run(self, context: Any, request: Any, attempt: Any) -> Any:
        try:
            return (yield from attempt(request))
        except BaseException:
            return Response((Text("swallowed"),))


class RaisesOnChunks(GuardBase):
    """Raises at once, not in a flow."""

    name = "raises_on_chunks"

    class session(Session):
        def on_chunk(self, chunk: Any) -> Any:
            raise ValueError("secret")


@pytest.mark.parametrize("strategy", [CatchesExceptions, CatchesEverything])
@pytest.mark.parametrize("mode", STREAMS)
def test_an_outer_error_cannot_be_swallowed_inside(mode: Any, strategy: type[StrategyBase]) -> None:
    """An outer guard that raises in the middle of a stream stops the call, whatever an inner strategy catches."""
    outcome = run_in_mode(mode, [RaisesOnChunks(), strategy()], lambda _: [[TextDelta("a")], [TextDelta("b")]])
    assert isinstance(outcome.error, GuardError)
    assert outcome.error.layer == "raises_on_chunks"
    assert not outcome.finished
    assert len(outcome.transport.requests) == 1


@pytest.mark.parametrize("mode", STREAMS)
def test_an_outer_block_cannot_be_swallowed_inside(mode: Any) -> None:
    """An outer verdict, too, comes out although a strategy caught it and returned an answer."""

    class Blocks(GuardBase):
        name = "blocks"

        class session(Session):
            def on_chunk(self, chunk: Any) -> Any:
                return Block("no")

    outcome = run_in_mode(mode, [Blocks(), CatchesEverything()], lambda _: [[TextDelta("a")]])
    assert isinstance(outcome.error, Stopped)
    assert outcome.error.layer == "blocks"


class SlowToClose(ScriptedTransport):
    """Its sources need the event loop to close."""

    async def aopen(self, request: Any, *, stream: bool, left: float | None) -> ScriptedSource:
        source = self.open(request, stream=stream, left=left)
        close = source.close

        async def aclose() -> None:
            await anyio.lowlevel.checkpoint()
            close()

        source.aclose = aclose  # type: ignore[method-assign]
        return source


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_cancelled_call_closes_a_connection_that_needs_time_to_close(backend: str) -> None:
    """Closing is shielded from the cancellation that causes it."""

    async def main() -> SlowToClose:
        transport = SlowToClose(lambda _: [[TextDelta("a")], Silence(60), [TextDelta("b")]])
        driver = AsyncDriver(compose([]), World(transport))
        with anyio.move_on_after(0.02) as scope:
            await driver.complete(Journey(Context("c")), default_request())
        assert scope.cancelled_caught
        return transport

    assert anyio.run(main, backend=backend).live == 0


def test_random_numbers_replay_as_they_were() -> None:
    """A replay gets the recorded random bytes, not new ones."""
    tape = Tape()
    tape.record((), Random(4), b"\x01\x02\x03\x04")
    replayed = Tape.from_data(json.loads(json.dumps(tape.to_data())))
    assert replayed.replay((), next(random_bytes(4))) == b"\x01\x02\x03\x04"


@pytest.mark.parametrize("mode", MODES)
def test_a_strategy_that_raises_is_named(mode: Any) -> None:
    """A crash in a strategy is a GuardError that names it, as a guard's crash is."""

    class Crashes(StrategyBase):
        name = "crashes"

        def run(self, context: Any, request: Any, attempt: Any) -> Any:
            yield from attempt(request)
            raise KeyError("secret")

    outcome = run_in_mode(mode, [HoldsAndBlocks(), Crashes()], lambda _: [[TextDelta("a")]])
    assert isinstance(outcome.error, GuardError)
    assert (outcome.error.layer, outcome.error.hook) == ("crashes", "run")
    assert "secret" not in str(outcome.error)


@pytest.mark.parametrize("mode", MODES)
def test_a_transport_that_raises_something_foreign_is_a_provider_error(mode: Any) -> None:
    """Strategies can rely on it: what a transport raises is a ProviderError, without the foreign text."""
    outcome = run_in_mode(mode, [], lambda _: [[TextDelta("a")], OSError("secret")])
    assert isinstance(outcome.error, ProviderError)
    assert "OSError" in str(outcome.error)
    assert "secret" not in str(outcome.error)
