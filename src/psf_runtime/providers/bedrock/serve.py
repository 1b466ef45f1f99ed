"""An answer as a client of Converse expects it: built from the parts, with the vendor's exact shapes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from psf_runtime.providers.bedrock.eventstream import encode_frame
from psf_runtime.providers.bedrock.messages import wire_id
from psf_runtime.providers.bedrock.tables import STOP_REASON
from psf_runtime.providers.dialect.decoding import loads
from psf_runtime.providers.dialect.head import count
from psf_runtime.types.chunks import Chunk, ReasoningDelta, ToolCallDelta
from psf_runtime.types.messages import Reasoning, ToolCall
from psf_runtime.types.response import Response
from psf_runtime.types.response_head import Usage

Json = dict[str, Any]


def encode_response(response: Response, *, reasoning: bool = False) -> bytes:
    """The body of one answer.

    Counts that the answer's provider did not report are written as 0: the dialect cannot leave them out.

    Args:
        response: the answer, after every guard.
        reasoning: also write what the model thought. The response's handle is its signature, so that a client which
            sends the message back gives the handle back; without a thought that is shown it stands in an empty one.
    """
    content: list[Json] = []
    handle = response.handle
    for part in response.parts:
        if isinstance(part, ToolCall):
            content.append({"toolUse": _call(part)})
        elif not isinstance(part, Reasoning):
            content.append({"text": part.text})
        elif reasoning:
            content.append({"reasoningContent": {"reasoningText": _signed(part.text, handle)}})
            handle = ""
    if handle and reasoning:
        content.append({"reasoningContent": {"reasoningText": _signed("", handle)}})
    body: Json = {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": STOP_REASON[response.finish],
        **_numbers(response),
    }
    return orjson.dumps(body)


def _signed(text: str, handle: str) -> Json:
    return {"text": text, "signature": handle} if handle else {"text": text}


def _call(part: ToolCall) -> Json:
    """The arguments as an object, digit by digit; when the model wrote none, an empty one."""
    arguments = part.args if isinstance(loads(part.args), dict) else "{}"
    return {"toolUseId": wire_id(part.id), "name": part.name, "input": orjson.Fragment(arguments)}


def _numbers(head: Response) -> Json:
    latency = count(head.raw.get("latency_ms"))
    return {"usage": _usage(head.usage), "metrics": {"latencyMs": latency}}


def _usage(usage: Usage) -> Json:
    total = usage.input_tokens + usage.output_tokens
    value = {
        "inputTokens": max(usage.input_tokens - usage.cached_tokens, 0),
        "outputTokens": usage.output_tokens,
        "totalTokens": total,
    }
    if usage.cached_tokens:
        value["cacheReadInputTokens"] = usage.cached_tokens
    return value


class StreamEncoder:
    """One stream of frames, piece by piece: `start`, then `chunk` for each, then `end`.

    Text and reasoning go out as they come. Clients expect one block after the other, so the calls that follow each
    other are collected and written whole before anything else is.

    Args:
        reasoning: also write what the model thought. The handle is known only at the end: it is then the signature of
            a last, empty thought.
    """

    def __init__(self, *, reasoning: bool = False) -> None:
        self._reasoning = reasoning
        self._index = -1
        self._open = ""  # the kind of the block that is open
        self._calls: dict[int, ToolCallDelta] = {}
        self._written: dict[int, int] = {}  # calls that went out, with the numbers of their blocks

    def start(self) -> bytes:
        """The first frame, which says who speaks."""
        return _event("messageStart", {"role": "assistant"})

    def chunk(self, chunk: Chunk) -> bytes:
        """The frames for one chunk; empty when it is held or not shown."""
        if isinstance(chunk, ToolCallDelta):
            return self._tool_piece(chunk)
        if isinstance(chunk, ReasoningDelta):
            return self._piece("reasoning", {"reasoningContent": {"text": chunk.text}}) if self._reasoning else b""
        return self._piece("text", {"text": chunk.text})

    def end(self, head: Response) -> bytes:
        """What is open, the stop reason, the counts."""
        out = self._close() + self._write_calls()
        if head.handle and self._reasoning:
            out += self._piece("reasoning", {"reasoningContent": {"text": ""}})
            out += self._piece("reasoning", {"reasoningContent": {"signature": head.handle}}) + self._close()
        stop = _event("messageStop", {"stopReason": STOP_REASON[head.finish]})
        return out + stop + _event("metadata", _numbers(head))

    def _tool_piece(self, chunk: ToolCallDelta) -> bytes:
        """Collects it. A piece that comes after its call was written names that call's block: nothing is lost."""
        block = self._written.get(chunk.index)
        if block is not None:
            return _arguments(chunk.arguments, block)
        call = self._calls.get(chunk.index)
        if call is None:
            self._calls[chunk.index] = ToolCallDelta(chunk.index, chunk.id, chunk.name, chunk.arguments)
            return b""
        call.id = call.id or chunk.id
        call.name = call.name or chunk.name
        call.arguments += chunk.arguments
        return b""

    def _piece(self, kind: str, delta: Json) -> bytes:
        out = b""
        if self._calls or self._open != kind:
            out = self._close() + self._write_calls()
            self._index += 1
            self._open = kind
        return out + _event("contentBlockDelta", {"delta": delta, "contentBlockIndex": self._index})

    def _close(self) -> bytes:
        if not self._open:
            return b""
        self._open = ""
        return _event("contentBlockStop", {"contentBlockIndex": self._index})

    def _write_calls(self) -> bytes:
        out = b""
        for call in self._calls.values():
            self._index += 1
            start = {"toolUse": {"toolUseId": wire_id(call.id), "name": call.name}}
            out += _event("contentBlockStart", {"start": start, "contentBlockIndex": self._index})
            out += _arguments(call.arguments, self._index)
            self._written[call.index] = self._index
            out += _event("contentBlockStop", {"contentBlockIndex": self._index})
        self._calls = {}
        return out


def encode_stream(chunks: Iterable[Chunk], head: Response, *, reasoning: bool = False) -> Iterator[bytes]:
    """A whole stream from chunks that are already there, and the head that belongs to them."""
    encoder = StreamEncoder(reasoning=reasoning)
    yield encoder.start()
    for chunk in chunks:
        frames = encoder.chunk(chunk)
        if frames:
            yield frames
    yield encoder.end(head)


def _arguments(text: str, block: int) -> bytes:
    if not text:
        return b""
    return _event("contentBlockDelta", {"delta": {"toolUse": {"input": text}}, "contentBlockIndex": block})


def _event(kind: str, body: Json) -> bytes:
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    return encode_frame(headers, orjson.dumps(body))
