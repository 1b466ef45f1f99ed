"""Requests of the messages dialect as bytes: an allow-list, validated by the vendor's own types."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import MappingProxyType
from typing import Any

import pytest
from anthropic.types import MessageCreateParams
from pydantic import TypeAdapter

from psf_runtime.errors import ConfigError
from psf_runtime.providers.anthropic import ANTHROPIC, COMPATIBLE, AnthropicMessages
from psf_runtime.types.media import File, Image
from psf_runtime.types.messages import Message, Part, Reasoning, Text, ToolCall, ToolResult
from psf_runtime.types.request import Facts, Limits, OutputSchema, Request, Tool

CODEC = AnthropicMessages(model="m", target="t")
OTHER = AnthropicMessages(model="m", target="t", differences=COMPATIBLE)
PARAMS: TypeAdapter[Any] = TypeAdapter(MessageCreateParams)
SAMPLING = ("temperature", "top_p", "top_k")  # older models take them; the SDK's types no longer list them
ASKED = (Message.user("hi"),)
FIND = Tool("find", "Finds.", {"type": "object", "properties": {"a": {"type": "integer"}}})


def plain(value: Any) -> Any:
    """The validated value, its lazily checked lists walked through."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list) or (isinstance(value, Iterator) or hasattr(value, "__next__")):
        return [plain(item) for item in value]
    return value


def encoded(request: Request, codec: AnthropicMessages = CODEC, *, stream: bool = False) -> dict[str, Any]:
    """The body; at the vendor, with nothing in it that the vendor's types do not know."""
    body: dict[str, Any] = json.loads(codec.encode(request, stream=stream).body)
    if codec is CODEC:
        typed = {key: value for key, value in body.items() if key not in SAMPLING}
        assert plain(PARAMS.validate_python(typed)) == typed
    return body


def refusal(request: Request, codec: AnthropicMessages = CODEC) -> str:
    with pytest.raises(ConfigError) as caught:
        codec.encode(request, stream=False)
    return caught.value.what


def test_the_whole_request() -> None:
    """Every field in its place, written as the vendor's types want it."""
    request = Request(
        (
            Message.system("be brief"),
            Message.user(
                "look",
                Image(b"png"),
                Image("https://h.example/a.png"),
                File(b"%PDF", name="a.pdf", media_type="application/pdf"),
            ),
            Message("assistant", (Text("well"), Reasoning("hm"), ToolCall("c1", "find", '{"a":1}'))),
            Message("tool", (ToolResult("c1", "found", name="find"),)),
            Message("user", (Text("and?"),), name="ann"),
        ),
        model="ignored: the codec knows the name",
        tools=(FIND, Tool("ping")),
        tool_choice="find",
        output=OutputSchema("answer", MappingProxyType({"type": "object"})),
        limits=Limits(10, 0.5, 0.9, ("END",)),
        facts=Facts(purpose="p", subject="never on the wire", user="nor this"),
        extra={"anthropic": {"service_tier": "auto", "top_k": 3, "user_id": "u-1"}, "local": {"top_k": 1}},
    )
    wire = CODEC.encode(request, stream=True)
    assert (wire.method, wire.path) == ("POST", "/v1/messages")
    assert dict(wire.headers) == {
        "content-type": "application/json",
        "accept": "text/event-stream",
        "anthropic-version": "2023-06-01",
    }
    assert "look" not in repr(wire)
    pdf = {"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="}
    assert encoded(request, stream=True) == {
        "model": "m",
        "system": [{"type": "text", "text": "be brief"}],
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "look"},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "cG5n"}},
                    {"type": "image", "source": {"type": "url", "url": "https://h.example/a.png"}},
                    {"type": "document", "source": pdf, "title": "a.pdf"},
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"type": "text", "text": "well"},
                    {"type": "tool_use", "id": "c1", "name": "find", "input": {"a": 1}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "c1", "content": "found"},
                    {"type": "text", "text": "and?"},
                ],
            },
        ],
        "tools": [
            {"name": "find", "description": "Finds.", "input_schema": FIND.parameters},
            {"name": "ping", "input_schema": {"type": "object", "properties": {}}},
        ],
        "tool_choice": {"type": "tool", "name": "find"},
        "output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}},
        "max_tokens": 10,
        "temperature": 0.5,
        "top_p": 0.9,
        "stop_sequences": ["END"],
        "service_tier": "auto",
        "top_k": 3,
        "metadata": {"user_id": "u-1"},
        "stream": True,
    }


def test_the_smallest_request() -> None:
    """Without settings: the model, the message and the limit that the vendor insists on; no id of anybody."""
    body = encoded(Request(ASKED, facts=Facts(user="ann")))
    assert body == {
        "model": "m",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
        "max_tokens": ANTHROPIC.max_tokens,
    }


def test_every_system_message_keeps_its_authority() -> None:
    """They go to `system` in order, one in mid-conversation too; other servers get one text."""
    request = Request((Message.system("one"), Message.user("hi"), Message.system("two"), Message.user("you")))
    body = encoded(request)
    assert [block["text"] for block in body["system"]] == ["one", "two"]
    assert [turn["role"] for turn in body["messages"]] == ["user"]
    assert [block["text"] for block in encoded(request, OTHER)["system"]] == ["one\n\ntwo"]


def test_turns_alternate_with_results_first() -> None:
    """Neighbours of one role are one message; empty ones are left out; results come before the rest."""
    request = Request(
        (
            Message.user("a"),
            Message.assistant(""),
            Message.user("b"),
            Message("assistant", (ToolCall("c1", "f", ""), ToolCall("c2", "f", "{}"))),
            Message.assistant("more"),
            Message.user("beside"),
            Message("tool", (ToolResult("c1", "", is_error=True),)),
            Message("tool", (ToolResult("c2", "two"),)),
        )
    )
    turns = encoded(request)["messages"]
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user"]
    assert [block["type"] for block in turns[1]["content"]] == ["tool_use", "tool_use", "text"]
    assert turns[2]["content"] == [
        {"type": "tool_result", "tool_use_id": "c1", "content": "", "is_error": True},
        {"type": "tool_result", "tool_use_id": "c2", "content": "two"},
        {"type": "text", "text": "beside"},
    ]


@pytest.mark.parametrize("args", ["{nope", "[1]", "5", "[" * 3000])
def test_arguments_that_are_no_object_go_back_wrapped(args: str) -> None:
    """The model's own slip stays in the conversation, so that the error that answers it makes sense."""
    request = Request((*ASKED, Message("assistant", (ToolCall("c", "f", args),))))
    assert encoded(request)["messages"][1]["content"][0]["input"] == {"INVALID_JSON": args}


def test_arguments_go_back_as_they_came() -> None:
    """Numbers of any size keep their digits."""
    args = '{"n": 123456789012345678901234567890, "x": 1.10}'
    request = Request((*ASKED, Message("assistant", (ToolCall("c", "f", args),))))
    assert args.encode() in CODEC.encode(request, stream=False).body


def test_blank_text_before_a_call_is_left_out() -> None:
    """Models write it, and the vendor refuses it on its way back; alone it stays, for the server to judge."""
    call = ToolCall("c", "f", "{}")
    turns = encoded(Request((*ASKED, Message("assistant", (Text("\n\n"), call)))))["messages"]
    assert [block["type"] for block in turns[1]["content"]] == ["tool_use"]


SIGNED = [{"type": "thinking", "thinking": "x", "signature": "s"}, {"type": "redacted_thinking", "data": "d"}]


def test_signed_thinking_goes_back_to_its_places() -> None:
    """Word for word, also when the thinking itself is shown, withheld, or the texts around it became one."""
    carried = Reasoning("", json.dumps([[0, SIGNED[0]], [1, SIGNED[1]]]))
    call = ToolCall("c", "f", "{}")
    wanted = [SIGNED[0], {"type": "text", "text": "ab"}, SIGNED[1]]
    for parts in (
        (Text("a"), Reasoning("shown"), Text("b"), call, carried),
        (carried, Text("ab"), call),
        (Text("a"), Text("b"), Text(""), call, carried),
    ):
        turn = encoded(Request((*ASKED, Message("assistant", parts))))["messages"][1]
        assert turn["content"][:3] == wanted
        assert turn["content"][3]["type"] == "tool_use"


@pytest.mark.parametrize("signature", ["sig", "5", "[[0, 5]]", "[5]", '[[0, {"type": "image"}]]', '{"a": 1}'])
def test_a_foreign_signature_is_refused(signature: str) -> None:
    """Only thinking that was carried goes back."""
    request = Request((*ASKED, Message("assistant", (Text("a"), Reasoning("", signature)))))
    assert "signature" in refusal(request)


CHOICES = [
    (None, None),
    ("auto", {"type": "auto"}),
    ("required", {"type": "any"}),
    ("none", {"type": "none"}),
    ("find", {"type": "tool", "name": "find"}),
]


@pytest.mark.parametrize(("choice", "wanted"), CHOICES)
def test_tool_choice(choice: str | None, wanted: Any) -> None:
    """Our words in the vendor's; one call at a time only is a setting beside it."""
    request = Request(ASKED, tools=(FIND,), tool_choice=choice)
    assert encoded(request).get("tool_choice") == wanted
    single = encoded(request.replace(extra={"anthropic": {"disable_parallel_tool_use": True}}))["tool_choice"]
    expected = wanted or {"type": "auto"}
    assert single == (expected if choice == "none" else {**expected, "disable_parallel_tool_use": True})


def test_tool_choice_where_the_server_does_not_follow() -> None:
    """Where `none` and names are ignored, the tools that may not be called are not named at all."""
    request = Request(ASKED, tools=(FIND, Tool("ping")), tool_choice="none")
    assert "tools" not in encoded(request, OTHER)
    body = encoded(request.replace(tool_choice="ping"), OTHER)
    assert [tool["name"] for tool in body["tools"]] == ["ping"]
    assert body["tool_choice"] == {"type": "any"}
    assert "tool_choice" in refusal(request.replace(tool_choice="pong"), OTHER)


def test_a_tool_schema_is_an_object() -> None:
    """A schema without a type gets one; another type is refused."""
    tool = Tool("f", parameters={"properties": {}})
    assert encoded(Request(ASKED, tools=(tool,)))["tools"][0]["input_schema"] == {"type": "object", "properties": {}}
    assert "type object" in refusal(Request(ASKED, tools=(Tool("f", parameters={"type": "array"}),)))


def limited(**limits: Any) -> Request:
    return Request(ASKED, limits=Limits(**limits))


@pytest.mark.parametrize("temperature", [-0.1, 1.01, 2, float("nan")])
def test_a_temperature_out_of_range_is_never_changed(temperature: float) -> None:
    """It is refused: this vendor stops at 1, others at 2."""
    assert "between 0 and 1" in refusal(limited(temperature=temperature))
    assert encoded(limited(temperature=1.0))["temperature"] == 1.0
    assert encoded(limited(temperature=1.5), OTHER)["temperature"] == 1.5


def test_thinking() -> None:
    """An effort lets the model decide how much; a budget, an effort alone and the display are settings beside it."""
    body = encoded(limited(reasoning_effort="xhigh"))
    assert body["thinking"] == {"type": "adaptive"}
    assert body["output_config"] == {"effort": "xhigh"}
    assert body["max_tokens"] == ANTHROPIC.thinking_max_tokens
    assert encoded(limited(reasoning_effort="none"))["thinking"] == {"type": "disabled"}
    budget = encoded(Request(ASKED, extra={"anthropic": {"thinking_budget": 2048, "thinking_display": "omitted"}}))
    assert budget["thinking"] == {"type": "enabled", "budget_tokens": 2048, "display": "omitted"}
    alone = encoded(Request(ASKED, output=OutputSchema("o", {}), extra={"anthropic": {"effort": "low"}}))
    assert alone["output_config"] == {"effort": "low", "format": {"type": "json_schema", "schema": {}}}
    assert "thinking" not in alone
    assert encoded(limited(reasoning_effort="low"), OTHER)["thinking"] == {"type": "enabled", "budget_tokens": 1024}
    both = Request(ASKED, limits=Limits(reasoning_effort="xhigh"), output=OutputSchema("o", {}))
    assert encoded(both)["output_config"]["format"] == {"type": "json_schema", "schema": {}}
    assert ANTHROPIC.efforts["xhigh"] == {"thinking": {"type": "adaptive"}, "output_config": {"effort": "xhigh"}}


THINKS = Limits(reasoning_effort="low")
REFUSED = {
    "temperature": Request(ASKED, limits=Limits(reasoning_effort="low", temperature=1.0)),
    "top_p": Request(ASKED, limits=Limits(reasoning_effort="low", top_p=0.5)),
    "top_k": Request(ASKED, limits=THINKS, extra={"anthropic": {"top_k": 5}}),
    "forced": Request(ASKED, limits=THINKS, tools=(FIND,), tool_choice="required"),
    "effort is": limited(reasoning_effort="minimal"),
    "'effort'": Request(ASKED, extra={"anthropic": {"effort": "none"}}),
    "thinking_budget": Request(ASKED, extra={"anthropic": {"thinking_budget": 1023}}),
    "range": Request(ASKED, limits=Limits(max_tokens=2000), extra={"anthropic": {"thinking_budget": 2000}}),
    "thinking_display": Request(ASKED, extra={"anthropic": {"thinking_display": "omitted"}}),
    "no seed": limited(seed=7),
    "no message": Request((Message.system("only me"),)),
    "container": Request(ASKED, extra={"anthropic": {"container": "c"}}),
    "mcp_servers": Request(ASKED, extra={"anthropic": {"mcp_servers": []}}),
    "betas": Request(ASKED, extra={"anthropic": {"betas": ["files-api-2025-04-14"]}}),
    "wrong kind": Request(ASKED, extra={"anthropic": {"user_id": "Ann Smith, ann@example.org"}}),
    "cache": Request(ASKED, extra={"anthropic": {"cache": {"system": "1d"}}}),
    "media type": Request((Message.user(Image(b"x", media_type="image/tiff")),)),
    "neither a PDF": Request((Message.user(File(b"\xff\xfe", media_type="text/plain")),)),
}


@pytest.mark.parametrize("name", list(REFUSED))
def test_what_has_no_place_is_refused(name: str) -> None:
    """Each with a typed error that says what; nothing is changed or left out in silence."""
    assert name in refusal(REFUSED[name])


@pytest.mark.parametrize(
    ("role", "part"), [("user", ToolCall("c", "f", "{}")), ("assistant", Image(b"x")), ("tool", Text("x"))]
)
def test_misplaced_parts_are_refused(role: Any, part: Part) -> None:
    """A part in a message of the wrong role."""
    assert "no place" in refusal(Request((*ASKED, Message(role, (part,)))))


def test_what_other_servers_ignore_is_refused() -> None:
    """A schema or a document that would vanish in silence."""
    assert "schema" in refusal(Request(ASKED, output=OutputSchema("o", {})), OTHER)
    assert "file parts" in refusal(Request((Message.user(File(b"x")),)), OTHER)


def test_betas_come_from_a_table() -> None:
    """Declared ones go into the header."""
    wire = CODEC.encode(Request(ASKED, extra={"anthropic": {"betas": ["context-1m-2025-08-07"]}}), stream=False)
    assert dict(wire.headers)["anthropic-beta"] == "context-1m-2025-08-07"
    assert b"betas" not in wire.body


def test_media_in_data_urls_and_texts() -> None:
    """A data URL becomes bytes; a text document goes as text; a document's address stays one."""
    request = Request(
        (
            Message.user(
                Image("data:image/gif;base64,R0lG"),
                File("größe".encode(), name="a.md", media_type="text/markdown"),
                File("https://h.example/a.pdf"),
            ),
        )
    )
    content = encoded(request)["messages"][0]["content"]
    assert [block["source"] for block in content] == [
        {"type": "base64", "media_type": "image/gif", "data": "R0lG"},
        {"type": "text", "media_type": "text/plain", "data": "größe"},
        {"type": "url", "url": "https://h.example/a.pdf"},
    ]


def test_cache_markers() -> None:
    """The end of the tools, of the system texts and of the conversation; a place that is not there is left alone."""
    extra = {"anthropic": {"cache": {"tools": "1h", "system": "5m", "messages": "5m"}}}
    body = encoded(Request((Message.system("s"), *ASKED), tools=(FIND,), extra=extra))
    assert body["tools"][0]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    assert body["system"][0]["cache_control"] == {"type": "ephemeral", "ttl": "5m"}
    assert body["cache_control"] == {"type": "ephemeral", "ttl": "5m"}
    assert set(encoded(Request(ASKED, extra=extra))) == {"cache_control", "max_tokens", "messages", "model"}
