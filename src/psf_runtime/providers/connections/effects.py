"""What a step waits for, and how long it may take. A driver does the waiting."""

from __future__ import annotations

import socket
import time
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, TypeVar

from psf_runtime.providers.connections.faults import TimeoutException

T = TypeVar("T")
FOREVER = float("inf")
READ = 1
WRITE = 2


class Wait:
    """Until the socket can be read or written (`READ | WRITE`: either). The driver answers False when time is up."""

    __slots__ = ("directions", "line", "until")

    def __init__(self, line: socket.socket, directions: int, until: float) -> None:
        self.line = line
        self.directions = directions
        self.until = until


@dataclass(frozen=True, slots=True)
class Resolve:
    """The addresses of a host. The driver answers with what getaddrinfo gives; None when time is up."""

    host: str
    port: int
    until: float


Flow = Generator[Wait | Resolve, Any, T]


@dataclass(slots=True)
class Clock:
    """How long each phase may take, in seconds, and when everything must be over (monotonic seconds).

    The earlier of the two counts, so a server that is always a little in time cannot stretch a call.
    """

    connect: float = FOREVER
    read: float = FOREVER
    write: float = FOREVER
    pool: float = FOREVER
    over: float = FOREVER

    def until(self, seconds: float) -> float:
        """When a phase that begins now and may take `seconds` ends."""
        return min(time.monotonic() + seconds, self.over)

    def seconds(self) -> dict[str, float]:
        """The time-outs of the phases as httpx wants them; none is longer than the time left."""
        most = max(self.over - time.monotonic(), 0.001)
        phases = {"connect": self.connect, "read": self.read, "write": self.write, "pool": self.pool}
        return {phase: min(seconds, most) for phase, seconds in phases.items()}


def wait(line: socket.socket, directions: int, until: float, fault: type[TimeoutException]) -> Flow[None]:
    """Wait, and raise `fault` when time is up."""
    if not (yield Wait(line, directions, until)):
        raise fault("time is up")
