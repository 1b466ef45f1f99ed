"""Keyed digests: equal contents can be told to be equal, and nobody without the key can guess them."""

from __future__ import annotations

import hmac
from array import array

from psf_runtime.errors import ConfigError
from psf_runtime.types.as_data import message_to_data
from psf_runtime.types.messages import Message
from psf_runtime.types.plain import canonical_bytes
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response, ResponsePart

_SIZE = 32  # hex digits kept: 128 bits


class Digests:
    """HMAC-SHA256 under a key of its own for each tenant, so equal values of two tenants have different digests.

    Plain hashes of short texts, names and ids can be guessed; these cannot without `key` (at least 16 bytes).
    """

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        if len(key) < 16:
            raise ConfigError(
                "the key of the record's digests is too short",
                control="observability.record",
                change="at least 16 random bytes (psf key new makes one)",
            )
        self._key = key

    def of_request(self, tenant: str, request: Request) -> str:
        """Digest of the messages as they go to the model."""
        return self._digest(tenant, "input", canonical_bytes([message_to_data(one) for one in request.messages]))

    def of_response(self, tenant: str, response: Response) -> str:
        """Digest of the answer's parts as they came from the model, or of its vectors."""
        if response.vectors:
            rows = b"".join(array("d", vector).tobytes() for vector in response.vectors)
            return self._digest(tenant, "vectors", b"%d " % len(response.vectors) + rows)
        parts: tuple[ResponsePart, ...] = response.parts
        return self._digest(tenant, "output", canonical_bytes(message_to_data(Message("assistant", parts))))

    def of_text(self, tenant: str, kind: str, text: str | None) -> str | None:
        """Digest of a short text such as a user's id; None for nothing."""
        return self._digest(tenant, kind, text.encode("utf-8", "surrogatepass")) if text else None

    def _digest(self, tenant: str, kind: str, content: bytes) -> str:
        tenant_key = hmac.digest(self._key, tenant.encode("utf-8", "surrogatepass"), "sha256")
        # The kind is part of what is digested: a user and a conversation with one id must not look the same.
        return hmac.digest(tenant_key, kind.encode() + b"\x00" + content, "sha256").hex()[:_SIZE]

    def __repr__(self) -> str:
        return "Digests(keyed)"
