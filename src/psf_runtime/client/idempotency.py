"""`idempotency_key=`: the same key and the same content get the same answer; the model is asked once.

Kept for this process, per tenant and user, for the last so many keys. Of the request only a keyed digest is kept.
"""

from __future__ import annotations

import hmac
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from psf_runtime.client.calls import Call, contract_digest
from psf_runtime.errors import ConfigError, StateError
from psf_runtime.types.canonical import canonical_bytes, request_to_data

KEPT = 1_000


@dataclass(slots=True)
class _Entry:
    digest: str
    answer: Any = None


class Idempotency:
    """The answers of keyed calls, newest last."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._lock = threading.Lock()  # guards `_entries`; an entry without an answer is a call under way
        self._entries: OrderedDict[tuple[str, str, str, str], _Entry] = OrderedDict()

    def begin(self, call: Call, key: str | None) -> None:
        """Take the key for this call, or give it the answer that the key has already.

        Raises ConfigError for a key that was used with other content, StateError while its first call is under way.
        """
        if key is None:
            return
        facts = call.context.facts
        place = (facts.tenant, facts.user or "", facts.purpose or "", key)
        content = canonical_bytes([request_to_data(call.request), contract_digest(call.contract)])
        digest = hmac.digest(self._key, content, "sha256").hex()
        with self._lock:
            entry = self._entries.get(place)
            if entry is None:
                self._make_room()
                self._entries[place] = _Entry(digest)
                call.idempotency = place
                return
        if entry.digest != digest:
            raise ConfigError(
                "this idempotency key was used for another call",
                why="one key stands for one request of one user, purpose and tenant",
                change="make a new key for every new request",
            )
        if entry.answer is None:
            raise StateError(
                "a call with this idempotency key is still under way", change="wait for it, then ask again"
            )
        call.answer = entry.answer

    def keep(self, call: Call, answer: Any) -> Any:
        """Keep the answer under the call's key; returns it."""
        if call.idempotency is not None:
            with self._lock:
                entry = self._entries.get(call.idempotency)
                if entry is not None:
                    entry.answer = answer
        return answer

    def give_up(self, call: Call) -> None:
        """The call failed: the key may be used again."""
        if call.idempotency is not None:
            with self._lock:
                self._entries.pop(call.idempotency, None)

    def _make_room(self) -> None:
        while len(self._entries) >= KEPT:
            self._entries.popitem(last=False)
