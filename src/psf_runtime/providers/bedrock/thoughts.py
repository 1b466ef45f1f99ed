"""What the model thought, as it arrives: signed and redacted blocks are kept word for word."""

from __future__ import annotations

import binascii
import contextlib
from base64 import b64decode
from typing import Any

from psf_runtime.providers.dialect.carrying import Carrying
from psf_runtime.providers.dialect.toolcalls import bad_response
from psf_runtime.providers.dialect.writing import Json, base64_text


class _Thought:
    """One block while it grows."""

    __slots__ = ("before", "redacted", "signature", "text")

    def __init__(self, before: int) -> None:
        self.before = before
        self.text: list[str] = []
        self.signature: list[str] = []
        self.redacted: list[bytes] = []

    def blocks(self) -> list[Json]:
        """What must go back. A thought without a signature need not."""
        out: list[Json] = []
        signature = "".join(self.signature)
        if signature:
            out.append({"reasoningText": {"text": "".join(self.text), "signature": signature}})
        if self.redacted:
            out.append({"redactedContent": base64_text(b"".join(self.redacted))})
        return [{"reasoningContent": block} for block in out]


class Thoughts:
    """All of them, by the number of their block."""

    __slots__ = ("_blocks", "_carrying", "_target")

    def __init__(self, target: str) -> None:
        self._target = target
        self._blocks: dict[int, _Thought] = {}
        self._carrying = Carrying()

    def add(self, index: int, piece: Any, *, before: int) -> str:
        """Take in one piece; its text, for whoever reads along. `before`: parts of other kinds in front of it."""
        if not isinstance(piece, dict):
            raise bad_response("a reasoning block is no object", target=self._target)
        thought = self._blocks.get(index)
        if thought is None:
            thought = self._blocks[index] = _Thought(before)
        text, signature = piece.get("text"), piece.get("signature")
        if not isinstance(text, str | None) or not isinstance(signature, str | None):
            raise bad_response("a reasoning block holds something else than text", target=self._target)
        if signature:
            thought.signature.append(signature)
        if "redactedContent" in piece:
            thought.redacted.append(self._bytes(piece["redactedContent"]))
        if not text:
            return ""
        thought.text.append(text)
        return text

    def finish(self) -> None:
        """Nothing more comes: put the blocks in the order of their places."""
        for _, thought in sorted(self._blocks.items(), key=lambda item: (item[1].before, item[0])):
            for block in thought.blocks():
                self._carrying.add(thought.before, block)

    def dump(self) -> bytes:
        """What must come back to the same target; empty when there is nothing."""
        return self._carrying.dump()

    def _bytes(self, encoded: Any) -> bytes:
        data = None
        if isinstance(encoded, str):
            with contextlib.suppress(binascii.Error, ValueError):
                data = b64decode(encoded, validate=True)
        if data is None:
            raise bad_response("a redacted block is no base64", target=self._target)
        return data
