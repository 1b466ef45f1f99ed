"""Answers and requests with a value of any other type anywhere: a typed error or an answer, never a crash."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.errors import ConfigError, ProviderError
from psf_runtime.types.response import normal
from tests.unit.providers.anthropic.anthropic_answers import CODEC, decoded

ANYTHING = st.sampled_from([None, True, 0, -1, 1.5, 10**30, "", "text", "tool_use", [], [1], [{}], {}, {"a": 1}])
BLOCKS: list[Any] = [
    {"type": "thinking", "thinking": "x", "signature": "s"},
    {"type": "redacted_thinking", "data": "d"},
    {"type": "text", "text": "t", "citations": None},
    {"type": "tool_use", "id": "c", "name": "f", "input": {"a": 1}},
]
USAGE = {"input_tokens": 1, "output_tokens": 2, "output_tokens_details": {"thinking_tokens": 1}}
MESSAGE = {"id": "m", "type": "message", "content": BLOCKS, "model": "x", "stop_reason": "end_turn", "usage": USAGE}
STREAM: list[Any] = [
    {"type": "message_start", "message": {**MESSAGE, "content": []}},
    {"type": "content_block_start", "index": 0, "content_block": BLOCKS[0]},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "s"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "content_block_start", "index": 1, "content_block": BLOCKS[3]},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": "{}"}},
    {"type": "content_block_stop", "index": 1},
    {"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": None}, "usage": USAGE},
    {"type": "message_stop"},
]
REQUEST: dict[str, Any] = {
    "model": "m",
    "max_tokens": 9000,
    "system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}],
    "messages": [
        {"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": "https://x"}}]},
        {"role": "assistant", "content": BLOCKS},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": [BLOCKS[2]]}]},
        {
            "role": "user",
            "content": [{"type": "document", "title": "t", "source": {"type": "url", "url": "https://x"}}],
        },
    ],
    "tools": [{"name": "f", "description": "d", "input_schema": {"type": "object"}}],
    "tool_choice": {"type": "auto", "disable_parallel_tool_use": True},
    "thinking": {"type": "enabled", "budget_tokens": 2048},
    "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": {}}},
    "metadata": {"user_id": "u"},
}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every key and index in a JSON value, with the way to it."""
    pairs = list(value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ())
    return [(*path, key) for key, _ in pairs] + [found for key, item in pairs for found in places(item, (*path, key))]


def mangled(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    copy = json.loads(json.dumps(value))
    holder = copy
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = other
    return copy


def judge(data: bytes, *, stream: bool) -> None:
    try:
        answer = decoded(data, stream=stream)
    except ProviderError:
        return
    assert normal(answer) == answer


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(places(STREAM)), ANYTHING)
def test_a_mangled_stream(path: tuple[Any, ...], other: Any) -> None:
    """Whatever stands where it should not, the decoder answers or says what is wrong."""
    events = mangled(STREAM, path, other)
    judge(b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events), stream=True)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(places(MESSAGE)), ANYTHING)
def test_a_mangled_body(path: tuple[Any, ...], other: Any) -> None:
    """The same for one body."""
    judge(json.dumps(mangled(MESSAGE, path, other)).encode(), stream=False)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(places(REQUEST)), ANYTHING)
def test_a_mangled_request(path: tuple[Any, ...], other: Any) -> None:
    """A request is read, and can be written again, or it is a ConfigError."""
    try:
        request = CODEC.decode_request(json.dumps(mangled(REQUEST, path, other)).encode())
    except ConfigError:
        return
    with contextlib.suppress(ConfigError):
        body = json.loads(CODEC.encode(request, stream=False).body)
        assert body["model"] == CODEC.model
