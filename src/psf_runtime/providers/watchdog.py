"""Ends blocking reads that would go past their deadline.

A blocking read ends when bytes come or when the socket's own time-out, fixed when the answer began, is over. A
deadline can come earlier: then this thread, one for a whole transport and only while something is watched, ends it.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable

_IDLE = 5.0  # seconds without anything to watch, after which the thread ends


class Watch:
    """One read that must end: `end` is called once, from the watching thread, when `at` has passed."""

    __slots__ = ("at", "end")

    def __init__(self, at: float, end: Callable[[], None]) -> None:
        self.at = at
        self.end = end


class Watchdog:
    """Watches any number of deadlines, in seconds of the monotonic clock."""

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self._process = os.getpid()
        self._changed = threading.Condition()
        self._watches: set[Watch] = set()
        self._running = False
        self._wakes_at = 0.0

    def add(self, at: float, end: Callable[[], None]) -> Watch:
        """Call `end` when the monotonic clock has passed `at`, unless `remove` comes first."""
        if self._process != os.getpid():
            self._reset()  # a fork took the state but not the thread
        watch = Watch(at, end)
        with self._changed:
            self._watches.add(watch)
            if not self._running:
                self._running = True
                self._wakes_at = at
                threading.Thread(target=self._run, name="psf-runtime-watchdog", daemon=True).start()
            elif at < self._wakes_at:
                self._changed.notify()
        return watch

    def remove(self, watch: Watch) -> None:
        """Watch this no longer."""
        with self._changed:
            self._watches.discard(watch)

    def close(self) -> None:
        """Watch nothing any longer, and let the thread end."""
        with self._changed:
            self._watches.clear()
            self._changed.notify()

    def _run(self) -> None:
        while True:
            with self._changed:
                now = time.monotonic()
                late = [watch for watch in self._watches if watch.at <= now]
                self._watches.difference_update(late)
                if not late and not self._wait(now):
                    return
            for watch in late:
                watch.end()

    def _wait(self, now: float) -> bool:
        """Sleep until the next deadline. False when there is none for a while: then the thread ends."""
        self._wakes_at = min((watch.at for watch in self._watches), default=now + _IDLE)
        self._changed.wait(self._wakes_at - now)
        if self._watches:
            return True
        self._running = False
        return False
