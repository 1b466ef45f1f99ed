"""MemoryRecall: what was found in texts that come again with every turn of a conversation. Never the texts."""

from __future__ import annotations

import hashlib
import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

from psf_runtime.errors import ConfigError
from psf_runtime.stores.forking import start_anew_after_fork

T = TypeVar("T", bound=tuple[Any, ...])
# A shorter text is looked at as fast as it is looked up.
SHORTEST = 64


class MemoryRecall:
    """A bounded memory of findings by text, for one process; a port of the kind `Recall`. Thread-safe.

    An entry is named by a digest of the tenant, of what looked (with its version) and of the text, under a key that
    lives and dies with this object: nobody can look up a guess, and two tenants never share an entry. It holds spans
    and counts. `clear` empties it; what was being looked at meanwhile is not kept. A forked child begins empty.

    Args:
        capacity: entries and the items in them, all together; those not used for longest go first.
    """

    def __init__(self, *, capacity: int = 50_000) -> None:
        if capacity < 1:
            raise ConfigError("the memory of findings needs room for one", control="privacy.tokens")
        self._capacity = capacity
        self.start_anew()
        start_anew_after_fork(self)

    def start_anew(self) -> None:
        """Empty, with a key and a lock of its own."""
        # Invariant: under the lock, `_weight` is the sum of `_weight_of` over the entries, and at most the capacity.
        self._lock = threading.Lock()
        # Keyed once, and copied for each text: a third of the time of a name.
        self._keyed = hashlib.blake2b(key=os.urandom(32), digest_size=16)
        self._entries: OrderedDict[bytes, tuple[Any, ...]] = OrderedDict()
        self._weight = 0
        self._generation = 0

    def found(self, tenant: str, kind: str, text: str, look: Callable[[str], T]) -> T:
        """What `look` finds in `text`: remembered, or looked for now. It must depend on the text alone.

        Args:
            kind: names `look` and its version; another version finds nothing that an earlier one has kept.
            look: returns a tuple of numbers, names and spans, no text.
        """
        if len(text) < SHORTEST:
            return look(text)
        name = self._name(tenant, kind, text)
        with self._lock:
            known = self._entries.get(name)
            if known is not None:
                self._entries.move_to_end(name)
                return known  # type: ignore[return-value]  # the kind is part of the name
            generation = self._generation
        found = look(text)
        with self._lock:
            if generation == self._generation:
                self._keep(name, found)
        return found

    def clear(self) -> None:
        """Forget everything: part of every erasure."""
        with self._lock:
            self._entries.clear()
            self._weight = 0
            self._generation += 1

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"MemoryRecall({len(self._entries)} texts)"

    def _name(self, tenant: str, kind: str, text: str) -> bytes:
        # The lengths keep the three apart, whatever stands in them.
        digest = self._keyed.copy()
        digest.update(f"{len(tenant)}:{tenant}{len(kind)}:{kind}{text}".encode("utf-8", "surrogatepass"))
        return digest.digest()

    def _keep(self, name: bytes, found: tuple[Any, ...]) -> None:
        weight = _weight_of(found)
        if name in self._entries or weight > self._capacity:
            return
        self._entries[name] = found
        self._weight += weight
        while self._weight > self._capacity:
            _, oldest = self._entries.popitem(last=False)
            self._weight -= _weight_of(oldest)


def _weight_of(found: tuple[Any, ...]) -> int:
    return 1 + sum(len(item) if isinstance(item, tuple) else 1 for item in found)
