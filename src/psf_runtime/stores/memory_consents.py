"""MemoryConsents: who agreed to what, in this process only."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict

from psf_runtime.errors import ConfigError
from psf_runtime.stores.consent_chain import ConsentChains
from psf_runtime.stores.consent_chain_book import Alias
from psf_runtime.stores.consent_chain_storage import MemoryConsentStorage
from psf_runtime.stores.consent_chain_uses import Uses
from psf_runtime.stores.forking import start_anew_after_fork
from psf_runtime.types.consent import ANY, ConsentRecord

__all__ = ["ANY", "ConsentRecord", "MemoryConsents"]


class MemoryConsents(ConsentChains):
    """Consent chains in memory. Thread-safe; a forked child goes on with a copy.

    Consents and restrictions are never dropped to make room. Uses are: the older half of a long chain goes, and the
    chain of a subject of whom nothing but uses is known, when there are too many of those.

    Args:
        key: 32 bytes, keys digests, seals and signatures; None draws one that lives and dies with this object.
        max_records: how many consents are kept in all; one more is a ConfigError.
        max_uses: how many uses of one subject and purpose are kept.
        max_subjects: how many subjects are kept of whom only uses are known.
    """

    def __init__(
        self,
        key: bytes | None = None,
        *,
        max_records: int = 100_000,
        max_uses: int = 1_000,
        max_subjects: int = 10_000,
    ) -> None:
        self._storage = MemoryConsentStorage()
        super().__init__(key or os.urandom(32), rows=self._storage, aliases=self._storage)
        self.uses = Uses(self.book, most=max_uses)
        self._max_records = max_records
        self._max_subjects = max_subjects
        self._count = 0
        self._used_only: OrderedDict[tuple[str, str], None] = OrderedDict()
        start_anew_after_fork(self)

    def start_anew(self) -> None:
        """In a forked child: a lock that another thread held while the process forked would stay locked for ever."""
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"MemoryConsents({self._count} records)"

    def _make_room(self) -> None:
        with self._lock:
            if self._count >= self._max_records:
                raise ConfigError(
                    f"the memory holds {self._max_records} consent records and takes no more",
                    control="privacy.consent",
                    change="keep consents in a durable state",
                )
            self._count += 1

    def _after_use(self, alias: Alias) -> None:
        """Remember of whom only uses are known, and forget the one whose last use is longest ago."""
        place = (alias.tenant, alias.name)
        self._used_only.pop(place, None)
        if alias.stream in alias.heads:
            return
        self._used_only[place] = None
        if len(self._used_only) > self._max_subjects:
            oldest, _ = self._used_only.popitem(last=False)
            forgotten = self.book.find_named(*oldest)
            if forgotten is not None and forgotten.stream not in forgotten.heads:
                self.book.drop(forgotten)
                for stream in (forgotten.stream, *forgotten.heads):
                    self._storage.remove(forgotten.tenant, stream)
