"""Small values that many threads change."""

from __future__ import annotations

import threading

import pytest

from psf_runtime.stores.cells import MemoryCells


def test_a_value_begins_as_none_and_each_key_is_its_own():
    """The function gets what the last one left."""
    cells = MemoryCells()
    assert cells.update("a", lambda value: (1, "first" if value is None else "later")) == "first"
    assert cells.update("a", lambda value: (value, value)) == 1
    assert cells.update("b", lambda value: (value, value)) is None


def test_a_change_that_fails_changes_nothing():
    """The old value stays, and the cell is usable."""
    cells = MemoryCells()
    cells.update("a", lambda value: (1, None))
    with pytest.raises(ZeroDivisionError):
        cells.update("a", lambda value: (value / 0, None))
    assert cells.update("a", lambda value: (value, value)) == 1


def test_no_change_is_lost_between_threads():
    """Eight threads add two thousand each."""
    cells = MemoryCells()

    def add() -> None:
        for _ in range(2000):
            cells.update("n", lambda value: ((value or 0) + 1, None))

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cells.update("n", lambda value: (value, value)) == 16000


def test_a_forked_child_has_a_lock_of_its_own_and_keeps_the_values():
    """The parent's lock may be held by a thread that the child does not have."""
    cells = MemoryCells()
    cells.update("n", lambda value: (7, None))
    results: list[int] = []

    def fork_meanwhile(value: int) -> tuple[int, None]:
        cells.start_anew()  # what the child does; this thread holds the old lock
        results.append(cells.update("m", lambda _: (1, value)))
        return value, None

    cells.update("n", fork_meanwhile)
    assert results == [7]


def test_its_repr_shows_a_count_only():
    """Values may be anything."""
    cells = MemoryCells()
    cells.update("secret", lambda value: ("secret", None))
    assert repr(cells) == "MemoryCells(1 keys)"
