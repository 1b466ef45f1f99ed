"""An answer as a client of this dialect expects it: built from the parts, with the vendor's exact shapes.

Both ways write the same blocks: a text for each run of text, thinking where it is asked for, a tool_use for each call,
and, last, thinking without text whose signature is `response.handle`, when there is one: what a client sends back
with its next turn stands for the vendor's signed thinking.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from psf_runtime.providers.anthropic.toolforms import input_of
from psf_runtime.providers.dialect.writing import Json
from psf_runtime.types.chunks import Chunk, ReasoningDelta, TextDelta, ToolCallDelta
from psf_runtime.types.messages import Reasoning, ToolCall
from psf_runtime.types.response import Response, accumulate, explode
from psf_runtime.types.response_head import FinishReason, Usage

_STOP: dict[FinishReason, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "refusal": "refusal",
    "other": "end_turn",
}


def encode_response(response: Response, *, id: str, reasoning: bool = False) -> bytes:  # noqa: A002
    """One `message` object.

    Args:
        response: the answer, after every guard.
        id: of the answer.
        reasoning: also write what the model thought.
    """
    body = _message(response, id)
    shown = (chunk for chunk in explode(response) if reasoning or not isinstance(chunk, ReasoningDelta))
    body["content"] = [_block(part) for part in accumulate(shown, response).parts]
    if response.handle:
        body["content"].append(_thinking("", response.handle))
    body["stop_reason"] = _STOP[response.finish]
    body["usage"] = _usage(response.usage)
    return orjson.dumps(body)


def _message(head: Response, id: str) -> Json:  # noqa: A002
    return {
        "id": id,
        "type": "message",
        "role": "assistant",
        "model": head.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 0, "output_tokens": 0},
    }


def _block(part: Any) -> Json:
    if isinstance(part, ToolCall):
        return {"type": "tool_use", "id": part.id, "name": part.name, "input": input_of(part.args)}
    if isinstance(part, Reasoning):
        return _thinking(part.text, "")
    return {"type": "text", "text": part.text}


def _thinking(text: str, signature: str) -> Json:
    return {"type": "thinking", "thinking": text, "signature": signature}


def _usage(usage: Usage) -> Json:
    """On this wire `input_tokens` leaves out what came from the cache."""
    value: Json = {
        "input_tokens": max(usage.input_tokens - usage.cached_tokens, 0),
        "cache_read_input_tokens": usage.cached_tokens,
        "output_tokens": usage.output_tokens,
    }
    if usage.reasoning_tokens:
        value["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    return value


class StreamEncoder:
    """One stream of events, piece by piece: `start`, then `chunk` for each, then `end`.

    The arguments of a tool call are written at the end, when they are known to be the object that this dialect wants.

    Args:
        head: names the model; its finish, usage and handle are not looked at before `end`.
        id: of the answer.
        reasoning: also write what the model thought.
    """

    def __init__(self, head: Response, *, id: str, reasoning: bool = False) -> None:  # noqa: A002
        self._frame = _message(head, id)
        self._reasoning = reasoning
        self._next = 0  # index of the next block
        self._current: type[Chunk] | None = None  # kind of the open block of text or thinking, which is the last one
        self._calls: dict[int, int] = {}  # number of a call: index of its block
        self._arguments: dict[int, list[str]] = {}

    def start(self) -> bytes:
        """The first event, which says who speaks."""
        return _event("message_start", {"message": self._frame})

    def chunk(self, chunk: Chunk) -> bytes:
        """The events for one chunk; empty when it is not shown."""
        if isinstance(chunk, ToolCallDelta):
            return self._call(chunk)
        if not chunk.text or (isinstance(chunk, ReasoningDelta) and not self._reasoning):
            return b""
        if isinstance(chunk, TextDelta):
            opened = self._open(TextDelta, {"type": "text", "text": ""})
            return opened + self._grow({"type": "text_delta", "text": chunk.text})
        opened = self._open(ReasoningDelta, _thinking("", ""))
        return opened + self._grow({"type": "thinking_delta", "thinking": chunk.text})

    def end(self, head: Response) -> bytes:
        """What is still open, the stop reason with the usage, and the end mark."""
        out = self._close()
        for number, index in self._calls.items():
            value = orjson.dumps(input_of("".join(self._arguments[number]))).decode("utf-8")
            delta = {"type": "input_json_delta", "partial_json": value}
            out += _event("content_block_delta", {"index": index, "delta": delta})
            out += _event("content_block_stop", {"index": index})
        if head.handle:
            out += self._open(ReasoningDelta, _thinking("", ""))
            out += self._grow({"type": "signature_delta", "signature": head.handle}) + self._close()
        ending = {"stop_reason": _STOP[head.finish], "stop_sequence": None}
        out += _event("message_delta", {"delta": ending, "usage": _usage(head.usage)})
        return out + _event("message_stop", {})

    def _call(self, chunk: ToolCallDelta) -> bytes:
        out = b""
        if chunk.index not in self._calls:
            out = self._close()
            self._calls[chunk.index] = self._next
            self._arguments[chunk.index] = []
            out += self._begin({"type": "tool_use", "id": chunk.id, "name": chunk.name, "input": {}})
        self._arguments[chunk.index].append(chunk.arguments)
        return out

    def _open(self, kind: type[Chunk], block: Json) -> bytes:
        """The start of a block, unless one of that kind is open."""
        if self._current is kind:
            return b""
        out = self._close() + self._begin(block)
        self._current = kind
        return out

    def _begin(self, block: Json) -> bytes:
        index = self._next
        self._next += 1
        return _event("content_block_start", {"index": index, "content_block": block})

    def _grow(self, delta: Json) -> bytes:
        return _event("content_block_delta", {"index": self._next - 1, "delta": delta})

    def _close(self) -> bytes:
        if self._current is None:
            return b""
        self._current = None
        return _event("content_block_stop", {"index": self._next - 1})


def encode_stream(
    chunks: Iterable[Chunk],
    head: Response,
    *,
    id: str,  # noqa: A002
    reasoning: bool = False,
) -> Iterator[bytes]:
    """A whole stream from chunks that are already there, and the head that belongs to them."""
    encoder = StreamEncoder(head, id=id, reasoning=reasoning)
    yield encoder.start()
    for chunk in chunks:
        event = encoder.chunk(chunk)
        if event:
            yield event
    yield encoder.end(head)


def _event(kind: str, fields: Json) -> bytes:
    return b"event: " + kind.encode("ascii") + b"\ndata: " + orjson.dumps({"type": kind, **fields}) + b"\n\n"
