"""A stream of ours, written as the bytes that an SDK reads."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from psf_runtime.client.streams import AsyncCompletionStream, CompletionStream
from psf_runtime.client.wrapped.answers import answer_id, public, response_of, status_of
from psf_runtime.client.wrapped.gateway import Asked
from psf_runtime.types.chunks import DELTAS, StreamEvent


def begun(stream: CompletionStream[Any]) -> StreamEvent | None:
    """Enter a stream, and its first event: what is wrong from the beginning is an error, not a broken stream."""
    stream.__enter__()
    try:
        return next(stream, None)
    except BaseException:
        stream.__exit__(None, None, None)
        raise


async def abegun(stream: AsyncCompletionStream[Any]) -> StreamEvent | None:
    """The same for async streams."""
    await stream.__aenter__()
    try:
        return await anext(stream, None)
    except BaseException:
        await stream.__aexit__(None, None, None)
        raise


class Events:
    """The events of one stream.

    Args:
        asked: what the SDK asked for.
        stream: ours, entered, and read up to `first`.

    Attributes:
        decided: called with the decision when the stream has ended, well or not.
    """

    def __init__(self, asked: Asked, stream: Any, first: StreamEvent | None) -> None:
        dialect = asked.dialect
        assert dialect.encoder is not None
        self._asked = asked
        self._stream = stream
        self._first = first
        self.decided: Callable[[Any], None] = lambda decision: None
        answer = answer_id(dialect, stream.call_id)
        self._encoder = dialect.encoder(asked.model, answer, int(time.time()), asked.usage)

    def written(self) -> Iterator[bytes]:
        """Every event, then the end mark; or the event of an error."""
        yield self._start()
        while True:
            try:
                event = next(self._stream, None)
            except Exception as error:
                last = self._broken(error)
                break
            if event is None:
                last = self._end()
                break
            written = self._event(event)
            if written:
                yield written
        yield last

    async def awritten(self) -> AsyncIterator[bytes]:
        """The same for async clients."""
        yield self._start()
        while True:
            try:
                event = await anext(self._stream, None)
            except Exception as error:
                last = self._broken(error)
                break
            if event is None:
                last = self._end()
                break
            written = self._event(event)
            if written:
                yield written
        yield last

    def _start(self) -> bytes:
        return self._encoder.start() + (b"" if self._first is None else self._event(self._first))

    def _event(self, event: StreamEvent) -> bytes:
        return self._encoder.chunk(event) if type(event) in DELTAS else b""  # type: ignore[arg-type]

    def _end(self) -> bytes:
        completion = self._stream.completion
        self.decided(completion.decision)
        return self._encoder.end(response_of(completion, self._asked))

    def _broken(self, error: Exception) -> bytes:
        known = public(error)
        self.decided(known.decision)
        return self._asked.dialect.event(known, status_of(known))
