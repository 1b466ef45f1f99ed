"""Sealing: what is kept at rest is encrypted, and bound to the place where it is kept."""

from __future__ import annotations

import hashlib
import hmac
import json
import os

from psf_runtime.errors import ConfigError, StateError

Place = tuple[str, ...]

_KEY_BYTES = 32
_NONCE_BYTES = 12
_TAG_BYTES = 16
_VERSION = b"\x01"


class Sealer:
    """AES-256-GCM (NIST SP 800-38D) with a fresh nonce each time, and keyed digests under a key of their own.

    A sealed value opens only at the place it was sealed for, for example `("tickets", "checkpoint", tenant, id)`:
    swapped rows do not open. One key seals at most 2**32 values. Not there yet: a key per subject, and key epochs.

    Args:
        key: 32 bytes; None makes one that ends with this object, so nothing sealed outlives the process.
    """

    __slots__ = ("_digest_key", "_seal_key")

    def __init__(self, key: bytes | None = None) -> None:
        if key is None:
            key = os.urandom(_KEY_BYTES)
        if len(key) != _KEY_BYTES:
            raise ConfigError(
                f"the key of the state must be {_KEY_BYTES} bytes",
                why=f"it is {len(key)} bytes",
                change="make one with: psf key new",
            )
        self._seal_key = _derive(key, b"seal")
        self._digest_key = _derive(key, b"digest")

    def seal(self, value: bytes, place: Place) -> bytes:
        """The value, encrypted for this place."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        nonce = os.urandom(_NONCE_BYTES)
        return _VERSION + nonce + AESGCM(self._seal_key).encrypt(nonce, value, _bound(place))

    def open(self, sealed: bytes, place: Place) -> bytes:
        """The value. Raises StateError when it was changed, sealed for another place, or under another key."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        if sealed[:1] != _VERSION or len(sealed) < 1 + _NONCE_BYTES + _TAG_BYTES:
            raise _tampered()
        nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            return AESGCM(self._seal_key).decrypt(nonce, body, _bound(place))
        except InvalidTag:
            pass
        raise _tampered()

    def digest(self, *values: str) -> str:
        """A keyed digest of the values in order, 64 hex characters: equal values can be told, guesses not confirmed."""
        return hmac.new(self._digest_key, _bound(values), hashlib.sha256).hexdigest()

    def __repr__(self) -> str:
        return "Sealer(...)"


def _derive(key: bytes, use: bytes) -> bytes:
    return hmac.new(key, b"psf_runtime sealing 1 " + use, hashlib.sha256).digest()


def _bound(place: Place) -> bytes:
    """One byte string per tuple: no two tuples share it."""
    return json.dumps(list(place)).encode("ascii")


def _tampered() -> StateError:
    return StateError(
        "Tampered: a sealed value does not belong where it was found.",
        why="it was changed, moved from another row, or sealed under another key",
        change="restore the state from a backup with its key; nothing was handed out",
        failure_mode="FM30",
    )
