"""What one call needs on its way, whoever drives it."""

from __future__ import annotations

from typing import Any, TypeVar

from psf_runtime.providers.base import Outgoing
from psf_runtime.providers.connections.answer import Answer
from psf_runtime.providers.connections.effects import Clock, Flow
from psf_runtime.providers.connections.exchange import exchange
from psf_runtime.providers.connections.faults import ReadError, RemoteProtocolError, TransportError, WriteError
from psf_runtime.providers.connections.framing import AnswerReader
from psf_runtime.providers.connections.head import request_head
from psf_runtime.providers.connections.line import Line
from psf_runtime.providers.connections.route import Route

_DEAD = (ReadError, WriteError, RemoteProtocolError)
A = TypeVar("A", bound=Answer)


class Call:
    """The bytes of a request, and the reader of its answer. Raises ConfigError for what must not leave."""

    def __init__(self, route: Route, outgoing: Outgoing, clock: Clock) -> None:
        through = route.proxy if not route.secure else None
        self.clock = clock
        self.reader = AnswerReader()
        self._outgoing = outgoing
        self._head = request_head(
            outgoing.method,
            route.target_of(outgoing.url),
            route.shown,
            headers=outgoing.headers,
            length=len(outgoing.body),
            further="" if through is None else through.line,
        )

    def begin_anew(self) -> None:
        """Before the second attempt."""
        self.reader = AnswerReader()

    def exchange(self, line: Line) -> Flow[bool]:
        """The request out, the head in."""
        return exchange(line, self._head, self._outgoing.body, clock=self.clock, reader=self.reader)

    def answer(self, kind: type[A], line: Line, **parts: Any) -> A:
        """What the caller gets."""
        return kind(self.reader.head, self._outgoing.url, line=line, reader=self.reader, clock=self.clock, **parts)  # type: ignore[arg-type]


def is_dead(fault: TransportError, line: Line, reader: AnswerReader) -> bool:
    """Whether a kept line had ended before this call: no byte of an answer came over it."""
    return line.used and not reader.started and isinstance(fault, _DEAD)
