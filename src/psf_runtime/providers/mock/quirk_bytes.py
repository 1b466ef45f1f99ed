"""How the bytes of quirks are written: the frames of each dialect, with whatever a server puts into them."""

from __future__ import annotations

from typing import Any

import orjson

from psf_runtime.providers.bedrock.eventstream import encode_frame

Json = dict[str, Any]
DONE = b"data: [DONE]\n\n"
USAGE: Json = {"prompt_tokens": 12, "completion_tokens": 7, "total_tokens": 19}
TEXT = "This is the answer of the mock provider."
_FRAME: Json = {"id": "chatcmpl-quirk", "created": 1_700_000_000, "model": "mock"}


def chat_body(message: Json, finish: str = "stop", **more: Any) -> bytes:
    """One chat completion. `more` is laid over the object."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "logprobs": None, "finish_reason": finish}
    return orjson.dumps({**_FRAME, "object": "chat.completion", "choices": [choice], "usage": USAGE, **more})


def chat_chunk(delta: Json, finish: str | None = None, **more: Any) -> bytes:
    """One event of a streamed chat completion. `more` is laid over the object."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return sse({**_FRAME, "object": "chat.completion.chunk", "choices": [choice], **more})


def usage_chunk(**more: Any) -> bytes:
    """The event that holds the usage and no choice."""
    return sse({**_FRAME, "object": "chat.completion.chunk", "choices": [], "usage": USAGE, **more})


def sse(value: Any, *, name: str = "") -> bytes:
    """One server-sent event."""
    head = b"event: " + name.encode("ascii") + b"\n" if name else b""
    return head + b"data: " + orjson.dumps(value) + b"\n\n"


def tool_entry(index: int, call_id: str, name: str, arguments: Any) -> Json:
    """One entry of `tool_calls`."""
    return {"index": index, "id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def frame(kind: str, value: Json) -> bytes:
    """One frame of a Bedrock stream."""
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    return encode_frame(headers, orjson.dumps(value))


def exception_frame(kind: str, message: str) -> bytes:
    """The frame with which Bedrock ends a stream that failed."""
    headers = {":exception-type": kind, ":content-type": "application/json", ":message-type": "exception"}
    return encode_frame(headers, orjson.dumps({"message": message}))


def converse_body(content: list[Json], stop: str = "end_turn") -> bytes:
    """One answer of Converse."""
    return orjson.dumps(
        {
            "output": {"message": {"role": "assistant", "content": content}},
            "stopReason": stop,
            "usage": {"inputTokens": 12, "outputTokens": 7, "totalTokens": 19},
            "metrics": {"latencyMs": 5},
        }
    )


def converse_text(*pieces: str) -> tuple[bytes, ...]:
    """The beginning of a ConverseStream: who speaks, then a block of text."""
    deltas = (frame("contentBlockDelta", {"delta": {"text": piece}, "contentBlockIndex": 0}) for piece in pieces)
    return (frame("messageStart", {"role": "assistant"}), *deltas)


def converse_end(stop: str = "end_turn", block: int = 0) -> tuple[bytes, ...]:
    """The end of a ConverseStream."""
    usage = {"inputTokens": 12, "outputTokens": 7, "totalTokens": 19}
    return (
        frame("contentBlockStop", {"contentBlockIndex": block}),
        frame("messageStop", {"stopReason": stop}),
        frame("metadata", {"usage": usage, "metrics": {"latencyMs": 5}}),
    )


def message_body(content: list[Json], stop: str = "end_turn") -> bytes:
    """One message of Anthropic's dialect."""
    return orjson.dumps(
        {**_message(), "content": content, "stop_reason": stop, "usage": {"input_tokens": 12, "output_tokens": 7}}
    )


def message_start() -> bytes:
    """The first event of Anthropic's stream."""
    message = {**_message(), "usage": {"input_tokens": 12, "output_tokens": 0}}
    return sse({"type": "message_start", "message": message}, name="message_start")


def message_text(text: str) -> tuple[bytes, ...]:
    """A block of text in Anthropic's stream."""
    return (
        sse(
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
            name="content_block_start",
        ),
        sse(
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}},
            name="content_block_delta",
        ),
    )


def message_end() -> tuple[bytes, ...]:
    """The end of Anthropic's stream."""
    ending = {"stop_reason": "end_turn", "stop_sequence": None}
    return (
        sse({"type": "content_block_stop", "index": 0}, name="content_block_stop"),
        sse({"type": "message_delta", "delta": ending, "usage": {"output_tokens": 7}}, name="message_delta"),
        sse({"type": "message_stop"}, name="message_stop"),
    )


def _message() -> Json:
    return {
        "id": "msg_quirk",
        "type": "message",
        "role": "assistant",
        "model": "mock",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }
