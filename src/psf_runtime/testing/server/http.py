"""The sockets: a small HTTP/1.1 server on loopback, one thread per connection, from the standard library."""

from __future__ import annotations

import contextlib
import itertools
import select
import socket
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from psf_runtime.errors import ConfigError
from psf_runtime.providers.base import Outgoing
from psf_runtime.testing.server.answers import Answer, Start, answer, error_answer
from psf_runtime.testing.server.dialects import CHAT, FAMILIES
from psf_runtime.testing.server.failures import TOO_LARGE, not_found, refused
from psf_runtime.testing.server.paths import SERVED, dialect_of, plain_path

HOST = "127.0.0.1"
LARGEST_BODY = 67_108_864  # bytes
_PATIENCE = 2.0  # seconds that `stop` waits for one connection
_POLL = 0.01  # seconds between two looks whether the server is to stop
_LISTED = b'{"object":"list","data":[{"id":"mock","object":"model","created":1,"owned_by":"psf_runtime"}]}'


class MockServer:
    """Answers on a port of this machine until it is stopped. No other machine can reach it.

    Args:
        start: the mock provider's `start`.
        port: 0 takes a free one.
        families: the dialects to serve: `openai`, `anthropic`, `bedrock`.

    Attributes:
        url: what to give to a client as its base URL; `/v1` behind it does no harm.
    """

    def __init__(self, start: Start, *, port: int = 0, families: frozenset[str] = frozenset(FAMILIES)) -> None:
        unknown = sorted(families - set(FAMILIES))
        if unknown or not families:
            raise ConfigError(
                f"there is no dialect {unknown[0]!r} to serve" if unknown else "no dialect is to be served",
                change="choose from " + ", ".join(FAMILIES),
            )
        self.start = start
        self.families = families
        self.stopping = threading.Event()
        self.numbers = itertools.count(1)
        try:
            self._server = _Quiet((HOST, port), _Handler)
        except OSError as error:
            raise ConfigError(
                f"port {port} of this machine cannot be opened",
                why=error.strerror or type(error).__name__,
                change="take another port; 0 takes a free one",
            ) from None
        self._server.owner = self
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": _POLL}, name="psf-mock", daemon=True
        )
        self._thread.start()
        self.url = f"http://{HOST}:{self._server.server_address[1]}"

    def stop(self) -> None:
        """Close the port and every connection. May be called more than once."""
        if self.stopping.is_set():
            return
        self.stopping.set()
        self._server.shutdown()
        self._server.server_close()
        self._server.hang_up()
        self._thread.join()

    def __enter__(self) -> MockServer:
        """Use it in a `with` block, which stops it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def __repr__(self) -> str:
        return f"MockServer({self.url!r})"


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    owner: MockServer

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self._lock = threading.Lock()  # guards `_lines`
        self._lines: dict[socket.socket, threading.Thread] = {}

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """One connection, in its own thread."""
        with self._lock:
            self._lines[request] = threading.current_thread()
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._lock:
                self._lines.pop(request, None)

    def hang_up(self) -> None:
        """Close every connection, and wait a moment for what serves it."""
        with self._lock:
            lines = dict(self._lines)
        for line, thread in lines.items():
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            thread.join(_PATIENCE)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is nothing to speak of; anything else is a mistake of ours and is shown."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 60.0  # seconds that an idle connection is kept
    server: _Quiet

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing is logged: a request line may hold content."""

    def version_string(self) -> str:
        """The server's name in its answers."""
        return "psf-mock"

    def do_GET(self) -> None:
        """The list of models, and whether the server is up."""
        path = plain_path(self.path.partition("?")[0])
        if path == "/models" or path.startswith("/models/"):
            self._send(Answer(200, body=_LISTED))
        elif path == "/health":
            self._send(Answer(200, body=b'{"status":"ok"}'))
        else:
            self._send(error_answer(not_found(f"this path is not served; served are {SERVED}"), CHAT))

    def do_POST(self) -> None:
        """One call to a model."""
        body = self._body()
        if body is None:
            return
        owner = self.server.owner
        found = dialect_of(self.path.partition("?")[0], owner.families)
        if found is None:
            self._send(error_answer(not_found(f"this path is not served; served are {SERVED}"), CHAT))
            return
        dialect, model, stream = found
        headers = tuple((name.lower(), value) for name, value in self.headers.items())
        received = Outgoing("POST", self.path, headers, body)
        number = f"mock{next(owner.numbers)}"
        reply = answer(owner.start, dialect, received, model, stream=stream, answer_id=number, created=int(time.time()))
        try:
            self._send(reply)
        finally:
            reply.close()

    def _body(self) -> bytes | None:
        """The whole body; None when it was refused."""
        if "chunked" in self.headers.get("transfer-encoding", "").lower():
            return self._chunked()
        length = self.headers.get("content-length", "0")
        if not length.isdecimal():
            self._refuse(error_answer(refused("the length of the body is no number"), CHAT))
            return None
        if int(length) > LARGEST_BODY:
            self._refuse(error_answer(TOO_LARGE, CHAT))
            return None
        return self.rfile.read(int(length))

    def _chunked(self) -> bytes | None:
        body = b""
        while True:
            line = self.rfile.readline(64).partition(b";")[0].strip()
            try:
                size = int(line, 16)
            except ValueError:
                self._refuse(error_answer(refused("the body's chunks cannot be read"), CHAT))
                return None
            if size < 0 or len(body) + size > LARGEST_BODY:
                self._refuse(error_answer(TOO_LARGE, CHAT))
                return None
            body += self.rfile.read(size)
            self.rfile.readline(4)
            if not size:
                return body

    def _refuse(self, reply: Answer) -> None:
        """The body was not read to its end, so nothing more can be read from this connection."""
        self.close_connection = True
        self._send(reply)

    def _send(self, reply: Answer) -> None:
        if reply.status:
            self.send_response(reply.status)
            self.send_header("content-type", reply.content_type)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if reply.body is not None:
                self.send_header("content-length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)
            else:
                self.send_header("transfer-encoding", "chunked")
                self.end_headers()
                self._send_pieces(reply.pieces or iter(()))
        if reply.end == "silence":
            self._stay_silent()
        if reply.end != "whole":
            self.close_connection = True
        elif reply.body is None:
            self.wfile.write(b"0\r\n\r\n")

    def _send_pieces(self, pieces: Iterator[bytes]) -> None:
        for piece in pieces:
            if piece:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))

    def _stay_silent(self) -> None:
        """Send nothing until the client hangs up or the server stops."""
        while not self.server.owner.stopping.is_set():
            ready, _, _ = select.select([self.connection], [], [], _POLL)
            if ready and not self.connection.recv(4096):
                return
