"""Keys from an environment variable."""

from __future__ import annotations

import os
from collections.abc import Mapping

from psf_runtime.stores.keys import Keyring, no_key_source, parse_keyring


class EnvironmentKeys:
    """The keyring that an environment variable holds, as text: the port `KeyProvider`.

    The variable is read once. A new epoch is added by whoever sets it: `psf key rotate` works on files only.

    Raises ConfigError when the variable is not set, or holds no keyring.
    """

    def __init__(self, name: str = "PSF_KEY", *, environ: Mapping[str, str] = os.environ) -> None:
        text = environ.get(name, "")
        if not text.strip():
            raise no_key_source()
        self._name = name
        self._keyring: Keyring = parse_keyring(text, where=f"the variable {name}")

    def __repr__(self) -> str:
        return f"EnvironmentKeys({self._name!r})"

    def names(self) -> bytes:
        """The key for digests."""
        return self._keyring.names

    def current(self) -> int:
        """The newest epoch."""
        return self._keyring.current

    def key(self, epoch: int) -> bytes:
        """The key of an epoch. Raises StateError when it is not here."""
        return self._keyring.key(epoch)
