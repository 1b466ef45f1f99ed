"""TextSession: the base of every guard that touches model text. Part switches, interleaved tools, flushing: once."""

from __future__ import annotations

from psf_runtime.flow.protocols import ChunkResult, Session
from psf_runtime.types.chunks import Chunk, ReasoningDelta, TextDelta, ToolCallDelta

# The part a piece belongs to: the text channel, the reasoning channel, or a tool call's index.
PartKey = type[TextDelta] | type[ReasoningDelta] | int


class TextSession(Session):
    """String in, string out, per part: override `text` and `flush`.

    A text or reasoning part ends when another part begins, and is flushed then; tool calls may interleave, and end
    only with the stream.
    """

    _current: PartKey | None = None
    _tools: dict[int, None] | None = None

    def text(self, piece: str, part: PartKey) -> str:
        """The piece as it goes on; what is left out is held back until `flush`, or for good."""
        return piece

    def flush(self, part: PartKey) -> str:
        """What was held back of a part that has ended."""
        return ""

    def on_chunk(self, chunk: Chunk) -> ChunkResult:
        """Route the piece to `text`, flushing the part that ends where a new one begins.

        A piece of a tool call that has begun already, and an empty piece, begin nothing: text goes on after them.
        """
        before = self._current
        kind = type(chunk)
        if kind is before:  # the usual chunk goes on with the text before it: one test, one call
            whole = chunk.text  # type: ignore[union-attr]  # the current part: a class only for text and reasoning
            piece = self.text(whole, kind)
            if piece == whole:
                return chunk
            return kind(piece) if piece else None
        if isinstance(chunk, ToolCallDelta):
            part: PartKey = chunk.index
            begins = self._tools is None or part not in self._tools
        else:
            part = type(chunk)
            begins = before is not part and bool(chunk.text)
        tail = None
        if begins:
            tail = self._tail(before) if before is not None and not isinstance(before, int) else None
            self._current = part
        out = self._pass(chunk, part)
        if tail is None:
            return out
        return (tail,) if out is None else (tail, out)

    def _pass(self, chunk: Chunk, part: PartKey) -> Chunk | None:
        if isinstance(chunk, ToolCallDelta):
            if self._tools is None:
                self._tools = {}
            self._tools[chunk.index] = None
            piece = self.text(chunk.arguments, part) if chunk.arguments else ""
            if piece == chunk.arguments:
                return chunk
            if not piece and not chunk.id and not chunk.name:
                return None
            return ToolCallDelta(chunk.index, chunk.id, chunk.name, piece)
        piece = self.text(chunk.text, part)
        if piece == chunk.text:
            return chunk
        if not piece:
            return None
        return type(chunk)(piece)

    def _tail(self, part: PartKey) -> Chunk | None:
        rest = self.flush(part)
        if not rest:
            return None
        return ToolCallDelta(part, arguments=rest) if isinstance(part, int) else part(rest)

    def on_end(self) -> tuple[Chunk, ...]:
        """Flush the part that was still open, then every tool call."""
        ended: list[PartKey] = []
        if self._current is not None and not isinstance(self._current, int):
            ended.append(self._current)
        ended.extend(self._tools or ())
        tails = [self._tail(part) for part in ended]
        return tuple([tail for tail in tails if tail is not None])
