"""An answer from bytes: one body or a stream of frames, by the same rules. Built, never patched.

Text, reasoning and tool calls become chunks. Signed and redacted reasoning is also kept word for word, to go back to
the same target. Everything else that holds a string (citations, guarded content, traces, pictures, what a hosted tool
did, unknown fields) is dropped and counted in `raw["dropped"]`.
"""

from __future__ import annotations

from typing import Any

from psf_runtime.providers.base import Bounds
from psf_runtime.providers.bedrock.counts import note_end
from psf_runtime.providers.bedrock.tables import FINISH
from psf_runtime.providers.bedrock.thoughts import Thoughts
from psf_runtime.providers.dialect.decoding import AnswerDecoder, loads_exactly
from psf_runtime.providers.dialect.head import Head
from psf_runtime.providers.dialect.toolcalls import ToolCalls, bad_response
from psf_runtime.providers.errors import provider_error
from psf_runtime.types.chunks import Chunk, ReasoningDelta, TextDelta
from psf_runtime.types.response import Response

_DROPPED_BLOCKS = frozenset(
    {
        "audio",
        "citation",
        "citationsContent",
        "document",
        "guardContent",
        "image",
        "searchResult",
        "toolResult",
        "video",
    }
)
_BLOCK = frozenset({"text", "toolUse", "reasoningContent"})
_BODY = frozenset({"output", "stopReason", "usage", "metrics", "performanceConfig", "serviceTier", "trace"})
HOSTED = "server_tool_use"  # the service ran it itself: nothing for the application to do
_HIGHEST_INDEX = 1024


class Answer(AnswerDecoder):
    """What a stream and a body have in common: pieces of content go in, chunks come out."""

    __slots__ = ("_head", "_last", "_parts", "_thoughts", "_tools")

    def __init__(self, target: str, bounds: Bounds) -> None:
        super().__init__(target, bounds)
        self._head = Head(FINISH, target)
        self._tools = ToolCalls(bounds, target)
        self._thoughts = Thoughts(target)
        self._parts = 0  # parts so far that are not reasoning
        self._last = ""

    def head(self) -> Response:
        """The answer without its parts: complete after `end`."""
        return self._head.build(bool(self._tools.slots))

    def carried(self) -> bytes:
        """Signed and redacted reasoning, word for word."""
        return self._thoughts.dump()

    def _text(self, text: Any, out: list[Chunk]) -> None:
        if not isinstance(text, str):
            raise bad_response("a text of the answer is no text", target=self._target)
        if text:
            out.append(TextDelta(text))
            if self._last != "text":
                self._last = "text"
                self._parts += 1

    def _reasoning(self, index: int, piece: Any, out: list[Chunk]) -> None:
        text = self._thoughts.add(index, piece, before=self._parts)
        if text:
            out.append(ReasoningDelta(text))
            self._last = "reasoning"

    def _call(self, index: int, call_id: Any, name: Any, arguments: Any, out: list[Chunk]) -> None:
        known = len(self._tools.slots)
        out.append(self._tools.add(index, call_id, {"name": name, "arguments": arguments}))
        if len(self._tools.slots) > known:
            self._last = "tool"
            self._parts += 1

    def _drop_others(self, block: dict[str, Any], known: frozenset[str]) -> None:
        """Count what a block holds besides the known members."""
        for kind in block.keys() - known:
            self._head.drop(kind if kind in _DROPPED_BLOCKS else "content_block")

    def _stop_reason(self, reason: Any) -> None:
        if not isinstance(reason, str) or not reason:
            raise bad_response("the answer does not say why it ended", target=self._target)
        self._head.reason = reason


class BodyDecoder(Answer):
    """Chunks from one whole body: they come out at the end, one per block."""

    __slots__ = ("_pieces",)

    def __init__(self, target: str, bounds: Bounds) -> None:
        super().__init__(target, bounds)
        self._pieces: list[bytes] = []

    def _take(self, data: bytes, out: list[Chunk]) -> None:
        """Keeps the bytes, within bounds; nothing comes out before the end."""
        self._pieces.append(data)

    def _finish(self, out: list[Chunk]) -> None:
        body = loads_exactly(b"".join(self._pieces))
        self._pieces = []
        if not isinstance(body, dict):
            raise bad_response("the answer is no JSON object", target=self._target)
        if "__type" in body:
            raise provider_error(200, {}, body, target=self._target)
        output = body.get("output")
        message = output.get("message") if isinstance(output, dict) else None
        content = message.get("content") if isinstance(message, dict) else None
        if not isinstance(content, list):
            raise bad_response("the answer holds no message", target=self._target)
        for index, block in enumerate(content):
            if not isinstance(block, dict):
                raise bad_response("a block of the answer is no object", target=self._target)
            self._block(index, block, out)
        self._stop_reason(body.get("stopReason"))
        note_end(self._head, body)
        self._head.drop_unknown(body, _BODY)
        self._tools.finish()
        self._thoughts.finish()

    def _block(self, index: int, block: dict[str, Any], out: list[Chunk]) -> None:
        if "text" in block:
            self._text(block["text"], out)
        if "toolUse" in block:
            self._whole_call(index, block["toolUse"], out)
        if "reasoningContent" in block:
            thought = block["reasoningContent"]
            inner = thought.get("reasoningText") if isinstance(thought, dict) else None
            self._reasoning(index, thought if inner is None else inner, out)
        self._drop_others(block, _BLOCK)

    def _whole_call(self, index: int, call: Any, out: list[Chunk]) -> None:
        if not isinstance(call, dict):
            raise bad_response("a tool call is no object", target=self._target)
        if call.get("type") == HOSTED:
            self._head.drop(HOSTED)
            return
        # The place in the list may be far off: what counts is the order of the calls.
        self._call(len(self._tools.slots), call.get("toolUseId"), call.get("name"), call.get("input"), out)


def checked_index(value: Any, target: str) -> int:
    """The number of a content block. Raises ProviderError for one that no real answer has."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _HIGHEST_INDEX:
        raise bad_response("the index of a content block is out of range", target=target)
    return value
