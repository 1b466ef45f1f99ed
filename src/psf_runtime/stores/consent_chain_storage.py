"""Where consent chains are kept: two small ports, and both of them in memory.

Rows are only ever added at the end. What a row says is none of the storage's business: it is bytes.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Protocol

from psf_runtime.stores.forking import start_anew_after_fork
from psf_runtime.types.consent import BEGINNING
from psf_runtime.types.consent_links import digest_of


class ConsentStorage(Protocol):
    """Rows by tenant and stream, in order. Raises StateError when it cannot answer.

    Attributes:
        blocking: whether its calls wait for the world.
    """

    @property
    def blocking(self) -> bool:
        """Whether its calls wait for the world: then async drivers run them in a thread."""
        ...

    def append(self, tenant: str, stream: str, body: bytes, previous: str) -> bool:
        """Add a row at the end, in one step with this comparison: `previous` is the SHA-256 (hex) of the last row that
        was ever added to the stream, also when it was trimmed; of the first, 64 zeros. False: somebody else was
        first, and nothing was added.
        """
        ...

    def scan(self, tenant: str, stream: str) -> Sequence[bytes]:
        """Every row of a stream, oldest first."""
        ...

    def trim(self, tenant: str, stream: str, count: int) -> None:
        """Remove the first `count` rows of a stream."""
        ...

    def streams(self) -> Sequence[tuple[str, str]]:
        """Every (tenant, stream) that has ever had a row."""
        ...


class AliasStorage(Protocol):
    """One small value per tenant and name: which chain is whose. What is dropped here cannot be found again.

    Belongs where the data keys are, not beside the rows: whoever erases a value here erases the way to the rows.
    """

    def get(self, tenant: str, name: str) -> bytes | None:
        """The value, or None."""
        ...

    def put(self, tenant: str, name: str, value: bytes, replacing: bytes | None) -> bool:
        """Set the value, in one step with this comparison: it still is `replacing` (None: there is none)."""
        ...

    def drop(self, tenant: str, name: str) -> bool:
        """Destroy the value; whether there was one."""
        ...


class MemoryConsentStorage:
    """Rows and aliases for the life of this process. Thread-safe; a forked child goes on with a copy."""

    blocking = False

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: dict[tuple[str, str], list[bytes]] = {}
        self._ends: dict[tuple[str, str], str] = {}
        self._aliases: dict[tuple[str, str], bytes] = {}
        start_anew_after_fork(self)

    def start_anew(self) -> None:
        """In a forked child: a lock that another thread held while the process forked would stay locked for ever."""
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"MemoryConsentStorage({len(self._rows)} streams)"

    def append(self, tenant: str, stream: str, body: bytes, previous: str) -> bool:
        """Add a row, unless somebody else was first."""
        with self._lock:
            if self._ends.get((tenant, stream), BEGINNING) != previous:
                return False
            self._rows.setdefault((tenant, stream), []).append(body)
            self._ends[tenant, stream] = digest_of(body)
            return True

    def scan(self, tenant: str, stream: str) -> Sequence[bytes]:
        """Every row of a stream, oldest first."""
        with self._lock:
            return tuple(self._rows.get((tenant, stream), ()))

    def trim(self, tenant: str, stream: str, count: int) -> None:
        """Remove the first rows of a stream."""
        with self._lock:
            del self._rows.get((tenant, stream), [])[:count]

    def streams(self) -> Sequence[tuple[str, str]]:
        """Every stream."""
        with self._lock:
            return tuple(self._rows)

    def remove(self, tenant: str, stream: str) -> None:
        """Forget a whole stream: what memory alone does, when it is full."""
        with self._lock:
            self._rows.pop((tenant, stream), None)
            self._ends.pop((tenant, stream), None)

    def get(self, tenant: str, name: str) -> bytes | None:
        """The value, or None."""
        with self._lock:
            return self._aliases.get((tenant, name))

    def put(self, tenant: str, name: str, value: bytes, replacing: bytes | None) -> bool:
        """Set the value, unless somebody else was first."""
        with self._lock:
            if self._aliases.get((tenant, name)) != replacing:
                return False
            self._aliases[tenant, name] = value
            return True

    def drop(self, tenant: str, name: str) -> bool:
        """Destroy the value; whether there was one."""
        with self._lock:
            return self._aliases.pop((tenant, name), None) is not None
