"""A loopback server whose answer is what was asked: it shows when an answer reaches the wrong caller."""

from __future__ import annotations

import contextlib
import json
import socket
import threading


class EchoHttp:
    """Answers each call with the text of its last message, after all of `gate` has passed."""

    def __init__(self, gate: threading.Event | None = None) -> None:
        self._gate = gate
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self._lines: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.connections = 0

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def __enter__(self) -> EchoHttp:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        for line in (self._listener, *self._lines):
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        for thread in list(self._threads):
            thread.join(5)
        for line in (self._listener, *self._lines):
            line.close()

    def _start(self, target: object, *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                line, _ = self._listener.accept()
                self.connections += 1
                self._lines.append(line)
                self._start(self._serve, line)

    def _serve(self, line: socket.socket) -> None:
        received = b""
        with contextlib.suppress(OSError):
            while data := line.recv(65_536):
                received += data
                head, found, rest = received.partition(b"\r\n\r\n")
                if not found:
                    continue
                length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
                if len(rest) < length:
                    continue
                received = rest[length:]
                if self._gate is not None:
                    self._gate.wait(10)
                text = json.loads(rest[:length])["messages"][-1]["content"]
                line.sendall(_answer(text))


def _answer(text: str) -> bytes:
    message = {"role": "assistant", "content": text}
    value = {"id": "c", "model": "m", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    data = json.dumps(value).encode()
    return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(data) + data
