"""The layers of resilience, observability and portability in one real engine, under the real driver."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from psf_runtime.errors import ConfigError, Halted, ProviderError, RoutesExhausted
from psf_runtime.flow.compose import compose
from psf_runtime.flow.sync import SyncDriver
from psf_runtime.flow.world import Journey, World
from psf_runtime.guards.observability import Digests, Drift, InferenceRecord, Record
from psf_runtime.guards.portability import Capability, Pin
from psf_runtime.guards.resilience import Allowance, Budget, FunctionSwitch, Halt, HaltWatch, Retry, Route
from psf_runtime.stores.cells import MemoryCells
from psf_runtime.types.chunks import TextDelta
from psf_runtime.types.context import Context
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response
from tests.unit.guards.playbook import USAGE, asking, context, failing, target

A, B = target("a", dated=True, price=(10, 20)), target("b", dated=True, price=(10, 20))


class Clock:
    """Moves by sleeping only."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return 1_000_000.0 + self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    async def asleep(self, seconds: float) -> None:
        self.sleep(seconds)


class Source:
    """Gives one chunk per read; an exception among them is raised."""

    def __init__(self, model: str, chunks: list[Any]) -> None:
        self.model = model
        self.chunks = list(chunks)
        self.closed = False

    def read(self, left: float | None) -> list[Any] | None:
        if not self.chunks:
            return None
        chunk = self.chunks.pop(0)
        if isinstance(chunk, Exception):
            raise chunk
        return [chunk() if callable(chunk) else chunk]

    def head(self) -> Response:
        return Response(usage=USAGE, model=f"model-{self.model}", provider=self.model)

    def close(self) -> None:
        self.closed = True


@dataclass
class Transport:
    """Scripted answers per target; remembers who was asked."""

    script: dict[str, list[list[Any]]]
    opened: list[str] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)

    def open(self, request: Request, *, stream: bool, left: float | None) -> Source:
        self.opened.append(request.model)
        source = Source(request.model, self.script[request.model].pop(0))
        self.sources.append(source)
        return source


class Chain:
    """Everything, in the order of a client."""

    def __init__(self, **script: list[list[Any]]) -> None:
        self.records: list[InferenceRecord] = []
        self.transport = Transport(script)
        self.clock = Clock()
        self.halted: str | None = None
        self.context: Context = context(purpose="p", user="u")
        self.driver = SyncDriver(
            compose(self.layers()),
            World(self.transport, clock=self.clock, random=lambda size: bytes(size)),  # type: ignore[arg-type]
        )

    def layers(self) -> list[Any]:
        cells, targets = MemoryCells(), [A, B]
        switch = FunctionSwitch(lambda facts, name: self.halted)
        sink: Any = type("Sink", (), {"blocking": False, "write": lambda _, record: self.records.append(record)})()
        return [
            Halt(switch=switch),
            Record(sinks=[sink], digests=Digests(b"0" * 16), targets=targets, models={"a": "model-a", "b": "model-b"}),
            Drift(cells=cells),
            Route(targets=targets, eligible=[Capability()]),
            Budget(allowances={"p": Allowance(Decimal(1), 86400.0)}, targets=targets, cells=cells),
            Retry(targets=targets, switch=switch, cells=cells),
            HaltWatch(switch=switch),
            Pin(targets=targets, models={"a": "model-a", "b": "model-b"}, cells=cells, mode="enforce"),
        ]

    def complete(self) -> str:
        return self.driver.complete(Journey(self.context), asking()).text

    def stream(self, delivered: list[str] | None = None) -> str:
        delivered = [] if delivered is None else delivered
        with self.driver.stream(Journey(self.context), asking()) as stream:
            delivered.extend(event.text for event in stream if isinstance(event, TextDelta))
        return "".join(delivered)


MODES: list[Callable[[Chain], str]] = [Chain.complete, Chain.stream]
GOOD = [TextDelta("hel"), TextDelta("lo")]


@pytest.mark.parametrize("run", MODES)
def test_a_good_answer_goes_through_all_layers_unchanged(run: Callable[[Chain], str]):
    """One send, one record, nothing found, nothing noted."""
    chain = Chain(a=[GOOD])
    assert run(chain) == "hello"
    assert (chain.transport.opened, chain.context.findings, chain.context.notes) == (["a"], [], [])
    assert [(one.outcome, one.model, one.attempts) for one in chain.records] == [("stop", "a", 1)]


@pytest.mark.parametrize("run", MODES)
def test_retries_then_the_fallback_answers(run: Callable[[Chain], str]):
    """Three sends to the first target, one to the second; every source closed; one record that tells."""
    chain = Chain(a=[[failing()], [failing()], [failing()]], b=[GOOD])
    assert run(chain) == "hello"
    assert chain.transport.opened == ["a", "a", "a", "b"]
    assert all(source.closed for source in chain.transport.sources)
    assert [one.outcome for one in chain.context.route] == ["ProviderError"] * 3 + ["ok"]
    assert [(one.model, one.attempts, one.degraded) for one in chain.records] == [("b", 4, True)]


@pytest.mark.parametrize("run", MODES)
def test_five_sends_in_all_whatever_loops(run: Callable[[Chain], str]):
    """Two targets with two retries each would be six."""
    chain = Chain(a=[[failing()]] * 3, b=[[failing()]] * 3)
    with pytest.raises(RoutesExhausted):
        run(chain)
    assert len(chain.transport.opened) == 5
    assert [one.error_type for one in chain.records] == ["RoutesExhausted"]


def test_a_stream_that_breaks_after_its_first_chunk_ends():
    """No retry, no fallback: the caller has a part already, and learns that it is no more than a part."""
    chain = Chain(a=[[TextDelta("hel"), failing("stream_interrupted")]], b=[GOOD])
    delivered: list[str] = []
    with pytest.raises(ProviderError) as caught:
        chain.stream(delivered)
    assert (delivered, caught.value.kind, chain.transport.opened) == (["hel"], "stream_interrupted", ["a"])


def test_a_whole_answer_that_breaks_is_asked_for_again():
    """Nothing was delivered, so the same fault costs a retry only."""
    chain = Chain(a=[[TextDelta("hel"), failing("stream_interrupted")], GOOD])
    assert chain.complete() == "hello"


def test_the_kill_switch_ends_a_running_stream_and_closes_its_connection():
    """The chunk that came after the switch is not delivered."""
    chain = Chain()

    def switch_on() -> TextDelta:
        chain.halted = "incident 7"
        return TextDelta("lo")

    chain.transport.script["a"] = [[TextDelta("hel"), switch_on, TextDelta("!")]]
    delivered: list[str] = []
    with pytest.raises(Halted):
        chain.stream(delivered)
    assert (delivered, chain.transport.sources[0].closed) == (["hel"], True)
    assert len(chain.transport.sources[0].chunks) == 1


def test_the_layers_refuse_a_wrong_order():
    """An attempt outside of the route, a record inside of it."""
    layers = Chain(a=[]).layers()
    for wrong in (layers[::-1], [layers[5], layers[3]], [layers[3], layers[1]]):
        with pytest.raises(ConfigError) as caught:
            compose(wrong)
        assert "resilience.route" in str(caught.value.change)
