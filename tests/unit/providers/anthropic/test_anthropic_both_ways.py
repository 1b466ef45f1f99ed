"""A whole conversation: the vendor's SDK in front, our codec between, answers in the vendor's shapes behind."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import anthropic
import httpx2
import pytest

from psf_runtime.errors import ConfigError
from psf_runtime.providers.anthropic import AnthropicMessages, asks_for_stream
from psf_runtime.providers.handles import Handles
from psf_runtime.stores.sealing import Sealer
from psf_runtime.types.request import Facts, Request
from psf_runtime.types.response import explode
from tests.unit.providers.anthropic.anthropic_answers import body, decoded_with

CODEC = AnthropicMessages(model="claude-x", target="a")
FACTS = Facts(tenant="t", user="u", conversation="c")
TOOLS: Any = [{"name": "find", "input_schema": {"type": "object", "properties": {"a": {"type": "integer"}}}}]
BLOCKS: list[dict[str, Any]] = [
    {"type": "thinking", "thinking": "the vendor's own words", "signature": "c2ln"},
    {"type": "text", "text": "I look."},
    {"type": "redacted_thinking", "data": "ZGF0YQ=="},
    {"type": "tool_use", "id": "toolu_1", "name": "find", "input": {"a": 1}},
]


class Middle:
    """What stands between an SDK's client and the vendor: reads the request, seals the answer's signed thinking."""

    def __init__(self, *, reasoning: bool) -> None:
        self.handles = Handles(Sealer(b"k" * 32), "a")
        self.facts = FACTS
        self.reasoning = reasoning
        self.read: list[Request] = []
        self.sent: list[dict[str, Any]] = []

    def client(self) -> anthropic.Anthropic:
        client = httpx2.Client(transport=httpx2.MockTransport(self.answer))
        return anthropic.Anthropic(api_key="k", base_url="http://127.0.0.1", http_client=client, max_retries=0)

    def answer(self, received: httpx2.Request) -> httpx2.Response:
        content = received.read()
        stream, _ = asks_for_stream(content)
        request = replace(CODEC.decode_request(content), facts=self.facts)
        self.read.append(request)
        self.sent.append(json.loads(CODEC.encode(self.handles.resolve(request), stream=False).body))
        response, carried = decoded_with(body(*BLOCKS, reason="tool_use"), stream=False, codec=CODEC)
        response = response.replace(handle=self.handles.make(carried, self.facts))
        options: Any = {"id": "msg_1", "created": 1, "reasoning": self.reasoning}
        if not stream:
            return httpx2.Response(200, json=json.loads(CODEC.encode_response(response, **options)))
        data = b"".join(CODEC.encode_stream(explode(response), response, **options))
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=data)


def say(client: anthropic.Anthropic, messages: list[Any], *, stream: bool) -> Any:
    arguments: Any = {"model": "claude-x", "max_tokens": 9000, "messages": messages, "tools": TOOLS}
    if not stream:
        return client.messages.create(**arguments)
    with client.messages.stream(**arguments) as answer:
        return answer.get_final_message()


def second_turn(message: Any) -> list[Any]:
    result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "found"}
    return [
        {"role": "user", "content": "look it up"},
        {"role": "assistant", "content": message.content},
        {"role": "user", "content": [result]},
    ]


@pytest.mark.parametrize("reasoning", [True, False])
@pytest.mark.parametrize("stream", [True, False])
def test_signed_thinking_comes_back_to_the_vendor(stream: bool, reasoning: bool) -> None:
    """The client sees a handle, and the vendor gets its own blocks word for word, each in its place."""
    middle = Middle(reasoning=reasoning)
    with middle.client() as client:
        message = say(client, [{"role": "user", "content": "look it up"}], stream=stream)
        assert "c2ln" not in message.model_dump_json()
        assert ("the vendor's own words" in message.model_dump_json()) == reasoning
        say(client, second_turn(message), stream=stream)
    assert middle.sent[1]["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "look it up"}]},
        {"role": "assistant", "content": BLOCKS},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "found"}]},
    ]


def test_another_target_gets_no_thinking() -> None:
    """A fallback is asked without it, and without an error."""
    middle = Middle(reasoning=False)
    with middle.client() as client:
        message = say(client, [{"role": "user", "content": "look it up"}], stream=False)
        say(client, second_turn(message), stream=False)
    resolved = Handles(Sealer(b"k" * 32), "b").resolve(middle.read[1])
    turn = json.loads(CODEC.encode(resolved, stream=False).body)["messages"][1]
    assert [block["type"] for block in turn["content"]] == ["text", "tool_use"]


@pytest.mark.parametrize("signature", ["c2ln", "[[0,{}]]"])
def test_a_raw_signature_is_refused(signature: str) -> None:
    """A client that sends the vendor's own signature gets an error before anything leaves."""
    turn = {"role": "assistant", "content": [{"type": "thinking", "thinking": "x", "signature": signature}]}
    request = CODEC.decode_request(json.dumps({"messages": [turn]}).encode())
    with pytest.raises(ConfigError, match="no handle"):
        Handles(Sealer(b"k" * 32), "a").resolve(request)
