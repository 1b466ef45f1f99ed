"""Answers as the vendor writes them: the items of one, its body, and the events that tell of it."""

from __future__ import annotations

import json
from typing import Any

from psf_runtime.errors import ProviderError
from psf_runtime.providers.responses import OpenAIResponses
from psf_runtime.types.chunks import Chunk
from psf_runtime.types.response import Response, accumulate

CODEC = OpenAIResponses(model="gpt-5", target="t")
Json = dict[str, Any]
USAGE: Json = {
    "input_tokens": 11,
    "input_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 0},
    "output_tokens": 7,
    "output_tokens_details": {"reasoning_tokens": 3},
    "total_tokens": 18,
}


def text_part(text: str, **more: Any) -> Json:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": [], **more}


def message(text: str, item_id: str = "msg_1", **more: Any) -> Json:
    parts = [text_part(text)]
    return {"id": item_id, "type": "message", "role": "assistant", "status": "completed", "content": parts, **more}


def call(call_id: str, name: str, arguments: str, item_id: str = "fc_1") -> Json:
    names = {"call_id": call_id, "name": name, "arguments": arguments}
    return {"id": item_id, "type": "function_call", "status": "completed", **names}


def reasoning(texts: list[str], signature: str = "", item_id: str = "rs_1") -> Json:
    summary = [{"type": "summary_text", "text": text} for text in texts]
    value: Json = {"id": item_id, "type": "reasoning", "summary": summary}
    return {**value, "encrypted_content": signature} if signature else value


def response(*output: Json, status: str = "completed", **more: Any) -> Json:
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1_700_000_000,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": "gpt-5-2025-08-07",
        "output": list(output),
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": USAGE,
        **more,
    }


def pieces(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


def item_events(item: Json, place: int, size: int = 3) -> list[Json]:
    """The events of one item, in the vendor's order, without sequence numbers."""
    where = {"item_id": item["id"], "output_index": place}
    hollow = {**item, "status": "in_progress"}
    inner: list[Json] = []
    if item["type"] == "message":
        hollow["content"] = []
        for number, part in enumerate(item["content"]):
            inner += _part_events(part, {**where, "content_index": number}, size)
    elif item["type"] == "reasoning":
        hollow = {"id": item["id"], "type": "reasoning", "summary": []}
        for number, part in enumerate(item["summary"]):
            inner += _summary_events(part, {**where, "summary_index": number}, size)
    elif item["type"] == "function_call":
        hollow["arguments"] = ""
        inner += [
            {"type": "response.function_call_arguments.delta", **where, "delta": piece}
            for piece in pieces(item["arguments"], size)
        ]
        done = {"arguments": item["arguments"], "name": item["name"]}
        inner.append({"type": "response.function_call_arguments.done", **where, **done})
    added = {"type": "response.output_item.added", "output_index": place, "item": hollow}
    return [added, *inner, {"type": "response.output_item.done", "output_index": place, "item": item}]


def _part_events(part: Json, where: Json, size: int) -> list[Json]:
    kind = part["type"]
    field = "text" if kind == "output_text" else "refusal"
    extra: Json = {"logprobs": []} if kind == "output_text" else {}
    empty = {**part, field: ""}
    deltas = [
        {"type": f"response.{kind}.delta", **where, "delta": piece, **extra} for piece in pieces(part[field], size)
    ]
    return [
        {"type": "response.content_part.added", **where, "part": empty},
        *deltas,
        {"type": f"response.{kind}.done", **where, field: part[field], **extra},
        {"type": "response.content_part.done", **where, "part": part},
    ]


def _summary_events(part: Json, where: Json, size: int) -> list[Json]:
    name = "response.reasoning_summary"
    return [
        {"type": f"{name}_part.added", **where, "part": {**part, "text": ""}},
        *[{"type": f"{name}_text.delta", **where, "delta": piece} for piece in pieces(part["text"], size)],
        {"type": f"{name}_text.done", **where, "text": part["text"]},
        {"type": f"{name}_part.done", **where, "part": part},
    ]


def started(whole: Json) -> list[Json]:
    begun = {**whole, "status": "in_progress", "output": [], "usage": None, "error": None, "incomplete_details": None}
    return [{"type": "response.created", "response": begun}, {"type": "response.in_progress", "response": begun}]


def ended(whole: Json) -> Json:
    return {"type": f"response.{whole['status']}", "response": whole}


def stream_of(whole: Json, size: int = 3) -> list[Json]:
    """The whole stream that ends with this response."""
    inner = [event for place, item in enumerate(whole["output"]) for event in item_events(item, place, size)]
    events = [*started(whole), *inner, ended(whole)]
    return [{**event, "sequence_number": number} for number, event in enumerate(events)]


def sse(events: list[Json], *, named: bool = True) -> bytes:
    lines = []
    for event in events:
        name = f"event: {event['type']}\n" if named else ""
        lines.append(f"{name}data: {json.dumps(event, ensure_ascii=False)}\n\n")
    return "".join(lines).encode()


def decoded(data: bytes, *, stream: bool, size: int = 1 << 20, codec: OpenAIResponses = CODEC) -> Response:
    """The answer in these bytes, fed `size` at a time; `handle` holds what the decoder carried."""
    decoder = codec.decoder(stream=stream)
    chunks: list[Chunk] = []
    for start in range(0, len(data), size):
        chunks += decoder.feed(data[start : start + size])
    chunks += decoder.end()
    return accumulate(chunks, decoder.head().replace(handle=decoder.carried().decode()))


def from_body(whole: Any, codec: OpenAIResponses = CODEC) -> Response:
    return decoded(json.dumps(whole).encode(), stream=False, codec=codec)


def from_events(events: list[Json], codec: OpenAIResponses = CODEC) -> Response:
    return decoded(sse(events), stream=True, codec=codec)


def failure(events: list[Json] | None = None, body: Any = None, codec: OpenAIResponses = CODEC) -> ProviderError:
    """The error that these events, or this body, end in."""
    try:
        from_body(body, codec) if events is None else from_events(events, codec)
    except ProviderError as error:
        return error
    raise AssertionError("the answer was taken")
