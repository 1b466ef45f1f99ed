"""Requests as Converse bodies: every field in its place, and all of it as the service's own model wants it."""

from __future__ import annotations

import json
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import httpx
import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.errors import ConfigError
from psf_runtime.providers.bedrock import MODEL_FIELDS, BedrockConverse, model_of, path_of
from psf_runtime.providers.dialect.carrying import Carrying
from psf_runtime.types.media import File, Image
from psf_runtime.types.messages import Message, Reasoning, Text, ToolCall, ToolResult, untrusted
from psf_runtime.types.request import Facts, Limits, OutputSchema, Request, Tool
from tests.wire.wire_bedrock_model import request_faults

MODEL = "eu.anthropic.claude-sonnet-4-20250514-v1:0"
CODEC = BedrockConverse(model=MODEL, target="t")
TOOLS = (Tool("find", "Finds.", MappingProxyType({"type": "object"})), Tool("ping"))


def encoded(request: Request, codec: BedrockConverse = CODEC, *, stream: bool = False) -> dict[str, Any]:
    """The body, which the service's model has no objection to."""
    body: dict[str, Any] = json.loads(codec.encode(request, stream=stream).body)
    assert request_faults(body, MODEL, stream=stream) == []
    return body


def turns(*messages: Message, tools: tuple[Tool, ...] = TOOLS) -> Any:
    return encoded(Request(messages, tools=tools))["messages"]


def refusal(request: Request, codec: BedrockConverse = CODEC) -> str:
    with pytest.raises(ConfigError) as caught:
        codec.encode(request, stream=False)
    assert "CANARY" not in str(caught.value)
    assert caught.value.__cause__ is None
    return str(caught.value)


def test_the_whole_request() -> None:
    """Every field in its place, written as the vendor documents it."""
    request = Request(
        (
            Message.system("be brief"),
            Message.user("look", Image(b"png"), File(b"pdf", name="a.pdf")),
            Message("assistant", (Text("well"), Reasoning("hm"), ToolCall("c1", "find", '{"a": 1}'))),
            Message("tool", (ToolResult("c1", "found", name="find"), ToolResult("c2", "bad", is_error=True))),
            Message("user", (Text("and?"),), name="ann"),
        ),
        model="ignored: the codec knows the name",
        tools=TOOLS,
        tool_choice="find",
        output=OutputSchema("answer", MappingProxyType({"type": "object"})),
        limits=Limits(10, 0.5, 0.9, ("END",), None, "low"),
        facts=Facts(purpose="p", subject="never on the wire"),
        extra={
            "bedrock": {
                "additionalModelRequestFields": {"top_k": 5, "thinking": {"type": "enabled", "budget_tokens": 1024}},
                "performanceConfig": {"latency": "optimized"},
                "serviceTier": {"type": "flex"},
                "guardrailConfig": {"guardrailIdentifier": "abc1", "guardrailVersion": "DRAFT", "trace": "disabled"},
            },
            "openai": {"service_tier": "flex"},
        },
    )
    wire = CODEC.encode(request, stream=True)
    assert (wire.method, wire.path) == ("POST", f"/model/{MODEL.replace(':', '%3A')}/converse-stream")
    assert dict(wire.headers) == {
        "content-type": "application/json",
        "accept": "application/vnd.amazon.eventstream",
    }
    assert "look" not in repr(wire)
    assert encoded(request, stream=True) == {
        "messages": [
            {
                "role": "user",
                "content": [
                    {"text": "look"},
                    {"image": {"format": "png", "source": {"bytes": "cG5n"}}},
                    {"document": {"format": "pdf", "name": "a", "source": {"bytes": "cGRm"}}},
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"text": "well"},
                    {"toolUse": {"toolUseId": "c1", "name": "find", "input": {"a": 1}}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"toolResult": {"toolUseId": "c1", "content": [{"text": "found"}]}},
                    {"toolResult": {"toolUseId": "c2", "content": [{"text": "bad"}], "status": "error"}},
                    {"text": "and?"},
                ],
            },
        ],
        "system": [{"text": "be brief"}],
        "inferenceConfig": {"maxTokens": 10, "temperature": 0.5, "topP": 0.9, "stopSequences": ["END"]},
        "toolConfig": {
            "tools": [
                {
                    "toolSpec": {
                        "name": "find",
                        "description": "Finds.",
                        "inputSchema": {"json": {"type": "object"}},
                    }
                },
                {"toolSpec": {"name": "ping", "inputSchema": {"json": {"type": "object", "properties": {}}}}},
            ],
            "toolChoice": {"tool": {"name": "find"}},
        },
        "outputConfig": {
            "textFormat": {
                "type": "json_schema",
                "structure": {"jsonSchema": {"schema": '{"type":"object"}', "name": "answer"}},
            },
            "effort": "low",
        },
        "additionalModelRequestFields": {"top_k": 5, "thinking": {"type": "enabled", "budget_tokens": 1024}},
        "performanceConfig": {"latency": "optimized"},
        "serviceTier": {"type": "flex"},
        "guardrailConfig": {"guardrailIdentifier": "abc1", "guardrailVersion": "DRAFT", "trace": "disabled"},
    }


def test_roles_take_turns() -> None:
    """Neighbours of one role become one turn; system messages move to the front; what is empty is left out."""
    body = encoded(
        Request(
            (
                Message.system("a"),
                Message.user("one", ""),
                Message.user(untrusted("two")),
                Message("assistant", (Reasoning("unsigned"),)),
                Message.user("three"),
                Message.system("b"),
                Message.system(""),
                Message.assistant("four"),
                Message.assistant("five"),
            )
        )
    )
    assert body == {
        "messages": [
            {"role": "user", "content": [{"text": "one"}, {"text": "two"}, {"text": "three"}]},
            {"role": "assistant", "content": [{"text": "four"}, {"text": "five"}]},
        ],
        "system": [{"text": "a"}, {"text": "b"}],
    }


def test_signed_reasoning_goes_back_word_for_word() -> None:
    """Carried blocks stand again where they stood, members untouched; unsigned reasoning stays here."""
    carrying = Carrying()
    first = {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "c2ln"}}}
    second = {"reasoningContent": {"redactedContent": "AAEC"}}
    carrying.add(0, first)
    carrying.add(1, second)
    handle = Reasoning("", carrying.dump().decode())
    message = Message("assistant", (Reasoning("hm"), Text("well"), ToolCall("c", "find", ""), handle))
    assert turns(message)[0]["content"] == [
        first,
        {"text": "well"},
        second,
        {"toolUse": {"toolUseId": "c", "name": "find", "input": {}}},
    ]


def test_arguments_keep_every_digit() -> None:
    """Numbers beyond 64 bits and decimals go out as the model wrote them."""
    call = ToolCall("c", "find", '{"a": 123456789012345678901234567890, "b": 0.10}')
    wire = CODEC.encode(Request((Message("assistant", (call,)),), tools=TOOLS), stream=False)
    assert b'"input":{"a": 123456789012345678901234567890, "b": 0.10}' in wire.body


@pytest.mark.parametrize("args", ['{"CANARY"', "[1]", '"CANARY"', '{"a": NaN}', '{"a":1},"role":{}'])
def test_arguments_that_are_no_object_are_refused(args: str) -> None:
    """What is no JSON object cannot stand in one, and nothing is smuggled in through it."""
    call = Message("assistant", (ToolCall("c", "find", args),))
    assert "no JSON object" in refusal(Request((call,), tools=TOOLS))


def test_ids_of_other_vendors_fit() -> None:
    """An id that the service would not take is replaced in the call and in its result alike."""
    odd = "call|ÄÖ" + "x" * 80
    call = Message("assistant", (ToolCall(odd, "find", "{}"), ToolCall("fine.id:1", "find", "{}")))
    results = Message("tool", (ToolResult(odd, ""), ToolResult("fine.id:1", "r")))
    asked, answered = turns(call, results)
    ids = [block["toolUse"]["toolUseId"] for block in asked["content"]]
    assert ids[1] == "fine.id:1"
    assert ids[0] != ids[1]
    assert [block["toolResult"]["toolUseId"] for block in answered["content"]] == ids
    assert answered["content"][0]["toolResult"]["content"] == []


FILES = [
    (File(b"x", name="Bericht Nr. 5 (neu)_v2.PDF", media_type="application/pdf"), "pdf", "Bericht Nr 5 (neu) v2"),
    (File(b"x", name="a.b.csv"), "csv", "a b"),
    (File(b"x", name="notes.markdown"), "md", "notes"),
    (File(b"x", name="page.htm"), "html", "page"),
    (File(b"x", name="分基.txt"), "txt", "document"),
    (File(b"x", name="x.docx", media_type="text/plain"), "txt", "x"),
    (File(b"x", name="y" * 300 + ".xls"), "xls", "y" * 200),
    (File(b"x", media_type="application/msword"), "doc", "document"),
    (File(b"x", name="z", media_type="Text/Plain; charset=utf-8"), "txt", "z"),
    (File(b"x", name="John's report.pdf"), "pdf", "John s report"),
]


@pytest.mark.parametrize(("file", "form", "name"), FILES)
def test_documents_get_a_format_and_a_plain_name(file: File, form: str, name: str) -> None:
    """The format comes from the media type or the file's name, the name holds only what the service takes."""
    block = turns(Message.user("read", file))[0]["content"][1]["document"]
    assert (block["format"], block["name"]) == (form, name)


def test_no_two_documents_share_a_name() -> None:
    """The service refuses a name that comes twice in a request: later ones get a number, within the length."""
    long = "y" * 250 + ".txt"
    files = [File(b"x", name=name) for name in ("a.pdf", "A.txt", "a.pdf", "a 2.md", long, long)]
    names = [block["document"]["name"] for block in turns(Message.user("read", *files))[0]["content"][1:]]
    assert names == ["a", "A 2", "a 3", "a 2 2", "y" * 200, "y" * 198 + " 2"]


@pytest.mark.parametrize("media_type", ["image/png", "image/jpeg", "image/jpg", "image/gif", "image/webp"])
def test_pictures(media_type: str) -> None:
    """The four formats of the service."""
    block = turns(Message.user(Image(b"x", media_type=media_type)))[0]["content"][0]["image"]
    assert block["format"] == media_type.rpartition("/")[2].replace("jpg", "jpeg")


PARTS = {
    "picture by URL": (Message.user("x", Image("https://CANARY.example/a.png")), "Converse takes no URL"),
    "picture of another format": (Message.user(Image(b"x", media_type="image/bmp")), "png, webp"),
    "empty picture": (Message.user(Image(b"")), "it is empty"),
    "document by URL": (Message.user("x", File("https://CANARY.example/a.pdf")), "Converse takes no URL"),
    "document of another format": (Message.user("x", File(b"x", name="CANARY.zip")), "xlsx"),
    "document without text": (Message.user(File(b"x", name="CANARY.pdf")), "beside a text"),
    "picture of the assistant": (Message("assistant", (Image(b"x"),)), "'assistant'"),
    "picture of a tool": (Message("tool", (Image(b"x"),)), "'tool'"),
    "text of a tool": (Message("tool", (Text("CANARY"),)), "'tool'"),
    "result of the user": (Message("user", (ToolResult("c", "CANARY"),)), "'user'"),
    "reasoning of the user": (Message("user", (Reasoning("CANARY"),)), "'user'"),
    "picture of the application": (Message("system", (Image(b"x"),)), "'system'"),
    "name of a called tool": (Message("assistant", (ToolCall("c", "no good", "{}"),)), "'_' and '-'"),
}


@pytest.mark.parametrize("case", PARTS)
def test_parts_without_a_place(case: str) -> None:
    """What this dialect cannot say is refused, with the reason and without content."""
    message, why = PARTS[case]
    assert why in refusal(Request((message,), tools=TOOLS))


LIMITS = [
    (Limits(seed=1), "seed"),
    (Limits(temperature=1.01), "temperature"),
    (Limits(temperature=-0.1), "temperature"),
    (Limits(temperature=float("nan")), "temperature"),
    (Limits(top_p=2), "top_p"),
    (Limits(max_tokens=0), "max_tokens"),
    (Limits(stop=("",)), "stop"),
    (Limits(stop=("a",) * 2501), "stop"),
    (Limits(reasoning_effort="minimal"), "xhigh"),
]


@pytest.mark.parametrize(("limits", "named"), LIMITS)
def test_limits_out_of_range_are_refused(limits: Limits, named: str) -> None:
    """Nothing is cut down in silence: Bedrock's ranges are narrower than others."""
    assert named in refusal(Request((Message.user("x"),), limits=limits))


@pytest.mark.parametrize("limits", [Limits(temperature=0, top_p=1, max_tokens=1), Limits(reasoning_effort="max")])
def test_limits_at_the_edge(limits: Limits) -> None:
    """The ends of the ranges are inside."""
    encoded(Request((Message.user("x"),), limits=limits))


CALL = Message("assistant", (ToolCall("c", "find", "{}"),))


def test_the_choice_among_tools() -> None:
    """auto, any and one tool by name; without a wish there is no choice."""
    for choice, written in (("auto", {"auto": {}}), ("required", {"any": {}}), ("ping", {"tool": {"name": "ping"}})):
        body = encoded(Request((Message.user("x"),), tools=TOOLS, tool_choice=choice))
        assert body["toolConfig"]["toolChoice"] == written
    assert "toolChoice" not in encoded(Request((Message.user("x"),), tools=TOOLS))["toolConfig"]


def test_no_tool_may_be_called() -> None:
    """`none` leaves the tools out; where the conversation holds calls, it is refused, as are calls without tools."""
    assert "toolConfig" not in encoded(Request((Message.user("x"),), tools=TOOLS, tool_choice="none"))
    assert "'none'" in refusal(Request((CALL,), tools=TOOLS, tool_choice="none"))
    assert "no tools" in refusal(Request((CALL,)))
    assert "no tools" in refusal(Request((Message("tool", (ToolResult("c", "r"),)),)))


EXTRA: list[tuple[dict[str, Any], str]] = [
    ({"requestMetadata": {"a": "CANARY"}}, "invocation logs"),
    ({"promptVariables": {"a": {"text": "CANARY"}}}, "not screened"),
    ({"additionalModelResponseFieldPaths": ["/stop_sequence"]}, "pass by the guards"),
    ({"projectIdentifier": "p"}, "only declared fields leave"),
    ({"my CANARY field": 1}, "(unnamed)"),
    ({"additionalModelRequestFields": {"container": "abc"}}, "BedrockConverse(model_fields={**MODEL_FIELDS, 'con"),
    ({"additionalModelRequestFields": {"top_k": "CANARY"}}, "integer"),
    ({"additionalModelRequestFields": {"thinking": {"type": "two words CANARY"}}}, "settings"),
    ({"additionalModelRequestFields": "CANARY"}, "mapping"),
    ({"performanceConfig": {"latency": "CANARY"}}, "standard|optimized"),
    ({"performanceConfig": {"CANARY": "standard"}}, "may hold only"),
    ({"performanceConfig": {}}, "mapping"),
    ({"serviceTier": "flex"}, "mapping"),
    ({"guardrailConfig": {"trace": "enabled"}}, "disabled"),
    ({"guardrailConfig": {"guardrailIdentifier": "two words CANARY"}}, "must fit"),
    ({"guardrailConfig": {"streamProcessingMode": "async"}}, "may hold only"),
]


@pytest.mark.parametrize(("extra", "why"), EXTRA)
def test_extra_fields_are_of_a_closed_shape(extra: dict[str, Any], why: str) -> None:
    """No free text, no memory of the vendor, no trace: refused with the reason, and the value is not shown."""
    assert why in refusal(Request((Message.user("x"),), extra={"bedrock": extra}))


def test_a_model_field_can_be_declared() -> None:
    """The line that the error shows does what it says."""
    codec = BedrockConverse(model=MODEL, model_fields={**MODEL_FIELDS, "min_p": "number"})
    extra = {"bedrock": {"additionalModelRequestFields": {"min_p": 0.1}}}
    body = encoded(Request((Message.user("x"),), extra=extra), codec)
    assert body["additionalModelRequestFields"] == {"min_p": 0.1}


ARN = "arn:aws:bedrock:eu-central-1:123456789012:application-inference-profile/abc-1"


@pytest.mark.parametrize("model", [MODEL, ARN, "amazon.nova-lite-v1:0"])
@pytest.mark.parametrize("stream", [True, False])
def test_the_path_survives_the_http_library(model: str, stream: bool) -> None:
    """Ids and ARNs are escaped once, and both HTTP libraries send the address as it is written."""
    path = path_of(model, stream=stream)
    assert path.count("/") == 3
    for module in (httpx, httpx2):
        url = f"https://bedrock-runtime.eu-central-1.amazonaws.com{path}"
        request = module.Request("POST", url)
        assert str(request.url) == url
        assert request.url.raw_path == path.encode()
    assert model_of(path) == (model, stream)


@pytest.mark.parametrize("model", ["", "two words", "a?b", "a#b", "ä", "a%2F", "x" * 2049])
def test_models_that_no_service_knows(model: str) -> None:
    """What is no id never becomes a path."""
    assert "no model id" in refusal(Request((Message.user("x"),), model=model), BedrockConverse())


def test_a_stored_prompt_is_not_a_model() -> None:
    """A prompt that the vendor keeps would bring text that no guard has seen."""
    arn = "arn:aws:bedrock:us-east-1:123456789012:prompt/ABCDEFGHIJ:1"
    assert "stored prompt" in refusal(Request((Message.user("x"),)), BedrockConverse(model=arn))


@pytest.mark.parametrize("path", ["/", "/model/a/invoke", "/model/converse", "/x/a/converse", "/model/a/b/converse"])
def test_other_paths_are_not_served(path: str) -> None:
    """Only the two operations of this dialect are read."""
    with pytest.raises(ConfigError):
        model_of(path)


texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
names = st.text("abc_-9", min_size=1, max_size=64)
calls = st.builds(ToolCall, texts, names, st.sampled_from(["", "{}", '{"a": [1, {"b": null}]}']))
parts = {
    "user": st.one_of(st.builds(Text, texts), st.builds(lambda name: File(b"x", name=name + ".pdf"), texts)),
    "assistant": st.one_of(st.builds(Text, texts), st.builds(Reasoning, texts), calls),
    "tool": st.builds(ToolResult, texts, texts, is_error=st.booleans()),
    "system": st.builds(Text, texts),
}
message = st.sampled_from(list(parts)).flatmap(
    lambda role: st.lists(parts[role], max_size=4).map(
        lambda items: Message(role, (Text("see"), *items) if role == "user" else tuple(items))
    )
)


@settings(max_examples=120)
@given(messages=st.lists(message, max_size=6), stream=st.booleans())
def test_whatever_is_written_fits_the_service(messages: list[Message], stream: bool) -> None:
    """Any conversation becomes a body without a fault, its roles by turns, no document name twice."""
    body = encoded(Request(tuple(messages), tools=TOOLS), stream=stream)
    roles = [turn["role"] for turn in body["messages"]]
    assert all(one != other for one, other in pairwise(roles))
    blocks = [block for turn in body["messages"] for block in turn["content"]]
    taken = [block["document"]["name"] for block in blocks if "document" in block]
    assert len(set(taken)) == len(taken)
