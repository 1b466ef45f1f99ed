"""Many calls at once, calls that are cancelled, and the end of a sender."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from psf_runtime.errors import ConfigError, ProviderError, ProviderTimeout, PsfError
from psf_runtime.providers.connections.shelf import Shelf
from psf_runtime.providers.http import HttpTransport
from psf_runtime.providers.intake import HttpLimits
from psf_runtime.types.messages import Message
from psf_runtime.types.request import Request
from tests.wire.echo_http import EchoHttp
from tests.wire.fault_proxy import Fault, FaultProxy, never_accepting
from tests.wire.sender_calls import BLOCKING, LOOPS, aonce, once, sender_to


def saying(number: int) -> Request:
    return Request((Message.user(f"number {number}"),), model="t")


def shelf_of(sender: HttpTransport, mode: str) -> Shelf:
    """The connections of a sender, in the running event loop."""
    made: Any = sender._clients.blocking() if mode == BLOCKING else sender._clients.asynchronous()
    shelf: Shelf = made[0].shelf
    return shelf


def test_many_threads_get_their_own_answers() -> None:
    """Sixteen threads share one sender; nobody gets another's answer, and connections are used again."""
    with EchoHttp() as server:
        sender = sender_to(server.port)
        with ThreadPoolExecutor(16) as pool:
            texts = list(pool.map(lambda number: once(sender, saying(number)).text, range(300)))
        assert shelf_of(sender, BLOCKING).counts[0] == 0
        sender.close()
        assert server.connections <= 16
    assert texts == [f"number {number}" for number in range(300)]


@pytest.mark.parametrize("loop", LOOPS)
def test_many_tasks_get_their_own_answers(loop: str) -> None:
    """A hundred tasks at once; nobody gets another's answer, and the second round needs no new connection."""
    texts: dict[int, str] = {}

    async def one(sender: HttpTransport, number: int) -> None:
        texts[number] = (await aonce(sender, saying(number), left=20)).text

    async def main() -> None:
        sender = sender_to(server.port)
        for start in (0, 100):
            async with anyio.create_task_group() as group:
                for number in range(start, start + 100):
                    group.start_soon(one, sender, number)
        assert shelf_of(sender, loop).counts[0] == 0
        await sender.aclose()

    with EchoHttp() as server:
        anyio.run(main, backend=loop)
        assert server.connections <= 100
    assert texts == {number: f"number {number}" for number in range(200)}


def test_a_thread_waits_for_a_connection_and_gets_it() -> None:
    """With one connection, two threads take turns; a wait that is too long is a PoolTimeout, and nothing was sent."""
    gate = threading.Event()
    with EchoHttp(gate) as server:
        sender = sender_to(server.port, limits=HttpLimits(stall=0.2))
        shelf_of(sender, BLOCKING).most = 1
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(once, sender, saying(1), left=20)
            _until(lambda: server.connections == 1)
            with pytest.raises(ProviderTimeout) as caught:
                once(sender, saying(2), left=20)
            third = pool.submit(once, sender, saying(3), left=20)
            gate.set()
            assert (first.result(5).text, third.result(5).text) == ("number 1", "number 3")
        sender.close()
        assert server.connections == 1
    assert (caught.value.why, caught.value.retry_safe) == ("PoolTimeout", True)


@pytest.mark.parametrize("loop", LOOPS)
def test_tasks_wait_for_a_connection_in_turn(loop: str) -> None:
    """With two connections twenty tasks get through; who gives up waiting hands the place on."""
    gate = threading.Event()
    texts: list[str] = []

    async def one(sender: HttpTransport, number: int) -> None:
        texts.append((await aonce(sender, saying(number), left=20)).text)

    async def impatient(sender: HttpTransport) -> None:
        with pytest.raises(ProviderTimeout) as caught:
            await aonce(sender, saying(99), left=0.1)
        assert (caught.value.why, caught.value.retry_safe) == ("PoolTimeout", True)
        gate.set()

    async def main() -> None:
        sender = sender_to(server.port)
        shelf_of(sender, loop).most = 2
        async with anyio.create_task_group() as group:
            for number in range(20):
                group.start_soon(one, sender, number)
            while shelf_of(sender, loop).counts[0] < 2:
                await anyio.lowlevel.checkpoint()
            group.start_soon(impatient, sender)
            with anyio.move_on_after(0.05):
                await aonce(sender, saying(98), left=20)
        assert shelf_of(sender, loop).counts == (0, 2)
        await sender.aclose()

    with EchoHttp(gate) as server:
        anyio.run(main, backend=loop)
        assert server.connections == 2
    assert sorted(texts) == sorted(f"number {number}" for number in range(20))


@pytest.mark.parametrize("loop", LOOPS)
def test_a_cancelled_call_takes_its_connection_with_it(loop: str) -> None:
    """A call that is cancelled while it waits for its answer: the connection is closed, and never used again."""

    async def main() -> None:
        sender = sender_to(proxy.port)
        with anyio.move_on_after(0.1) as scope:
            await aonce(sender, saying(1), left=20)
        assert scope.cancelled_caught
        assert shelf_of(sender, loop).counts == (0, 0)
        assert (await aonce(sender, saying(2))).text == "number 2"
        await sender.aclose()

    faults = (Fault(blackhole=True), Fault())
    with EchoHttp() as server, FaultProxy(server.port, *faults) as proxy:
        anyio.run(main, backend=loop)
        assert proxy.connections == 2
        assert proxy.ended.wait(5)


@pytest.mark.parametrize("loop", LOOPS)
def test_a_call_that_is_cancelled_while_it_connects(loop: str) -> None:
    """Its place is free again."""

    async def main() -> None:
        sender = sender_to(port)
        with anyio.move_on_after(0.1) as scope:
            await aonce(sender, saying(1), left=20)
        assert scope.cancelled_caught
        assert shelf_of(sender, loop).counts == (0, 0)
        await sender.aclose()

    with never_accepting() as port:
        anyio.run(main, backend=loop)


def test_closing_ends_blocking_calls_that_are_going_on() -> None:
    """close() from another thread: a call that waits fails at once, and further calls are refused."""
    with EchoHttp() as server, FaultProxy(server.port, Fault(blackhole=True)) as proxy:
        sender = sender_to(proxy.port)
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(once, sender, saying(1), left=60)
            _until(lambda: proxy.received > 0)
            began = time.monotonic()
            sender.close()
            with pytest.raises(ProviderError) as caught:
                waiting.result(5)
            assert time.monotonic() - began < 1
        assert caught.value.kind == "connection"
        assert shelf_of_closed(sender) == (0, 0)
        with pytest.raises(ConfigError, match="closed"):
            once(sender)


def shelf_of_closed(sender: HttpTransport) -> tuple[int, int]:
    blocking = sender._clients._blocking
    assert blocking is not None
    return blocking.shelf.counts


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("waits_for", ["an answer", "a connection"])
def test_closing_ends_async_calls_that_are_going_on(loop: str, waits_for: str) -> None:
    """aclose() while calls wait for an answer, or for a connection: they fail at once with typed errors."""
    failed: list[PsfError] = []

    async def one(sender: HttpTransport, number: int) -> None:
        try:
            await aonce(sender, saying(number), left=60)
        except PsfError as error:
            failed.append(error)

    async def main() -> None:
        sender = sender_to(proxy.port)
        shelf_of(sender, loop).most = 1 if waits_for == "a connection" else 8
        began = time.monotonic()
        async with anyio.create_task_group() as group:
            for number in range(3):
                group.start_soon(one, sender, number)
            with anyio.move_on_after(0.1):
                await anyio.sleep_forever()
            await sender.aclose()
        assert time.monotonic() - began < 2

    with EchoHttp() as server, FaultProxy(server.port, Fault(blackhole=True)) as proxy:
        anyio.run(main, backend=loop)
    assert len(failed) == 3
    assert all(isinstance(error, ProviderError | ConfigError) for error in failed)


def test_no_thread_is_left_behind() -> None:
    """Blocking calls with deadlines need no thread of their own."""
    with EchoHttp() as server:
        before = {thread.name for thread in threading.enumerate()}
        sender = sender_to(server.port)
        once(sender, stream=True)
        sender.close()
        after = {thread.name for thread in threading.enumerate() if not thread.name.startswith("Thread-")}
    assert after <= before


def run_here(code: str, *, port: int) -> str:
    """What a script prints, in a process that turns every warning into an error."""
    begin = f"PORT = {port}\nfrom tests.wire.sender_calls import *\nimport anyio, gc, os, sys\n"
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", begin + code]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


@pytest.mark.parametrize("loop", LOOPS)
def test_nothing_is_left_open(loop: str) -> None:
    """Loops that end, and senders that are dropped, without being closed: not one ResourceWarning."""
    code = f"""
async def main(sender):
    assert (await aonce(sender)).text == "hello"
sender = sender_to(PORT)
anyio.run(main, sender, backend={loop!r})
anyio.run(main, sender, backend={loop!r})
gc.collect()
assert len(sender._clients._asynchronous) == 0  # each loop took its connections with it
assert once(sender).text == "hello"
del sender
gc.collect()
print("done")
"""
    with EchoHttp() as server:
        assert run_here(code, port=server.port) == "done"


def test_a_child_process_gets_connections_of_its_own() -> None:
    """After a fork, parent and child each call over their own connection, and neither disturbs the other."""
    code = """
sender = sender_to(PORT)
assert once(sender).text == "hello"
child = os.fork()
assert once(sender).text == "hello"
if child == 0:
    sys.stdout.flush()
    os._exit(0)
status = os.waitpid(child, 0)[1]
assert once(sender).text == "hello"
sender.close()
print(status)
"""
    with EchoHttp() as server:
        assert run_here(code, port=server.port) == "0"
        assert server.connections == 2


def _until(condition: Any) -> None:
    """Wait until something that another thread does has happened."""
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end
        threading.Event().wait(0.005)
