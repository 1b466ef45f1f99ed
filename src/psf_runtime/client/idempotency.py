"""`idempotency_key=`: the same key and the same content get the same answer; the model is asked once.

Kept for this process, per tenant and user, for the last so many keys. Of the request only a keyed digest is kept.
"""

from __future__ import annotations

import copy
import hmac
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Any

from psf_runtime.client.calls import Call, contract_digest
from psf_runtime.errors import ConfigError, StateError
from psf_runtime.types.canonical import canonical_bytes, request_to_data

KEPT = 1_000


@dataclass(slots=True, repr=False)
class _Entry:
    place: tuple[str, str, str, str]
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
                call.idempotency = self._entries[place] = _Entry(place, digest)
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
        call.answer = _own(entry.answer)

    def keep(self, call: Call, answer: Any) -> Any:
        """Keep the answer under the call's key; returns it."""
        if call.idempotency is not None:
            call.idempotency.answer = _own(answer)
        return answer

    def give_up(self, call: Call) -> None:
        """The call failed or was cancelled: the key may be used again."""
        entry: _Entry | None = call.idempotency
        if entry is not None and entry.answer is None:
            with self._lock:
                if self._entries.get(entry.place) is entry:
                    del self._entries[entry.place]

    def _make_room(self) -> None:
        """Drop the oldest answer. A call under way keeps its key: else a second one could reach the model."""
        if len(self._entries) < KEPT:
            return
        finished = next((place for place, entry in self._entries.items() if entry.answer is not None), None)
        if finished is None:
            raise StateError(
                f"{KEPT} calls with idempotency keys are under way, which is the limit", change="wait for some to end"
            )
        del self._entries[finished]


def _own(answer: Any) -> Any:
    """The answer with a value of its own: what one caller changes in it, the next does not see.

    A value that cannot be copied is shared.
    """
    try:
        return replace(answer, parsed=copy.deepcopy(answer.parsed))
    except Exception:
        return answer
