"""From a request's bytes to what goes over the socket: a head, pieces, and how the connection ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from psf_runtime.errors import ConfigError, PsfError, StreamInterrupted
from psf_runtime.providers.base import Outgoing
from psf_runtime.providers.mock.quirks import Quirk
from psf_runtime.providers.mock.replies import Ending, ErrorFault, StallFault
from psf_runtime.providers.mock.source import MockSource
from psf_runtime.testing.server.dialects import JSON, Asked, Dialect
from psf_runtime.testing.server.failures import Failure, failure_of, refused
from psf_runtime.types.chunks import Chunk
from psf_runtime.types.response import Response, accumulate

End = Literal["whole", "cut", "silence"]
Start = Callable[..., MockSource | Ending]


@dataclass(slots=True)
class Answer:
    """What is sent.

    Attributes:
        status, content_type, headers: of the response's head; status 0: not even that is sent.
        body: of an answer that is known whole; None when `pieces` come one after the other.
        end: `cut` closes the connection in the middle, `silence` keeps it open and sends no more. Known once `pieces`
            are read to their end.
    """

    status: int
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    pieces: Iterator[bytes] | None = None
    end: End = "whole"
    close: Callable[[], None] = lambda: None


def error_answer(failure: Failure, dialect: Dialect) -> Answer:
    """The answer that says what failed."""
    headers = {"x-should-retry": "false"} if failure.final else {}
    if failure.retry_after is not None:
        headers["retry-after"] = f"{failure.retry_after:g}"
    if dialect.family == "bedrock":
        headers["x-amzn-errortype"] = failure.bedrock
    return Answer(failure.status_for(dialect.family), headers=headers, body=dialect.error(failure))


def answer(
    start: Start, dialect: Dialect, received: Outgoing, model: str, *, stream: bool, answer_id: str, created: int
) -> Answer:
    """The answer to one request. `start` is the mock provider's; `stream`: the path asks for one."""
    try:
        asked = dialect.read(received.body, model)
        wants = asked.stream or stream
        source = start(asked.request, stream=wants, received=received)
    except PsfError as error:
        return error_answer(failure_of(error) if isinstance(error, ConfigError) else refused(error.what), dialect)
    except Exception as error:  # a reply that is a function of the test's own
        return error_answer(failure_of(error), dialect)
    if not isinstance(source, MockSource):
        return _failed(source, dialect, wants)
    quirk = source.script.quirk
    if quirk is not None:
        source.close()
        return _quirk(quirk, dialect, wants)
    if wants:
        return _streamed(source, dialect, asked, answer_id, created)
    return _whole(source, dialect, asked, answer_id, created)


def _failed(ending: Ending, dialect: Dialect, stream: bool) -> Answer:
    if isinstance(ending, Quirk):
        return _quirk(ending, dialect, stream)
    if isinstance(ending, ErrorFault) and ending.name == "timeout":
        return Answer(0, end="silence")
    if isinstance(ending, ErrorFault) and ending.status is None:
        return _broken(ending, dialect, stream)
    return error_answer(failure_of(ending), dialect)


def _quirk(quirk: Quirk, dialect: Dialect, stream: bool) -> Answer:
    """The bytes as the server would send them, to a client that speaks with it."""
    if quirk.dialect != dialect.name:
        what = f"the quirk {quirk.name} is one of servers that speak {quirk.dialect}, and this client speaks"
        return error_answer(refused(f"{what} {dialect.name}"), dialect)
    if quirk.streams(stream):
        return Answer(200, dialect.event_type, pieces=iter(quirk.events))
    return Answer(quirk.status, body=quirk.body)


def _broken(fault: ErrorFault, dialect: Dialect, stream: bool) -> Answer:
    """An answer that begins with status 200, and of which not one delta comes."""
    if fault.name == "empty":
        return Answer(200, dialect.event_type if stream else JSON, body=b"")
    if fault.name == "cut":
        return Answer(200, dialect.event_type if stream else JSON, pieces=iter(()), end="cut")
    return Answer(200, dialect.event_type if stream else JSON, body=dialect.bad)


def _whole(source: MockSource, dialect: Dialect, asked: Asked, answer_id: str, created: int) -> Answer:
    chunks: list[Chunk] = []
    try:
        while (batch := _next(source)) is not None:
            chunks += batch
        head = _head(source, asked)
        body = dialect.write(accumulate(chunks, head), asked, answer_id, created)
    except _SilenceError:
        return Answer(0, end="silence")
    except Exception as error:
        return _ended_early(source.script.ending, error, dialect)
    finally:
        source.close()
    return Answer(200, body=body)


def _ended_early(ending: Any, error: Exception, dialect: Dialect) -> Answer:
    """An answer that was to come whole and did not: what of it reaches the client."""
    if isinstance(ending, ErrorFault):
        if ending.name == "cut":
            return Answer(200, pieces=iter((b'{"id": "',)), end="cut")
        if ending.status is None:
            return _broken(ending, dialect, False)
    return error_answer(failure_of(ending if isinstance(ending, ErrorFault) else error), dialect)


def _streamed(source: MockSource, dialect: Dialect, asked: Asked, answer_id: str, created: int) -> Answer:
    ending = source.script.ending
    if isinstance(ending, ErrorFault) and ending.name == "empty":
        source.close()
        return _broken(ending, dialect, True)
    out = Answer(200, dialect.event_type, close=source.close)
    out.pieces = _pieces(out, source, dialect, asked, answer_id, created)
    return out


def _pieces(
    out: Answer, source: MockSource, dialect: Dialect, asked: Asked, answer_id: str, created: int
) -> Iterator[bytes]:
    writer = dialect.stream(Response(model=asked.request.model), asked, answer_id, created)
    yield writer.start()
    try:
        while (batch := _next(source)) is not None:
            written = b"".join(writer.chunk(chunk) for chunk in batch)
            if written:
                yield written
    except _SilenceError:
        out.end = "silence"
        return
    except Exception as error:
        yield from _last_piece(out, source.script.ending, error, dialect)
        return
    yield writer.end(_head(source, asked))


class _SilenceError(Exception):
    """The provider says no more, and keeps the connection."""


def _next(source: MockSource) -> list[Chunk] | None:
    if isinstance(source.script.ending, StallFault) and source.is_spent:
        raise _SilenceError
    return source.read(None)


def _last_piece(out: Answer, ending: Any, error: Exception, dialect: Dialect) -> Iterator[bytes]:
    name = ending.name if isinstance(ending, ErrorFault) else ""
    if name == "cut" or isinstance(error, StreamInterrupted):
        out.end = "cut"
    elif name == "bad_line":
        yield dialect.bad
    else:
        yield dialect.error_event(failure_of(ending if isinstance(ending, ErrorFault) else error))


def _head(source: MockSource, asked: Asked) -> Response:
    head = source.head()
    return head.replace(model=asked.request.model)
