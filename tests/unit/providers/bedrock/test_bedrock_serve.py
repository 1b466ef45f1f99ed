"""Answers as clients of Converse expect them: exact shapes, read by botocore, and the inverse of the decoder."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.providers.bedrock import BedrockConverse, StreamEncoder
from psf_runtime.types.chunks import Chunk, ReasoningDelta, TextDelta, ToolCallDelta
from psf_runtime.types.messages import Reasoning, Text, ToolCall
from psf_runtime.types.response import Response, accumulate, explode, normal
from psf_runtime.types.response_head import Usage
from tests.wire.wire_bedrock_model import event_faults, parsed_events, parsed_response, response_faults

CODEC = BedrockConverse(model="m", target="t")
ANSWER = Response(
    (Reasoning("hm"), Text("well"), ToolCall("c1", "find", '{"a":1}'), ToolCall("c2", "ping", "")),
    finish="tool_calls",
    usage=Usage(5, 7, 2, 3, reported=True),
    model="m-1",
    handle="psf1.handle",
    raw={"secret": "x", "latency_ms": 12},
)
USAGE = {"inputTokens": 3, "outputTokens": 7, "totalTokens": 12, "cacheReadInputTokens": 2}


def whole(response: Response, **options: Any) -> dict[str, Any]:
    """The body, as botocore gives it to its users; the service's model has nothing against it."""
    data = CODEC.encode_response(response, id="c", created=1, **options)
    assert response_faults(json.loads(data)) == []
    return parsed_response(data)


def streamed(response: Response, **options: Any) -> list[dict[str, Any]]:
    """The events, as botocore gives them to its users; the service's model has nothing against them."""
    pieces = list(CODEC.encode_stream(explode(response), response, id="c", created=1, **options))
    events = parsed_events(pieces)
    assert [fault for item in events for kind, body in item.items() for fault in event_faults(kind, body)] == []
    return events


def test_the_shape_of_an_answer() -> None:
    """Exactly the vendor's fields; reasoning only when asked for, the handle as its signature; nothing of `raw`."""
    expected: dict[str, Any] = {
        "output": {
            "message": {
                "role": "assistant",
                "content": [
                    {"text": "well"},
                    {"toolUse": {"toolUseId": "c1", "name": "find", "input": {"a": 1}}},
                    {"toolUse": {"toolUseId": "c2", "name": "ping", "input": {}}},
                ],
            }
        },
        "stopReason": "tool_use",
        "usage": USAGE,
        "metrics": {"latencyMs": 12},
    }
    assert whole(ANSWER) == expected
    thought = {"reasoningText": {"text": "hm", "signature": "psf1.handle"}}
    shown = whole(ANSWER, reasoning=True)
    assert shown["output"]["message"]["content"][0] == {"reasoningContent": thought}


def test_a_handle_is_written_once() -> None:
    """The handle stands for all the reasoning of an answer: twice in a message, it would bring it back twice."""
    answer = Response((Reasoning("a"), Text("b"), Reasoning("c")), handle="psf1.handle")
    content = whole(answer, reasoning=True)["output"]["message"]["content"]
    assert [block["reasoningContent"]["reasoningText"] for block in (content[0], content[2])] == [
        {"text": "a", "signature": "psf1.handle"},
        {"text": "c"},
    ]


def test_a_handle_without_a_thought_that_is_shown() -> None:
    """Withheld reasoning still comes back with the next turn: an empty thought carries the handle, in both forms."""
    answer = Response((Text("b"),), handle="psf1.handle")
    assert whole(answer, reasoning=True)["output"]["message"]["content"] == [
        {"text": "b"},
        {"reasoningContent": {"reasoningText": {"text": "", "signature": "psf1.handle"}}},
    ]
    deltas = [
        event["contentBlockDelta"]["delta"]
        for event in streamed(answer, reasoning=True)
        if "contentBlockDelta" in event
    ]
    assert deltas == [
        {"text": "b"},
        {"reasoningContent": {"text": ""}},
        {"reasoningContent": {"signature": "psf1.handle"}},
    ]
    assert "psf1" not in str(streamed(answer))


def test_the_shape_of_a_stream() -> None:
    """One block after the other: text without a start, each call with one; then the reason, then the counts."""
    assert streamed(ANSWER) == [
        {"messageStart": {"role": "assistant"}},
        {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": "well"}}},
        {"contentBlockStop": {"contentBlockIndex": 0}},
        {"contentBlockStart": {"contentBlockIndex": 1, "start": {"toolUse": {"toolUseId": "c1", "name": "find"}}}},
        {"contentBlockDelta": {"contentBlockIndex": 1, "delta": {"toolUse": {"input": '{"a":1}'}}}},
        {"contentBlockStop": {"contentBlockIndex": 1}},
        {"contentBlockStart": {"contentBlockIndex": 2, "start": {"toolUse": {"toolUseId": "c2", "name": "ping"}}}},
        {"contentBlockStop": {"contentBlockIndex": 2}},
        {"messageStop": {"stopReason": "tool_use"}},
        {"metadata": {"usage": USAGE, "metrics": {"latencyMs": 12}}},
    ]
    first = streamed(ANSWER, reasoning=True)[1]
    assert first == {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": "hm"}}}}


def test_text_leaves_at_once() -> None:
    """A piece of text is a frame in the moment it comes; calls that follow each other wait until they are complete."""
    encoder = StreamEncoder()
    assert parsed_events([encoder.chunk(TextDelta("a"))]) == [
        {"contentBlockDelta": {"contentBlockIndex": 0, "delta": {"text": "a"}}}
    ]
    pieces = [ToolCallDelta(0, "a", "one", "{"), ToolCallDelta(1, "b", "two", "{"), ToolCallDelta(0, arguments="}")]
    assert [encoder.chunk(piece) for piece in pieces] == [b"", b"", b""]
    events = parsed_events([encoder.chunk(TextDelta("b"))])
    assert [next(iter(item)) for item in events] == [
        "contentBlockStop",
        "contentBlockStart",
        "contentBlockDelta",
        "contentBlockStop",
        "contentBlockStart",
        "contentBlockDelta",
        "contentBlockStop",
        "contentBlockDelta",
    ]
    late = parsed_events([encoder.chunk(ToolCallDelta(1, arguments="}"))])
    assert late == [{"contentBlockDelta": {"contentBlockIndex": 2, "delta": {"toolUse": {"input": "}"}}}}]
    assert encoder.chunk(ReasoningDelta("hidden")) == b""


@pytest.mark.parametrize(
    ("finish", "word"),
    [
        ("stop", "end_turn"),
        ("length", "max_tokens"),
        ("content_filter", "content_filtered"),
        ("refusal", "content_filtered"),
        ("other", "end_turn"),
    ],
)
def test_finish_words_are_the_vendors(finish: Any, word: str) -> None:
    """Only the vendor's own words are written, whole and streamed."""
    response = Response((Text("x"),), finish=finish)
    assert whole(response)["stopReason"] == word
    assert streamed(response)[-2] == {"messageStop": {"stopReason": word}}


def test_counts_that_nobody_reported() -> None:
    """The dialect cannot leave the counts out: they are zero."""
    empty = {"inputTokens": 0, "outputTokens": 0, "totalTokens": 0}
    assert whole(Response((Text("x"),)))["usage"] == empty


def test_ids_of_other_vendors_fit() -> None:
    """An id that Bedrock's clients would not send back is replaced."""
    call = whole(Response((ToolCall("no|good", "n", "{}"),)))["output"]["message"]["content"][0]["toolUse"]
    assert call["toolUseId"].startswith("call_")
    assert streamed(Response((ToolCall("no|good", "n", "{}"),)))[1]["contentBlockStart"]["start"]["toolUse"] == {
        "toolUseId": call["toolUseId"],
        "name": "n",
    }


texts = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12)
words = st.text("abcdefgh_", min_size=1, max_size=8)
arguments = st.dictionaries(texts, st.one_of(st.integers(-(2**53), 2**53), texts), max_size=3).map(
    lambda value: json.dumps(value, ensure_ascii=False, separators=(",", ":"))
)
parts = st.one_of(st.builds(Reasoning, texts), st.builds(Text, texts), st.builds(ToolCall, words, words, arguments))
answers = st.builds(
    lambda items, finish, usage: Response(
        tuple(items),
        finish="tool_calls" if finish == "stop" and any(isinstance(item, ToolCall) for item in items) else finish,
        usage=usage,
        provider="t",
    ),
    st.lists(parts, max_size=5, unique_by=lambda part: part.id if isinstance(part, ToolCall) else object()),
    st.sampled_from(["stop", "length", "content_filter"]),
    st.sampled_from([Usage(reported=True), Usage(9, 2, 3, 0, reported=True)]),
)


@settings(max_examples=100)
@given(answer=answers, size=st.integers(1, 300))
def test_decoding_is_the_inverse_of_serving(answer: Response, size: int) -> None:
    """An answer that was served, whole or as a stream cut anywhere, is decoded to the same answer."""
    answer = normal(answer)
    body = CODEC.encode_response(answer, id="c", created=1, reasoning=True)
    frames = b"".join(CODEC.encode_stream(explode(answer), answer, id="c", created=1, reasoning=True))
    for stream, data in ((False, body), (True, frames)):
        decoder = CODEC.decoder(stream=stream)
        chunks: list[Chunk] = []
        for start in range(0, len(data), size):
            chunks += decoder.feed(data[start : start + size])
        chunks += decoder.end()
        assert accumulate(chunks, decoder.head()).replace(raw={}) == answer
