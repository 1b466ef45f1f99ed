"""How much a server can make the sender hold: nothing that grows with what it sends."""

from __future__ import annotations

import socket
import threading
import tracemalloc

import anyio
import pytest

from psf_runtime.errors import ProviderError
from tests.wire.sender_calls import BLOCKING, MODES, REQUEST, ask, sender_to
from tests.wire.wire_loopback import Loopback, delta

OK = b"HTTP/1.1 200 OK\r\n"
PIECE = 65_536
FLOODS = {
    "a header line without end": (OK + b"a: ", b"x" * PIECE),
    "headers without end": (OK, b"a: b\r\n" * 10_000),
    "interim answers without end": (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 2_000),
    "a chunk's line without end": (OK + b"transfer-encoding: chunked\r\n\r\n1;", b"x" * PIECE),
    "trailers without end": (OK + b"transfer-encoding: chunked\r\n\r\n0\r\n", b"a: b\r\n" * 10_000),
    "an event without end": (OK + b"content-type: text/event-stream\r\n\r\ndata: ", b"x" * PIECE),
}


def port_of(server: Loopback) -> int:
    return int(server.url.split(":")[2].split("/")[0])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", sorted(FLOODS))
def test_a_flood_is_given_up(mode: str, name: str) -> None:
    """A typed error, a closed connection, and no more than a few megabytes held, whatever flows without end."""
    start, more = FLOODS[name]

    def flood(line: socket.socket) -> bool:
        line.sendall(start)
        while True:
            line.sendall(more)

    tracemalloc.start()
    with Loopback(flood) as server:
        with pytest.raises(ProviderError) as caught:
            ask(mode, sender_to(port_of(server)), stream=True)
        assert server.hung_up.wait(5)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert caught.value.kind in ("connection", "bad_response", "stream_interrupted")
    assert peak < 8_000_000


@pytest.mark.parametrize("mode", MODES)
def test_a_slow_reader_slows_the_server(mode: str) -> None:
    """Who does not read makes the server wait: what is unread is held by the two systems' buffers, not here."""
    sent = 0
    stalled = threading.Event()

    def push(line: socket.socket) -> bool:
        nonlocal sent
        line.sendall(OK + b"content-type: text/event-stream\r\n\r\n")
        line.settimeout(0.3)
        piece = delta("more ") * 500
        try:
            while sent < 64_000_000:
                sent += line.send(piece)
        except TimeoutError:
            stalled.set()
        return False

    async def main() -> None:
        source = await sender.aopen(REQUEST, stream=True, left=20)
        assert await source.aread(20)
        assert await anyio.to_thread.run_sync(stalled.wait, 10)
        await source.aclose()
        await sender.aclose()

    with Loopback(push) as server:
        sender = sender_to(port_of(server))
        if mode == BLOCKING:
            source = sender.open(REQUEST, stream=True, left=20)
            assert source.read(20)
            assert stalled.wait(10)
            source.close()
            sender.close()
        else:
            anyio.run(main, backend=mode)
    assert sent < 16_000_000
