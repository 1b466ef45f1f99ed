"""Answers as clients of the vendor expect them: exact shapes, and the inverse of the decoder."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.providers.openai import OpenAIChat
from psf_runtime.types.messages import Reasoning, Text, ToolCall
from psf_runtime.types.response import Response, accumulate, explode, normal
from psf_runtime.types.response_head import NO_USAGE, Usage

CODEC = OpenAIChat(model="m", target="t")
ANSWER = Response(
    (Reasoning("hm"), Text("well"), ToolCall("c1", "find", '{"a":1}')),
    finish="tool_calls",
    usage=Usage(5, 7, 2, 3, reported=True),
    model="m-1",
    model_version="fp_1",
    raw={"secret": "x"},
)


def events(response: Response, **options: Any) -> list[Any]:
    data = b"".join(CODEC.encode_stream(explode(response), response, id="c", created=1, **options))
    assert data.endswith(b"data: [DONE]\n\n")
    return [json.loads(line[6:]) for line in data.split(b"\n\n")[:-2]]


USAGE = {
    "prompt_tokens": 5,
    "completion_tokens": 7,
    "total_tokens": 12,
    "prompt_tokens_details": {"cached_tokens": 2},
    "completion_tokens_details": {"reasoning_tokens": 3},
}


def test_the_shape_of_a_completion() -> None:
    """Exactly the vendor's fields; reasoning only when asked for; nothing of `raw`."""
    value = json.loads(CODEC.encode_response(ANSWER, id="c", created=1))
    message = {
        "role": "assistant",
        "content": "well",
        "refusal": None,
        "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "find", "arguments": '{"a":1}'}}],
    }
    assert value == {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "m-1",
        "system_fingerprint": "fp_1",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "tool_calls"}],
        "usage": USAGE,
    }
    shown = json.loads(CODEC.encode_response(ANSWER, id="c", created=1, reasoning=True))
    assert shown["choices"][0]["message"]["reasoning_content"] == "hm"


def test_the_shape_of_a_stream() -> None:
    """Role first, then pieces, the finish reason, the usage when asked for, the end mark."""
    frame = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m-1", "system_fingerprint": "fp_1"}
    values = events(ANSWER, include_usage=True)
    deltas = [
        {"role": "assistant", "content": ""},
        {"content": "well"},
        {
            "tool_calls": [
                {"index": 0, "id": "c1", "type": "function", "function": {"arguments": '{"a":1}', "name": "find"}}
            ]
        },
        {},
    ]
    expected: list[Any] = [
        {
            **frame,
            "choices": [
                {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None if delta else "tool_calls"}
            ],
            "usage": None,
        }
        for delta in deltas
    ]
    assert values == [*expected, {**frame, "choices": [], "usage": USAGE}]
    assert all("usage" not in value for value in events(ANSWER))


@pytest.mark.parametrize(
    ("finish", "word"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("content_filter", "content_filter"),
        ("refusal", "stop"),
        ("other", "stop"),
    ],
)
def test_finish_words_are_the_vendors(finish: Any, word: str) -> None:
    """Only the vendor's own words are written; a refusal is a refusal message of ours, whole and streamed."""
    response = Response((Text("x"),) if finish != "refusal" else (), finish=finish, model="m")
    choice = json.loads(CODEC.encode_response(response, id="c", created=1))["choices"][0]
    assert choice["finish_reason"] == word
    assert (choice["message"]["refusal"] is not None) == (finish == "refusal")
    deltas = [value["choices"][0] for value in events(response)]
    assert deltas[-1]["finish_reason"] == word
    assert any("refusal" in delta["delta"] for delta in deltas) == (finish == "refusal")


texts = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12)
words = st.text("abcdefgh_", min_size=1, max_size=8)
tools = st.lists(st.builds(ToolCall, words, words, texts), max_size=3, unique_by=lambda call: call.id).map(tuple)
answers = st.builds(
    lambda thought, text, calls, finish, usage: Response(
        (*thought, *text, *calls),
        finish="refusal" if finish == "refusal" else "tool_calls" if calls and finish == "stop" else finish,
        usage=usage,
        model="m",
        provider="t",
    ),
    st.one_of(st.just(()), texts.map(lambda text: (Reasoning(text),))),
    st.one_of(st.just(()), texts.map(lambda text: (Text(text),))),
    tools,
    st.sampled_from(["stop", "length", "content_filter", "refusal"]),
    st.sampled_from([NO_USAGE, Usage(1, 2, 3, 4, reported=True)]),
)


@settings(max_examples=80)
@given(answer=answers, size=st.integers(1, 300))
def test_decoding_is_the_inverse_of_serving(answer: Response, size: int) -> None:
    """An answer that was served, whole or as a stream cut anywhere, is decoded to the same answer."""
    answer = normal(answer)
    whole = CODEC.encode_response(answer, id="c", created=1, reasoning=True)
    streamed = b"".join(
        CODEC.encode_stream(explode(answer), answer, id="c", created=1, include_usage=True, reasoning=True)
    )
    for stream, data in ((False, whole), (True, streamed)):
        decoder = CODEC.decoder(stream=stream)
        chunks = []
        for start in range(0, len(data), size):
            chunks += decoder.feed(data[start : start + size])
        chunks += decoder.end()
        assert accumulate(chunks, decoder.head()).replace(raw={}) == answer
