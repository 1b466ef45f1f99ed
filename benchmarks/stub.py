"""A loopback server that answers at once: canned answers, HTTP/1.1 kept alive, requests taken in pieces.

`python -m benchmarks.stub` prints its port and serves until its standard input ends.

The first part of the path chooses the answer: /answer/ (whole), /slow/ (whole, after 50 ms), /stream/ (1,000 events in
one burst). Nothing else of a request is looked at.
"""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from pathlib import Path
from types import TracebackType

from benchmarks.conversation import answer_body, answer_events

LATENCY = 0.05  # seconds
ROOT = Path(__file__).resolve().parents[1]
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
_END = b"\r\n\r\n"


def whole_answer() -> bytes:
    """Head and body of the whole answer."""
    body = answer_body()
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def streamed_answer() -> bytes:
    """Head and body of the streamed answer, each event in an HTTP chunk of its own."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    chunks = [b"%x\r\n%b\r\n" % (len(event), event) for event in answer_events()]
    return head + b"".join(chunks) + b"0\r\n\r\n"


class StubProtocol(asyncio.Protocol):
    """One connection."""

    answer = whole_answer()
    streamed = streamed_answer()
    refusal = b"HTTP/1.1 411 Length Required\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        while self._buffer and self._take():
            pass

    def _take(self) -> bool:
        """Answer the request at the front of the buffer; False when it is not all there."""
        assert self._transport is not None
        end = self._buffer.find(_END)
        if end < 0:
            return False
        length = _LENGTH.search(self._buffer, 0, end)
        if length is None:
            self._transport.write(self.refusal)
            self._transport.close()
            self._buffer = b""
            return False
        total = end + len(_END) + int(length.group(1))
        if len(self._buffer) < total:
            return False
        path = self._buffer[5:12]  # behind "POST "
        self._buffer = self._buffer[total:]
        if path.startswith(b"/slow/"):
            self._loop.call_later(LATENCY, self._transport.write, self.answer)
        else:
            self._transport.write(self.streamed if path.startswith(b"/stream") else self.answer)
        return True


class Stub:
    """The server in a process of its own. A context manager."""

    def __init__(self, python: str = sys.executable) -> None:
        self._process = subprocess.Popen(
            [python, "-m", "benchmarks.stub"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def url(self, kind: str) -> str:
        """Base URL of one kind of answer: `answer`, `slow` or `stream`."""
        return f"http://127.0.0.1:{self.port}/{kind}/v1"

    def __enter__(self) -> Stub:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=10)
        assert self._process.stdout is not None
        self._process.stdout.close()


async def serve() -> None:
    """Serve until standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: StubProtocol(loop), "127.0.0.1", 0, backlog=2048)
    print(server.sockets[0].getsockname()[1], flush=True)
    over = asyncio.Event()
    loop.add_reader(sys.stdin.fileno(), over.set)  # nothing is ever written to it: readable means ended
    await over.wait()
    loop.remove_reader(sys.stdin.fileno())


def main() -> int:
    """Serve, until standard input ends."""
    asyncio.run(serve())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
