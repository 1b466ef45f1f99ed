"""Small values that many threads change: one lock, one function applied at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from psf_runtime.stores.forking import start_anew_after_fork


class MemoryCells:
    """Cells in memory, by key.

    Breakers, budgets and drift windows keep their state here. What a value means is known only to the pure function
    that changes it; this class sees to it that two threads never change one value at the same time. Keys come from
    settings (targets, purposes), so their number is bounded.

    A forked child keeps the values (money spent before the fork still counts there) and goes its own way from then on.

    Still to come: cells shared by several processes.
    """

    blocking = False

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, Any] = {}
        start_anew_after_fork(self)

    def start_anew(self) -> None:
        """In a forked child: a lock of its own, for another thread may have held the parent's."""
        self._lock = threading.Lock()

    def update(self, key: str, change: Callable[[Any], tuple[Any, Any]]) -> Any:
        """Apply `change` to the value of `key` (None at first); it returns the new value and the result handed back.

        When `change` raises, the old value stays.
        """
        with self._lock:
            value, result = change(self._values.get(key))
            self._values[key] = value
            return result

    def __repr__(self) -> str:
        return f"MemoryCells({len(self._values)} keys)"
