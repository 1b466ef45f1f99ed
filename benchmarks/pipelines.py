"""Pipelines to measure: guards that do nothing, guards that do the least, and a provider that costs the least."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.measure import Work
from psf_runtime.flow.aio import AsyncDriver
from psf_runtime.flow.compose import compose
from psf_runtime.flow.protocols import GuardBase, Layer, Session
from psf_runtime.flow.sync import SyncDriver
from psf_runtime.flow.world import Journey, World
from psf_runtime.providers.mock import MockProvider
from psf_runtime.types.chunks import Chunk, TextDelta
from psf_runtime.types.context import Context
from psf_runtime.types.messages import Message
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response
from psf_runtime.types.verdict import ALLOW, Verdict

REQUEST = Request((Message.user("Where is my order 7781?"),), model="m")
CHUNKS = 1_000


class NoOp(GuardBase):
    """A guard without hooks."""

    name = "noop"


class ActiveSession(Session):
    """Every hook, each doing the least."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0

    def on_request(self, request: Request) -> Request:
        return request

    def on_chunk(self, chunk: Chunk) -> Chunk:
        self.count += 1
        return chunk

    def on_response(self, response: Response) -> Verdict:
        return ALLOW

    def on_close(self, error: BaseException | None) -> None:
        self.count = 0


class Active(GuardBase):
    """A guard with every hook."""

    name = "active"
    session = ActiveSession


class LeanSource:
    """An answer that is already there."""

    __slots__ = ("_batches",)
    _head = Response(model="m")

    def __init__(self, batches: Sequence[list[Chunk]]) -> None:
        self._batches: Iterator[list[Chunk]] = iter(batches)

    def head(self) -> Response:
        return self._head

    def read(self, left: float | None) -> list[Chunk] | None:
        return next(self._batches, None)

    async def aread(self, left: float | None) -> list[Chunk] | None:
        return next(self._batches, None)

    def close(self) -> None:
        pass

    async def aclose(self) -> None:
        pass


class LeanTransport:
    """A provider that costs next to nothing: what is left is the engine."""

    def __init__(self, chunks: int = 1) -> None:
        self._streamed: list[list[Chunk]] = [[TextDelta("word ")] for _ in range(chunks)]
        self._whole: list[list[Chunk]] = [[TextDelta("word ")]]

    def open(self, request: Request, *, stream: bool, left: float | None) -> LeanSource:
        return LeanSource(self._streamed if stream else self._whole)

    async def aopen(self, request: Request, *, stream: bool, left: float | None) -> LeanSource:
        return LeanSource(self._streamed if stream else self._whole)


def complete(layers: Sequence[Layer]) -> Work:
    """Whole calls in sync mode."""
    driver = SyncDriver(compose(layers), World(LeanTransport()))

    def work(times: int) -> None:
        for _ in range(times):
            driver.complete(Journey(Context("c")), REQUEST)

    return work


def complete_async(layers: Sequence[Layer], transport: Any, runner: asyncio.Runner) -> Work:
    """Whole calls in async mode, one after the other in one task."""
    driver = AsyncDriver(compose(layers), World(transport))

    async def work(times: int) -> None:
        for _ in range(times):
            await driver.complete(Journey(Context("c")), REQUEST)

    return lambda times: runner.run(work(times))


def empty_async_task(runner: asyncio.Runner) -> Work:
    """An async function that does nothing: what the event loop and the loop over calls cost."""

    async def nothing() -> None:
        return None

    async def work(times: int) -> None:
        for _ in range(times):
            await nothing()

    return lambda times: runner.run(work(times))


def stream(layers: Sequence[Layer]) -> Work:
    """Streams of 1,000 chunks in sync mode."""
    driver = SyncDriver(compose(layers), World(LeanTransport(CHUNKS)))

    def work(times: int) -> None:
        for _ in range(times):
            with driver.stream(Journey(Context("c")), REQUEST) as events:
                for _event in events:
                    pass

    return work


def stream_async(layers: Sequence[Layer], runner: asyncio.Runner) -> Work:
    """Streams of 1,000 chunks in async mode."""
    driver = AsyncDriver(compose(layers), World(LeanTransport(CHUNKS)))

    async def work(times: int) -> None:
        for _ in range(times):
            async with driver.stream(Journey(Context("c")), REQUEST) as events:
                async for _event in events:
                    pass

    return lambda times: runner.run(work(times))


def mock() -> MockProvider:
    """The mock provider, answering the same text for ever."""
    return MockProvider("It is on its way.", strict=False)
