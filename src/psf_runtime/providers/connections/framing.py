"""Reads one answer from the bytes of a connection: heads in between, the head, the body, what follows it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable

from psf_runtime.providers.connections.faults import RemoteProtocolError
from psf_runtime.providers.connections.head import MOST_HEAD, Head, read_head

_MOST_INTERIM = 16  # heads with a status below 200
_MOST_LINE = 1_024  # bytes of a chunk's first line, extensions included
_CHUNK_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[\t ]*;[\t\x20-\x7e\x80-\xff]*)?")
_BARE_LINE_FEED = re.compile(rb"(?<!\r)\n")
_TRAILER_LINE = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*")


class AnswerReader:
    """Feed it what comes; ask for `head`, `take()` and `done`. It keeps no more than what was not taken yet.

    Args:
        bodiless: the answer has no body whatever its head says (CONNECT).
    """

    __slots__ = (
        "_after_chunk",
        "_bodiless",
        "_buffer",
        "_interim",
        "_left",
        "_pieces",
        "_seen",
        "_state",
        "_trailers",
        "done",
        "head",
        "started",
    )

    def __init__(self, *, bodiless: bool = False) -> None:
        self.head: Head | None = None
        self.done = False  # the body is complete
        self.started = False  # a byte has come
        self._bodiless = bodiless
        self._buffer = b""  # what is not understood yet: at most one head or one line
        self._pieces: list[bytes] = []
        # A plain function, not a bound method: that would be a cycle, and every call would wait for the collector.
        self._state: Callable[[AnswerReader], bool] = AnswerReader._read_head
        self._seen = 0  # bytes of the buffer that were looked at for the end of a head
        self._left = 0  # bytes of the body, or of the chunk, that are still to come
        self._after_chunk = False
        self._interim = 0
        self._trailers = 0

    @property
    def keep(self) -> bool:
        """Whether the connection may serve another call: bytes after an answer could pass for the next one."""
        return self.alone and self.head is not None and self.head.keep

    @property
    def alone(self) -> bool:
        """Whether the answer is whole, and not a byte came after it."""
        return self.done and not self._buffer

    @property
    def between(self) -> bool:
        """Whether nothing of the final answer has come: at most interim answers, each of them whole."""
        return self.head is None and not self._buffer

    def feed(self, data: bytes) -> None:
        """Take in bytes as they come. Raises RemoteProtocolError."""
        self.started = True
        self._buffer = self._buffer + data if self._buffer else data
        while self._buffer and not self.done and self._state(self):
            pass

    def take(self) -> bytes:
        """The bytes of the body that came since the last time."""
        pieces = self._pieces
        if not pieces:
            return b""
        self._pieces = []
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def end(self) -> None:
        """The connection has ended. Raises RemoteProtocolError unless the answer ends with it."""
        if self.done:
            return
        if self.head is None or self.head.chunked or self.head.length is not None:
            raise RemoteProtocolError("the connection ended before the answer did")
        self.done = True

    def _read_head(self) -> bool:
        seen, self._seen = self._seen, len(self._buffer)
        end = self._buffer.find(b"\r\n\r\n", max(seen - 3, 0))
        if end > MOST_HEAD or (end < 0 and len(self._buffer) > MOST_HEAD):
            self._buffer = b""
            raise RemoteProtocolError("the head of the answer is too large")
        if end < 0:
            self._look_early(seen)
            return False
        head = read_head(self._buffer[:end], bodiless=self._bodiless)
        self._buffer = self._buffer[end + 4 :]
        self._seen = 0
        if head.status < 200:
            self._interim += 1
            if head.status == 101 or self._interim > _MOST_INTERIM:
                raise RemoteProtocolError("the server wants another protocol, or never comes to its answer")
            return True
        self.head = head
        if head.chunked:
            self._state = AnswerReader._read_chunks
        elif head.length is None:
            self._state = AnswerReader._read_all
        else:
            self._left = head.length
            self.done = head.length == 0
            self._state = AnswerReader._read_length
        return True

    def _look_early(self, seen: int) -> None:
        """What can never become a head is refused at once, not after the time is up. `seen` bytes were looked at."""
        start = self._buffer[:7]
        if start != b"HTTP/1."[: len(start)] or _BARE_LINE_FEED.search(self._buffer, max(seen - 1, 0)):
            raise RemoteProtocolError("the answer is no HTTP/1.1")

    def _read_length(self) -> bool:
        data = self._buffer
        if len(data) <= self._left:
            self._buffer = b""
        else:
            self._buffer = data[self._left :]
            data = data[: self._left]
        self._pieces.append(data)
        self._left -= len(data)
        self.done = self._left == 0
        return True

    def _read_all(self) -> bool:
        self._pieces.append(self._buffer)
        self._buffer = b""
        return True

    def _read_chunks(self) -> bool:
        """All chunks that are there, in one pass over the bytes."""
        data, at = self._buffer, 0
        while True:
            if self._left > 0:
                piece = data[at : at + self._left]
                if not piece:
                    break
                self._pieces.append(piece)
                at += len(piece)
                self._left -= len(piece)
                self._after_chunk = self._left == 0
            elif self._after_chunk:
                if data[at : at + 2] != b"\r\n"[: len(data) - at]:
                    raise RemoteProtocolError("a chunk is longer than its size")
                if len(data) - at < 2:
                    break
                at += 2
                self._after_chunk = False
            else:
                end = data.find(b"\r\n", at, at + _MOST_LINE)
                if end < 0:
                    _check_line(data[at:])
                    break
                self._left = _size(data[at:end])
                at = end + 2
                if self._left == 0:
                    self._buffer = data[at:]
                    self._state = AnswerReader._read_trailer
                    return True
        self._buffer = data[at:]
        return False

    def _read_trailer(self) -> bool:
        """Trailers are read over: nothing that comes after the body changes what the head said."""
        line, end, rest = self._buffer.partition(b"\r\n")
        if not end:
            _check_line(line)
            return False
        self._buffer = rest
        self._trailers += len(line) + 2
        if line == b"":
            self.done = True
        elif self._trailers > MOST_HEAD or _TRAILER_LINE.fullmatch(line) is None:
            raise RemoteProtocolError("what follows the last chunk is not well formed")
        return True


def _check_line(begun: bytes) -> None:
    """A line that has not ended yet must still be able to become one."""
    if len(begun) >= _MOST_LINE or b"\n" in begun:
        raise RemoteProtocolError("a line between the chunks is too long, or not well formed")


def _size(line: bytes) -> int:
    match = _CHUNK_LINE.fullmatch(line)
    if match is None:
        raise RemoteProtocolError("a chunk's size is not well formed")
    return int(match[1], 16)
