"""An answer as a client of chat completions expects it: built from the parts, with the vendor's exact shapes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from psf_runtime.types.chunks import Chunk, ReasoningDelta, TextDelta, ToolCallDelta
from psf_runtime.types.messages import Reasoning, ToolCall
from psf_runtime.types.response import Response
from psf_runtime.types.response_head import FinishReason, Usage

REFUSAL = "The model declined to answer."  # ours: the model's own words for it are not on a screened channel
_FINISH: dict[FinishReason, str] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "refusal": "stop",
    "other": "stop",
}
_DONE = b"data: [DONE]\n\n"
Json = dict[str, Any]


def encode_response(response: Response, *, id: str, created: int, reasoning: bool = False) -> bytes:  # noqa: A002
    """One `chat.completion` object.

    Args:
        response: the answer, after every guard.
        id: of the answer; `created`: seconds since the epoch.
        reasoning: also write what the model thought, as `reasoning_content`; the vendor's shape has no such field.
    """
    calls = [_call(part) for part in response.parts if isinstance(part, ToolCall)]
    text = response.text
    message: Json = {
        "role": "assistant",
        "content": text if text or not calls else None,
        "refusal": REFUSAL if response.finish == "refusal" else None,
    }
    if calls:
        message["tool_calls"] = calls
    if reasoning:
        thought = "".join(part.text for part in response.parts if isinstance(part, Reasoning))
        if thought:
            message["reasoning_content"] = thought
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _FINISH[response.finish]}
    body = _frame("chat.completion", response, id=id, created=created)
    body["choices"] = [choice]
    if response.usage.reported:
        body["usage"] = _usage(response.usage)
    return orjson.dumps(body)


def _frame(kind: str, head: Response, *, id: str, created: int) -> Json:  # noqa: A002
    frame: Json = {"id": id, "object": kind, "created": created, "model": head.model}
    if head.model_version:
        frame["system_fingerprint"] = head.model_version
    return frame


def _call(part: ToolCall) -> Json:
    return {"id": part.id, "type": "function", "function": {"name": part.name, "arguments": part.args}}


def _usage(usage: Usage) -> Json:
    return {
        "prompt_tokens": usage.input_tokens,
        "completion_tokens": usage.output_tokens,
        "total_tokens": usage.input_tokens + usage.output_tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }


class StreamEncoder:
    """One stream of `chat.completion.chunk` events, piece by piece: `start`, then `chunk` for each, then `end`.

    Args:
        head: names the model; its finish and usage are not looked at before `end`.
        id: of the answer; `created`: seconds since the epoch.
        include_usage: write the usage as an event of its own, before the end.
        reasoning: also write what the model thought, as `reasoning_content`.
    """

    def __init__(
        self,
        head: Response,
        *,
        id: str,  # noqa: A002
        created: int,
        include_usage: bool = False,
        reasoning: bool = False,
    ) -> None:
        self._frame = _frame("chat.completion.chunk", head, id=id, created=created)
        self._include_usage = include_usage
        self._reasoning = reasoning

    def start(self) -> bytes:
        """The first event, which says who speaks."""
        return self._event({"role": "assistant", "content": ""}, None)

    def chunk(self, chunk: Chunk) -> bytes:
        """The event for one chunk; empty when it is not shown."""
        if isinstance(chunk, TextDelta):
            return self._event({"content": chunk.text}, None)
        if isinstance(chunk, ReasoningDelta):
            return self._event({"reasoning_content": chunk.text}, None) if self._reasoning else b""
        return self._event({"tool_calls": [_call_delta(chunk)]}, None)

    def end(self, head: Response) -> bytes:
        """The finish reason, the usage if asked for, and the end mark."""
        out = b""
        if head.finish == "refusal":
            out += self._event({"refusal": REFUSAL}, None)
        out += self._event({}, _FINISH[head.finish])
        if self._include_usage and head.usage.reported:
            out += _line({**self._frame, "choices": [], "usage": _usage(head.usage)})
        return out + _DONE

    def _event(self, delta: Json, reason: str | None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        body = {**self._frame, "choices": [choice]}
        if self._include_usage:
            body["usage"] = None
        return _line(body)


def encode_stream(
    chunks: Iterable[Chunk],
    head: Response,
    *,
    id: str,  # noqa: A002
    created: int,
    include_usage: bool = False,
    reasoning: bool = False,
) -> Iterator[bytes]:
    """A whole stream from chunks that are already there, and the head that belongs to them."""
    encoder = StreamEncoder(head, id=id, created=created, include_usage=include_usage, reasoning=reasoning)
    yield encoder.start()
    for chunk in chunks:
        event = encoder.chunk(chunk)
        if event:
            yield event
    yield encoder.end(head)


def _line(body: Json) -> bytes:
    return b"data: " + orjson.dumps(body) + b"\n\n"


def _call_delta(chunk: ToolCallDelta) -> Json:
    value: Json = {"index": chunk.index}
    if chunk.id:
        value["id"] = chunk.id
    if chunk.id or chunk.name:
        value["type"] = "function"
    function: Json = {"arguments": chunk.arguments}
    if chunk.name:
        function["name"] = chunk.name
    value["function"] = function
    return value
