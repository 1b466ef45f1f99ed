"""Requests as Responses calls: what leaves, in the vendor's shapes, and what never does."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai.types.responses.response_create_params import (
    ResponseCreateParamsNonStreaming,
    ResponseCreateParamsStreaming,
)
from pydantic import TypeAdapter

from psf_runtime.errors import ConfigError
from psf_runtime.providers.dialect.carrying import Carrying
from psf_runtime.providers.responses import COMPATIBLE, LOCAL, OPENAI, OpenAIResponses
from psf_runtime.types.media import File, Image
from psf_runtime.types.messages import Message, Reasoning, Text, ToolCall, ToolResult, untrusted
from psf_runtime.types.request import Limits, OutputSchema, Request, Tool

CODEC = OpenAIResponses(model="gpt-5", target="t")
WHOLE: TypeAdapter[Any] = TypeAdapter(ResponseCreateParamsNonStreaming)
STREAMED: TypeAdapter[Any] = TypeAdapter(ResponseCreateParamsStreaming)
CITY = {"type": "object", "properties": {"city": {"type": "string"}}}
PIXEL = b"\x89PNG"


def sent(request: Request, *, codec: OpenAIResponses = CODEC, stream: bool = False) -> dict[str, Any]:
    """The body that leaves, which the vendor's own types accept."""
    body: dict[str, Any] = json.loads(codec.encode(request, stream=stream).body)
    named = json.loads(json.dumps(body))
    for item in named["input"]:
        if item["type"] == "reasoning":
            # The types ask for an id here; the vendor takes what it encrypted without one, but not with another one.
            item.setdefault("id", "rs_1")
    (STREAMED if stream else WHOLE).validate_python(named, strict=False)
    return body


def asked(*parts: Any, **changes: Any) -> Request:
    return Request((Message.user(*parts),), **changes)


def test_the_call() -> None:
    """Method, path below the base URL, and headers; the stream is asked for in the body."""
    whole, streamed = CODEC.encode(asked("hi"), stream=False), CODEC.encode(asked("hi"), stream=True)
    assert (whole.method, whole.path) == ("POST", "/responses")
    assert whole.headers == (("content-type", "application/json"), ("accept", "application/json"))
    assert streamed.headers[1] == ("accept", "text/event-stream")
    assert "stream" not in sent(asked("hi"))
    assert sent(asked("hi"), stream=True)["stream"] is True


@pytest.mark.parametrize("differences", [OPENAI, COMPATIBLE, LOCAL], ids=["vendor", "compatible", "local"])
def test_nothing_is_stored(differences: Any) -> None:
    """Every request says so, whatever else it says; and none refers to anything stored."""
    body = sent(asked("hi"), codec=OpenAIResponses(model="m", differences=differences))
    assert body["store"] is False
    assert body.keys() <= {"model", "input", "store", "include"}


SIGNING = [
    ("gpt-5", OPENAI, True),
    ("o4-mini", OPENAI, True),
    ("a-model-of-next-year", OPENAI, True),
    ("gpt-4o-2024-08-06", OPENAI, False),
    ("ft:gpt-4.1:acme::x", OPENAI, False),
    ("gpt-5-chat-latest", OPENAI, False),
    ("gpt-5", COMPATIBLE, False),
    ("echo", LOCAL, False),
]


@pytest.mark.parametrize(("model", "differences", "signed"), SIGNING)
def test_signed_reasoning_is_asked_for_where_it_is_known(model: str, differences: Any, signed: bool) -> None:
    """Of the vendor's models that reason: the others, and other servers, refuse the wish or do not know it."""
    body = sent(asked("hi"), codec=OpenAIResponses(model=model, differences=differences))
    assert body.get("include") == (["reasoning.encrypted_content"] if signed else None)


def test_a_conversation() -> None:
    """Roles, texts, tool calls and results in order; no item has an id."""
    request = Request(
        (
            Message.system("Be brief."),
            Message.user("Compare:", untrusted("a mail", source="mail")),
            Message(
                "assistant", (Text("One moment."), ToolCall("c1", "find", '{"a":1}'), ToolCall("c2", "find", "{}"))
            ),
            Message("tool", (ToolResult("c1", "x"), ToolResult("c2", "y"))),
            Message.assistant("Done."),
            Message.system("Now in French."),
        )
    )
    assert sent(request)["input"] == [
        {"type": "message", "role": "system", "content": "Be brief."},
        {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": "Compare:"}, {"type": "input_text", "text": "a mail"}],
        },
        {"type": "message", "role": "assistant", "content": "One moment."},
        {"type": "function_call", "call_id": "c1", "name": "find", "arguments": '{"a":1}'},
        {"type": "function_call", "call_id": "c2", "name": "find", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c1", "output": "x"},
        {"type": "function_call_output", "call_id": "c2", "output": "y"},
        {"type": "message", "role": "assistant", "content": "Done."},
        {"type": "message", "role": "system", "content": "Now in French."},
    ]


def test_text_after_a_tool_call_stays_after_it() -> None:
    """An item of its own, in its place."""
    parts = (Text("before"), ToolCall("c", "find", "{}"), Text("after"), Text("wards"))
    assert sent(Request((Message("assistant", parts),)))["input"] == [
        {"type": "message", "role": "assistant", "content": "before"},
        {"type": "function_call", "call_id": "c", "name": "find", "arguments": "{}"},
        {"type": "message", "role": "assistant", "content": "afterwards"},
    ]


def test_signed_reasoning_goes_back_where_it_stood() -> None:
    """Word for word, without an id; what the application reads as reasoning is not sent."""
    first = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "sig-1"}
    second = {"type": "reasoning", "summary": [], "encrypted_content": "sig-2"}
    carrying = Carrying()
    carrying.add(0, first)
    carrying.add(1, second)
    parts = (
        Reasoning("", carrying.dump().decode()),
        Reasoning("readable"),
        Text("one "),
        Reasoning("readable"),
        Text("two"),
        ToolCall("c1", "find", "{}"),
    )
    assert sent(Request((Message("assistant", parts),)))["input"] == [
        first,
        {"type": "message", "role": "assistant", "content": "one two"},
        second,
        {"type": "function_call", "call_id": "c1", "name": "find", "arguments": "{}"},
    ]


def test_pictures_and_documents() -> None:
    """As data URLs; by address only where the part has nothing else."""
    parts = (
        Image(PIXEL, detail="low"),
        Image("https://x.example/a.png"),
        File(b"%PDF", name="a.pdf", media_type="application/pdf"),
        File("https://x.example/b.pdf"),
        File("data:application/pdf;base64,JVBERg==", name="c.pdf"),
    )
    assert sent(asked(*parts))["input"][0]["content"] == [
        {"type": "input_image", "image_url": "data:image/png;base64,iVBORw==", "detail": "low"},
        {"type": "input_image", "image_url": "https://x.example/a.png", "detail": "auto"},
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERg=="},
        {"type": "input_file", "file_url": "https://x.example/b.pdf"},
        {"type": "input_file", "filename": "c.pdf", "file_data": "data:application/pdf;base64,JVBERg=="},
    ]


def test_tools_and_their_choice() -> None:
    """Flat functions, never strict by silence: the vendor would change the schema."""
    request = asked("hi", tools=(Tool("find", "Finds.", CITY), Tool("stop")), tool_choice="find")
    body = sent(request)
    assert body["tools"] == [
        {"type": "function", "name": "find", "description": "Finds.", "parameters": CITY, "strict": False},
        {"type": "function", "name": "stop", "parameters": {"type": "object", "properties": {}}, "strict": False},
    ]
    assert body["tool_choice"] == {"type": "function", "name": "find"}
    assert sent(request.replace(tool_choice="required"))["tool_choice"] == "required"
    assert "tool_choice" not in sent(asked("hi", tool_choice="required"))


def test_limits_and_output() -> None:
    """Each under this dialect's own name, and none that was not asked for."""
    limits = Limits(max_tokens=9, temperature=0.5, top_p=0.9, reasoning_effort="low")
    body = sent(asked("hi", limits=limits, output=OutputSchema("person", CITY)))
    assert body["text"] == {"format": {"type": "json_schema", "name": "person", "schema": CITY, "strict": True}}
    assert body["reasoning"] == {"effort": "low"}
    assert (body["max_output_tokens"], body["temperature"], body["top_p"]) == (9, 0.5, 0.9)


@pytest.mark.parametrize("limits", [Limits(stop=("x",)), Limits(seed=0)])
def test_what_the_dialect_does_not_have_is_an_error(limits: Limits) -> None:
    """A wish is refused with its name and the remedy; it is never left out in silence."""
    name = "stop" if limits.stop else "seed"
    with pytest.raises(ConfigError, match=f"'{name}' has no place on this wire") as caught:
        CODEC.encode(asked("hi", limits=limits), stream=False)
    assert "chat completions" in str(caught.value)


def test_declared_extra_fields_have_their_places() -> None:
    """Beside what stands there already; those of another provider stay behind."""
    extra = {"parallel_tool_calls": False, "service_tier": "flex", "verbosity": "low", "reasoning_summary": "auto"}
    request = asked(
        "hi",
        limits=Limits(reasoning_effort="low"),
        output=OutputSchema("person", CITY),
        extra={"openai-responses": extra, "openai": {"logit_bias": {"1": 2}}},
    )
    body = sent(request)
    assert body["reasoning"] == {"effort": "low", "summary": "auto"}
    assert (body["text"]["verbosity"], body["text"]["format"]["name"]) == ("low", "person")
    assert (body["parallel_tool_calls"], body["service_tier"]) == (False, "flex")
    assert "logit_bias" not in body
    assert "text" in sent(asked("hi", extra={"openai-responses": {"verbosity": "low"}}))


FORBIDDEN = [
    "background",
    "conversation",
    "include",
    "metadata",
    "previous_response_id",
    "prompt",
    "prompt_cache_key",
    "safety_identifier",
    "store",
    "tools",
    "truncation",
    "user",
]


@pytest.mark.parametrize("name", FORBIDDEN)
def test_no_extra_field_leads_to_stored_state(name: str) -> None:
    """None of them is declared, so none leaves."""
    with pytest.raises(ConfigError, match=f"'{name}' is not declared for 'openai-responses'"):
        CODEC.encode(asked("hi", extra={"openai-responses": {name: "x"}}), stream=False)


MISPLACED = [
    Message("system", (Image(PIXEL),)),
    Message("assistant", (File(b"x"),)),
    Message("tool", (Text("x"),)),
    Message("user", (ToolCall("c", "find", "{}"),)),
    Message("user", (Text("x"),), name="eve"),
]


@pytest.mark.parametrize("message", MISPLACED, ids=range(len(MISPLACED)))
def test_what_has_no_place_is_an_error(message: Message) -> None:
    """A part or a name that this dialect cannot hold is never left out in silence; the error repeats none of it."""
    with pytest.raises(ConfigError) as caught:
        CODEC.encode(Request((message,)), stream=False)
    assert "eve" not in str(caught.value)


def test_a_server_without_documents_gets_none() -> None:
    """The file is refused before anything leaves."""
    codec = OpenAIResponses(model="m", differences=LOCAL)
    with pytest.raises(ConfigError, match="takes no file parts"):
        codec.encode(asked(File(b"x", name="a.pdf")), stream=False)


def test_the_model_of_the_request_counts_when_the_codec_names_none() -> None:
    """One codec serves many models when it is used for clients."""
    assert sent(asked("hi", model="o3"), codec=OpenAIResponses())["model"] == "o3"
