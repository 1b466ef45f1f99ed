"""Whatever a server sends, a decoder answers with chunks or with one of our errors, and never with another."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.errors import ConfigError, ProviderError
from psf_runtime.providers.bedrock import BedrockConverse
from psf_runtime.types.chunks import DELTAS, Chunk
from psf_runtime.types.request import Request
from psf_runtime.types.response import accumulate
from tests.wire.wire_bedrock import event

CODEC = BedrockConverse(model="m", target="t")
EVENTS = ["messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata", "x"]
KEYS = [
    *("role", "content", "text", "toolUse", "toolUseId", "name", "input", "type", "reasoningContent", "signature"),
    *("reasoningText", "redactedContent", "contentBlockIndex", "start", "delta", "stopReason", "usage", "metrics"),
    *("latencyMs", "inputTokens", "outputTokens", "cacheReadInputTokens", "output", "message", "messages", "trace"),
    *("promptRouter", "serviceTier", "toolResult", "system", "toolConfig", "inferenceConfig", "p", "image", "source"),
]
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["assistant", "user", "end_turn", "tool_use", "server_tool_use", "AAEC", "", "a b", "name"]),
)
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(KEYS), inner, min_size=1, max_size=4)
    ),
    max_leaves=12,
)
objects = st.dictionaries(st.sampled_from(KEYS), values, max_size=5)


def decode(data: bytes, *, stream: bool) -> None:
    decoder = CODEC.decoder(stream=stream)
    chunks: list[Chunk] = []
    named = "t"
    try:
        for start in range(0, len(data), 50):
            chunks += decoder.feed(data[start : start + 50])
        chunks += decoder.end()
    except ProviderError as error:
        named = error.target
    assert named == "t"
    assert {type(chunk) for chunk in chunks} <= DELTAS
    assert all(isinstance(text, str) for chunk in chunks for text in _texts(chunk))
    json.dumps(dict(accumulate(chunks, decoder.head()).raw))
    assert isinstance(decoder.carried(), bytes)


def _texts(chunk: Any) -> list[Any]:
    return [getattr(chunk, name, "") for name in ("text", "id", "name", "arguments")]


@settings(max_examples=120)
@given(events=st.lists(st.tuples(st.sampled_from(EVENTS), objects), max_size=5))
def test_any_events(events: list[tuple[str, dict[str, Any]]]) -> None:
    """Right frames with any content."""
    decode(b"".join(event(kind, body) for kind, body in events), stream=True)


@settings(max_examples=60)
@given(content=st.lists(objects, max_size=3), rest=objects)
def test_any_body(content: list[dict[str, Any]], rest: dict[str, Any]) -> None:
    """A body with any blocks and any other members."""
    body = {"output": {"message": {"content": content}}, "stopReason": "end_turn", **rest}
    decode(json.dumps(body).encode(), stream=False)


@settings(max_examples=60)
@given(data=st.binary(max_size=80))
def test_any_bytes(data: bytes) -> None:
    """Bytes that are no answer at all."""
    for stream in (True, False):
        decode(data, stream=stream)


@settings(max_examples=80)
@given(fields=objects, content=st.lists(objects, max_size=2))
def test_any_request(fields: dict[str, Any], content: list[dict[str, Any]]) -> None:
    """A client's body with any content is a request, or a ConfigError."""
    body = {"messages": [{"role": "assistant", "content": content}], **fields}
    request = None
    with suppress(ConfigError):
        request = CODEC.decode_request(json.dumps(body).encode())
    assert isinstance(request, Request | None)
