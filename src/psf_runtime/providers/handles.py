"""Handles: what a vendor signed leaves us only sealed, and comes back only to whom it belongs.

Source: the reasoning of an earlier turn must be sent back word for word, to the same target only (never to a fallback),
and a vendor's id or signature is a capability: raw and foreign ones are refused.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from typing import Protocol

from psf_runtime.errors import ConfigError, StateError
from psf_runtime.types.messages import Message, Part, Reasoning
from psf_runtime.types.request import Facts, Request

_PREFIX = "psf1."


class Seals(Protocol):
    """Encrypts a value for one place, opens it only there, and makes keyed digests."""

    def seal(self, value: bytes, place: tuple[str, ...]) -> bytes:
        """The value, encrypted for this place."""
        ...

    def open(self, sealed: bytes, place: tuple[str, ...]) -> bytes:
        """The value. Raises StateError when it does not belong there."""
        ...

    def digest(self, *values: str) -> str:
        """A keyed digest of the values in order."""
        ...


class Handles:
    """Makes and opens the handles of one target.

    A handle holds what it stands for, encrypted: nothing is stored here. It opens for the same tenant, user,
    conversation and target only.

    Args:
        seals: the key of the state; None makes no handles and refuses all.
        target: name of the target.
    """

    def __init__(self, seals: Seals | None, target: str) -> None:
        self._seals = seals
        self._target = target
        self._mark = "" if seals is None else seals.digest("handle", target)[:16]

    def make(self, carried: bytes, facts: Facts) -> str:
        """The handle for what a decoder carried; empty when there is nothing, or no key to seal it with."""
        if not carried or self._seals is None:
            return ""
        sealed = self._seals.seal(carried, self._place(facts))
        return f"{_PREFIX}{self._mark}.{urlsafe_b64encode(sealed).decode('ascii')}"

    def resolve(self, request: Request) -> Request:
        """The request with its handles opened: those of another target are left out, with their reasoning.

        Raises ConfigError for a signature that is no handle, and for a handle of somebody else.
        """
        if not any(_is_signed(part) for message in request.messages for part in message.parts):
            return request
        return request.replace(messages=tuple(self._message(message, request.facts) for message in request.messages))

    def _message(self, message: Message, facts: Facts) -> Message:
        parts: list[Part] = []
        for part in message.parts:
            if not (isinstance(part, Reasoning) and part.signature):
                parts.append(part)
                continue
            opened = self._open(part.signature, facts)
            if opened is not None:
                parts.append(Reasoning("", opened))
        return replace(message, parts=tuple(parts))

    def _open(self, handle: str, facts: Facts) -> str | None:
        if not handle.startswith(_PREFIX):
            raise _refused("it is no handle that was made here")
        mark, _, sealed = handle.removeprefix(_PREFIX).partition(".")
        if self._seals is None or mark != self._mark:
            return None
        try:
            return self._seals.open(urlsafe_b64decode(sealed.encode("ascii", "replace")), self._place(facts)).decode()
        except (StateError, binascii.Error, ValueError):
            pass
        raise _refused("it belongs to another tenant, user or conversation, or was changed")

    def _place(self, facts: Facts) -> tuple[str, ...]:
        return ("handle", facts.tenant, facts.user or "", facts.conversation or "", self._target)


def _is_signed(part: Part) -> bool:
    return isinstance(part, Reasoning) and bool(part.signature)


def _refused(why: str) -> ConfigError:
    return ConfigError(
        "nothing was sent: a reasoning part carries a signature that cannot be used",
        why=why,
        change="append answer.message as it came, in the same conversation, or leave its reasoning out",
    )
