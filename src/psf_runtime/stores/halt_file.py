"""The kill switch as a file: while the file exists, no call runs."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from psf_runtime.stores.forking import start_anew_after_fork
from psf_runtime.types.request import Facts


class HaltFile:
    """A halt switch that is on while `path` exists (`touch /run/psf.halt` stops all calls, `rm` lets them run).

    The file's content is not read. A path that cannot be looked at, for any other reason than that it is not there,
    counts as on: a switch that cannot be read must not be taken for off. Looking costs a system call, so it is done
    at most every `interval` seconds (0.2); between two looks `reason` returns what was seen last. This is the one
    store that reads a clock itself, because a halt switch is asked without a time, between two chunks.

    Still to come: one file for one purpose or one target.
    """

    blocking = False

    def __init__(self, path: str | Path, *, interval: float = 0.2, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = os.fspath(path)
        self._interval = interval
        self._clock = clock
        self._lock = threading.Lock()
        self._next_look = float("-inf")
        self._seen: str | None = None
        start_anew_after_fork(self)

    def start_anew(self) -> None:
        """In a forked child: a lock of its own, and a look of its own at the next question."""
        self._lock = threading.Lock()
        self._next_look = float("-inf")

    def reason(self, facts: Facts, target: str | None) -> str | None:
        """Why calls are halted, or None while they may run."""
        if self._clock() >= self._next_look:
            with self._lock:
                self._seen = self._look()
                self._next_look = self._clock() + self._interval
        return self._seen

    def _look(self) -> str | None:
        try:
            os.stat(self._path)
        except FileNotFoundError:
            return None
        except OSError as error:
            return f"the halt file cannot be looked at ({type(error).__name__}), which counts as on"
        except ValueError:
            return "the halt file's path is not a path, which counts as on"
        return "the halt file exists"
