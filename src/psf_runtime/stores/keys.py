"""A keyring: the secret keys of a durable state, by epoch, and the text that holds them.

    names:KJ2m...      for keyed digests that name rows; the same for the life of the state
    1:9fQz...          the key that wraps all data keys, first epoch
    2:Pq0c...          the next one; the highest number is the current one

Each key is 32 random bytes in URL-safe base 64. Once every data key is wrapped under a newer epoch, the line of the
old one is destroyed, and backups that were made under it become unreadable.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from psf_runtime.errors import ConfigError, StateError

KEY_BYTES = 32
MAX_TEXT = 64 * 1024  # characters of a keyring
MAX_EPOCH = 2**31 - 1
NAMES = "names"
_CONTROL = "privacy.tokens"
_MAKE_ONE = "make one with: psf key new FILE, outside the folder of the state"


@dataclass(frozen=True, slots=True, repr=False)
class Keyring:
    """The keys themselves. `epochs` maps an epoch, 1 or more, to its key; `names` keys the digests."""

    names: bytes
    epochs: Mapping[int, bytes]

    def __repr__(self) -> str:
        return f"Keyring(epochs {sorted(self.epochs)})"

    @property
    def current(self) -> int:
        """The newest epoch."""
        return max(self.epochs)

    def key(self, epoch: int) -> bytes:
        """The key of an epoch. Raises StateError when it is not here."""
        if epoch not in self.epochs:
            raise missing_epoch(epoch)
        return self.epochs[epoch]

    def advanced(self) -> Keyring:
        """With one more epoch."""
        return Keyring(self.names, MappingProxyType({**self.epochs, self.current + 1: os.urandom(KEY_BYTES)}))

    def without(self, epoch: int) -> Keyring:
        """With an old epoch destroyed. Raises ConfigError for the current one."""
        if epoch == self.current:
            raise ConfigError(
                "the current epoch of the keys cannot be destroyed", control=_CONTROL, change="rotate first"
            )
        left = {number: key for number, key in self.epochs.items() if number != epoch}
        return Keyring(self.names, MappingProxyType(left))

    def text(self) -> str:
        """One line per key, to be kept secret."""
        lines = [f"{NAMES}:{_encoded(self.names)}"]
        lines += [f"{epoch}:{_encoded(key)}" for epoch, key in sorted(self.epochs.items())]
        return "\n".join(lines) + "\n"


def new_keyring() -> Keyring:
    """A keyring of its own, at epoch 1."""
    return Keyring(os.urandom(KEY_BYTES), MappingProxyType({1: os.urandom(KEY_BYTES)}))


def parse_keyring(text: str, *, where: str) -> Keyring:
    """The keyring that a text holds: entries apart by white space or commas, lines after `#` left out.

    Raises ConfigError that names `where` it came from and never repeats it.
    """
    if len(text) > MAX_TEXT:
        raise _unusable(where, f"it is longer than {MAX_TEXT} characters")
    kept = "\n".join(line.partition("#")[0] for line in text.splitlines())
    names: bytes | None = None
    epochs: dict[int, bytes] = {}
    for entry in kept.replace(",", " ").split():
        label, colon, encoded = entry.partition(":")
        key = _decoded(encoded) if colon else None
        if key is None:
            raise _unusable(where, f"an entry is not NUMBER:KEY with a key of {KEY_BYTES} bytes in base 64")
        if label == NAMES and names is None:
            names = key
        elif label.isascii() and label.isdigit() and 1 <= int(label[:10]) <= MAX_EPOCH and int(label) not in epochs:
            epochs[int(label)] = key
        else:
            raise _unusable(where, "an entry is there twice, or is neither 'names' nor the number of an epoch")
    if names is None or not epochs:
        raise _unusable(where, "it lacks the entry 'names', or a numbered one")
    if len({names, *epochs.values()}) <= len(epochs):
        raise _unusable(where, "two entries hold the same key")
    return Keyring(names, MappingProxyType(epochs))


def missing_epoch(epoch: int) -> StateError:
    """The error for an epoch that the key source does not hold."""
    return StateError(
        "the state cannot be read with these keys",
        control=_CONTROL,
        why=f"the key source does not hold epoch {epoch}",
        change="give every process the newest keys; what only a destroyed epoch could open is gone for good",
    )


def no_key_source() -> ConfigError:
    """The error for a durable state without keys."""
    return ConfigError(
        "a durable state needs a key source",
        control=_CONTROL,
        why="neither the policy nor PSF_KEY says where the keys are",
        change='psf key new FILE, then key = "file:FILE" in psf.toml, or PSF_KEY with what the file holds',
    )


def _encoded(key: bytes) -> str:
    return base64.urlsafe_b64encode(key).decode("ascii").rstrip("=")


def _decoded(text: str) -> bytes | None:
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == KEY_BYTES else None


def _unusable(where: str, why: str) -> ConfigError:
    return ConfigError(f"{where} holds no usable keys", control=_CONTROL, why=why, change=_MAKE_ONE)
