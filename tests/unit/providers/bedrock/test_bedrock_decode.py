"""Answers as Converse and ConverseStream send them, right and wrong."""

from __future__ import annotations

import json
import traceback
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.errors import ProviderError, RateLimitError, StreamInterrupted
from psf_runtime.providers.base import Bounds
from psf_runtime.providers.bedrock import BedrockConverse
from psf_runtime.types.chunks import Chunk, ToolCallDelta
from psf_runtime.types.messages import Reasoning, Text, ToolCall
from psf_runtime.types.response import Response, accumulate
from psf_runtime.types.response_head import Usage
from tests.wire.wire_bedrock import answer_body, answer_events, event, exception, frame
from tests.wire.wire_bedrock_model import MODEL, event_faults, frames, response_faults

CODEC = BedrockConverse(model="m", target="t")
MARKER = "a planted marker"
STOP = event("messageStop", {"stopReason": "end_turn"})
START = event("messageStart", {"role": "assistant"})


def decode(data: bytes, codec: BedrockConverse = CODEC, *, stream: bool = True, size: int = 0) -> Response:
    decoder = codec.decoder(stream=stream)
    chunks: list[Chunk] = []
    for start in range(0, len(data), size or len(data) or 1):
        chunks += decoder.feed(data[start : start + (size or len(data))])
    chunks += decoder.end()
    return accumulate(chunks, decoder.head())


def streamed(*events: bytes, codec: BedrockConverse = CODEC) -> Response:
    return decode(b"".join((START, *events)), codec)


def delta(piece: dict[str, Any], index: Any = 0) -> bytes:
    return event("contentBlockDelta", {"contentBlockIndex": index, "delta": piece})


def opened(call: dict[str, Any], index: Any = 0) -> bytes:
    return event("contentBlockStart", {"contentBlockIndex": index, "start": {"toolUse": call}})


def body(*content: Any, stop: Any = "end_turn", **more: Any) -> Response:
    value = {"output": {"message": {"role": "assistant", "content": list(content)}}, "stopReason": stop, **more}
    return decode(json.dumps(value).encode(), stream=False)


def problem(data: bytes, codec: BedrockConverse = CODEC, *, stream: bool = True) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        decode(data, codec, stream=stream)
    own = traceback.TracebackException.from_exception(caught.value, capture_locals=True).stack
    shown = "".join(str(one.locals) for one in own if "psf_runtime" in one.filename)
    assert MARKER not in shown
    assert MARKER not in str(caught.value)
    assert caught.value.__context__ is None
    assert caught.value.target == "t"
    return caught.value


def test_the_answers_of_these_tests_are_the_services() -> None:
    """The service's own model has nothing against the body and the events that these tests are about."""
    assert response_faults(answer_body("hello")) == []
    for item in frames(b"".join(answer_events("hello"))):
        value = json.loads(item.payload)
        value.pop("p", None)
        assert event_faults(item.headers[":event-type"], value) == []


@settings(max_examples=60)
@given(size=st.integers(1, 400), text=st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=30))
def test_a_stream_is_the_whole_answer_however_it_is_cut(size: int, text: str) -> None:
    """Cut anywhere, a stream says what the body says: parts, finish, usage, and what goes back word for word."""
    whole = CODEC.decoder(stream=False)
    chunks = [*whole.feed(json.dumps(answer_body(text)).encode()), *whole.end()]
    decoder = CODEC.decoder(stream=True)
    data = b"".join(answer_events(text))
    pieces: list[Chunk] = []
    for start in range(0, len(data), size):
        pieces += decoder.feed(data[start : start + size])
    pieces += decoder.end()
    expected = accumulate(chunks, whole.head())
    assert accumulate(pieces, decoder.head()) == expected
    assert expected.text == text
    assert decoder.carried() == whole.carried() != b""


def test_a_whole_answer() -> None:
    """Parts in order, usage with all the input, the time the service took."""
    answer = decode(json.dumps(answer_body("hello")).encode(), stream=False)
    assert answer.parts == (
        Reasoning("hm"),
        Text("hello"),
        ToolCall("tooluse_one", "one", '{"a":1}'),
        ToolCall("tooluse_two", "two", "{}"),
    )
    assert answer.finish == "tool_calls"
    assert answer.usage == Usage(10, 5, 3, reported=True)
    assert answer.provider == "t"
    assert answer.raw == {"finish_reason": "tool_use", "latency_ms": 12}


FINISHES = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
    "malformed_model_output": "other",
    "malformed_tool_use": "other",
}


def test_every_stop_reason_is_known() -> None:
    """Each of the service's reasons has a place in the closed set; a new one is `other`."""
    assert set(FINISHES) == set(MODEL.shape_for("StopReason").enum)
    for reason, finish in {**FINISHES, "something_new": "other", MARKER: "other"}.items():
        assert body({"text": "x"}, stop=reason).finish == finish
        answer = streamed(event("messageStop", {"stopReason": reason}))
        assert answer.finish == finish
        assert MARKER not in str(answer.raw)


def test_usage_counts_all_the_input() -> None:
    """The service leaves out what a cache read or wrote; ours has it in. None sent is none reported."""
    usage = {"inputTokens": 1, "outputTokens": 2, "totalTokens": 63, "cacheReadInputTokens": 20}
    assert body(usage={**usage, "cacheWriteInputTokens": 40}).usage == Usage(61, 2, 20, reported=True)
    assert body(usage={"inputTokens": -1, "outputTokens": "7"}).usage == Usage(0, 0, 0, reported=True)
    assert not body().usage.reported
    assert not body(usage=[1]).usage.reported
    assert not streamed(STOP).usage.reported


def test_reasoning_is_shown_and_carried() -> None:
    """Its text is a channel of its own; what is signed or redacted is kept for the way back, with its place."""
    thought = {"reasoningText": {"text": "hm", "signature": "c2ln"}}
    redacted = {"redactedContent": "AAEC"}
    blocks = [
        {"text": "a"},
        {"text": "a"},
        {"reasoningContent": thought},
        {"text": "b"},
        {"toolUse": {"toolUseId": "c", "name": "n", "input": {}}},
        {"reasoningContent": redacted},
        {"reasoningContent": {"reasoningText": {"text": "unsigned"}}},
    ]
    value = {"output": {"message": {"role": "assistant", "content": blocks}}, "stopReason": "end_turn"}
    whole = CODEC.decoder(stream=False)
    chunks = [*whole.feed(json.dumps(value).encode()), *whole.end()]
    events = [
        delta({"text": "a"}, 0),
        delta({"text": "a"}, 0),
        delta({"reasoningContent": {"text": "h"}}, 1),
        delta({"reasoningContent": {"text": "m"}}, 1),
        delta({"reasoningContent": {"signature": "c2"}}, 1),
        delta({"reasoningContent": {"signature": "ln"}}, 1),
        delta({"text": "b"}, 2),
        opened({"toolUseId": "c", "name": "n"}, 3),
        delta({"reasoningContent": {"redactedContent": "AA=="}}, 4),
        delta({"reasoningContent": {"redactedContent": "AQI="}}, 4),
        delta({"reasoningContent": {"text": "unsigned"}}, 5),
        STOP,
    ]
    stream = CODEC.decoder(stream=True)
    pieces = [*stream.feed(b"".join((START, *events))), *stream.end()]
    answer = accumulate(chunks, whole.head())
    assert accumulate(pieces, stream.head()) == answer
    assert answer.parts == (
        Text("aa"),
        Reasoning("hm"),
        Text("b"),
        ToolCall("c", "n", "{}"),
        Reasoning("unsigned"),
    )
    assert whole.carried() == stream.carried()
    assert json.loads(whole.carried()) == [[1, {"reasoningContent": thought}], [3, {"reasoningContent": redacted}]]


def test_what_has_no_channel_is_dropped_and_counted() -> None:
    """Citations, guarded content, traces, pictures, hosted tools: none of it comes out, all of it is counted."""
    hosted = {"toolUseId": "h", "name": "search", "type": "server_tool_use"}
    answer = body(
        {"citationsContent": {"content": [{"text": MARKER}]}},
        {"guardContent": {"text": {"text": MARKER}}},
        {"toolUse": {**hosted, "input": {"q": MARKER}}},
        {"toolResult": {"toolUseId": "h", "content": [{"text": MARKER}]}},
        {"newBlock": MARKER},
        {"text": "shown"},
        trace={"guardrail": {"modelOutput": [MARKER]}, "promptRouter": {"invokedModelId": "arn:aws:bedrock:x::y/z"}},
        additionalModelResponseFields={"x": MARKER},
    )
    assert answer.parts == (Text("shown"),)
    assert answer.model == "arn:aws:bedrock:x::y/z"
    assert answer.raw["dropped"] == {
        "citationsContent": 1,
        "guardContent": 1,
        "server_tool_use": 1,
        "toolResult": 1,
        "content_block": 1,
        "trace": 1,
        "additionalModelResponseFields": 1,
    }
    stream = streamed(
        opened(hosted, 0),
        delta({"toolUse": {"input": json.dumps({"q": MARKER})}}, 0),
        event("contentBlockStart", {"contentBlockIndex": 1, "start": {"toolResult": {"toolUseId": "h"}}}),
        delta({"toolResult": [{"text": MARKER}]}, 1),
        delta({"citation": {"title": MARKER}}, 2),
        delta({"image": {"source": {"bytes": "AA=="}}}, 3),
        event("brandNew", {"text": MARKER}),
        delta({"text": "shown"}, 4),
        event("messageStop", {"stopReason": "end_turn", "additionalModelResponseFields": {"x": MARKER}}),
        event("metadata", {"trace": {"guardrail": {"actionReason": MARKER}}, "newField": MARKER}),
    )
    assert stream.parts == (Text("shown"),)
    assert stream.raw["dropped"] == {
        "server_tool_use": 1,
        "toolResult": 2,
        "citation": 1,
        "image": 1,
        "event": 1,
        "additionalModelResponseFields": 1,
        "trace": 1,
        "newField": 1,
    }


def test_calls_that_take_turns() -> None:
    """Pieces of several calls belong together by the number of their block; a call keeps its own arguments."""
    answer = streamed(
        opened({"toolUseId": "a", "name": "one"}, 5),
        opened({"toolUseId": "b", "name": "two"}, 9),
        delta({"toolUse": {"input": '{"x"'}}, 5),
        delta({"toolUse": {"input": "{"}}, 9),
        delta({"text": "between"}, 7),
        delta({"toolUse": {"input": ":1}"}}, 5),
        delta({"toolUse": {"input": "}"}}, 9),
        STOP,
    )
    assert answer.tool_calls == (ToolCall("a", "one", '{"x":1}'), ToolCall("b", "two", "{}"))
    assert answer.text == "between"
    assert answer.finish == "tool_calls"


def test_a_call_without_arguments_has_an_empty_object() -> None:
    """With its block's end, or without one, once."""
    closed = event("contentBlockStop", {"contentBlockIndex": 0})
    call = opened({"toolUseId": "a", "name": "one"})
    for events in ((call, closed, STOP), (call, STOP), (call, delta({"toolUse": {"input": ""}}), closed, STOP)):
        assert streamed(*events).tool_calls == (ToolCall("a", "one", "{}"),)


def test_whole_numbers_keep_their_digits() -> None:
    """An argument beyond 64 bits is the number that the model wrote, whole and streamed."""
    args = '{"id":123456789012345678901234567890}'
    call = {"toolUseId": "a", "name": "one"}
    value = {"toolUse": {**call, "input": json.loads(args)}}
    assert body(value).tool_calls == (ToolCall("a", "one", args),)
    assert streamed(opened(call), delta({"toolUse": {"input": args}}), STOP).tool_calls[0].args == args


def test_an_id_that_is_a_sentence_is_replaced() -> None:
    """The id of a call is no place for a text."""
    decoder = CODEC.decoder(stream=True)
    chunks = decoder.feed(START + opened({"toolUseId": MARKER, "name": "one"}))
    assert chunks == [ToolCallDelta(0, "call_0", "one")]


def test_frames_may_be_larger_than_a_chunk_and_smaller_than_the_bound() -> None:
    """One byte at a time is slow and right."""
    assert decode(START + delta({"text": "x" * 500}) + STOP, size=1).text == "x" * 500


BROKEN: dict[str, bytes] = {
    "a text that is none": delta({"text": {"a": MARKER}}),
    "a block without a number": event("contentBlockDelta", {"delta": {"text": MARKER}}),
    "a block far out": delta({"text": MARKER}, 10**9),
    "a block below zero": delta({"text": MARKER}, -1),
    "a number that is a truth": delta({"text": MARKER}, True),
    "a call far out": opened({"toolUseId": "a", "name": "b"}, 10**9),
    "a piece that is no object": event("contentBlockDelta", {"contentBlockIndex": 0, "delta": MARKER}),
    "a start that is none": event("contentBlockStart", {"contentBlockIndex": 0, "start": MARKER}),
    "arguments of a call that never began": delta({"toolUse": {"input": "{}"}}) + STOP,
    "a call's name that is a sentence": opened({"toolUseId": "a", "name": MARKER}),
    "reasoning that is none": delta({"reasoningContent": MARKER}),
    "a signature that is none": delta({"reasoningContent": {"signature": [MARKER]}}),
    "redacted content that is no base64": delta({"reasoningContent": {"redactedContent": MARKER}}),
    "somebody else speaks": event("messageStart", {"role": "user"}),
    "no reason for the end": event("messageStop", {}),
    "no JSON": frame({":message-type": "event", ":event-type": "messageStop"}, MARKER.encode()),
    "JSON, but a list": frame({":message-type": "event", ":event-type": "messageStop"}, b"[]"),
    "a frame of no type": frame({":event-type": "messageStop"}, b"{}"),
    "something else than frames": b"data: {}\n\n" * 3,
    "too deep": opened({"toolUseId": "a", "name": "b"}) + delta({"toolUse": {"input": "[" * 300}}) + STOP,
    "too many calls": b"".join(opened({"toolUseId": f"a{n}", "name": "b"}, n) for n in range(129)),
}


@pytest.mark.parametrize("case", BROKEN)
def test_streams_that_make_no_sense(case: str) -> None:
    """Each is a bad response: typed, without content, not to be retried."""
    error = problem(BROKEN[case])
    assert (error.kind, error.retry_safe) == ("bad_response", False)


BAD_BODIES: dict[str, Any] = {
    "no object": [MARKER],
    "no message": {"output": {}, "stopReason": "end_turn"},
    "content that is no list": {"output": {"message": {"content": MARKER}}, "stopReason": "end_turn"},
    "a block that is no object": {"output": {"message": {"content": [MARKER]}}, "stopReason": "end_turn"},
    "no stop reason": {"output": {"message": {"content": []}}},
    "a call that is no object": {"output": {"message": {"content": [{"toolUse": MARKER}]}}, "stopReason": "x"},
    "arguments that are no object": {
        "output": {"message": {"content": [{"toolUse": {"name": "n", "input": [MARKER]}}]}},
        "stopReason": "x",
    },
}


@pytest.mark.parametrize("case", BAD_BODIES)
def test_bodies_that_make_no_sense(case: str) -> None:
    """As for streams."""
    error = problem(json.dumps(BAD_BODIES[case]).encode(), stream=False)
    assert (error.kind, error.retry_safe) == ("bad_response", False)
    assert problem(MARKER.encode(), stream=False).kind == "bad_response"


def test_an_answer_within_its_bounds() -> None:
    """A frame above its bound is refused by its first bytes; all of an answer counts together."""
    codec = BedrockConverse(target="t", bounds=Bounds(event_bytes=300, answer_bytes=2000))
    assert "frame that is too large" in str(problem(START + delta({"text": "x" * 300})[:12], codec))
    small = delta({"text": "x" * 50})
    assert "the answer is too large" in str(problem(START + small * 20, codec))
    assert "the answer is too large" in str(problem(b" " * 2001, codec, stream=False))


@pytest.mark.parametrize(
    ("name", "cls", "kind"),
    [
        ("throttlingException", RateLimitError, "rate_limited"),
        ("validationException", ProviderError, "bad_request"),
        ("serviceUnavailableException", ProviderError, "overloaded"),
        ("internalServerException", ProviderError, "server_error"),
        ("modelStreamErrorException", ProviderError, "server_error"),
        (MARKER, ProviderError, "server_error"),
    ],
)
def test_an_exception_in_mid_stream(name: str, cls: type[ProviderError], kind: str) -> None:
    """Every exception of the service's model is its own kind; its message is not looked at."""
    error = problem(START + delta({"text": "x"}) + exception(name))
    assert (type(error), error.kind) == (cls, kind)
    assert "Kanarienvogel" not in str(error)


def test_an_error_frame() -> None:
    """A failure of the connection's own kind names its code in a header."""
    headers = {":message-type": "error", ":error-code": "ThrottlingException", ":error-message": MARKER}
    assert problem(START + frame(headers, b"")).kind == "rate_limited"
    value = {"__type": "com.amazon.coral.service#ThrottlingException", "message": MARKER}
    assert problem(json.dumps(value).encode(), stream=False).kind == "rate_limited"


def test_a_stream_that_ends_too_early() -> None:
    """Without its stop, or in the middle of a frame, at any byte, a stream is interrupted and may be asked again."""
    events = answer_events("hello")
    data = b"".join(events)
    complete = {len(data) - len(events[-1]), len(data)}
    for cut in range(len(data) + 1):
        if cut in complete:
            assert decode(data[:cut]).text == "hello"
            continue
        error = problem(data[:cut])
        assert (type(error), error.kind, error.retry_safe) == (StreamInterrupted, "stream_interrupted", True)
