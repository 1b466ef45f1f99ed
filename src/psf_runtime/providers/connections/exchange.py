"""One call on one connection: the request out, the answer's head in, then its body piece by piece."""

from __future__ import annotations

from psf_runtime.providers.connections.effects import READ, Clock, Flow, Wait, wait
from psf_runtime.providers.connections.faults import (
    ReadError,
    ReadTimeout,
    RemoteProtocolError,
    WriteError,
    WriteTimeout,
)
from psf_runtime.providers.connections.framing import AnswerReader
from psf_runtime.providers.connections.line import Line

_JOINED = 65_536  # bytes of a body that goes in one piece with its head


def exchange(line: Line, head: bytes, body: bytes, *, clock: Clock, reader: AnswerReader) -> Flow[bool]:
    """Send a request and read the head of its answer into `reader`. Whether all of the request went out.

    A server may answer before it has read everything (a body that is too large): what it says is read then, and the
    line serves no further call.

    Raises the faults of reading and writing.
    """
    pieces = (head + body,) if len(body) <= _JOINED else (head, body)
    complete = True
    for piece in pieces:
        complete = complete and (yield from _send(line, memoryview(piece), clock, reader))
    del pieces, piece  # the answer may take long, and hundreds of calls may wait: the joined copy is not kept for that
    while reader.head is None:
        if not line.secure:  # TLS may hold bytes already that the socket does not show any longer
            yield from wait(line.socket, READ, clock.until(clock.read), ReadTimeout)
        yield from receive(line, reader, clock)
    return complete


def _send(line: Line, rest: memoryview, clock: Clock, reader: AnswerReader) -> Flow[bool]:
    while rest:
        try:
            sent = line.send(rest)
        except WriteError:
            yield from _last_words(line, reader, clock)
            return False
        if sent:
            rest = rest[sent:]
            continue
        yield from wait(line.socket, line.needs, clock.until(clock.write), WriteTimeout)
        data = line.receive()
        if data is not None:
            reader.feed(data)
            if not data or not reader.between:
                return False
    return True


def _last_words(line: Line, reader: AnswerReader, clock: Clock) -> Flow[None]:
    """The server hung up in the middle of the request. Often it has said why before."""
    try:
        while reader.head is None and (yield from receive(line, reader, clock)):
            pass
    except (ReadError, RemoteProtocolError):
        raise WriteError("the connection was lost") from None


def receive(line: Line, reader: AnswerReader, clock: Clock) -> Flow[bool]:
    """Read once, and wait for it when there is nothing yet. False at the end of the connection.

    Raises ReadTimeout, ReadError, RemoteProtocolError.
    """
    while (data := line.receive()) is None:
        if not (yield Wait(line.socket, line.needs, clock.until(clock.read))):
            raise ReadTimeout("time is up")
    if data:
        reader.feed(data)
        return True
    reader.end()
    return False


def read_piece(line: Line, reader: AnswerReader, clock: Clock) -> Flow[bytes]:
    """The next bytes of the body; none at its end."""
    while not (piece := reader.take()) and not reader.done:
        yield from receive(line, reader, clock)
    return piece
