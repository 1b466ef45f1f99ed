"""Injected clients of httpx and httpx2 against a real server: the same promises as without one."""

from __future__ import annotations

import gc
import socket
import threading
import time
from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any

import anyio
import httpx
import httpx2
import pytest

from psf_runtime.errors import ConfigError, ProviderError, ProviderTimeout, StreamInterrupted
from psf_runtime.providers.http import HttpTransport
from psf_runtime.providers.targets import bind
from psf_runtime.types.target import Target
from tests.wire.sender_calls import BLOCKING, LOOPS, MODES, REQUEST, aonce, once
from tests.wire.wire_loopback import DONE, HELLO, Loopback, body, delta, events

MODULES = [httpx, httpx2]
Use = Callable[[HttpTransport], Any]
AsyncUse = Callable[[HttpTransport], Awaitable[Any]]


def sender_with(client: Any, server: Loopback) -> HttpTransport:
    return HttpTransport(bind(Target(f"local:m@{server.url}", api_key="k"), name="t", environ={}), client=client)


def use_blocking(module: ModuleType, server: Loopback, use: Use) -> Any:
    """What `use` makes of a sender with a blocking client."""
    with module.Client() as client:
        sender = sender_with(client, server)
        try:
            return use(sender)
        finally:
            sender.close()


def use_async(module: ModuleType, server: Loopback, use: AsyncUse, loop: str) -> Any:
    """What `use` makes of a sender with an async client."""

    async def main() -> Any:
        async with module.AsyncClient() as client:
            sender = sender_with(client, server)
            try:
                return await use(sender)
            finally:
                await sender.aclose()

    return anyio.run(main, backend=loop)


@pytest.fixture(name="module", params=MODULES, ids=["httpx", "httpx2"])
def _module(request: pytest.FixtureRequest) -> ModuleType:
    module: ModuleType = request.param
    return module


@pytest.mark.parametrize("mode", MODES)
def test_calls_go_through(mode: str, module: ModuleType) -> None:
    """Whole and streamed, over one connection."""
    stream = events(delta("hel"), delta("lo"), delta(finish="stop"), DONE)

    async def both(sender: HttpTransport) -> list[str]:
        return [(await aonce(sender)).text, (await aonce(sender, stream=True)).text]

    def both_blocking(sender: HttpTransport) -> list[str]:
        return [once(sender).text, once(sender, stream=True).text]

    with Loopback(body(HELLO), stream) as server:
        if mode == BLOCKING:
            texts = use_blocking(module, server, both_blocking)
        else:
            texts = use_async(module, server, both, mode)
        assert server.connections == 1
    assert texts == ["hello", "hello"]


@pytest.mark.parametrize("mode", MODES)
def test_a_dead_kept_connection_is_replaced_once(mode: str, module: ModuleType) -> None:
    """A kept connection that the server closed is replaced at once; a new one that dies is an error."""

    def then_close(line: socket.socket) -> bool:
        body(HELLO)(line)
        line.recv(65_536)
        return False

    async def thrice(sender: HttpTransport) -> None:
        assert [(await aonce(sender)).text for _ in range(2)] == ["hello", "hello"]
        with pytest.raises(ProviderError):
            await aonce(sender)

    def thrice_blocking(sender: HttpTransport) -> None:
        assert [once(sender).text for _ in range(2)] == ["hello", "hello"]
        with pytest.raises(ProviderError):
            once(sender)

    with Loopback(then_close, then_close, lambda line: False) as server:
        if mode == BLOCKING:
            use_blocking(module, server, thrice_blocking)
        else:
            use_async(module, server, thrice, mode)
        assert server.connections == 3


@pytest.mark.parametrize("mode", MODES)
def test_a_later_shorter_deadline_holds(mode: str, module: ModuleType) -> None:
    """The time left that counts is that of the read; a silent stream ends with it."""
    released = threading.Event()

    async def slow(sender: HttpTransport) -> None:
        source = await sender.aopen(REQUEST, stream=True, left=60)
        assert await source.aread(60)
        with pytest.raises(ProviderTimeout):
            await source.aread(0.1)

    def slow_blocking(sender: HttpTransport) -> None:
        source = sender.open(REQUEST, stream=True, left=60)
        assert source.read(60)
        with pytest.raises(ProviderTimeout):
            source.read(0.1)

    with Loopback(events(delta("hel"), wait=released)) as server:
        began = time.monotonic()
        if mode == BLOCKING:
            use_blocking(module, server, slow_blocking)
        else:
            use_async(module, server, slow, mode)
        assert time.monotonic() - began < 2
        released.set()


@pytest.mark.parametrize("mode", MODES)
def test_silence_before_the_answer_ends_at_the_deadline(mode: str, module: ModuleType) -> None:
    """A server that takes the request and says nothing."""
    released = threading.Event()

    def silent(line: socket.socket) -> bool:
        released.wait(5)
        return False

    async def waits(sender: HttpTransport) -> None:
        with pytest.raises(ProviderTimeout):
            await aonce(sender, left=0.15)

    def waits_blocking(sender: HttpTransport) -> None:
        with pytest.raises(ProviderTimeout):
            once(sender, left=0.15)

    with Loopback(silent) as server:
        began = time.monotonic()
        if mode == BLOCKING:
            use_blocking(module, server, waits_blocking)
        else:
            use_async(module, server, waits, mode)
        assert time.monotonic() - began < 2
        released.set()


def test_close_from_another_thread_ends_a_waiting_read(module: ModuleType) -> None:
    """A read that waits fails at once when another thread closes its source."""
    released = threading.Event()

    def closed(sender: HttpTransport) -> None:
        source = sender.open(REQUEST, stream=True, left=60)
        assert source.read(60)
        closer = threading.Timer(0.1, source.close)
        closer.start()
        began = time.monotonic()
        with pytest.raises(StreamInterrupted):
            source.read(60)
        assert time.monotonic() - began < 2
        closer.join()

    with Loopback(events(delta("hel"), wait=released)) as server:
        use_blocking(module, server, closed)
        released.set()


@pytest.mark.parametrize("loop", LOOPS)
def test_a_cancelled_or_abandoned_read_closes_the_connection(loop: str, module: ModuleType) -> None:
    """Cancelling the task that reads, or closing early, closes the connection and leaves nothing behind."""
    released = threading.Event()

    async def cancelled(sender: HttpTransport) -> None:
        for cancel in (True, False):
            source = await sender.aopen(REQUEST, stream=True, left=60)
            assert await source.aread(60)
            if cancel:
                with anyio.move_on_after(0.1) as scope:
                    await source.aread(60)
                assert scope.cancelled_caught
            else:
                await source.aclose()
            assert source._response.is_closed
            with pytest.raises(StreamInterrupted):
                await source.aread(60)
            del source
            gc.collect()

    with Loopback(events(delta("hel"), wait=released)) as server:
        use_async(module, server, cancelled, loop)
        released.set()


def test_an_address_in_another_spelling_is_refused(module: ModuleType) -> None:
    """What would be called must be, sign for sign, what was declared."""
    with module.Client() as client:
        sender = HttpTransport(bind("local:m@http://127.0.0.1:1/a/./b", environ={}), client=client)
        with pytest.raises(ConfigError, match="plain form"):
            once(sender)


def test_a_closed_sender_says_so(module: ModuleType) -> None:
    """Closing the sender refuses further calls, and leaves the injected client open."""
    with module.Client() as client, Loopback(body(HELLO)) as server:
        sender = sender_with(client, server)
        sender.close()
        with pytest.raises(ConfigError, match="closed"):
            once(sender)
        assert not client.is_closed
