"""An answer whose head is there and whose body is still coming. It has the parts of httpx's response that are used."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

from psf_runtime.providers.connections.effects import Clock, Flow
from psf_runtime.providers.connections.exchange import read_piece
from psf_runtime.providers.connections.framing import AnswerReader
from psf_runtime.providers.connections.head import Head
from psf_runtime.providers.connections.line import Line

GiveBack = Callable[[Line, bool], None]  # the line, and whether it may be kept


class Answer:
    """What the blocking and the async answer have in common.

    Attributes:
        status_code, headers: of the head.
        url: where the request went.
        clock: how long reading may take; `clock.over` may be set anew before each read.
        is_closed: whether the line was given back.
    """

    history = ()
    is_stream_consumed = False

    def __init__(
        self, head: Head, url: str, *, line: Line, reader: AnswerReader, clock: Clock, give_back: GiveBack, keep: bool
    ) -> None:
        self.status_code = head.status
        self.headers = head.headers
        self.url = url
        self.clock = clock
        self._line: Line | None = line
        self._reader = reader
        self._give_back = give_back
        self._keep = keep
        self._lock = threading.Lock()

    @property
    def is_closed(self) -> bool:
        """Whether the line was given back, for whatever reason."""
        return self._line is None

    def hang_up(self) -> None:
        """End a read that is going on, from any thread. Whoever reads gives the line back."""
        with self._lock:
            if self._line is not None:
                self._line.hang_up()

    def close(self) -> None:
        """Give the line back; it is kept only when the body was read to its end, and nothing came after it."""
        with self._lock:
            line, self._line = self._line, None
        if line is not None:
            self._give_back(line, self._keep and self._reader.keep)

    def _at_hand(self) -> bytes | None:
        """What has come already; empty at the end; None when the line must be read."""
        piece = self._reader.take()
        if self._reader.done or self._line is None:
            self.close()
            return piece
        return piece or None

    def _next(self) -> Flow[bytes]:
        line = self._line
        if line is None:
            return b""
        done = False
        try:
            piece = yield from read_piece(line, self._reader, self.clock)
            done = not self._reader.done
        finally:
            if not done:  # the end, a failure or a cancellation
                self.close()
        return piece


class BlockingAnswer(Answer):
    """For blocking callers. `drive` runs a flow."""

    def __init__(self, head: Head, url: str, *, drive: Callable[[Flow[bytes]], bytes], **parts: object) -> None:
        super().__init__(head, url, **parts)  # type: ignore[arg-type]
        self._drive = drive

    def iter_raw(self) -> Iterator[bytes]:
        """The bytes of the body as they come. Raises the faults of reading."""
        while True:
            piece = self._at_hand()
            if piece is None:
                piece = self._drive(self._next())
            if not piece:
                return
            yield piece


class AsyncAnswer(Answer):
    """For async callers. `drive` runs a flow."""

    def __init__(
        self, head: Head, url: str, *, drive: Callable[[Flow[bytes]], Awaitable[bytes]], **parts: object
    ) -> None:
        super().__init__(head, url, **parts)  # type: ignore[arg-type]
        self._drive = drive

    def aiter_raw(self) -> AsyncIterator[bytes]:
        """The bytes of the body as they come. Raises the faults of reading."""
        return self

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        piece = self._at_hand()
        if piece is None:
            piece = await self._drive(self._next())
        if not piece:
            raise StopAsyncIteration
        return piece

    async def aclose(self) -> None:
        """As `close`, which never waits."""
        self.close()
