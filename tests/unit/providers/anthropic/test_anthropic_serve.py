"""Answers as a client of the messages dialect gets them: validated by the vendor's types, read by the vendor's SDK."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import httpx2
import pytest
from anthropic.types import Message as SdkMessage
from anthropic.types import RawMessageStreamEvent
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from psf_runtime.providers.anthropic import StreamEncoder
from psf_runtime.types.chunks import Chunk, ReasoningDelta, TextDelta, ToolCallDelta
from psf_runtime.types.messages import Reasoning, Text, ToolCall
from psf_runtime.types.response import Response, accumulate, explode
from psf_runtime.types.response_head import FinishReason, Usage
from tests.unit.providers.anthropic.anthropic_answers import CODEC, decoded, decoded_with

EVENTS: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
PARTS = (
    Reasoning("I think"),
    Text("a "),
    ToolCall("toolu_1", "find", '{"a": "ü"}'),
    Reasoning("more"),
    Text("b"),
    ToolCall("toolu_2", "find", ""),
)
ANSWER = Response(PARTS, "tool_calls", Usage(35, 7, 20, 3, reported=True), "claude-x", handle="psf1.mark.sealed")
CALL = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}


def body_of(response: Response, **options: Any) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(CODEC.encode_response(response, id="msg_1", created=1, **options))
    SdkMessage.model_validate(body)
    return body


def stream_of(chunks: Any, head: Response, **options: Any) -> bytes:
    data = b"".join(CODEC.encode_stream(chunks, head, id="msg_1", created=1, **options))
    for event in data.decode().split("\n\n")[:-1]:
        name, line = event.split("\n")
        value = json.loads(line.removeprefix("data: "))
        assert name == f"event: {value['type']}"
        EVENTS.validate_python(value)
    return data


def sdk(data: bytes, kind: str) -> anthropic.Anthropic:
    """The vendor's client, whose transport answers with `data`."""

    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": kind}, content=data)

    client = httpx2.Client(transport=httpx2.MockTransport(answer))
    return anthropic.Anthropic(api_key="k", base_url="http://127.0.0.1", http_client=client, max_retries=0)


def through_sdk(response: Response, *, stream: bool, **options: Any) -> dict[str, Any]:
    """What the vendor's SDK hands to its caller."""
    arguments: Any = CALL
    if not stream:
        data = CODEC.encode_response(response, id="msg_1", created=1, **options)
        with sdk(data, "application/json") as client:
            return client.messages.create(**arguments).model_dump(exclude_none=True)
    data = stream_of(explode(response), response, **options)
    with sdk(data, "text/event-stream") as client, client.messages.stream(**arguments) as answer:
        message = answer.get_final_message().model_dump(exclude_none=True)
    for block in message["content"]:
        block.pop("parsed_output", None)
    return message


def test_the_whole_body() -> None:
    """Every part in its block; the handle as the signature of a last, empty thought; the uncached input apart."""
    assert body_of(ANSWER) == {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-x",
        "content": [
            {"type": "text", "text": "a "},
            {"type": "tool_use", "id": "toolu_1", "name": "find", "input": {"a": "ü"}},
            {"type": "text", "text": "b"},
            {"type": "tool_use", "id": "toolu_2", "name": "find", "input": {}},
            {"type": "thinking", "thinking": "", "signature": "psf1.mark.sealed"},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 15,
            "cache_read_input_tokens": 20,
            "output_tokens": 7,
            "output_tokens_details": {"thinking_tokens": 3},
        },
    }
    shown = body_of(ANSWER, reasoning=True)["content"]
    assert [block["thinking"] for block in shown if block["type"] == "thinking"] == ["I think", "more", ""]


@pytest.mark.parametrize("reasoning", [True, False])
def test_the_sdk_reads_both_alike(reasoning: bool) -> None:
    """The vendor's SDK makes the same message of the stream as of the body."""
    whole = through_sdk(ANSWER, stream=False, reasoning=reasoning)
    assert through_sdk(ANSWER, stream=True, reasoning=reasoning) == whole
    assert [block["input"] for block in whole["content"] if block["type"] == "tool_use"] == [{"a": "ü"}, {}]
    assert whole["usage"]["cache_read_input_tokens"] == 20


STOPS: list[tuple[FinishReason, str]] = [
    ("stop", "end_turn"),
    ("length", "max_tokens"),
    ("tool_calls", "tool_use"),
    ("content_filter", "refusal"),
    ("refusal", "refusal"),
    ("other", "end_turn"),
]


@pytest.mark.parametrize(("finish", "stop"), STOPS)
def test_every_finish_reason_has_a_word(finish: FinishReason, stop: str) -> None:
    """Ours in the vendor's, streamed or not; an empty answer is one, too."""
    head = Response((), finish)
    assert body_of(head)["stop_reason"] == stop
    assert through_sdk(head, stream=True)["stop_reason"] == stop


@pytest.mark.parametrize("stream", [True, False])
def test_arguments_that_are_no_object_are_wrapped(stream: bool) -> None:
    """The dialect has no other place for them, and a client must not fail on the whole answer."""
    answer = Response((ToolCall("c", "f", '{"a": '),), "tool_calls")
    assert through_sdk(answer, stream=stream)["content"][0]["input"] == {"INVALID_JSON": '{"a": '}


def test_pieces_of_calls_that_alternate() -> None:
    """Each call gets its own arguments, whatever comes between its pieces."""
    chunks: list[Chunk] = [
        ToolCallDelta(0, "c0", "f", '{"a"'),
        ToolCallDelta(1, "c1", "g", "{"),
        TextDelta("between"),
        ToolCallDelta(0, arguments=":1}"),
        ToolCallDelta(1, arguments="}"),
    ]
    head = Response(finish="tool_calls", model="claude-x")
    got = decoded(stream_of(chunks, head), stream=True)
    assert [(call.name, call.arguments) for call in got.tool_calls] == [("f", {"a": 1}), ("g", {})]
    assert got.text == "between"


def test_pieces_of_one_text_are_one_block() -> None:
    """A block is opened once and closed once, however many pieces it has."""
    data = stream_of([TextDelta("a"), TextDelta("b"), ReasoningDelta("hidden"), TextDelta("c")], Response())
    counts = [data.count(b"event: content_block_" + word) for word in (b"start", b"delta", b"stop")]
    assert counts == [1, 3, 1]


def test_the_encoder_looks_at_the_end_only_at_the_end() -> None:
    """Finish, usage and handle may be known late: what is written before does not depend on them."""
    early, late = StreamEncoder(Response(model="x"), id="i"), StreamEncoder(ANSWER.replace(model="x"), id="i")
    assert early.start() == late.start()
    assert early.chunk(TextDelta("a")) == late.chunk(TextDelta("a"))
    assert early.end(ANSWER) == late.end(ANSWER)
    assert early.chunk(ReasoningDelta("not shown")) == b""


words = st.text(min_size=1, max_size=12)
pieces = st.one_of(
    words.map(TextDelta),
    words.map(ReasoningDelta),
    st.builds(ToolCallDelta, st.just(0), st.just("c0"), st.just("f"), st.just("")),
    st.builds(ToolCallDelta, st.just(1), st.just("c1"), st.just("g"), st.just("")),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(pieces, max_size=12), st.integers(1, 40), st.booleans())
def test_stream_and_body_decode_to_the_same(chunks: list[Chunk], size: int, reasoning: bool) -> None:
    """Whatever the parts: our own decoder makes the same of the stream, cut anywhere, as of the body."""
    whole = accumulate(chunks, Response(usage=Usage(9, 8, 4, 2, reported=True), model="m", handle="h"))
    streamed = decoded_with(stream_of(chunks, whole, reasoning=reasoning), stream=True, size=size)
    body = CODEC.encode_response(whole, id="msg_1", created=1, reasoning=reasoning)
    assert streamed == decoded_with(body, stream=False)
    assert streamed[0].usage == whole.usage
    assert [type(part) for part in streamed[0].parts].count(ToolCall) == len(whole.tool_calls)
    assert streamed[0].text == whole.text
