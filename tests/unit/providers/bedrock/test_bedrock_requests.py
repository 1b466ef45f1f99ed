"""The way back: what a client of Converse sent becomes a request, from an allow-list."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.errors import ConfigError
from psf_runtime.providers.bedrock import BedrockConverse
from psf_runtime.types.media import File, Image
from psf_runtime.types.messages import Message, Reasoning, Text, ToolCall, ToolResult
from psf_runtime.types.provenance import TRUSTED
from psf_runtime.types.request import Limits, OutputSchema, Request, Tool
from tests.wire.wire_bedrock_model import request_faults

CODEC = BedrockConverse(model="amazon.nova-lite-v1:0")
BYTES = b64encode(b"data").decode()
FULL: dict[str, Any] = {
    "system": [{"text": "be brief"}, {"text": "be kind"}],
    "messages": [
        {
            "role": "user",
            "content": [
                {"text": "look"},
                {"image": {"format": "jpeg", "source": {"bytes": BYTES}}},
                {"document": {"format": "docx", "name": "report", "source": {"bytes": BYTES}}},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "psf1.handle"}}},
                {"text": "well"},
                {"toolUse": {"toolUseId": "c1", "name": "find", "input": {"a": [1, None]}}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"toolResult": {"toolUseId": "c1", "content": [{"text": "a"}, {"json": {"b": 1}}], "status": "error"}},
                {"toolResult": {"toolUseId": "c2", "content": []}},
                {"text": "go on"},
            ],
        },
    ],
    "inferenceConfig": {"maxTokens": 9, "temperature": 0.5, "topP": 1, "stopSequences": ["END"]},
    "toolConfig": {
        "tools": [{"toolSpec": {"name": "find", "description": "Finds.", "inputSchema": {"json": {"type": "object"}}}}],
        "toolChoice": {"any": {}},
    },
    "outputConfig": {
        "textFormat": {
            "type": "json_schema",
            "structure": {"jsonSchema": {"schema": '{"type":"object"}', "name": "answer"}},
        },
        "effort": "high",
    },
    "serviceTier": {"type": "flex"},
    "additionalModelRequestFields": {"top_k": 3},
}


def read(fields: Any) -> Request:
    return CODEC.decode_request(json.dumps(fields).encode())


def test_the_whole_request() -> None:
    """Every field in its place; the application's own words alone are trusted."""
    assert request_faults(FULL, CODEC.model) == []
    assert read(FULL) == Request(
        (
            Message("system", (Text("be brief", TRUSTED),)),
            Message("system", (Text("be kind", TRUSTED),)),
            Message.user("look", Image(b"data", media_type="image/jpeg"), _docx()),
            Message(
                "assistant",
                (Reasoning("hm", "psf1.handle"), Text("well"), ToolCall("c1", "find", '{"a":[1,null]}')),
            ),
            Message("tool", (ToolResult("c1", 'a\n{"b":1}', is_error=True), ToolResult("c2", ""))),
            Message.user("go on"),
        ),
        tools=(Tool("find", "Finds.", {"type": "object"}),),
        tool_choice="required",
        output=OutputSchema("answer", {"type": "object"}),
        limits=Limits(9, 0.5, 1, ("END",), None, "high"),
        extra={"bedrock": {"serviceTier": {"type": "flex"}, "additionalModelRequestFields": {"top_k": 3}}},
    )


def _docx() -> File:
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    return File(b"data", name="report", media_type=kind)


def test_what_was_read_is_written_again() -> None:
    """A body without reasoning and JSON results comes out as it went in."""
    fields = json.loads(json.dumps(FULL))
    del fields["messages"][1]["content"][0]
    del fields["messages"][2]["content"][0]["toolResult"]["content"][1]
    assert json.loads(CODEC.encode(read(fields), stream=False).body) == fields


def with_block(block: Any, role: str = "user") -> dict[str, Any]:
    return {"messages": [{"role": role, "content": [block]}]}


CANARY = "CANARY in a field"
CALL = {"toolUseId": "c", "name": "n", "input": {}}
RESULT = {"toolUseId": "c", "content": []}
REFUSED: dict[str, tuple[Any, str]] = {
    "no object": ([CANARY], "no JSON object"),
    "metadata": ({"requestMetadata": {"a": CANARY}}, "invocation logs"),
    "stored prompt": ({"promptVariables": {"a": {"text": CANARY}}}, "stored prompt"),
    "unknown field": ({CANARY: 1}, "(unnamed)"),
    "response fields": ({"additionalModelResponseFieldPaths": [CANARY]}, "pass by the guards"),
    "messages": ({"messages": CANARY}, "a list"),
    "role": ({"messages": [{"role": "system", "content": []}]}, "user or assistant"),
    "field of a turn": ({"messages": [{"role": "user", "content": [], CANARY: 1}]}, "nothing else"),
    "content": ({"messages": [{"role": "user", "content": CANARY}]}, "a list"),
    "block": (with_block(CANARY), "exactly one member"),
    "two in one block": (with_block({"text": "a", "image": {}}), "exactly one member"),
    "text": (with_block({"text": [CANARY]}), "it must be text"),
    "unknown block": (with_block({"newKind": CANARY}), "cannot hold"),
    "cache point": (with_block({"cachePoint": {"type": "default"}}), "not bound to your user"),
    "guard": (with_block({"guardContent": {"text": {"text": CANARY}}}), "guardrailConfig"),
    "film": (with_block({"video": {"format": "mp4", "source": {"bytes": BYTES}}}), "screened"),
    "search": (with_block({"searchResult": {"source": "s", "title": CANARY, "content": []}}), "untrusted text"),
    "bucket": (
        with_block({"image": {"format": "png", "source": {"s3Location": {"uri": f"s3://{CANARY}"}}}}),
        "must come along",
    ),
    "text as a document": (
        with_block({"document": {"format": "txt", "name": "n", "source": {"text": CANARY}}}),
        "must come along",
    ),
    "picture format": (with_block({"image": {"format": CANARY, "source": {"bytes": BYTES}}}), "png"),
    "document format": (with_block({"document": {"format": CANARY, "name": "n", "source": {"bytes": BYTES}}}), "pdf"),
    "citations": (
        with_block(
            {"document": {"format": "pdf", "name": "n", "source": {"bytes": BYTES}, "citations": {"enabled": True}}}
        ),
        "nothing else",
    ),
    "base64": (with_block({"image": {"format": "png", "source": {"bytes": f"!{CANARY}"}}}), "base64"),
    "call of the user": (with_block({"toolUse": CALL}), "cannot hold"),
    "result of the model": (with_block({"toolResult": RESULT}, "assistant"), "cannot hold"),
    "hosted call": (with_block({"toolUse": {**CALL, "type": "server_tool_use"}}, "assistant"), "nothing else"),
    "arguments": (with_block({"toolUse": {**CALL, "input": CANARY}}, "assistant"), "an object"),
    "status": (with_block({"toolResult": {**RESULT, "status": CANARY}}), "success or error"),
    "picture as a result": (with_block({"toolResult": {**RESULT, "content": [{"image": {}}]}}), "hold text"),
    "redacted": (with_block({"reasoningContent": {"redactedContent": "AA=="}}, "assistant"), "reasoningText"),
    "reasoning": (with_block({"reasoningContent": {"reasoningText": {"text": 1}}}, "assistant"), "it must be text"),
    "result with more": (with_block({"toolResult": {**RESULT, CANARY: 1}}), "nothing else"),
    "reasoning with more": (
        with_block({"reasoningContent": {"reasoningText": {"text": "a", CANARY: 1}}}, "assistant"),
        "nothing else",
    ),
    "system": ({"system": [{"cachePoint": {"type": "default"}}]}, "not bound to your user"),
    "system text": ({"system": [{"text": 1}]}, "it must be text"),
    "limit": ({"inferenceConfig": {"maxTokens": CANARY}}, "whole number"),
    "unknown limit": ({"inferenceConfig": {CANARY: 1}}, "stopSequences"),
    "tools": ({"toolConfig": {"tools": CANARY}}, "a list"),
    "hosted tool": ({"toolConfig": {"tools": [{"systemTool": {"name": "search"}}]}}, "toolSpec"),
    "schema": ({"toolConfig": {"tools": [{"toolSpec": {"name": "n", "inputSchema": {"x": 1}}}]}}, "json"),
    "choice": ({"toolConfig": {"toolChoice": {"auto": {"x": CANARY}}}}, "one tool"),
    "effort": ({"outputConfig": {"effort": CANARY}}, "xhigh"),
    "form": ({"outputConfig": {"textFormat": {"type": CANARY}}}, "json_schema"),
    "schema text": (
        {"outputConfig": {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": CANARY}}}}},
        "JSON schema",
    ),
    "trace": ({"guardrailConfig": {"trace": "enabled_full"}}, "disabled"),
    "model field": ({"additionalModelRequestFields": {"system": CANARY}}, "not declared"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_on_the_list_is_refused(case: str) -> None:
    """The error names the field and says why; the value is not shown."""
    fields, why = REFUSED[case]
    if isinstance(fields, dict):
        fields = {"messages": [], **fields}
    with pytest.raises(ConfigError) as caught:
        read(fields)
    assert why in str(caught.value)
    assert "CANARY" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize(
    ("written", "choice"), [({"auto": {}}, "auto"), ({"any": {}}, "required"), ({"tool": {"name": "find"}}, "find")]
)
def test_choices(written: Any, choice: str) -> None:
    """The three words of the dialect."""
    assert read({"messages": [], "toolConfig": {"toolChoice": written}}).tool_choice == choice


texts = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=8)
words = st.text("abc_", min_size=1, max_size=8)
turn_parts = {
    "user": st.one_of(st.builds(Text, texts), st.builds(lambda data: Image(data), st.binary(min_size=1, max_size=8))),
    "assistant": st.one_of(st.builds(Text, texts), st.builds(ToolCall, words, words, st.just('{"a":1}'))),
    "tool": st.builds(ToolResult, words, texts, is_error=st.booleans()),
}
ROLES = st.lists(st.sampled_from(["user", "tool", "assistant"]), max_size=6)


@settings(max_examples=80)
@given(data=st.data(), roles=ROLES)
def test_reading_is_the_inverse_of_writing(data: st.DataObject, roles: list[Any]) -> None:
    """A conversation whose neighbours differ in role is the same after it was sent and read."""
    messages = [
        Message(role, tuple(data.draw(st.lists(turn_parts[role], min_size=1, max_size=3))))
        for at, role in enumerate(roles)
        if at == 0 or roles[at - 1] != role
    ]
    request = Request(tuple(messages), tools=(Tool("find", parameters={"type": "object"}),))
    assert CODEC.decode_request(CODEC.encode(request, stream=True).body) == request
