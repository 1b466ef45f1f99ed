"""The laws of cells: one change at a time, whole or not at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from psf_runtime.testing.stores.common import MARKER, THREADS, at_once, hides_content, says_whether_it_waits

_TURNS = 50


def check_cells(make: Callable[[], Any]) -> None:
    """Run all of them, each on empty cells."""
    for law in (values, failures, threads):
        law(make())


def _read(cells: Any, key: str) -> Any:
    return cells.update(key, lambda value: (value, value))


def values(cells: Any) -> None:
    """A cell is None at first, keeps what it is given, and hands the result back; keys do not know each other."""
    says_whether_it_waits(cells)
    assert _read(cells, "a") is None, "a cell that was never written holds something"
    assert cells.update("a", lambda value: ([1, MARKER], "result")) == "result", "the result is not handed back"
    assert _read(cells, "a") == [1, MARKER], "a value comes back changed"
    assert _read(cells, "b") is None, "another key holds the value"
    hides_content(cells)


def failures(cells: Any) -> None:
    """A change that fails leaves the value as it was, and its error comes out as it is."""
    cells.update("a", lambda value: (1, None))

    def fails(_value: Any) -> tuple[Any, Any]:
        raise ZeroDivisionError

    try:
        cells.update("a", fails)
    except ZeroDivisionError:
        assert _read(cells, "a") == 1, "a change that failed was kept"
        return
    raise AssertionError("the error of a change is swallowed")


def threads(cells: Any) -> None:
    """No change is lost when many threads count at once."""

    def count(value: Any) -> tuple[int, None]:
        return (value or 0) + 1, None

    at_once(lambda number: [cells.update("a", count) for _ in range(_TURNS)])
    assert _read(cells, "a") == THREADS * _TURNS, "changes were lost"
