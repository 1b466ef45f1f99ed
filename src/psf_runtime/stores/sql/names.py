"""Keyed digests that stand for tenants, conversations, subjects and streams, so that no row names them."""

from __future__ import annotations

import hmac

from psf_runtime.stores.token_codes import packed


class Names:
    """Digests under the `names` key of the key source: equal names can be told, guesses not confirmed.

    Each kind of name has digests of its own, and all but those of tenants depend on the tenant.
    """

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = hmac.digest(key, b"psf.sql.names 1", "sha256")

    def __repr__(self) -> str:
        return "Names(...)"

    @property
    def check(self) -> bytes:
        """What the state keeps to tell whether a key source is the right one."""
        return hmac.digest(self._key, packed("check"), "sha256")

    def tenant(self, tenant: str) -> bytes:
        """Stands for a tenant."""
        return hmac.digest(self._key, packed("tenant", tenant), "sha256")

    def conversation(self, tenant: str, conversation: str) -> bytes:
        """Stands for a conversation of a tenant."""
        return hmac.digest(self._key, packed("conversation", tenant, conversation), "sha256")

    def codes(self, tenant: str, conversation: str) -> bytes:
        """Keys the codes of a conversation whose tokens stay the same after it was forgotten."""
        return hmac.digest(self._key, packed("codes", tenant, conversation), "sha256")

    def subject(self, tenant: str, subject: str) -> bytes:
        """Stands for the person whose data it is."""
        return hmac.digest(self._key, packed("subject", tenant, subject), "sha256")

    def stream(self, tenant: str, stream: str) -> bytes:
        """Stands for an append-only stream."""
        return hmac.digest(self._key, packed("stream", tenant, stream), "sha256")

    def secret(self, tenant: str, name: str) -> bytes:
        """Stands for a small value."""
        return hmac.digest(self._key, packed("secret", tenant, name), "sha256")
