"""The blocks of an answer while they grow: text, thinking and tool calls; everything else is dropped and counted."""

from __future__ import annotations

from typing import Any

from psf_runtime.providers.anthropic.signed import Signed
from psf_runtime.providers.base import Bounds
from psf_runtime.providers.dialect.head import Head
from psf_runtime.providers.dialect.toolcalls import ToolCalls, bad_response
from psf_runtime.providers.dialect.writing import Json
from psf_runtime.types.chunks import Chunk, ReasoningDelta, TextDelta

_HIGHEST_INDEX = 1024
# Blocks that hosted tools leave, by name: none is asked for, none of their text has a channel.
_HOSTED = frozenset(
    {
        "bash_code_execution_tool_result",
        "code_execution_tool_result",
        "compaction",
        "container_upload",
        "mcp_tool_result",
        "mcp_tool_use",
        "server_tool_use",
        "text_editor_code_execution_tool_result",
        "tool_search_tool_result",
        "web_fetch_tool_result",
        "web_search_tool_result",
    }
)
# What may grow which block, and the field that holds the piece.
_PIECES = {
    "text_delta": ("text", "text"),
    "thinking_delta": ("thinking", "thinking"),
    "signature_delta": ("thinking", "signature"),
    "input_json_delta": ("tool_use", "partial_json"),
}
_FIELDS = {
    "text": frozenset({"type", "text"}),
    "thinking": frozenset({"type", "thinking", "signature"}),
    "redacted_thinking": frozenset({"type", "data"}),
    "tool_use": frozenset({"type", "id", "name", "input"}),
}


class _Block:
    """One block: its kind, and of thinking and calls what came so far."""

    __slots__ = ("closed", "given", "kept", "kind", "signature", "thinking")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.closed = False
        self.thinking: list[str] = []
        self.signature: list[str] = []
        self.kept: Json = {}  # what goes back of thinking, filled when it is complete
        self.given: dict[str, Any] | None = None  # a call's input as it stood at the start, until a piece comes


class Blocks:
    """All blocks of one answer, each opened, grown and closed by its index.

    Several may be open at once: some servers open the next before they close the last. An index that leaves one out,
    comes twice or was never opened is an error of kind `bad_response`.
    """

    __slots__ = ("_blocks", "_head", "_target", "signed", "tools")

    def __init__(self, head: Head, bounds: Bounds, target: str) -> None:
        self._head = head
        self._target = target
        self._blocks: list[_Block] = []
        self.signed = Signed()
        self.tools = ToolCalls(bounds, target)

    def open(self, index: Any, value: Any, out: list[Chunk]) -> None:
        """A block begins; what it already holds goes out."""
        if isinstance(index, bool) or index != len(self._blocks) or index > _HIGHEST_INDEX:
            raise bad_response("the blocks of the answer are out of order", target=self._target)
        if not isinstance(value, dict):
            raise bad_response("a block of the answer is no object", target=self._target)
        kind = value.get("type")
        if not isinstance(kind, str) or kind not in _FIELDS:
            self._head.drop(kind if isinstance(kind, str) and kind in _HOSTED else "content_block")
            kind = ""
        block = _Block(kind)
        self._blocks.append(block)
        if kind == "text":
            self.text(value.get("text"), out)
        elif kind == "thinking":
            block.kept = self.signed.begin({"type": kind})
            self._think(block, value.get("thinking"), out)
            self._sign(block, value.get("signature"))
        elif kind == "redacted_thinking":
            if isinstance(value.get("data"), str):
                self.signed.begin({"type": kind, "data": value["data"]})
        elif kind == "tool_use":
            self._call(block, value, out)
        if kind:
            self._drop_fields(kind, value)

    def grow(self, index: Any, delta: Any, out: list[Chunk]) -> None:
        """A piece of an open block."""
        block = self._open_block(index)
        kind = delta.get("type") if isinstance(delta, dict) else None
        if not block.kind or not isinstance(kind, str):
            return  # dropped, and counted when it began
        if kind not in _PIECES:
            self._head.drop("citations" if kind == "citations_delta" else "delta")
            return
        wanted, name = _PIECES[kind]
        piece = delta.get(name)
        if wanted != block.kind or not isinstance(piece, str):
            raise bad_response("a piece of the answer does not fit its block", target=self._target)
        if kind == "text_delta":
            self.text(piece, out)
        elif kind == "thinking_delta":
            self._think(block, piece, out)
        elif kind == "signature_delta":
            self._sign(block, piece)
        elif piece:
            if block.given:
                self._head.drop("input")
            block.given = None
            out.append(self.tools.add(index, None, {"arguments": piece}))

    def close(self, index: Any, out: list[Chunk]) -> None:
        """A block is complete."""
        block = self._open_block(index)
        block.closed = True
        if block.given is not None:
            out.append(self.tools.add(index, None, {"arguments": block.given}))
        if block.signature:
            block.kept["thinking"] = "".join(block.thinking)
            block.kept["signature"] = "".join(block.signature)

    def close_all(self, out: list[Chunk]) -> None:
        """The answer is complete: so are the blocks that nobody closed."""
        for index, block in enumerate(self._blocks):
            if not block.closed:
                self.close(index, out)
        self.tools.finish()

    def text(self, piece: Any, out: list[Chunk]) -> None:
        """A piece of text."""
        if piece and isinstance(piece, str):
            self.signed.text()
            out.append(TextDelta(piece))

    def _think(self, block: _Block, piece: Any, out: list[Chunk]) -> None:
        if piece and isinstance(piece, str):
            block.thinking.append(piece)
            out.append(ReasoningDelta(piece))

    def _sign(self, block: _Block, piece: Any) -> None:
        if piece and isinstance(piece, str):
            block.signature.append(piece)

    def _call(self, block: _Block, value: dict[str, Any], out: list[Chunk]) -> None:
        """A call begins. Its input may stand here whole, or be empty here and come in pieces."""
        given = value.get("input", {})
        if not isinstance(given, dict):
            raise bad_response("the input of a tool call is no object", target=self._target)
        block.given = given
        self.signed.call()
        out.append(self.tools.add(len(self._blocks) - 1, value.get("id"), {"name": value.get("name")}))

    def _open_block(self, index: Any) -> _Block:
        if isinstance(index, int) and not isinstance(index, bool) and 0 <= index < len(self._blocks):
            block = self._blocks[index]
            if not block.closed:
                return block
        raise bad_response("the answer goes on with a block that is not open", target=self._target)

    def _drop_fields(self, kind: str, value: dict[str, Any]) -> None:
        for key in value.keys() - _FIELDS[kind]:
            if value[key]:
                self._head.drop("citations" if key == "citations" else "block_field")
