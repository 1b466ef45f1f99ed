"""Requests as bytes, and back: an allow-list in both directions."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.errors import ConfigError
from psf_runtime.providers.openai import COMPATIBLE, LOCAL, OPENAI, OpenAIChat, asks_for_stream
from psf_runtime.types.media import File, Image
from psf_runtime.types.messages import Message, Reasoning, Text, ToolCall, ToolResult, untrusted
from psf_runtime.types.request import Facts, Limits, OutputSchema, Request, Tool

CODEC = OpenAIChat(model="m", target="t", differences=OPENAI)
LOCAL_CODEC = OpenAIChat(model="m", target="t", differences=LOCAL)


def encoded(request: Request, codec: OpenAIChat = CODEC, *, stream: bool = False) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(codec.encode(request, stream=stream).body)
    return body


def test_the_whole_request() -> None:
    """Every field in its place, written as the vendor documents it."""
    request = Request(
        (
            Message.system("be brief"),
            Message.user(
                "look", Image(b"png", detail="low"), Image("https://h.example/a.png"), File(b"pdf", name="a.pdf")
            ),
            Message("assistant", (Text("well"), Reasoning("hm"), ToolCall("c1", "find", '{"a":1}'))),
            Message("tool", (ToolResult("c1", "found", name="find"),)),
            Message("user", (Text("and?"),), name="ann"),
        ),
        model="ignored: the codec knows the name",
        tools=(Tool("find", "Finds.", MappingProxyType({"type": "object"})), Tool("ping")),
        tool_choice="find",
        output=OutputSchema("answer", {"type": "object"}),
        limits=Limits(10, 0.5, 0.9, ("END",), 7, "low"),
        facts=Facts(purpose="p", subject="never on the wire"),
        extra={"openai": {"service_tier": "flex", "logit_bias": {"50256": -100}}, "local": {"top_k": 1}},
    )
    wire = CODEC.encode(request, stream=True)
    assert (wire.method, wire.path) == ("POST", "/chat/completions")
    assert dict(wire.headers) == {"content-type": "application/json", "accept": "text/event-stream"}
    assert "look" not in repr(wire)
    assert json.loads(wire.body) == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "be brief"},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "look"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,cG5n", "detail": "low"}},
                    {"type": "image_url", "image_url": {"url": "https://h.example/a.png"}},
                    {
                        "type": "file",
                        "file": {"filename": "a.pdf", "file_data": "data:application/octet-stream;base64,cGRm"},
                    },
                ],
            },
            {
                "role": "assistant",
                "content": "well",
                "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "find", "arguments": '{"a":1}'}}],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "found"},
            {"role": "user", "content": "and?", "name": "ann"},
        ],
        "tools": [
            {
                "type": "function",
                "function": {"name": "find", "description": "Finds.", "parameters": {"type": "object"}},
            },
            {"type": "function", "function": {"name": "ping"}},
        ],
        "tool_choice": {"type": "function", "function": {"name": "find"}},
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": {"type": "object"}, "strict": True},
        },
        "max_completion_tokens": 10,
        "temperature": 0.5,
        "top_p": 0.9,
        "stop": ["END"],
        "seed": 7,
        "reasoning_effort": "low",
        "store": False,
        "service_tier": "flex",
        "logit_bias": {"50256": -100},
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_the_declared_differences_of_local_servers() -> None:
    """max_tokens, texts in one string, an empty text beside tool calls, nothing about storing."""
    request = Request(
        (
            Message.user("one", "two"),
            Message("assistant", (ToolCall("c1", "find", "{}"),)),
            Message("tool", (ToolResult("c1", "a"), ToolResult("c2", "b"))),
        ),
        limits=Limits(max_tokens=5),
        extra={"local": {"top_k": 3, "chat_template_kwargs": {"enable_thinking": False}}},
    )
    body = encoded(request, LOCAL_CODEC)
    assert [message.get("content") for message in body["messages"]] == ["one\ntwo", "", "a", "b"]
    assert (body["max_tokens"], body["top_k"]) == (5, 3)
    assert "store" not in body
    assert "stream" not in body
    hosted = encoded(request)
    assert [part["text"] for part in hosted["messages"][0]["content"]] == ["one", "two"]
    assert hosted["messages"][1]["content"] is None
    assert "store" not in encoded(request, OpenAIChat(differences=COMPATIBLE))


def test_the_name_on_the_wire() -> None:
    """A codec without a model's name takes the request's."""
    assert encoded(Request((), model="own"), OpenAIChat())["model"] == "own"


def test_more_than_one_answer_is_refused_with_the_remedy() -> None:
    """n is refused in a request and from a client, and the error says what to do instead."""
    body = b'{"messages": [], "model": "m", "n": 2}'
    for refused in (
        lambda: encoded(Request((), extra={"openai": {"n": 2}})),
        lambda: OpenAIChat().decode_request(body),
    ):
        with pytest.raises(ConfigError, match="one answer") as caught:
            refused()
        assert "one call for each answer" in caught.value.change


@pytest.mark.parametrize("name", ["user", "metadata", "previous_response_id", "store", "my field with CANARY"])
def test_undeclared_extra_fields_are_refused(name: str) -> None:
    """A field that is not declared does not leave; the error shows the line that would declare it."""
    with pytest.raises(ConfigError, match="not declared") as caught:
        encoded(Request((), extra={"openai": {name: 1}}))
    assert "Differences(provider='openai', extra={..." in str(caught.value)
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("service_tier", "a sentence is no word"),
        ("service_tier", 1),
        ("presence_penalty", "1"),
        ("presence_penalty", True),
        ("parallel_tool_calls", "yes"),
        ("logit_bias", {"a": "text"}),
        ("logit_bias", [1]),
    ],
)
def test_extra_fields_hold_what_they_declare(name: str, value: Any) -> None:
    """No text travels in a field that is declared for something else."""
    with pytest.raises(ConfigError, match="wrong kind") as caught:
        encoded(Request((), extra={"openai": {name: value}}))
    assert "sentence" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("top_k", 1.5), ("chat_template_kwargs", {"a": "two words"}), ("chat_template_kwargs", {"a": {}})],
)
def test_extra_fields_of_local_hold_what_they_declare(name: str, value: Any) -> None:
    """The same for the fields that only local servers know."""
    with pytest.raises(ConfigError, match="wrong kind"):
        encoded(Request((), extra={"local": {name: value}}), LOCAL_CODEC)


@pytest.mark.parametrize(
    ("message", "codec"),
    [
        (Message("assistant", (Image(b"x"),)), CODEC),
        (Message("system", (File(b"x"),)), CODEC),
        (Message("user", (ToolCall("a", "b", "{}"),)), CODEC),
        (Message("tool", (Text("x"),)), CODEC),
        (Message.user(File("https://h.example/a.pdf")), CODEC),
        (Message.user(File(b"x")), LOCAL_CODEC),
    ],
)
def test_parts_without_a_place_are_refused(message: Message, codec: OpenAIChat) -> None:
    """A part that the dialect has no place for is a ConfigError with a remedy, never left out in silence."""
    with pytest.raises(ConfigError) as caught:
        encoded(Request((message,)), codec)
    assert caught.value.change


def test_what_json_cannot_hold_is_refused() -> None:
    """A schema that is no JSON is a ConfigError without its content."""
    for parameters in ({"a": {1, 2}}, {"a": "\ud800 CANARY"}, {1: "a"}):
        with pytest.raises(ConfigError) as caught:
            encoded(Request((), tools=(Tool("a", "", parameters),)))
        assert "CANARY" not in str(caught.value)
        assert caught.value.__context__ is None
    with pytest.raises(ConfigError, match="not a JSON schema"):
        encoded(Request((), tools=(Tool("a", "", int),)))


# --- the way back ---------------------------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
words = st.text("abcdefgh_", min_size=1, max_size=8)
calls = st.builds(ToolCall, words, words, texts)
user_parts = st.one_of(
    st.builds(Text, texts),
    st.builds(lambda data, detail: Image(data, detail=detail), st.binary(max_size=6), st.sampled_from([None, "low"])),
    st.builds(lambda data, name: File(data, name=name), st.binary(max_size=6), words),
    st.just(Image("https://h.example/x.png")),
)
messages = st.one_of(
    texts.map(Message.system),
    st.lists(user_parts, min_size=1, max_size=3).map(lambda parts: Message.user(*parts)),
    texts.map(Message.assistant),
    st.builds(
        lambda text, some: Message("assistant", (*text, *some)),
        st.lists(words.map(Text), max_size=2),
        st.lists(calls, min_size=1, max_size=2),
    ),
    st.builds(lambda call, text: Message("tool", (ToolResult(call, text),)), words, texts),
    st.builds(lambda text, name: Message("user", (Text(text),), name), texts, words),
)
schemas = st.dictionaries(words, st.one_of(texts, st.integers(-9, 9), st.booleans(), st.none()), max_size=3)
numbers = st.one_of(st.none(), st.floats(0, 2))
requests = st.builds(
    Request,
    messages=st.lists(messages, max_size=4).map(tuple),
    model=words,
    tools=st.lists(st.builds(Tool, words, texts, st.one_of(st.none(), schemas)), max_size=2).map(tuple),
    output=st.one_of(st.none(), st.builds(OutputSchema, words, schemas, st.booleans())),
    limits=st.builds(
        Limits,
        max_tokens=st.one_of(st.none(), st.integers(1, 99)),
        temperature=numbers,
        top_p=numbers,
        stop=st.lists(texts, max_size=2).map(tuple),
        seed=st.one_of(st.none(), st.integers(0, 99)),
        reasoning_effort=st.sampled_from([None, "low"]),
    ),
    extra=st.sampled_from([{}, {"openai": {"service_tier": "flex", "presence_penalty": 0.5}}]),
)


@settings(max_examples=80)
@given(request=requests, stream=st.booleans(), choice=st.sampled_from([None, "auto", "none", "required", "a_tool"]))
def test_decoding_is_the_inverse_of_encoding(request: Request, stream: bool, choice: str | None) -> None:
    """A request that was encoded and decoded is the same request."""
    if request.tools:
        request = request.replace(tool_choice=choice)
    codec = OpenAIChat()
    body = codec.encode(request, stream=stream).body
    assert codec.decode_request(body) == request
    assert asks_for_stream(body) == (stream, stream)


def test_a_decoded_message_claims_no_trust() -> None:
    """Marks that the wire cannot carry come back as the strictest their role allows."""
    body = CODEC.encode(
        Request((Message.user(untrusted("x")), Message("tool", (ToolResult("c", "y"),)))), stream=False
    ).body
    decoded = CODEC.decode_request(body)
    assert [part.provenance.trust for m in decoded.messages for part in m.parts] == ["user", "untrusted"]  # type: ignore[union-attr]


def message(**fields: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "CANARY", **fields}]}


REFUSED: list[dict[str, Any]] = [
    {"messages": "CANARY"},
    {"messages": ["CANARY"]},
    message(role="function"),
    message(role="CANARY"),
    message(CANARY=1),
    message(name=1),
    message(content=1),
    message(content=[{"type": "CANARY"}]),
    message(content=[{"type": "input_audio", "input_audio": {}}]),
    message(content=[{"type": "image_url", "image_url": {"url": "file:///etc/CANARY"}}]),
    message(content=[{"type": "image_url", "image_url": {"url": "data:image/png;base64,@@CANARY"}}]),
    message(content=[{"type": "image_url", "image_url": {"url": "data:CANARY"}}]),
    message(content=[{"type": "file", "file": {"file_id": "CANARY"}}]),
    message(role="tool"),
    message(role="assistant", tool_calls=1),
    message(role="assistant", tool_calls=[{"id": "a"}]),
    message(role="assistant", tool_calls=[{"id": "a", "function": {"name": "CANARY", "arguments": {}}}]),
    {"messages": [], "n": 2},
    {"messages": [], "store": True},
    {"messages": [], "logprobs": True},
    {"messages": [], "previous_response_id": "CANARY"},
    {"messages": [], "functions": []},
    {"messages": [], "prompt_cache_key": "CANARY"},
    {"messages": [], "unknown": "CANARY"},
    {"messages": [], "model": 1},
    {"messages": [], "tools": 1},
    {"messages": [], "tools": [{"type": "web_search"}]},
    {"messages": [], "tools": [{"type": "function", "function": {}}]},
    {"messages": [], "tools": [{"type": "function", "function": {"name": "a", "description": 1}}]},
    {"messages": [], "tools": [{"type": "function", "function": {"name": "a", "parameters": 1}}]},
    {"messages": [], "tools": [{"type": "function", "function": {"name": "a", "other": 1}}]},
    {"messages": [], "tool_choice": {"type": "CANARY"}},
    {"messages": [], "response_format": {"type": "json_object"}},
    {"messages": [], "response_format": "CANARY"},
    {"messages": [], "reasoning_effort": 1},
    {"messages": [], "max_tokens": "CANARY"},
    {"messages": [], "temperature": "hot"},
    {"messages": [], "stop": [1]},
]


@pytest.mark.parametrize("body", [*REFUSED, [], "CANARY"])
def test_requests_that_are_refused(body: Any) -> None:
    """What is not on the allow-list is a ConfigError that names the field and never its value."""
    with pytest.raises(ConfigError) as caught:
        CODEC.decode_request(json.dumps(body).encode())
    assert "CANARY" not in str(caught.value).replace("'CANARY'", "")


def test_a_body_that_is_no_json_is_refused() -> None:
    """Bytes that are no JSON, or nested without end, are a ConfigError without the bytes."""
    for body in (b"{CANARY", b"[" * 100_000, b"\xff"):
        with pytest.raises(ConfigError, match="no JSON object"):
            CODEC.decode_request(body)


def test_what_clients_write_in_other_ways() -> None:
    """The developer role, a null content, max_tokens, n=1, one stop text, plain text format: all understood."""
    body = {
        "model": None,
        "messages": [
            {"role": "developer", "content": "a"},
            {"role": "assistant", "content": None, "refusal": None, "tool_calls": None},
            {"role": "tool", "tool_call_id": "c", "content": [{"type": "text", "text": "b"}]},
        ],
        "n": 1,
        "max_tokens": 3,
        "stop": "END",
        "response_format": {"type": "text"},
        "logprobs": False,
        "tools": None,
        "user": None,
    }
    decoded = CODEC.decode_request(json.dumps(body).encode())
    assert [message.role for message in decoded.messages] == ["system", "assistant", "tool"]
    assert decoded.tool_results[0].text == "b"
    assert (decoded.limits.max_tokens, decoded.limits.stop, decoded.output) == (3, ("END",), None)
    assert asks_for_stream(json.dumps(body).encode()) == (False, False)
