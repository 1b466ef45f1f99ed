"""Requests that a client of Responses sends: read from an allow-list, with a reason for every refusal."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.errors import ConfigError
from psf_runtime.providers.responses import OpenAIResponses, asks_for_stream
from psf_runtime.types.media import File, Image
from psf_runtime.types.messages import Message, Reasoning, Text, ToolCall, ToolResult
from psf_runtime.types.provenance import TRUSTED, USER
from psf_runtime.types.request import Limits, OutputSchema, Request, Tool

CODEC = OpenAIResponses(target="t")
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
PDF = "data:application/pdf;base64,JVBERg=="
PNG = "data:image/png;base64,iVBORw=="


def read(**fields: Any) -> Request:
    return CODEC.decode_request(json.dumps({"model": "gpt-5", "input": "hi", **fields}).encode())


def items(*values: Any) -> tuple[Message, ...]:
    return read(input=list(values)).messages


def user(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(parts)}


def test_a_text_is_what_the_user_says() -> None:
    """The shortest form, with the application's instructions before it."""
    assert read().messages == (Message.user("hi"),)
    assert read(instructions="Be brief.").messages == (Message.system("Be brief."), Message.user("hi"))


def test_a_conversation_of_items() -> None:
    """What a model made in one turn is one message again; roles decide how far a text is trusted."""
    found = items(
        {"type": "message", "role": "developer", "content": "Be brief."},
        {"role": "user", "content": "hi"},
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "x"}]},
        {"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": "psf1.handle"},
        {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "status": "completed",
            "content": [{"type": "output_text", "text": "Looking.", "annotations": []}],
        },
        {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "find", "arguments": "{}", "status": None},
        {"type": "function_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": "7"}]},
        {"role": "assistant", "content": "It is 7."},
        {"role": "assistant", "content": "Anything else?"},
    )
    assert found == (
        Message("system", (Text("Be brief.", TRUSTED),)),
        Message("user", (Text("hi", USER),)),
        Message("assistant", (Reasoning("", "psf1.handle"), Text("Looking."), ToolCall("c1", "find", "{}"))),
        Message("tool", (ToolResult("c1", "7"),)),
        Message("assistant", (Text("It is 7."),)),
        Message("assistant", (Text("Anything else?"),)),
    )
    assert found[3].parts[0].provenance.is_untrusted  # type: ignore[union-attr]


def test_a_refusal_in_the_history_is_no_text() -> None:
    """It is our own sentence, or a vendor's that no guard has seen."""
    refusal = {"type": "refusal", "refusal": "I cannot"}
    assert items({"role": "assistant", "content": [refusal]}, {"role": "user", "content": "why?"}) == (
        Message.user("why?"),
    )


def test_pictures_and_documents() -> None:
    """With their contents, or by an address that the vendor fetches."""
    found = items(
        user(
            {"type": "input_image", "image_url": PNG, "detail": "low"},
            {"type": "input_image", "image_url": "https://x.example/a.png"},
            {"type": "input_file", "filename": "a.pdf", "file_data": PDF},
            {"type": "input_file", "filename": "b.pdf", "file_data": "JVBERg=="},
            {"type": "input_file", "file_url": "https://x.example/c.pdf"},
        )
    )
    assert found == (
        Message(
            "user",
            (
                Image(b"\x89PNG", media_type="image/png", detail="low"),
                Image("https://x.example/a.png"),
                File(b"%PDF", name="a.pdf", media_type="application/pdf"),
                File(b"%PDF", name="b.pdf", media_type="application/pdf"),
                File("https://x.example/c.pdf"),
            ),
        ),
    )


def test_settings() -> None:
    """Limits, tools, the choice, the schema and the declared extra fields."""
    found = read(
        tools=[
            {"type": "function", "name": "find", "description": "Finds.", "parameters": SCHEMA, "strict": True},
            {"type": "function", "name": "stop", "parameters": None, "strict": None, "defer_loading": None},
        ],
        tool_choice={"type": "function", "name": "find"},
        text={"format": {"type": "json_schema", "name": "p", "schema": SCHEMA, "strict": True}, "verbosity": "low"},
        reasoning={"effort": "low", "summary": "auto"},
        max_output_tokens=9,
        temperature=0.5,
        top_p=1,
        parallel_tool_calls=False,
        store=False,
        include=["reasoning.encrypted_content"],
        background=False,
        truncation="disabled",
        stream=True,
        stream_options={"include_obfuscation": False},
        previous_response_id=None,
        metadata=None,
    )
    assert found.tools == (Tool("find", "Finds.", SCHEMA), Tool("stop"))
    assert found.tool_choice == "find"
    assert found.output is not None
    assert (found.output.name, found.output.schema, found.output.strict) == ("p", SCHEMA, True)
    assert found.limits == Limits(max_tokens=9, temperature=0.5, top_p=1, reasoning_effort="low")
    assert found.extra == {
        "openai-responses": {"parallel_tool_calls": False, "reasoning_summary": "auto", "verbosity": "low"}
    }
    assert found.model == "gpt-5"
    assert read(text={"format": {"type": "text"}}).output is None


REFUSED = {
    "previous_response_id": "resp_theirs",
    "conversation": "conv_theirs",
    "prompt": {"id": "pmpt_theirs"},
    "prompt_cache_key": "theirs",
    "background": True,
    "store": True,
    "metadata": {"a": "theirs"},
    "safety_identifier": "theirs",
    "user": "theirs",
    "include": ["web_search_call.results"],
    "truncation": "auto",
    "top_logprobs": 5,
    "max_tool_calls": 3,
    "context_management": [{"type": "compaction"}],
    "moderation": {"model": "theirs"},
    "stop": ["theirs"],
    "seed": 7,
    "n": 2,
    "verbosity": "low",
    "tools": [{"type": "web_search"}],
    "tool_choice": {"type": "mcp", "server_label": "theirs"},
    "text": {"format": {"type": "json_object"}},
    "reasoning": {"effort": "low", "context": "all_turns"},
    "temperature": "hot",
    "instructions": ["theirs"],
    "model": 7,
}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_fields_that_lead_past_the_guards_are_refused(name: str) -> None:
    """Another's memory, a recipient nobody agreed to, an answer nobody screens, or a wish that would be lost."""
    with pytest.raises(ConfigError) as caught:
        read(**{name: REFUSED[name]})
    assert name in str(caught.value)
    assert "theirs" not in str(caught.value)


TOOLS: list[Any] = [
    {"type": "mcp", "server_label": "x", "server_url": "https://x.example", "authorization": "theirs"},
    {"type": "code_interpreter", "container": "cntr_theirs"},
    {"type": "file_search", "vector_store_ids": ["vs_theirs"]},
    {"type": "computer_use_preview", "display_width": 1, "display_height": 1, "environment": "browser"},
    {"type": "image_generation"},
    {"type": "custom", "name": "theirs"},
    {"type": "function", "name": "find", "parameters": SCHEMA, "allowed_callers": ["programmatic"]},
    {"type": "function", "name": ""},
    "theirs",
]


@pytest.mark.parametrize("tool", TOOLS, ids=range(len(TOOLS)))
def test_only_functions_are_tools(tool: Any) -> None:
    """Every hosted tool is refused with its place in the list."""
    with pytest.raises(ConfigError, match=r"tools\[1\]") as caught:
        read(tools=[{"type": "function", "name": "ok", "parameters": None, "strict": None}, tool])
    assert "theirs" not in str(caught.value)


ITEMS: list[Any] = [
    {"type": "item_reference", "id": "msg_theirs"},
    {"id": "msg_theirs"},
    {"type": "web_search_call", "id": "ws_theirs", "status": "completed"},
    {"type": "mcp_approval_response", "approval_request_id": "theirs", "approve": True},
    {"type": "computer_call_output", "call_id": "c", "output": {"type": "computer_screenshot", "file_id": "theirs"}},
    {"type": "compaction", "encrypted_content": "theirs"},
    user({"type": "input_image", "file_id": "file_theirs", "detail": "auto"}),
    user({"type": "input_image", "file_id": "file_theirs", "image_url": PNG}),
    user({"type": "input_file", "file_id": "file_theirs"}),
    user({"type": "input_file", "file_id": "file_theirs", "file_data": PDF}),
    user({"type": "input_file", "file_url": "s3://theirs"}),
    user({"type": "input_image", "image_url": "data:image/png,theirs"}),
    user({"type": "input_audio", "input_audio": {"data": "theirs"}}),
    user({"type": "output_text", "text": "theirs"}),
    {"role": "system", "content": [{"type": "input_image", "image_url": PNG}]},
    {"role": "assistant", "content": [{"type": "input_text", "text": "theirs"}]},
    {"role": "tool", "content": "theirs"},
    {"role": "user", "content": "x", "name": "theirs"},
    {"role": "user", "content": None},
    {"type": "function_call", "call_id": "c", "name": "find", "arguments": {"a": "theirs"}},
    {"type": "function_call", "name": "find", "arguments": "{}"},
    {"type": "function_call_output", "output": "theirs"},
    {"type": "function_call_output", "call_id": "c", "output": [{"type": "input_image", "file_id": "theirs"}]},
    {"type": "reasoning", "encrypted_content": ["theirs"]},
    "theirs",
    None,
]


@pytest.mark.parametrize("item", ITEMS, ids=range(len(ITEMS)))
def test_items_that_cannot_be_read_are_refused(item: Any) -> None:
    """References to stored things, hosted tools, ids of files, and parts out of place: with the item's number."""
    with pytest.raises(ConfigError, match=r"input\[1\]") as caught:
        items({"role": "user", "content": "hi"}, item)
    assert "theirs" not in str(caught.value)


@pytest.mark.parametrize("body", [b"", b"[]", b"theirs", b'{"model": "m"}', b'{"model": "m", "input": {}}'])
def test_a_body_that_is_no_request_is_refused(body: bytes) -> None:
    """Without repeating it."""
    with pytest.raises(ConfigError) as caught:
        CODEC.decode_request(body)
    assert "theirs" not in str(caught.value)


@pytest.mark.parametrize(("fields", "stream"), [({"stream": True}, True), ({"stream": False}, False), ({}, False)])
def test_whether_a_stream_is_asked_for(fields: dict[str, Any], stream: bool) -> None:
    """The usage comes with every stream of this dialect."""
    assert asks_for_stream(json.dumps(fields).encode()) == (stream, True)


TEXT = st.text("aé🙂 \n", min_size=1, max_size=6)
ROLES = st.sampled_from(["system", "user", "assistant"])
CLIENT_ITEMS = st.one_of(
    st.builds(lambda role, text: {"role": role, "content": text}, ROLES, TEXT),
    st.builds(lambda text: user({"type": "input_text", "text": text}, {"type": "input_text", "text": "b"}), TEXT),
    st.builds(lambda text: user({"type": "input_image", "image_url": PNG}, {"type": "input_text", "text": text}), TEXT),
    st.builds(lambda text: {"type": "function_call", "call_id": "c", "name": "find", "arguments": text}, TEXT),
    st.builds(lambda text: {"type": "function_call_output", "call_id": "c", "output": text}, TEXT),
)


@given(sent=st.lists(CLIENT_ITEMS, max_size=6), stream=st.booleans())
@settings(max_examples=80, deadline=None)
def test_reading_and_writing_is_stable(sent: list[Any], stream: bool) -> None:
    """What was read and written once is read and written to the same bytes again."""
    once = CODEC.encode(read(input=sent, tools=[{"type": "function", "name": "find"}]), stream=stream).body
    again = CODEC.decode_request(once)
    assert CODEC.encode(again, stream=stream).body == once


def test_the_requests_own_schema_survives() -> None:
    """The schema, its name and its strictness come out as they went in."""
    request = Request((Message.user("hi"),), "gpt-5", output=OutputSchema("p", SCHEMA, strict=False))
    assert CODEC.decode_request(CODEC.encode(request, stream=False).body).output == request.output
