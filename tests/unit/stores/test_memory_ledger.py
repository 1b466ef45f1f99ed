"""The decision log in memory: chained, bounded, its own in every process."""

from __future__ import annotations

import dataclasses
import os
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.errors import ConfigError
from psf_runtime.stores.memory_ledger import Entry, MemoryLedger


def filled(calls: int, *, capacity: int = 100, key: bytes | None = None) -> MemoryLedger:
    ledger = MemoryLedger(capacity=capacity, key=key)
    for number in range(calls):
        entry = ledger.intend({"call_id": f"c{number}"})
        ledger.conclude(entry, {"call_id": f"c{number}", "outcome": "stop"})
    return ledger


def test_a_call_makes_two_entries_under_one_id() -> None:
    """Numbered in order, with the records as they were given."""
    entries = filled(1).entries()
    assert [(one.sequence, one.kind, one.record) for one in entries] == [
        (1, "intent", {"call_id": "c0"}),
        (2, "outcome", {"call_id": "c0", "outcome": "stop"}),
    ]
    assert entries[0].id == entries[1].id


def test_what_changes_later_does_not_change_the_record() -> None:
    """The log keeps what it was given, not a reference to it."""
    ledger = MemoryLedger()
    record = {"findings": {"a": 1}}
    ledger.intend(record)
    record["findings"]["a"] = 2
    ledger.entries()[0].record["findings"] = {}
    assert ledger.entries()[0].record == {"findings": {"a": 1}}


def test_only_the_newest_entries_are_kept_and_the_chain_still_holds() -> None:
    """The ring forgets the oldest."""
    ledger = filled(10, capacity=6)
    assert [one.sequence for one in ledger.entries()] == [15, 16, 17, 18, 19, 20]
    assert ledger.verify() is None


changes = st.sampled_from(["sequence", "id", "kind", "body", "previous", "digest", "remove", "swap", "insert", "tail"])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 7), changes, st.booleans())
def test_any_change_is_noticed_at_its_place(position: int, change: str, keyed: bool) -> None:
    """Whatever is changed in whichever entry, `verify` names the first number that does not fit."""
    ledger = filled(6, capacity=8, key=b"k" if keyed else None)
    entries = list(ledger.entries())
    entry = entries[position]
    other: dict[str, object] = {"sequence": 99, "id": "x", "kind": "none", "body": b"{}", "previous": "", "digest": "0"}
    if change in other:
        entries[position] = dataclasses.replace(entry, **{change: other[change]})
    elif change == "remove":
        del entries[position]
    elif change == "insert":
        entries.insert(position, entry)
    elif change == "tail":
        entries = entries[: position or 1] if position < 7 else entries[:7]
    else:
        neighbour = (position + 1) % 8
        entries[position], entries[neighbour] = entries[neighbour], entries[position]
    ledger._entries.clear()
    ledger._entries.extend(map(dataclasses.astuple, entries))
    assert ledger.verify() is not None


def test_a_chain_mended_without_the_key_is_noticed() -> None:
    """With a key, recomputing plain digests over forged records does not help."""
    ledger = filled(2, key=b"secret")
    forged = MemoryLedger()
    for entry in ledger.entries():
        forged._append(entry.id, entry.kind, b'{"outcome":"forged"}')
    ledger._entries.clear()
    ledger._entries.extend(forged._entries)
    ledger._head = forged._head
    assert ledger.verify() == 1


def test_the_broken_entry_is_named() -> None:
    """The number is that of the entry that was changed."""
    ledger = filled(3)
    entries = list(ledger.entries())
    entries[3] = dataclasses.replace(entries[3], body=b"{}")
    ledger._entries.clear()
    ledger._entries.extend(map(dataclasses.astuple, entries))
    assert ledger.verify() == 4


def test_orphans_are_intents_without_an_outcome() -> None:
    """A call that waits for a person is still open; one that was concluded later is not."""
    ledger = MemoryLedger()
    lost, waiting, resumed, done = (ledger.intend({"call_id": name}) for name in "abcd")
    ledger.conclude(waiting, {"outcome": "pending"})
    ledger.conclude(resumed, {"outcome": "pending"})
    ledger.conclude(resumed, {"outcome": "stop"})
    ledger.conclude(done, {"outcome": "Blocked"})
    assert [lost, waiting] == [one.id for one in ledger.orphans()]


def test_an_outcome_whose_intent_is_no_longer_kept_is_recorded() -> None:
    """A call that outlasts the ring does not fail for it."""
    ledger = MemoryLedger(capacity=2)
    slow = ledger.intend({"call_id": "slow"})
    for _ in range(3):
        ledger.intend({"call_id": "quick"})
    ledger.conclude(slow, {"outcome": "stop"})
    assert slow == ledger.entries()[-1].id
    assert ledger.verify() is None


def test_a_record_that_is_no_json_is_refused() -> None:
    """Nothing is appended for it."""
    ledger = MemoryLedger()
    with pytest.raises(ConfigError):
        ledger.intend({"call": object()})
    assert ledger.entries() == ()


def test_a_log_needs_room() -> None:
    """An intent and its outcome fit, at least."""
    with pytest.raises(ConfigError):
        MemoryLedger(capacity=1)


def test_many_threads_make_one_chain() -> None:
    """No number is given twice and no entry is lost."""
    ledger = MemoryLedger(capacity=1000)

    def work() -> None:
        for _ in range(50):
            ledger.conclude(ledger.intend({}), {"outcome": "stop"})

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(range(1, 401)) == [one.sequence for one in ledger.entries()]
    assert len({one.id for one in ledger.entries()}) == 200
    assert (ledger.verify(), ledger.orphans()) == (None, ())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_has_a_log_of_its_own() -> None:
    """No entries of the parent, other ids, a lock that nobody holds."""
    ledger = filled(2)
    reader, writer = os.pipe()
    with ledger._lock:
        child = os.fork()
        if child == 0:
            name = ledger.intend({})
            os.write(writer, f"{name} {len(ledger.entries())} {ledger.verify()}".encode())
            os._exit(0)
    os.waitpid(child, 0)
    name, count, broken = os.read(reader, 1000).decode().split()
    os.close(reader)
    os.close(writer)
    assert (count, broken) == ("1", "None")
    assert name not in {one.id for one in ledger.entries()}
    assert len(ledger.entries()) == 4


def test_the_repr_shows_no_record() -> None:
    """Not even records without content are printed by accident."""
    entry = filled(1).entries()[0]
    assert isinstance(entry, Entry)
    assert f"Entry(1, intent, {entry.id!r})" == repr(entry)
