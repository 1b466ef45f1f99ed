"""What a server of each dialect answers: the last text that it was sent, in the vendor's own shapes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]


def reply(path: str, body: Json) -> tuple[bytes, str] | None:
    """The body and the content type for a path; None for a path of none of these dialects."""
    path = path.partition("?")[0]
    if path.endswith("/embeddings"):
        return json.dumps(embeddings(body)).encode(), "application/json"
    for end, whole, events in (("/responses", response, response_events), ("/messages", message, message_events)):
        if path.endswith(end):
            if not body.get("stream"):
                return json.dumps(whole(body)).encode(), "application/json"
            lines = (f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events(body))
            return "".join(lines).encode(), "text/event-stream"
    return None


def embeddings(body: Json) -> Json:
    texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
    data = [{"object": "embedding", "index": at, "embedding": [len(text), 0.5]} for at, text in enumerate(texts)]
    return {"object": "list", "data": data, "model": body["model"], "usage": {"prompt_tokens": 3, "total_tokens": 3}}


def said(items: Any) -> str:
    if isinstance(items, str):
        return items
    content = items[-1]["content"]
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def response(body: Json) -> Json:
    part = {"type": "output_text", "text": said(body["input"]), "annotations": []}
    item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]}
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "model": body["model"],
        "output": [item],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": 4,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 5,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 9,
        },
    }


def response_events(body: Json) -> Iterator[Json]:
    whole = response(body)
    item = whole["output"][0]
    place = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    events: list[Json] = [
        {"type": "response.created", "response": {**whole, "status": "in_progress", "output": []}},
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "content": []}},
        {"type": "response.content_part.added", **place, "part": {**item["content"][0], "text": ""}},
    ]
    events += [
        {"type": "response.output_text.delta", **place, "delta": sign, "logprobs": []} for sign in said(body["input"])
    ]
    events += [
        {"type": "response.output_text.done", **place, "text": said(body["input"]), "logprobs": []},
        {"type": "response.content_part.done", **place, "part": item["content"][0]},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": whole},
    ]
    for number, event in enumerate(events):
        yield {**event, "sequence_number": number}


def blocks(body: Json) -> list[Json]:
    found: list[Json] = []
    if body.get("thinking", {}).get("type") in ("enabled", "adaptive"):
        found.append({"type": "thinking", "thinking": "hm", "signature": "dmVuZG9yLXNpZ25lZA=="})
    if body.get("tools"):
        name = body["tools"][0]["name"]
        found.append({"type": "tool_use", "id": "toolu_1", "name": name, "input": {"q": said(body["messages"])}})
    else:
        found.append({"type": "text", "text": said(body["messages"])})
    return found


def message(body: Json) -> Json:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": blocks(body),
        "stop_reason": "tool_use" if body.get("tools") else "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 4, "output_tokens": 5},
    }


def message_events(body: Json) -> Iterator[Json]:
    whole = message(body)
    yield {"type": "message_start", "message": {**whole, "content": [], "stop_reason": None}}
    for index, block in enumerate(whole["content"]):
        begun, deltas = begin(block)
        yield {"type": "content_block_start", "index": index, "content_block": begun}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    ending = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    yield {"type": "message_delta", "delta": ending, "usage": {"output_tokens": 5}}
    yield {"type": "message_stop"}


def begin(block: Json) -> tuple[Json, list[Json]]:
    if block["type"] == "text":
        return {"type": "text", "text": ""}, [{"type": "text_delta", "text": sign} for sign in block["text"]]
    if block["type"] == "thinking":
        return {"type": "thinking", "thinking": "", "signature": ""}, [
            {"type": "thinking_delta", "thinking": block["thinking"]},
            {"type": "signature_delta", "signature": block["signature"]},
        ]
    text = json.dumps(block["input"])
    pieces = [text[:5], text[5:]]
    return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]
