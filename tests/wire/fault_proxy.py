"""A TCP proxy on loopback that does harm: between a client and a server that knows nothing of it."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType


@dataclass(frozen=True)
class Fault:
    """What is done to the bytes that come back from the server.

    Attributes:
        latency: seconds before the first byte.
        cut_after: bytes after which the connection ends; `reset`: with a reset (RST) instead of an end (FIN).
        piece: bytes in one packet; 0 leaves them as they come. `pause`: seconds between two packets.
        blackhole: take everything, and give nothing back.
    """

    latency: float = 0.0
    cut_after: int | None = None
    reset: bool = False
    piece: int = 0
    pause: float = 0.0
    blackhole: bool = False


NONE = Fault()


class FaultProxy:
    """Stands in front of `port`; each further connection gets the next of the faults, the last one again and again.

    `connections` counts those that came; `ended` is set when a client ended one of them.
    """

    def __init__(self, port: int, *faults: Fault) -> None:
        self._port = port
        self._faults = faults or (NONE,)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._stop = threading.Event()
        self._lines: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.connections = 0
        self.received = 0  # bytes from clients
        self.ended = threading.Event()

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def __enter__(self) -> FaultProxy:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        for line in list(self._lines):
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        for thread in list(self._threads):
            thread.join(5)
        self._listener.close()
        for line in self._lines:
            line.close()

    def _start(self, target: object, *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stop.is_set():
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if self._stop.is_set():
                near.close()
                return
            fault = self._faults[min(self.connections, len(self._faults) - 1)]
            self.connections += 1
            far = socket.create_connection(("127.0.0.1", self._port))
            self._lines += [near, far]
            self._start(self._forward, near, far)
            self._start(self._back, far, near, fault)

    def _forward(self, near: socket.socket, far: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := near.recv(65_536):
                self.received += len(data)
                far.sendall(data)
        self.ended.set()
        with contextlib.suppress(OSError):
            far.shutdown(socket.SHUT_WR)

    def _back(self, far: socket.socket, near: socket.socket, fault: Fault) -> None:
        left = fault.cut_after
        first = True
        with contextlib.suppress(OSError):
            while data := far.recv(65_536):
                if fault.blackhole:
                    continue
                if first and fault.latency:
                    self._stop.wait(fault.latency)
                first = False
                if left is not None:
                    data = data[:left]
                    left -= len(data)
                self._give(near, data, fault)
                if left == 0:
                    end(near, reset=fault.reset)
                    return
        end(near, reset=False)

    def _give(self, near: socket.socket, data: bytes, fault: Fault) -> None:
        step = fault.piece or len(data)
        for at in range(0, len(data), max(step, 1)):
            near.sendall(data[at : at + step])
            if fault.pause:
                self._stop.wait(fault.pause)


def end(line: socket.socket, *, reset: bool) -> None:
    """End a connection: with FIN, or with RST."""
    with contextlib.suppress(OSError):
        if not reset:
            line.shutdown(socket.SHUT_WR)
            return
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        line.shutdown(socket.SHUT_RD)
        line.close()


@contextlib.contextmanager
def never_accepting() -> Iterator[int]:
    """A port on which connections are neither taken nor refused: the queue of its listener is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = []
        for _ in range(4):
            line = socket.socket()
            line.setblocking(False)
            line.connect_ex(listener.getsockname())
            waiting.append(line)
        try:
            yield listener.getsockname()[1]
        finally:
            for line in waiting:
                line.close()
