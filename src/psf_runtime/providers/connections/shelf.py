"""The lines of one origin: those in use, and those kept for the next call. Every step takes the same short time."""

from __future__ import annotations

import os
import threading
import time
from collections import deque

from psf_runtime.errors import ConfigError
from psf_runtime.providers.connections.line import Line

KEPT = 4.0  # seconds; many servers close after 5, and a race for a dying connection is lost by the client
MOST_LINES = 512


class Shelf:
    """Gives out the line that was used last, so that the fewest stay open. Safe to use from any thread.

    Args:
        most: lines open at one time.
    """

    def __init__(self, most: int = MOST_LINES) -> None:
        self.most = most
        self.closed = False
        self._reset()

    def _reset(self) -> None:
        self._process = os.getpid()
        self.changed = threading.Condition(threading.Lock())
        self._waiting = 0  # threads that wait for a place
        self._kept: deque[tuple[Line, float]] = deque()
        self._busy: set[Line] = set()
        self._coming = 0  # places taken for lines that are being made

    def renew_after_fork(self) -> None:
        """In a child process: start anew. A line must never be used by two processes."""
        if self._process == os.getpid():
            return
        lines = [line for line, _ in self._kept] + list(self._busy)
        self._reset()
        for line in lines:
            line.close()  # the parent's own end stays open

    def take(self, *, fresh: bool) -> tuple[bool, Line | None]:
        """Whether there is a place, and the line that is kept there; without a line the caller makes one.

        `fresh`: a kept line will not do. Raises ConfigError after `close`.
        """
        with self.changed:
            return self._take(fresh)

    def wait_and_take(self, until: float, *, fresh: bool) -> tuple[bool, Line | None]:
        """As `take`, and wait for a place until then (monotonic seconds). Only for threads."""
        with self.changed:
            while not (found := self._take(fresh))[0] and (left := until - time.monotonic()) > 0:
                self._waiting += 1
                try:
                    self.changed.wait(min(left, threading.TIMEOUT_MAX))
                finally:
                    self._waiting -= 1
            return found

    def _take(self, fresh: bool) -> tuple[bool, Line | None]:
        if self.closed:
            raise _closed()
        line = None if fresh else self._newest()
        if line is not None:
            self._busy.add(line)
            return True, line
        if self._open() >= self.most and self._kept:
            self._kept.popleft()[0].close()
        if self._open() >= self.most:
            return False, None
        self._coming += 1
        return True, None

    def arrive(self, line: Line | None) -> None:
        """The line that was being made is there, or could not be made. Raises ConfigError after `close`."""
        with self.changed:
            self._coming -= 1
            if line is None:
                self._tell()
                return
            if not self.closed:
                self._busy.add(line)
                return
        line.close()
        raise _closed()

    def give_back(self, line: Line, *, keep: bool) -> None:
        """The call is over."""
        with self.changed:
            self._busy.discard(line)
            self._tell()
            if keep and not self.closed:
                now = time.monotonic()
                line.used = True
                self._kept.append((line, now + KEPT))
                if self._kept[0][1] < now:
                    self._kept.popleft()[0].close()
                return
        line.close()

    def close(self) -> None:
        """Close what is kept, and end what is going on: those calls fail at once."""
        self.renew_after_fork()
        with self.changed:
            self.closed = True
            while self._kept:
                self._kept.pop()[0].close()
            for line in self._busy:
                line.hang_up()
            self.changed.notify_all()

    def _tell(self) -> None:
        if self._waiting:
            self.changed.notify()

    @property
    def counts(self) -> tuple[int, int]:
        """How many lines are in use or being made, and how many are kept."""
        return len(self._busy) + self._coming, len(self._kept)

    def _open(self) -> int:
        return len(self._busy) + self._coming + len(self._kept)

    def _newest(self) -> Line | None:
        while self._kept:
            line, until = self._kept.pop()
            if until > time.monotonic() and line.is_quiet():
                return line
            line.close()
        return None

    def __del__(self) -> None:
        # An event loop that ended takes its shelf with it.
        for line, _ in self._kept:
            line.close()


def _closed() -> ConfigError:
    return ConfigError(
        "the client is closed",
        why="a call came after close()",
        change="make the client anew, or close it later",
    )
