"""Requests that clients of the messages dialect send: read from an allow-list, and stable on their way through."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.errors import ConfigError
from psf_runtime.providers.anthropic import COMPATIBLE, AnthropicMessages, asks_for_stream
from psf_runtime.types.media import File, Image
from psf_runtime.types.messages import Message, Reasoning, Text, ToolCall, ToolResult
from psf_runtime.types.provenance import TRUSTED
from psf_runtime.types.request import Limits, OutputSchema, Request, Tool
from tests.unit.providers.anthropic.anthropic_answers import CODEC

HI = [{"role": "user", "content": "hi"}]


def read(codec: AnthropicMessages = CODEC, **fields: Any) -> Request:
    body = {"model": "m", "max_tokens": 5, "messages": HI, **fields}
    return codec.decode_request(json.dumps(body).encode())


def refusal(**fields: Any) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        read(**fields)
    assert "secret" not in str(caught.value)
    return caught.value


def test_the_whole_request() -> None:
    """Every field that a client may send has a place in ours."""
    got = read(
        system=[{"type": "text", "text": "be brief"}],
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "look"},
                    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "cG5n"}},
                    {"type": "image", "source": {"type": "url", "url": "https://h.example/a.png"}},
                    {
                        "type": "document",
                        "title": "a.pdf",
                        "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERg=="},
                    },
                    {"type": "document", "source": {"type": "url", "url": "https://h.example/b.pdf"}},
                    {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "größe"}},
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "shown", "signature": "psf1.a.b"},
                    {"type": "redacted_thinking", "data": "psf1.c.d"},
                    {"type": "thinking", "thinking": "unsigned", "signature": ""},
                    {"type": "text", "text": "well", "citations": None},
                    {"type": "tool_use", "id": "c1", "name": "find", "input": {"a": 1}, "caller": {"type": "direct"}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "and?"},
                    {
                        "type": "tool_result",
                        "tool_use_id": "c1",
                        "is_error": True,
                        "content": [{"type": "text", "text": "not "}, {"type": "text", "text": "found"}],
                    },
                ],
            },
            {"role": "system", "content": "now in French"},
        ],
        tools=[{"name": "find", "description": "Finds.", "input_schema": {"type": "object"}, "strict": True}],
        tool_choice={"type": "tool", "name": "find", "disable_parallel_tool_use": True},
        output_config={"format": {"type": "json_schema", "schema": {"type": "object"}}},
        temperature=0.5,
        top_p=0.9,
        top_k=3,
        stop_sequences=["END"],
        metadata={"user_id": "u-1"},
        service_tier="auto",
        stream=True,
    )
    assert got == Request(
        messages=(
            Message("system", (Text("be brief", TRUSTED),)),
            Message.user(
                "look",
                Image(b"png", media_type="image/png"),
                Image("https://h.example/a.png"),
                File(b"%PDF", name="a.pdf", media_type="application/pdf"),
                File("https://h.example/b.pdf", media_type="application/pdf"),
                File("größe".encode(), media_type="text/plain"),
            ),
            Message(
                "assistant",
                (
                    Reasoning("", "psf1.a.b"),
                    Reasoning("", "psf1.c.d"),
                    Reasoning("unsigned"),
                    Text("well"),
                    ToolCall("c1", "find", '{"a":1}'),
                ),
            ),
            Message("tool", (ToolResult("c1", "not found", is_error=True),)),
            Message.user("and?"),
            Message("system", (Text("now in French", TRUSTED),)),
        ),
        model="m",
        tools=(Tool("find", "Finds.", {"type": "object"}),),
        tool_choice="find",
        output=OutputSchema("answer", {"type": "object"}),
        limits=Limits(5, 0.5, 0.9, ("END",)),
        extra={
            "anthropic": {
                "top_k": 3,
                "service_tier": "auto",
                "disable_parallel_tool_use": True,
                "user_id": "u-1",
            }
        },
    )


THINKING: list[tuple[Any, Any, str | None, dict[str, Any]]] = [
    ({"type": "adaptive"}, None, "high", {}),
    ({"type": "adaptive", "display": "omitted"}, {"effort": "low"}, "low", {"thinking_display": "omitted"}),
    ({"type": "disabled"}, None, "none", {}),
    ({"type": "disabled"}, {"effort": "low"}, "none", {"effort": "low"}),
    ({"type": "enabled", "budget_tokens": 2048}, None, None, {"thinking_budget": 2048}),
    (None, {"effort": "max"}, None, {"effort": "max"}),
]


@pytest.mark.parametrize(("thinking", "config", "effort", "extra"), THINKING)
def test_thinking(thinking: Any, config: Any, effort: str | None, extra: dict[str, Any]) -> None:
    """What a client asks for is what is asked for in its place."""
    got = read(thinking=thinking, output_config=config, max_tokens=9000)
    assert got.limits.reasoning_effort == effort
    assert got.extra == ({"anthropic": extra} if extra else {})
    body = json.loads(CODEC.encode(got, stream=False).body)
    assert body.get("thinking") == thinking
    wanted = {"effort": "high"} if thinking == {"type": "adaptive"} else config
    assert body.get("output_config") == wanted


def test_cache_markers() -> None:
    """They become a setting where their place has a meaning, and are dropped elsewhere, and for other servers."""
    mark = {"cache_control": {"type": "ephemeral"}}
    block = {"type": "text", "text": "hi", **mark}
    fields: dict[str, Any] = {
        "system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
        "tools": [{"name": "f", "input_schema": {"type": "object"}, **mark}],
        "messages": [{"role": "user", "content": [block]}],
    }
    assert read(**fields).extra == {"anthropic": {"cache": {"tools": "5m", "system": "1h", "messages": "5m"}}}
    assert read(messages=[{"role": "user", "content": [block]}, *HI]).extra == {}
    assert read(**mark).extra == {"anthropic": {"cache": {"messages": "5m"}}}
    other = AnthropicMessages(differences=COMPATIBLE)
    assert read(other, **fields).extra == {}


SECRET = {"type": "text", "text": "secret"}
BAD: dict[str, dict[str, Any]] = {
    "container": {"container": "secret"},
    "mcp_servers": {"mcp_servers": [{"url": "https://secret.example"}]},
    "context_management": {"context_management": {"edits": []}},
    "diagnostics": {"diagnostics": {"previous_message_id": "secret"}},
    "n ": {"n": 2},
    "user_profile_id": {"user_profile_id": "secret"},
    "'secret'": {"unknown": 1},
    "betas": {"betas": ["files-api-2025-04-14"]},
    "effort": {"effort": "low"},
    "tools[0]": {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
    "tools": {"tools": 5},
    "tools[1]": {"tools": [{"name": "f", "input_schema": {}}, {"name": "g", "input_examples": [{"a": "secret"}]}]},
    "tool_choice": {"tool_choice": {"type": "secret"}},
    "output_config": {"output_config": {"task_budget": {"total": 5}}},
    "output_config.format": {"output_config": {"format": {"type": "secret"}}},
    "thinking": {"thinking": {"type": "enabled", "secret": 1}},
    "thinking.type": {"thinking": {"type": "between_tools"}},
    "metadata": {"metadata": {"secret": "x"}},
    "user_id": {"metadata": {"user_id": "a secret sentence"}},
    "service_tier": {"service_tier": "a secret sentence"},
    "cache_control": {"cache_control": {"type": "ephemeral", "ttl": "secret"}},
    "stop_sequences": {"stop_sequences": [5]},
    "temperature": {"temperature": "secret"},
    "messages": {"messages": "secret"},
    "messages[0]": {"messages": [{"role": "user", "content": "x", "secret": 1}]},
    "messages[0].role": {"messages": [{"role": "tool", "content": "x"}]},
    "messages[0].content": {"messages": [{"role": "user", "content": 5}]},
    "system": {"system": 5},
    "system[0]": {"system": [{"type": "image", "source": {}}]},
}
BAD_BLOCKS: list[tuple[str, dict[str, Any]]] = [
    ("user", {"type": "container_upload", "file_id": "secret"}),
    ("user", {"type": "image", "source": {"type": "file", "file_id": "secret"}}),
    ("user", {"type": "image", "source": {"type": "base64", "media_type": "image/tiff", "data": ""}}),
    ("user", {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "*secret"}}),
    ("user", {"type": "image", "source": {"type": "url", "url": "file:///secret"}}),
    ("user", {"type": "image", "source": 5}),
    ("user", {"type": "document", "source": {"type": "file", "file_id": "secret"}}),
    ("user", {"type": "document", "source": {"type": "content", "content": [SECRET]}}),
    ("user", {"type": "document", "source": {"type": "url", "url": "https://x"}, "citations": {"enabled": True}}),
    ("user", {"type": "document", "source": {"type": "url", "url": "https://x"}, "context": "secret"}),
    ("user", {"type": "search_result", "content": [SECRET]}),
    ("user", {"type": "tool_use", "id": "c", "name": "f", "input": {}}),
    ("user", {"type": "tool_result", "tool_use_id": "c", "content": [{"type": "image", "source": {}}]}),
    ("user", {"type": "tool_result", "tool_use_id": "c", "is_error": "secret"}),
    ("user", {"type": "tool_result"}),
    ("user", {"type": "text", "text": 5}),
    ("user", {"type": "text", "text": "x", "secret": 1}),
    ("assistant", {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}),
    ("assistant", {"type": "tool_use", "id": "c", "name": "f", "input": "secret"}),
    ("assistant", {"type": "tool_use", "id": "c", "name": "f", "input": {}, "caller": {"type": "code_execution"}}),
    ("assistant", {"type": "image", "source": {"type": "url", "url": "https://x"}}),
    ("assistant", {"type": "redacted_thinking"}),
]


@pytest.mark.parametrize("name", BAD)
def test_fields_that_are_refused(name: str) -> None:
    """A vendor's memory, a recipient nobody agreed to, a wrong type: the field is named, its value is not."""
    assert name.replace("'secret'", "unknown") in refusal(**BAD[name]).what


@pytest.mark.parametrize(("role", "block"), BAD_BLOCKS)
def test_blocks_that_are_refused(role: str, block: dict[str, Any]) -> None:
    """Ids of stored files, hosted tools, what stands in the wrong role, fields that nobody would screen."""
    assert "messages[0].content[0]" in refusal(messages=[{"role": role, "content": [block]}]).what


@pytest.mark.parametrize("body", [b"", b"{", b"5", b"[]"])
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    """It is a ConfigError, like every other request that makes no sense."""
    with pytest.raises(ConfigError):
        CODEC.decode_request(body)


def test_asking_for_a_stream() -> None:
    """The usage comes with every stream of this dialect."""
    assert asks_for_stream(b'{"stream": true}') == (True, True)
    assert asks_for_stream(b'{"stream": 1}') == (False, True)


texts = st.text(min_size=1, max_size=8)
arguments = st.dictionaries(texts, st.one_of(texts, st.integers(-9, 9), st.booleans(), st.none()), max_size=3)
spoken = st.fixed_dictionaries({"type": st.just("text"), "text": texts})
result = st.fixed_dictionaries({"type": st.just("tool_result"), "tool_use_id": st.just("c"), "content": texts})
call = st.fixed_dictionaries(
    {"type": st.just("tool_use"), "id": st.just("c"), "name": st.just("f"), "input": arguments}
)
turns = st.one_of(
    st.fixed_dictionaries({"role": st.just("user"), "content": st.lists(st.one_of(spoken, result), max_size=3)}),
    st.fixed_dictionaries({"role": st.just("assistant"), "content": st.lists(st.one_of(spoken, call), max_size=3)}),
    st.fixed_dictionaries({"role": st.just("system"), "content": texts}),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(turns, max_size=6), st.one_of(st.none(), texts), st.sampled_from([None, "auto", "none", "required"]))
def test_through_and_through_again(messages: list[Any], system: str | None, choice: str | None) -> None:
    """What was read and written once is read and written the same ever after."""
    fields = {"model": "m", "messages": [*messages, *HI], "system": system}
    request = CODEC.decode_request(json.dumps(fields).encode()).replace(tools=(Tool("f"),), tool_choice=choice)
    once = CODEC.encode(request, stream=False).body
    assert CODEC.encode(CODEC.decode_request(once), stream=False).body == once
