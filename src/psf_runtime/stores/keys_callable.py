"""Keys from a function of yours: a key management service, a secret store, an HSM."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from psf_runtime.errors import PsfError, StateError
from psf_runtime.stores.forking import start_anew_after_fork
from psf_runtime.stores.keys import KEY_BYTES, NAMES

_CONTROL = "privacy.tokens"


class CallableKeys:
    """Keys that `fetch` gives: the port `KeyProvider`. Thread-safe.

    What was fetched is kept for `keep` seconds, so that a key that the service has destroyed or withdrawn stops
    working here soon; after a fork the child fetches its own.

        CallableKeys(lambda name: kms.decrypt(CiphertextBlob=sealed[name])["Plaintext"], current=lambda: 3)

    Args:
        fetch: the 32 bytes of a key by name: `"names"`, `"1"`, `"2"`. What it raises becomes a StateError.
        current: the newest epoch.
        keep: seconds, at most 60.
    """

    def __init__(
        self,
        fetch: Callable[[str], bytes],
        *,
        current: Callable[[], int],
        keep: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._current = current
        self._keep = min(keep, 60.0)
        self._clock = clock
        self.start_anew()
        start_anew_after_fork(self)

    def start_anew(self) -> None:
        """Nothing fetched yet, and a lock of its own."""
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[float, bytes]] = {}

    def __repr__(self) -> str:
        return "CallableKeys(...)"

    def names(self) -> bytes:
        """The key for digests."""
        return self._key(NAMES)

    def current(self) -> int:
        """The newest epoch."""
        failed = ""
        try:
            return int(self._current())
        except Exception as error:  # whatever a service raises is a state that cannot be reached
            failed = type(error).__name__
        raise _unreachable(failed)

    def key(self, epoch: int) -> bytes:
        """The key of an epoch."""
        return self._key(str(epoch))

    def _key(self, name: str) -> bytes:
        now = self._clock()
        with self._lock:
            until, key = self._kept.get(name, (float("-inf"), b""))
        if now < until:
            return key
        key = self._fetched(name)
        with self._lock:
            self._kept = {one: kept for one, kept in self._kept.items() if now < kept[0]}
            self._kept[name] = (now + self._keep, key)
        return key

    def _fetched(self, name: str) -> bytes:
        failed = ""
        key: object = None
        try:
            key = self._fetch(name)
        except PsfError:
            raise
        except Exception as error:  # as above; its text may hold a secret
            failed = type(error).__name__
        if failed:
            raise _unreachable(failed)
        if not isinstance(key, bytes) or len(key) != KEY_BYTES:
            raise StateError(
                "the key source gave something that is no key",
                control=_CONTROL,
                why=f"a key is {KEY_BYTES} bytes",
                change="look at the function that fetches the keys",
            )
        return key


def _unreachable(name: str) -> StateError:
    return StateError(
        "the keys of the state cannot be fetched",
        control=_CONTROL,
        why=f"the key source raised {name}",
        change="look at the key service; nothing was sent",
    )
