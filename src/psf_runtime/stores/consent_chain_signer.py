"""Keys of consent chains: what signs links, what finds a subject's chain, what seals a subject's own fields."""

from __future__ import annotations

import hmac

from psf_runtime.errors import ConfigError

KEY_BYTES = 32


def derived(key: bytes, use: str) -> bytes:
    """A key for one use, from another key."""
    return hmac.digest(key, f"psf_runtime consent 1 {use}".encode(), "sha256")


class HmacSigner:
    """HMAC-SHA256 (RFC 2104) under a key derived from the key of the state.

    Whoever holds that key can sign; it shows that a link was changed by somebody who does not. A signer with a
    private key of its own takes the same place (`Signer`).

    Args:
        key: the key of the state, 32 bytes.
    """

    algorithm = "HMAC-SHA256"

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ConfigError(
                f"the key of consent chains has {KEY_BYTES} bytes",
                why=f"this one has {len(key)}",
                change="make one with: psf key new",
            )
        self._key = derived(key, "sign")

    def sign(self, data: bytes) -> str:
        """A signature, 64 hex characters."""
        return hmac.digest(self._key, data, "sha256").hex()

    def verify(self, data: bytes, signature: str) -> bool:
        """Whether the signature is over exactly these bytes."""
        return signature.isascii() and hmac.compare_digest(self.sign(data), signature)

    def __repr__(self) -> str:
        return "HmacSigner(...)"
