"""Answers as clients of Responses expect them: the vendor's exact shapes, and the inverse of the decoder."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.responses import Response as VendorResponse
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from psf_runtime.providers.responses import OpenAIResponses, StreamEncoder
from psf_runtime.types.chunks import TextDelta, ToolCallDelta
from psf_runtime.types.messages import Message, Reasoning, Text, ToolCall
from psf_runtime.types.response import Response, explode, normal
from psf_runtime.types.response_head import NO_USAGE, Usage
from tests.unit.providers.responses.responses_events import decoded

CODEC = OpenAIResponses(model="m", target="t")
EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
ANSWER = Response(
    (Reasoning("hm"), Text("well"), ToolCall("c1", "find", '{"a":1}')),
    finish="tool_calls",
    usage=Usage(5, 7, 2, 3, reported=True),
    model="gpt-5",
    provider="t",
    raw={"secret": "x"},
)


def events(response: Response, **options: Any) -> list[dict[str, Any]]:
    """The events of a stream, each accepted by the vendor's own types."""
    data = b"".join(CODEC.encode_stream(explode(response), response, id="resp_9", created=1, **options))
    found = []
    for block in data.removesuffix(b"\n\n").split(b"\n\n"):
        name, _, line = block.partition(b"\n")
        value = json.loads(line.removeprefix(b"data: "))
        assert name == b"event: " + value["type"].encode()
        EVENT.validate_python(value, strict=False)
        found.append(value)
    return found


def body(response: Response, **options: Any) -> dict[str, Any]:
    """The whole answer, accepted by the vendor's own type."""
    data = CODEC.encode_response(response, id="resp_9", created=1, **options)
    VendorResponse.model_validate_json(data)
    value: dict[str, Any] = json.loads(data)
    return value


def test_the_shape_of_an_answer() -> None:
    """Exactly the vendor's fields; reasoning only when asked for; nothing of `raw`."""
    found = body(ANSWER)
    assert found["output"] == [
        {
            "id": "msg_9_0",
            "type": "message",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "well", "annotations": [], "logprobs": []}],
        },
        {
            "id": "fc_9_1",
            "type": "function_call",
            "status": "completed",
            "call_id": "c1",
            "name": "find",
            "arguments": '{"a":1}',
        },
    ]
    assert (found["id"], found["model"], found["status"], found["created_at"]) == ("resp_9", "gpt-5", "completed", 1)
    assert found["usage"] == {
        "input_tokens": 5,
        "input_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 0},
        "output_tokens": 7,
        "output_tokens_details": {"reasoning_tokens": 3},
        "total_tokens": 12,
    }
    shown = body(ANSWER, reasoning=True)["output"][0]
    assert shown == {"id": "rs_9_0", "type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}
    assert "secret" not in json.dumps(found)
    assert body(Response(usage=NO_USAGE))["usage"] is None


def test_the_sequence_of_a_stream() -> None:
    """The vendor's events in the vendor's order, numbered without a gap."""
    found = events(ANSWER, reasoning=True)
    assert [event["sequence_number"] for event in found] == list(range(len(found)))
    assert [event["type"].removeprefix("response.") for event in found] == [
        "created",
        "in_progress",
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
        "completed",
    ]
    assert found[-1]["response"] == body(ANSWER, reasoning=True)


@pytest.mark.parametrize(("finish", "reason"), [("length", "max_output_tokens"), ("content_filter", "content_filter")])
def test_a_cut_answer_is_incomplete(finish: Any, reason: str) -> None:
    """The client sees why, on the answer and on the item that was cut."""
    cut = Response((Text("Dear"),), finish=finish, model="m")
    found = body(cut)
    assert (found["status"], found["incomplete_details"]) == ("incomplete", {"reason": reason})
    assert found["output"][0]["status"] == "incomplete"
    assert events(cut)[-1]["type"] == "response.incomplete"


def test_a_refusal_is_said_in_our_words() -> None:
    """The model's own are on no screened channel."""
    refused = Response((Text("Well. "),), finish="refusal", model="m")
    content = [item["content"] for item in body(refused)["output"]]
    assert content[1] == [{"type": "refusal", "refusal": "The model declined to answer."}]
    assert [event["type"] for event in events(refused)][-6:-4] == [
        "response.content_part.added",
        "response.refusal.delta",
    ]


def test_a_handle_goes_out_and_comes_back() -> None:
    """It stands where clients keep what is encrypted, so it comes back with the next turn of any of them."""
    signed = ANSWER.replace(handle="psf1.abc")
    output = body(signed)["output"]
    assert output[-1] == {"id": "rs_9_2", "type": "reasoning", "summary": [], "encrypted_content": "psf1.abc"}
    assert events(signed)[-1]["response"]["output"] == output
    again = CODEC.decode_request(json.dumps({"model": "m", "input": output}).encode())
    assert again.messages == (
        Message("assistant", (Text("well"), ToolCall("c1", "find", '{"a":1}'), Reasoning("", "psf1.abc"))),
    )


def test_parallel_calls_may_grow_in_turns() -> None:
    """Each piece names its item; the items are closed at the end."""
    encoder = StreamEncoder(Response(model="m"), id="r", created=1)
    data = encoder.start()
    for chunk in (
        ToolCallDelta(0, "c0", "find", '{"a"'),
        ToolCallDelta(1, "c1", "find", '{"b"'),
        TextDelta("and"),
        ToolCallDelta(0, arguments=":1}"),
        ToolCallDelta(1, arguments=":2}"),
    ):
        data += encoder.chunk(chunk)
    data += encoder.end(Response(model="m", finish="tool_calls"))
    found = decoded(data, stream=True)
    assert [call.args for call in found.tool_calls] == ['{"a":1}', '{"b":2}']
    assert found.text == "and"


PARTS = st.lists(
    st.one_of(
        st.builds(Text, st.text(min_size=1, max_size=6)),
        st.builds(Reasoning, st.text(min_size=1, max_size=6)),
        st.builds(ToolCall, st.from_regex(r"call_[a-z]{8}", fullmatch=True), st.just("find"), st.text(max_size=6)),
    ),
    max_size=5,
    unique_by=lambda part: getattr(part, "id", id(part)),
)
FINISH = st.sampled_from(["stop", "length", "content_filter"])


@given(parts=PARTS, finish=FINISH, handle=st.sampled_from(["", "psf1.abc"]))
@settings(max_examples=80, deadline=None)
def test_what_is_written_is_read_as_the_same(parts: Any, finish: Any, handle: str) -> None:
    """Streamed or whole, the decoder gives back what went in; the last event holds the body."""
    answer = normal(Response(tuple(parts), finish=finish, usage=Usage(1, 2, reported=True), model="m", handle=handle))
    found = events(answer, reasoning=True)
    whole = CODEC.encode_response(answer, id="resp_9", created=1, reasoning=True)
    assert found[-1]["response"] == json.loads(whole)
    data = b"".join(CODEC.encode_stream(explode(answer), answer, id="resp_9", created=1, reasoning=True))
    for read in (decoded(data, stream=True, size=11), decoded(whole, stream=False)):
        assert read.parts == answer.parts
        assert read.finish == ("tool_calls" if finish == "stop" and answer.tool_calls else finish)
        assert read.usage == answer.usage
