"""Answers as servers really send them, right and wrong."""

from __future__ import annotations

import json
import traceback
from typing import Any

import pytest

from psf_runtime.errors import ProviderError, StreamInterrupted
from psf_runtime.providers.base import Bounds
from psf_runtime.providers.openai import OpenAIChat
from psf_runtime.types.chunks import Chunk
from psf_runtime.types.messages import Reasoning, Text, ToolCall
from psf_runtime.types.response import Response, accumulate
from psf_runtime.types.response_head import Usage

CODEC = OpenAIChat(model="m", target="t")
DONE = "[DONE]"


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    choice: dict[str, Any] = {"index": 0, "delta": {} if delta is None else delta, "finish_reason": finish}
    return {"id": "chatcmpl-abc12345", "object": "chat.completion.chunk", "model": "m", "choices": [choice], **more}


def stream(*events: Any, codec: OpenAIChat = CODEC) -> Response:
    """The answer that these events make: JSON values, or raw text."""
    data = b"".join(f"data: {event if isinstance(event, str) else json.dumps(event)}\n\n".encode() for event in events)
    return decode(data, codec, stream=True)


def decode(data: bytes, codec: OpenAIChat = CODEC, *, stream: bool) -> Response:
    decoder = codec.decoder(stream=stream)
    chunks: list[Chunk] = [*decoder.feed(data), *decoder.end()]
    return accumulate(chunks, decoder.head())


def body(message: Any, finish: Any = "stop", **more: Any) -> Response:
    value = {"id": "chatcmpl-abc12345", "choices": [{"index": 0, "message": message, "finish_reason": finish}], **more}
    return decode(json.dumps(value).encode(), stream=False)


def call(index: Any = None, id: Any = None, name: Any = None, arguments: Any = None) -> dict[str, Any]:  # noqa: A002
    function = {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}
    piece = {"index": index, "id": id, "function": function}
    return {"tool_calls": [{key: value for key, value in piece.items() if value is not None}]}


A, B = ToolCall("a", "one", '{"x":1}'), ToolCall("b", "two", "{}")
LAYOUTS: dict[str, list[dict[str, Any]]] = {
    "by the book": [
        call(0, "a", "one", ""),
        call(0, arguments='{"x"'),
        call(1, "b", "two", ""),
        call(0, arguments=":1}"),
        call(1, arguments="{}"),
    ],
    "no index, whole calls": [call(id="a", name="one", arguments='{"x":1}'), call(id="b", name="two", arguments="{}")],
    "no index, pieces": [
        call(id="a", name="one"),
        call(arguments='{"x":1}'),
        call(id="b", name="two"),
        call(arguments="{}"),
    ],
    "all index 0, different ids": [
        call(0, "a", "one", '{"x"'),
        call(0, arguments=":1}"),
        call(0, "b", "two", "{}"),
    ],
    "arguments as an object": [call(0, "a", "one", {"x": 1}), call(1, "b", "two", {})],
    "id and name repeated": [
        call(0, "a", "one", '{"x"'),
        call(0, "a", "one", ":1}"),
        call(1, "b", "two", "{"),
        call(1, "b", "two", "}"),
    ],
    "id repeated, no index": [
        call(id="a", name="one", arguments='{"x"'),
        call(id="b", name="two", arguments="{"),
        call(id="a", arguments=":1}"),
        call(id="b", arguments="}"),
    ],
    "counted from 1": [call(1, "a", "one", '{"x":1}'), call(2, "b", "two", "{}")],
    "a new id with every piece": [
        call(0, "a", "one", '{"x"'),
        call(0, "other", arguments=":1}"),
        call(1, "b", "two", "{}"),
    ],
    "two in one event": [
        {"tool_calls": [*call(0, "a", "one", '{"x":1}')["tool_calls"], *call(1, "b", "two", "{}")["tool_calls"]]}
    ],
}


@pytest.mark.parametrize("layout", sorted(LAYOUTS))
def test_tool_calls_in_every_layout(layout: str) -> None:
    """However a server cuts, numbers and repeats its tool calls, they come out the same."""
    for finish in ("tool_calls", "stop"):
        response = stream(*(chunk(delta) for delta in LAYOUTS[layout]), chunk(finish=finish), DONE)
        assert response.parts == (A, B)
        assert response.finish == "tool_calls"


def test_tool_calls_without_ids_get_some() -> None:
    """Missing and odd ids are made up from the answer's id: usable, different from turn to turn."""
    response = stream(chunk(call(0, name="one")), chunk(call(1, "two words", "two")), chunk(finish="stop"), DONE)
    assert [found.id for found in response.tool_calls] == ["call_0_abc12345", "call_1_abc12345"]


def test_legacy_function_call() -> None:
    """The old field is a tool call when it stands alone, and dropped beside the new one."""
    legacy = [
        chunk({"function_call": {"name": "one", "arguments": '{"x"'}}),
        chunk({"function_call": {"arguments": ":1}"}}),
    ]
    response = stream(*legacy, chunk(finish="function_call"), DONE)
    assert [(found.name, found.args) for found in response.tool_calls] == [("one", '{"x":1}')]
    assert response.finish == "tool_calls"
    both = body({**call(0, "a", "one", '{"x":1}'), "function_call": {"name": "one", "arguments": "{}"}})
    assert both.parts == (A,)
    assert both.raw["dropped"] == {"function_call": 1}


FINISHES = {
    "stop": "stop",
    "length": "length",
    "content_filter": "content_filter",
    "eos": "stop",
    "model_length": "length",
    "max_tokens": "length",
    "something new": "other",
}


@pytest.mark.parametrize("finish", sorted(FINISHES))
def test_finish_reasons(finish: str) -> None:
    """Every vendor's word becomes one of the closed set."""
    assert stream(chunk({"content": "x"}), chunk(finish=finish), DONE).finish == FINISHES[finish]
    assert body({"content": "x"}, finish).finish == FINISHES[finish]


def test_finish_missing() -> None:
    """An empty or missing finish reason is no end; `[DONE]` is one, and so is a finish reason without `[DONE]`."""
    assert stream(chunk({"content": "x"}, ""), DONE).finish == "stop"
    assert stream(chunk({"content": "x"}), chunk(finish="length")).finish == "length"
    without_key = {"choices": [{"delta": {"content": "x"}}]}
    assert stream(without_key, DONE).text == "x"
    with pytest.raises(StreamInterrupted) as caught:
        stream(chunk({"content": "x"}, ""))
    assert (caught.value.kind, caught.value.target) == ("stream_interrupted", "t")


def test_nothing_after_done() -> None:
    """What comes after the end mark is not looked at."""
    assert stream(chunk({"content": "x"}, "stop"), DONE, chunk({"content": "y"})).text == "x"


def test_a_refusal_is_a_finish_and_no_text() -> None:
    """What the model says when it declines never becomes text, in all its forms."""
    streamed = stream(chunk({"refusal": "I must "}), chunk({"refusal": "not"}), chunk(finish="stop"), DONE)
    whole = body({"content": None, "refusal": "I must not"})
    listed = body({"content": [{"type": "refusal", "refusal": "I must not"}]})
    for response in (streamed, whole, listed):
        assert response.finish == "refusal"
        assert response.parts == ()
        assert "must" not in str(response.raw)
    assert body({"content": "yes", "refusal": None}).finish == "stop"


def test_reasoning_in_both_spellings() -> None:
    """reasoning_content and reasoning are one channel; a server that sends both says it once."""
    for delta in ({"reasoning_content": "hm"}, {"reasoning": "hm"}, {"reasoning": "hm", "reasoning_content": "hm"}):
        response = stream(chunk({"role": "assistant", "content": "", **delta}), chunk({"content": "a"}, "stop"), DONE)
        assert response.parts == (Reasoning("hm"), Text("a"))
    assert body({"content": "a", "reasoning": {"text": "hm"}}).raw["dropped"] == {"reasoning": 1}


def test_content_as_a_list() -> None:
    """Text, thinking in both forms, and what is neither."""
    content = [
        {"type": "thinking", "thinking": [{"type": "text", "text": "h"}]},
        {"type": "thinking", "thinking": "m"},
        {"type": "text", "text": "a"},
        {"type": "text", "text": ""},
        {"type": "reference", "reference_ids": [1]},
        "loose",
    ]
    for response in (stream(chunk({"content": content}), chunk(finish="stop"), DONE), body({"content": content})):
        assert response.parts == (Reasoning("hm"), Text("a"))
        assert response.raw["dropped"] == {"content_part": 2}


def test_usage_wherever_it_comes() -> None:
    """On its own chunk, on the finish chunk, with details or without, or never; nonsense counts as nothing."""
    usage = {
        "prompt_tokens": 5,
        "completion_tokens": 7,
        "prompt_tokens_details": {"cached_tokens": 2},
        "completion_tokens_details": {"reasoning_tokens": 3},
    }
    text = chunk({"content": "x"})
    own = stream(text, chunk(finish="stop"), {"choices": [], "usage": usage}, DONE)
    with_finish = stream(text, chunk(finish="stop", usage=usage))
    null_first = stream({**text, "usage": None}, chunk(finish="stop", usage=usage), DONE)
    assert own.usage == with_finish.usage == null_first.usage == Usage(5, 7, 2, 3, reported=True)
    assert not stream(text, chunk(finish="stop"), DONE).usage.reported
    odd = {
        "prompt_tokens": -1,
        "completion_tokens": "7",
        "prompt_cache_hit_tokens": 4,
        "completion_tokens_details": None,
    }
    assert body({"content": "x"}, usage=odd).usage == Usage(0, 0, 4, 0, reported=True)
    assert not body({"content": "x"}, usage=[1]).usage.reported
    assert body({"content": "x"}, usage={"prompt_tokens": True}).usage.input_tokens == 0


def test_what_the_answer_says_about_itself() -> None:
    """Names, ids and timing of a known shape are kept; a sentence in their place is not, and the rest is counted."""
    response = body(
        {"role": "assistant", "content": "x", "annotations": [{"url": "u"}], "note": "n", "audio": None},
        model="m-1",
        system_fingerprint="fp_1",
        created=12,
        service_tier="a sentence",
        timings={"prompt_ms": 1.5, "note": "text"},
        citations=["u"],
        **{"odd key": "x"},
    )
    assert (response.model, response.model_version, response.provider) == ("m-1", "fp_1", "t")
    assert response.raw == {
        "id": "chatcmpl-abc12345",
        "created": 12,
        "timings": {"prompt_ms": 1.5},
        "finish_reason": "stop",
        "dropped": {"annotations": 1, "message_field": 1, "citations": 1, "unknown": 1},
    }


def nested(depth: int) -> str:
    return '{"a":' * depth + "1" + "}" * depth


SMALL = OpenAIChat(model="m", target="t", bounds=Bounds(event_bytes=4_000, answer_bytes=8_000, tool_calls=3, depth=20))
WRONG: dict[str, list[Any]] = {
    "no JSON": ["{CANARY"],
    "deep JSON": ["[" * 3_000],
    "a list": [["CANARY"]],
    "text": ['"CANARY"'],
    "no choices": [{"CANARY": 1}],
    "choices of another kind": [{"choices": {"CANARY": 1}}],
    "a choice of another kind": [{"choices": ["CANARY"]}],
    "a delta of another kind": [{"choices": [{"delta": "CANARY"}]}],
    "content of another kind": [chunk({"content": 5})],
    "tool calls of another kind": [chunk({"tool_calls": {"CANARY": 1}})],
    "a tool call of another kind": [chunk({"tool_calls": ["CANARY"]})],
    "arguments of another kind": [chunk(call(0, "a", "one", ["CANARY"]))],
    "a name that is none": [chunk(call(0, "a", "CANARY is my name"))],
    "no name at all": [chunk(call(0, "a", None, "{}")), chunk(finish="stop"), DONE],
    "an index out of range": [chunk(call(10**9, "a", "one", "{}"))],
    "a negative index": [chunk(call(-1, "a", "one", "{}"))],
    "an index that is none": [chunk(call("CANARY", "a", "one", "{}"))],
    "too many tool calls": [chunk(call(number, f"id{number}", "one", "{}")) for number in range(4)],
    "arguments nested too deep": [chunk(call(0, "a", "one", nested(21))), chunk(finish="stop"), DONE],
    "a second choice": [{"choices": [{"index": 1, "delta": {"content": "CANARY"}}]}],
    "an event too large": [chunk({"content": "CANARY" * 1000})],
    "an answer too large": [chunk({"content": "CANARY" * 200})] * 10,
    "an empty stream": [],
    "only an end mark": [DONE],
    "only blanks": [""],
}


@pytest.mark.parametrize("fault", sorted(WRONG))
def test_faults_are_typed_and_clean(fault: str) -> None:
    """Whatever is wrong is a ProviderError of kind bad_response, with no text of the answer in it or in its frames."""
    with pytest.raises(ProviderError) as caught:
        stream(*WRONG[fault], codec=SMALL)
    error = caught.value
    expected = "stream_interrupted" if fault == "only an end mark" else "bad_response"
    assert (error.kind, error.target) == (expected, "t")
    assert error.__cause__ is None
    assert error.__context__ is None
    summary = traceback.TracebackException.from_exception(error, capture_locals=True)
    library = [frame for frame in summary.stack if "psf_runtime" in frame.filename]
    assert library
    assert not [frame for frame in library if "CANARY" in str(frame.locals)]


def test_depth_counts_brackets_outside_of_strings() -> None:
    """Brackets in a text are no nesting, and wide is not deep."""
    wide = json.dumps({"a": [{}] * 300, "b": "[{" * 300 + '"'})
    response = stream(chunk(call(0, "a", "one", wide)), chunk(finish="stop"), DONE, codec=SMALL)
    assert response.tool_calls[0].args == wide


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": "server_error", "message": "CANARY"}, "server_error"),
        ({"code": 429, "message": "CANARY"}, "rate_limited"),
        ({"type": "insufficient_quota"}, "quota_exhausted"),
        ("CANARY", "server_error"),
    ],
)
def test_an_error_object_inside_a_200(error: Any, kind: str) -> None:
    """An error in the middle of a stream, or as the body, is the error it stands for."""
    for read in (
        lambda: stream(chunk({"content": "x"}), {"error": error}),
        lambda: decode(json.dumps({"error": error}).encode(), stream=False),
    ):
        with pytest.raises(ProviderError) as caught:
            read()
        assert caught.value.kind == kind
        assert "CANARY" not in str(caught.value)


def test_an_event_named_error() -> None:
    """A server that names its event `error` means one, whatever the object looks like."""
    with pytest.raises(ProviderError) as caught:
        decode(b'event: error\ndata: {"code":"overloaded_error"}\n\n', stream=True)
    assert caught.value.kind == "overloaded"


def test_a_finish_reason_of_error() -> None:
    """Some servers end with the reason `error`: then there is no answer."""
    with pytest.raises(ProviderError) as caught:
        stream(chunk({"content": "x"}), chunk(finish="error"), DONE)
    assert caught.value.kind == "server_error"


@pytest.mark.parametrize(
    "data", [b"", b"CANARY", b"[]", b"{}", b'{"choices":[]}', b'{"choices":null,"usage":{}}', b"null"]
)
def test_bodies_that_are_no_answer(data: bytes) -> None:
    """A body without a choice is a typed error."""
    with pytest.raises(ProviderError) as caught:
        decode(data, stream=False)
    assert caught.value.kind == "bad_response"


def test_a_body_is_bounded() -> None:
    """A body that is too large is refused while it comes, not after."""
    decoder = SMALL.decoder(stream=False)
    assert decoder.feed(b"x" * 8_000) == []
    with pytest.raises(ProviderError, match="too large"):
        decoder.feed(b"x")


def test_chunks_with_empty_choices_are_nothing() -> None:
    """Heartbeats and filter reports without choices bring no chunk and do no harm."""
    report = {"choices": [], "prompt_filter_results": [{"text": "x"}], "id": ""}
    response = stream(report, chunk({"content": "x"}), chunk(finish="stop"), DONE)
    assert response.text == "x"
