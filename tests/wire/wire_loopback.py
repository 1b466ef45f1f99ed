"""A loopback server that does what a list of scripts says, one script per request, and counts its connections."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable
from types import TracebackType

Script = Callable[[socket.socket], bool]  # answers one request; True keeps the connection


class Loopback:
    """Answers the n-th request with the n-th script (the last one again and again)."""

    def __init__(self, *scripts: Script) -> None:
        self._scripts = scripts
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.requests: list[bytes] = []
        self.connections = 0
        self.hung_up = threading.Event()  # the client closed a connection that a script was still writing to
        self._lines: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"

    def __enter__(self) -> Loopback:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Wake the accept call: closing the listener alone does not.
        with contextlib.suppress(OSError):
            socket.create_connection(self._listener.getsockname()).close()
        self._thread.join(5)
        self._listener.close()
        for line in self._lines:
            line.close()

    def _accept(self) -> None:
        workers = []
        while True:
            line, _ = self._listener.accept()
            first = line.recv(65_536)
            if not first:
                line.close()
                break
            self.connections += 1
            self._lines.append(line)
            worker = threading.Thread(target=self._serve, args=(line, first), daemon=True)
            worker.start()
            workers.append(worker)
        for line in self._lines:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        for worker in workers:
            worker.join(5)

    def _serve(self, line: socket.socket, received: bytes) -> None:
        try:
            while received:
                head, _, body = received.partition(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                while len(body) < length:
                    body += line.recv(65_536)
                number = len(self.requests)
                self.requests.append(head + b"\r\n\r\n" + body)
                script = self._scripts[min(number, len(self._scripts) - 1)]
                if not script(line):
                    break
                received = line.recv(65_536)
        except OSError:
            self.hung_up.set()
        line.close()


def body(value: object, *, status: str = "200 OK", headers: str = "") -> Script:
    """One JSON body with its length."""
    data = value if isinstance(value, bytes) else json.dumps(value).encode()

    def answer(line: socket.socket) -> bool:
        head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(data)}\r\n{headers}\r\n"
        line.sendall(head.encode() + data)
        return True

    return answer


def events(*pieces: bytes, cut: bool = False, wait: threading.Event | None = None) -> Script:
    """A chunked event stream; `cut` leaves out its end, `wait` waits before it."""

    def answer(line: socket.socket) -> bool:
        line.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        for piece in pieces:
            line.sendall(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        if wait is not None:
            wait.wait(5)
        if not cut:
            line.sendall(b"0\r\n\r\n")
        return not cut

    return answer


def hang_up(line: socket.socket) -> bool:
    """Close the connection without a word."""
    return False


def delta(text: str = "", finish: str | None = None) -> bytes:
    """One event of a stream."""
    piece = {"content": text} if text else {}
    value = {"id": "c1", "model": "m", "choices": [{"index": 0, "delta": piece, "finish_reason": finish}]}
    return b"data: " + json.dumps(value).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"
HELLO = {
    "id": "c1",
    "object": "chat.completion",
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
}
