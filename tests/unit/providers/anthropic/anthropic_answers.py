"""Answers of the messages dialect, written by hand after the vendor's types, and what decodes them."""

from __future__ import annotations

import json
from typing import Any

from psf_runtime.providers.anthropic import AnthropicMessages
from psf_runtime.types.chunks import Chunk
from psf_runtime.types.response import Response, accumulate

CODEC = AnthropicMessages(model="m", target="t")
Json = dict[str, Any]


def event(kind: str, **fields: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()


def start(**usage: Any) -> bytes:
    message = {
        "id": "msg_01",
        "type": "message",
        "role": "assistant",
        "content": [],
        "model": "claude-x",
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 10, "output_tokens": 1, **usage},
    }
    return event("message_start", message=message)


def opened(index: Any, **block: Any) -> bytes:
    return event("content_block_start", index=index, content_block=block)


def delta(index: Any, kind: str, **piece: Any) -> bytes:
    return event("content_block_delta", index=index, delta={"type": kind, **piece})


def closed(index: Any) -> bytes:
    return event("content_block_stop", index=index)


def end(reason: str | None = "end_turn", **usage: Any) -> bytes:
    ending = {"stop_reason": reason, "stop_sequence": None}
    return event("message_delta", delta=ending, usage={"output_tokens": 7, **usage}) + event("message_stop")


def body(*content: Any, reason: str | None = "end_turn", **fields: Any) -> bytes:
    message = {
        "id": "msg_01",
        "type": "message",
        "role": "assistant",
        "content": list(content),
        "model": "claude-x",
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": {"input_tokens": 10, "output_tokens": 7},
        **fields,
    }
    return json.dumps(message).encode()


def decoded(data: bytes, *, stream: bool, size: int = 1 << 20, codec: AnthropicMessages = CODEC) -> Response:
    return decoded_with(data, stream=stream, size=size, codec=codec)[0]


def decoded_with(
    data: bytes, *, stream: bool, size: int = 1 << 20, codec: AnthropicMessages = CODEC
) -> tuple[Response, bytes]:
    """The answer, and what was carried."""
    decoder = codec.decoder(stream=stream)
    chunks: list[Chunk] = []
    for first in range(0, len(data), size):
        chunks += decoder.feed(data[first : first + size])
    chunks += decoder.end()
    return accumulate(chunks, decoder.head()), decoder.carried()
