"""The laws of decision logs: every intent has an id of its own, and nothing that cannot be kept is accepted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from psf_runtime.testing.stores.common import MARKER, at_once, hides_content, refused, says_whether_it_waits

RECORD = {"call_id": "1", "purpose": MARKER, "tokens": {"EMAIL": 1}, "cost": None}


def check_ledger(make: Callable[[], Any]) -> None:
    """Run all of them, each on an empty log."""
    for law in (intents, outcomes, plain_records, copies, threads):
        law(make())


def intents(ledger: Any) -> None:
    """Two intents have two ids, also for the same record."""
    says_whether_it_waits(ledger)
    first, second = ledger.intend(RECORD), ledger.intend(RECORD)
    assert isinstance(first, str), "the id of an intent is no text"
    assert first, "the id of an intent is empty"
    assert first != second, "two intents share an id"
    hides_content(ledger)


def outcomes(ledger: Any) -> None:
    """An intent may be concluded, after others too, and again: a log refuses no fact."""
    first, second = ledger.intend(RECORD), ledger.intend(RECORD)
    ledger.conclude(second, {"outcome": "delivered"})
    ledger.conclude(first, {"outcome": "pending"})
    ledger.conclude(first, {"outcome": "delivered"})
    assert ledger.intend(RECORD) not in (first, second), "an id is used again"


def plain_records(ledger: Any) -> None:
    """A record that is not plain JSON is refused, before anything is written."""
    for value in (object(), {1, 2}, float("nan"), b"bytes"):
        refused(f"a record that holds a {type(value).__name__}", lambda value=value: ledger.intend({"value": value}))  # type: ignore[misc]


def copies(ledger: Any) -> None:
    """A record that its owner changes later is not changed in the log."""
    record = {"call_id": "1", "list": [1]}
    entry = ledger.intend(record)
    record["call_id"] = "2"
    entries = getattr(ledger, "entries", None)
    if entries is not None:
        kept = next(one for one in entries() if one.id == entry)
        assert kept.record["call_id"] == "1", "the log holds the caller's own dict"


def threads(ledger: Any) -> None:
    """Intents of many threads have ids of their own."""
    made = at_once(lambda number: [ledger.intend({"call_id": str(number)}) for _ in range(20)])
    ids = [entry for some in made for entry in some]
    assert len(set(ids)) == len(ids), "threads got the same id"
