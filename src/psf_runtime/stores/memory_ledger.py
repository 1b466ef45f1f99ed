"""The decision log in memory: a ring of chained entries."""

from __future__ import annotations

import hashlib
import hmac
import os
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from psf_runtime.errors import ConfigError
from psf_runtime.stores.forking import start_anew_after_fork
from psf_runtime.types.canonical import canonical_bytes, from_canonical_bytes

_START = "0" * 64
_OPEN_OUTCOME = "pending"  # a person has to decide first: the call will be concluded again


@dataclass(frozen=True, slots=True, repr=False)
class Entry:
    """One entry of the log.

    Attributes:
        sequence: 1, 2, 3 ... in this process.
        id: of the intent that this entry makes or concludes.
        body: the record, as canonical JSON.
        previous, digest: the chain: `digest` covers everything here, `previous` is the digest of the entry before.
    """

    sequence: int
    id: str
    kind: Literal["intent", "outcome"]
    body: bytes
    previous: str
    digest: str

    @property
    def record(self) -> dict[str, Any]:
        """The record."""
        record: dict[str, Any] = from_canonical_bytes(self.body)
        return record

    def __repr__(self) -> str:
        return f"Entry({self.sequence}, {self.kind}, {self.id!r})"


_Kept = tuple[int, str, Literal["intent", "outcome"], bytes, str, str]


class MemoryLedger:
    """The last `capacity` entries, for the life of this process; a port of the kind `Ledger`.

    Each entry covers the one before, so `verify()` notices an entry that was changed, removed or put in between.
    With `key`, whoever lacks the key cannot mend the chain; without one, whoever can write to this memory can.
    Memory keeps nothing over a restart and gives no receipts: that takes a durable log, which is not there yet.

    Args:
        capacity: entries kept; a call makes two. The oldest go first.
        key: makes the chain HMAC-SHA256 instead of SHA-256.
    """

    blocking = False

    def __init__(self, *, capacity: int = 10_000, key: bytes | None = None) -> None:
        if capacity < 2:
            raise ConfigError("the log needs room for two entries", control="accountability.log")
        self._capacity = capacity
        self._key = key
        self.start_anew()
        start_anew_after_fork(self)

    def start_anew(self) -> None:
        """Empty, with a chain and ids of its own; also what a forked child begins with."""
        # Invariant: under the lock, `_entries` is a gapless run of the chain that begins after `_anchor` and ends
        # with `_head`, and the last entry's sequence is `_sequence`.
        self._lock = threading.Lock()
        # Tuples of plain values, in the order of Entry's fields: the garbage collector does not look at such tuples,
        # and a log of thousands of entries would be most of what it looks at in a busy process.
        self._entries: deque[_Kept] = deque()
        self._instance = os.urandom(6).hex()
        self._anchor = self._head = _START
        self._sequence = 0

    def intend(self, record: Mapping[str, Any]) -> str:
        """Accept an intent; returns its id. Raises ConfigError for a record that is not plain JSON."""
        body = canonical_bytes(record)
        with self._lock:
            name = f"{self._instance}-{self._sequence + 1:010d}"
            self._append(name, "intent", body)
        return name

    def conclude(self, entry: str, record: Mapping[str, Any]) -> None:
        """Append the outcome of an intent. A log refuses no fact: a second outcome is kept beside the first."""
        body = canonical_bytes(record)
        with self._lock:
            self._append(entry, "outcome", body)

    def entries(self) -> tuple[Entry, ...]:
        """Everything that is kept, oldest first."""
        with self._lock:
            kept = tuple(self._entries)
        return tuple([Entry(*one) for one in kept])

    def orphans(self) -> tuple[Entry, ...]:
        """Intents that are kept and have no outcome: calls that run now, wait for a person, or were lost."""
        waiting: dict[str, Entry] = {}
        for entry in self.entries():
            if entry.kind == "intent":
                waiting[entry.id] = entry
            elif entry.record.get("outcome") != _OPEN_OUTCOME:
                waiting.pop(entry.id, None)
        return tuple(waiting.values())

    def verify(self) -> int | None:
        """None when the chain holds; else the sequence number at which it breaks."""
        with self._lock:
            kept, previous, head, last = tuple(self._entries), self._anchor, self._head, self._sequence
        expected = last - len(kept) + 1
        for entry in [Entry(*one) for one in kept]:
            if entry.sequence != expected or entry.previous != previous or self._digest(entry) != entry.digest:
                return expected
            previous = entry.digest
            expected += 1
        return None if previous == head else expected

    def _append(self, name: str, kind: Literal["intent", "outcome"], body: bytes) -> None:
        sequence = self._sequence + 1
        digest = self._digest_of(sequence, name, kind, self._head, body)
        self._entries.append((sequence, name, kind, body, self._head, digest))
        self._sequence = sequence
        self._head = digest
        if len(self._entries) > self._capacity:
            self._anchor = self._entries.popleft()[-1]

    def _digest(self, entry: Entry) -> str:
        return self._digest_of(entry.sequence, entry.id, entry.kind, entry.previous, entry.body)

    def _digest_of(self, sequence: int, name: str, kind: str, previous: str, body: bytes) -> str:
        covered = canonical_bytes([sequence, name, kind, previous]) + b"\n" + body
        if self._key is None:
            return hashlib.sha256(covered).hexdigest()
        return hmac.digest(self._key, covered, "sha256").hex()
