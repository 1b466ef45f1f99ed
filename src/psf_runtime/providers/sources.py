"""An answer on its way: one source for blocking and one for async callers, by the same rules."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

from psf_runtime.errors import PsfError
from psf_runtime.providers.connections.answer import Answer
from psf_runtime.providers.connections.effects import FOREVER
from psf_runtime.providers.httpmodule import Failures, too_late
from psf_runtime.providers.intake import Intake, araw_bytes, raw_bytes
from psf_runtime.providers.watchdog import Watch, Watchdog
from psf_runtime.types.chunks import Chunk
from psf_runtime.types.response import Response


class _HttpSource:
    """What both have in common: the open response, and how to end it from outside."""

    def __init__(self, response: Any, intake: Intake, failures: Failures, target: str) -> None:
        self._response = response
        self._own = isinstance(response, Answer)  # it keeps the time by itself, and closing it never waits
        self._intake = intake
        self._failures = failures
        self._target = target
        self._ended = False
        self._closed = False
        self._late = False

    def head(self) -> Response:
        """The answer without its parts: complete after the end."""
        return self._intake.head()

    def _hang_up(self) -> None:
        """End the connection under a read that is going on: the read then fails at once, in its own thread."""
        if self._own:
            self._response.hang_up()
            return
        stream = self._response.extensions.get("network_stream")
        line = None if stream is None else stream.get_extra_info("socket")
        if line is None:
            return
        try:
            if isinstance(line, socket.socket):
                socket.socket.shutdown(line, socket.SHUT_RDWR)  # not the TLS one: it would wait for the other side
            else:
                line.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # it has ended already

    def _finish(self) -> list[Chunk]:
        """The end of the bytes. An end that this side made is none: some answers end with their connection."""
        if self._late or self._closed:
            raise self._meaning(EOFError())
        self._ended = True
        return self._intake.end()

    def _meaning(self, error: Exception) -> PsfError:
        if self._late:
            return too_late(self._target, "the time for the call is over")
        if self._closed:
            return self._failures.interrupted("it was closed on this side")
        return self._failures.during_answer(error)


class BlockingSource(_HttpSource):
    """For blocking callers. `close` may come from another thread, also while `read` waits."""

    def __init__(self, response: Any, intake: Intake, failures: Failures, target: str, watchdog: Watchdog) -> None:
        super().__init__(response, intake, failures, target)
        self._bytes: Iterator[bytes] = raw_bytes(response)
        self._lock = threading.Lock()
        self._reading = False
        self._watchdog = watchdog
        self._watch: Watch | None = None
        self._deadline: float | None = None

    def read(self, left: float | None) -> list[Chunk] | None:
        """The next chunks, or None at the end. Raises ProviderTimeout after `left` seconds."""
        if self._ended:
            return None
        self._begin(left)
        try:
            chunks = self._next()
            problem = None
        except PsfError as caught:
            chunks, problem = None, caught.fresh()
        finally:
            self._reading = False
        if problem is None and self._is_open():
            return chunks
        self.close()
        if problem is None:
            return chunks or None
        raise problem

    def _is_open(self) -> bool:
        return not self._ended and not self._closed

    def _begin(self, left: float | None) -> None:
        with self._lock:
            if self._closed:
                raise self._failures.interrupted("it was closed on this side")
            self._reading = True
        self._deadline = None if left is None else time.monotonic() + left
        if self._own:
            self._response.clock.over = FOREVER if self._deadline is None else self._deadline
            return
        if self._deadline is None:
            return
        if self._watch is None or self._deadline < self._watch.at - 0.05:
            if self._watch is not None:
                self._watchdog.remove(self._watch)
            self._watch = self._watchdog.add(self._deadline, self._expired)

    def _expired(self) -> None:
        """Called by the watchdog: end the read that is going on, if its time is really over."""
        with self._lock:
            self._watch = None
            deadline = self._deadline
            if self._closed or not self._reading or deadline is None:
                return
            if time.monotonic() < deadline:
                self._watch = self._watchdog.add(deadline, self._expired)
                return
            self._late = True
            self._hang_up()

    def _next(self) -> list[Chunk] | None:
        while True:
            problem: PsfError | None = None
            data: bytes | None = None
            try:
                data = next(self._bytes, None)
            except Exception as error:
                problem = self._meaning(error)
            if problem is not None:
                return self._after(problem)
            if data is None:
                return self._finish()
            chunks = self._intake.feed(data)
            del data
            if chunks:
                return chunks
            self._intake.check(self._deadline)

    def _after(self, problem: PsfError) -> list[Chunk]:
        """A lost connection is no loss when the answer was complete before it."""
        rest = None if self._late or self._closed else self._intake.rescue()
        if rest is None:
            raise problem
        self._ended = True
        return rest

    async def aread(self, left: float | None) -> list[Chunk] | None:
        """Not for this source: it was opened by a blocking caller."""
        raise TypeError("this source was opened by open(): use read()")

    def close(self) -> None:
        """End it. May be called at any time, from another thread too, and more than once."""
        with self._lock:
            first, self._closed = not self._closed, True
            reading = self._reading
            if self._watch is not None:
                self._watchdog.remove(self._watch)
                self._watch = None
        if reading:
            self._hang_up()
        elif first or not self._response.is_closed:
            self._response.close()

    async def aclose(self) -> None:
        """As `close`."""
        self.close()


class AsyncSource(_HttpSource):
    """For async callers, on asyncio and trio."""

    def __init__(self, response: Any, intake: Intake, failures: Failures, target: str) -> None:
        super().__init__(response, intake, failures, target)
        self._bytes: AsyncIterator[bytes] = araw_bytes(response)

    async def aread(self, left: float | None) -> list[Chunk] | None:
        """The next chunks, or None at the end. Raises ProviderTimeout after `left` seconds."""
        if self._ended:
            return None
        if self._closed:
            raise self._failures.interrupted("it was closed on this side")
        done = False
        problem: PsfError | None = None
        chunks: list[Chunk] | None = None
        try:
            chunks = await self._within(left)
            done = not self._ended
        except PsfError as caught:
            problem = caught.fresh()
        finally:
            if not done:  # the end, an error or a cancellation
                await self.aclose()
        if problem is not None:
            raise problem
        return chunks or None

    async def _within(self, left: float | None) -> list[Chunk] | None:
        deadline = None if left is None else time.monotonic() + left
        if self._own:
            self._response.clock.over = FOREVER if deadline is None else deadline
            return await self._next(deadline)
        if left is None:
            return await self._next(None)
        import anyio

        try:
            with anyio.fail_after(left):
                return await self._next(deadline)
        except TimeoutError as error:
            if isinstance(error, PsfError):
                raise
        raise too_late(self._target, "the time for the call is over")

    async def _next(self, deadline: float | None) -> list[Chunk] | None:
        while True:
            problem: PsfError | None = None
            data: bytes | None = None
            try:
                data = await anext(self._bytes, None)
            except Exception as error:
                problem = self._meaning(error)
            if problem is not None:
                rest = None if self._closed else self._intake.rescue()
                if rest is None:
                    raise problem
                self._ended = True
                return rest
            if data is None:
                return self._finish()
            chunks = self._intake.feed(data)
            del data
            if chunks:
                return chunks
            self._intake.check(deadline)

    def read(self, left: float | None) -> list[Chunk] | None:
        """Not for this source: it was opened by an async caller."""
        raise TypeError("this source was opened by aopen(): use aread()")

    async def aclose(self) -> None:
        """End it, also inside a cancelled scope: closing is shielded, and given one second."""
        self._closed = True
        if self._response.is_closed:
            return
        if self._own:
            self._response.close()
            return
        import anyio

        with anyio.move_on_after(1.0, shield=True):
            await self._response.aclose()
            await self._run_out()

    async def beginning(self, limit: int) -> bytes:
        """The first bytes of a body that is no answer; a failure while reading it ends them."""
        body = b""
        with contextlib.suppress(Exception):
            while len(body) < limit and (data := await anext(self._bytes, None)) is not None:
                body += data
        return body

    async def _run_out(self) -> None:
        """Let the nested iterators of the closed answer fail now: else the event loop complains later."""
        with contextlib.suppress(Exception):
            while await anext(self._bytes, None) is not None:
                pass

    def close(self) -> None:
        """End the connection from outside of the event loop; what waits on it fails at once."""
        self._closed = True
        self._hang_up()
