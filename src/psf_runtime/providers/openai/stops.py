"""Cuts an answer at its stop texts, for servers that leave them in. Pure; the cut does not depend on the chunks."""

from __future__ import annotations

from psf_runtime.providers.base import Decoder
from psf_runtime.types.chunks import Chunk, TextDelta
from psf_runtime.types.response import Response


class CuttingDecoder:
    """A decoder whose text ends before the first stop text: the one that is complete first.

    Text that may be the beginning of a stop text is held back until it is clear. Reasoning and tool calls pass.

    Args:
        inner: decodes the answer.
        stops: the stop texts, none of them empty.
    """

    __slots__ = ("_held", "_inner", "_over", "_stops")

    def __init__(self, inner: Decoder, stops: tuple[str, ...]) -> None:
        self._inner = inner
        self._stops = tuple(stop for stop in stops if stop)
        self._held = ""
        self._over = False

    def feed(self, data: bytes) -> list[Chunk]:
        """The chunks that these bytes complete, up to the stop text. Raises ProviderError."""
        return self._cut(self._inner.feed(data))

    def end(self) -> list[Chunk]:
        """What was still open, and what was held back. Raises StreamInterrupted when the answer is not complete."""
        return self._cut(self._inner.end()) + self._release()

    def head(self) -> Response:
        """The answer without its parts: complete after `end`."""
        return self._inner.head()

    def carried(self) -> bytes:
        """What must come back to the same target word for word; empty when there is nothing."""
        return self._inner.carried()

    def _cut(self, chunks: list[Chunk]) -> list[Chunk]:
        out: list[Chunk] = []
        for chunk in chunks:
            if not isinstance(chunk, TextDelta):
                out += self._release()
                out.append(chunk)
            elif not self._over:
                text = self._clear(chunk.text)
                if text:
                    out.append(TextDelta(text))
        return out

    def _clear(self, text: str) -> str:
        """The part of the text so far that no stop text can reach any more."""
        text = self._held + text
        found = [(place + len(stop), place) for stop in self._stops if (place := text.find(stop)) >= 0]
        if found:
            self._over = True
            self._held = ""
            return text[: min(found)[1]]
        longest = max(
            (size for stop in self._stops for size in range(1, len(stop)) if text.endswith(stop[:size])), default=0
        )
        self._held = text[len(text) - longest :]
        return text[: len(text) - longest]

    def _release(self) -> list[Chunk]:
        held, self._held = self._held, ""
        return [TextDelta(held)] if held else []
