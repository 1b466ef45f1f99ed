"""Data keys, and what they and the keys above them do: seal, open, digest. AES-256-GCM, NIST SP 800-38D."""

from __future__ import annotations

import hmac
import os
from dataclasses import dataclass, field
from functools import cached_property

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from psf_runtime.errors import StateError
from psf_runtime.stores.sql.troubles import CONTROL

_NONCE_BYTES = 12
_TAG_BYTES = 16


def seal(key: AESGCM, value: bytes, place: bytes) -> bytes:
    """The value, encrypted for this place, behind a nonce of its own."""
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + key.encrypt(nonce, value, place)


def unseal(key: AESGCM, sealed: bytes, place: bytes) -> bytes:
    """The value. Raises StateError when it was changed, or sealed for another place or under another key."""
    if len(sealed) >= _NONCE_BYTES + _TAG_BYTES:
        try:
            return key.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place)
        except InvalidTag:
            pass
    raise tampered()


def tampered() -> StateError:
    """The error for a row that is not what was written there."""
    return StateError(
        "a row of the state does not belong where it lies",
        control=CONTROL,
        why="it was changed, or moved from another place: its seal does not fit",
        change="restore the state from a backup; look for whoever changed it. Nothing was handed out",
    )


def wrapping_key(epoch_key: bytes) -> AESGCM:
    """What wraps data keys in an epoch."""
    return AESGCM(hmac.digest(epoch_key, b"psf.sql.wrap 1", "sha256"))


def check_of(epoch_key: bytes) -> bytes:
    """What the state keeps to tell whether the key of an epoch is the right one."""
    return hmac.digest(epoch_key, b"psf.sql.check 1", "sha256")


@dataclass(frozen=True, repr=False)
class DataKey:
    """The key of one conversation, subject or stream. It exists in clear only while a call uses it."""

    key_id: bytes
    secret: bytes = field(repr=False)

    def __repr__(self) -> str:
        return "DataKey(...)"

    @cached_property
    def aead(self) -> AESGCM:
        """For sealing values."""
        return AESGCM(self._derived(b"seal"))

    def joined(self, other: DataKey) -> AESGCM:
        """For sealing what only both keys together may open: destroying either of them is enough."""
        return AESGCM(hmac.digest(self.secret, b"psf.sql.joined 1 " + other.secret, "sha256"))

    @cached_property
    def digests(self) -> bytes:
        """For digests by which values are found."""
        return self._derived(b"digests")

    @cached_property
    def codes(self) -> bytes:
        """For the codes of tokens."""
        return self._derived(b"codes")

    def _derived(self, use: bytes) -> bytes:
        return hmac.digest(self.secret, b"psf.sql.data 1 " + use, "sha256")
