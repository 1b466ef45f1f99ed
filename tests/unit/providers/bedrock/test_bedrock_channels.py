"""A text planted anywhere in an answer comes out on a declared channel, or not at all."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from psf_runtime.errors import ProviderError
from psf_runtime.providers.bedrock import BedrockConverse
from psf_runtime.types.chunks import Chunk
from psf_runtime.types.messages import Reasoning, Text, ToolCall
from psf_runtime.types.response import Response, accumulate
from tests.wire.wire_bedrock import answer_body, answer_events, event, frame
from tests.wire.wire_bedrock_model import frames

CODEC = BedrockConverse(target="t")
MARKER = "a planted marker"


def decode(data: bytes, *, stream: bool) -> Response | None:
    """The answer, or None when it is refused, which must not show the marker either."""
    decoder = CODEC.decoder(stream=stream)
    chunks: list[Chunk] = []
    problem = None
    try:
        for start in range(0, len(data), 7):
            chunks += decoder.feed(data[start : start + 7])
        chunks += decoder.end()
    except ProviderError as error:
        problem = error
    if problem is None:
        return accumulate(chunks, decoder.head())
    assert MARKER not in f"{problem} {problem.__dict__}"
    return None


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the texts are."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if isinstance(value, str):
        yield path
    for key, item in items:
        yield from leaves(item, (*path, key))


def planted(value: Any, path: tuple[Any, ...]) -> Any:
    """A copy with the marker at that place."""
    value = copy.deepcopy(value)
    inner = value
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = MARKER
    return value


def check(answer: Response | None, channel: str) -> None:
    """The marker is on that channel and nowhere else; without a channel it is nowhere."""
    if answer is None:
        assert channel == ""
        return
    calls = answer.tool_calls
    outside = (answer.raw, answer.model, answer.model_version, answer.finish, answer.provider, answer.handle)
    assert MARKER not in f"{outside} {[(call.id, call.name) for call in calls]}"
    found = {
        "text": any(MARKER in part.text for part in answer.parts if isinstance(part, Text)),
        "reasoning": any(MARKER in part.text for part in answer.parts if isinstance(part, Reasoning)),
        "arguments": any(MARKER in part.args for part in answer.parts if isinstance(part, ToolCall)),
    }
    assert {name for name, there in found.items() if there} == ({channel} if channel else set())


TRACE = {
    "guardrail": {"modelOutput": ["x"], "inputAssessment": {"g": {"wordPolicy": {"customWords": [{"match": "x"}]}}}},
    "promptRouter": {"invokedModelId": "x"},
}
RICH: dict[str, Any] = {
    **answer_body("hello"),
    "serviceTier": {"type": "default"},
    "performanceConfig": {"latency": "standard"},
    "trace": TRACE,
    "additionalModelResponseFields": {"a": "b"},
}
RICH["output"]["message"]["content"] += [
    {"citationsContent": {"content": [{"text": "x"}], "citations": [{"title": "t", "source": "s"}]}},
    {"toolUse": {"toolUseId": "h", "name": "n", "type": "server_tool_use", "input": {"b": "c"}}},
    {"toolResult": {"toolUseId": "h", "content": [{"text": "x"}]}},
    {"toolUse": {"toolUseId": "c", "name": "n", "input": {"shown": "d"}}},
    {"guardContent": {"text": {"text": "x"}}},
    {"image": {"format": "png", "source": {"bytes": "AAAA"}}},
    {"text": "bye", "unknown": "x"},
]
_CHANNEL_OF = {
    ("text",): "text",
    ("reasoningContent", "reasoningText", "text"): "reasoning",
    ("toolUse", "input", "shown"): "arguments",
}


@pytest.mark.parametrize("path", list(leaves(RICH)), ids=str)
def test_in_a_whole_answer(path: tuple[Any, ...]) -> None:
    """Every text of a body with everything in it."""
    check(decode(json.dumps(planted(RICH, path)).encode(), stream=False), _CHANNEL_OF.get(path[4:], ""))


EVENTS = [
    *answer_events("hello")[:-2],
    event("contentBlockStart", {"contentBlockIndex": 9, "start": {"toolResult": {"toolUseId": "h", "status": "x"}}}),
    event("contentBlockDelta", {"contentBlockIndex": 9, "delta": {"toolResult": [{"text": "x"}]}}),
    event("contentBlockDelta", {"contentBlockIndex": 10, "delta": {"citation": {"title": "t", "source": "s"}}}),
    event("contentBlockDelta", {"contentBlockIndex": 11, "delta": {"image": {"source": {"bytes": "AAAA"}}}}),
    event("brandNew", {"text": "x"}),
    event("messageStop", {"stopReason": "tool_use", "additionalModelResponseFields": {"a": "b"}}),
    event("metadata", {"trace": TRACE, "serviceTier": {"type": "flex"}, "performanceConfig": {"latency": "x"}}),
]
PLACES = [
    (number, path)
    for number, item in enumerate(frames(b"".join(EVENTS)))
    for path in [*leaves(json.loads(item.payload)), *((":header", name) for name in item.headers)]
]


@pytest.mark.parametrize(("number", "path"), PLACES, ids=str)
def test_in_a_stream(number: int, path: tuple[Any, ...]) -> None:
    """Every text and every header of a stream with everything in it, cut every seven bytes."""
    pieces = []
    for at, item in enumerate(frames(b"".join(EVENTS))):
        headers, payload = dict(item.headers), json.loads(item.payload)
        if at == number and path[0] == ":header":
            headers[path[1]] = MARKER
        elif at == number:
            payload = planted(payload, path)
        pieces.append(frame(headers, json.dumps(payload).encode()))
    channel = {
        ("delta", "text"): "text",
        ("delta", "reasoningContent", "text"): "reasoning",
        ("delta", "toolUse", "input"): "arguments",
    }.get(path, "")
    check(decode(b"".join(pieces), stream=True), channel)


def test_nothing_is_left_in_the_decoder_after_an_error() -> None:
    """A decoder that has refused an answer does not hand out the rest of it."""
    decoder = CODEC.decoder(stream=True)
    with suppress(ProviderError):
        decoder.feed(EVENTS[0] + event("contentBlockDelta", {"contentBlockIndex": -1, "delta": {"text": MARKER}}))
    with pytest.raises(ProviderError):
        decoder.end()
    assert decoder.carried() == b""
    assert MARKER not in repr(decoder.head())
