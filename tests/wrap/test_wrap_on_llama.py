"""Wrapped SDK clients against a real llama.cpp server, which serves all three dialects; every byte sent is kept."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import anthropic
import anyio
import openai
import pytest
from anthropic.types import Message
from openai.types.chat import ChatCompletion
from openai.types.responses import Response
from pydantic import BaseModel

from psf_runtime import wrap
from psf_runtime.testing.llama_server import MODEL, EchoServer

QUESTION = "Write to jane.doe@example.com today"
MESSAGES: Any = [{"role": "user", "content": QUESTION}]
CALL = '<tool_call>\n{"name": "send", "arguments": {"to": "jane.doe@example.com"}}\n</tool_call>'
SCHEMA: Any = {"type": "object", "properties": {"to": {"type": "string"}}}


def sending(sdk: Any, base_url: str, sent: list[bytes], *, asynchronous: bool = False) -> Any:
    """The SDK's client, over a transport of its own HTTP module that keeps the exact bytes."""
    with sdk(api_key="k", base_url=base_url) if not asynchronous else openai.OpenAI(api_key="k") as plain:
        names = {base.__module__.partition(".")[0] for base in type(plain._client).__mro__} & {"httpx", "httpx2"}
    module: Any = sys.modules[names.pop()]

    class Blocking(module.HTTPTransport):  # type: ignore[misc]
        def handle_request(self, request: Any) -> Any:
            sent.append(request.read())
            return super().handle_request(request)

    class Asynchronous(module.AsyncHTTPTransport):  # type: ignore[misc]
        async def handle_async_request(self, request: Any) -> Any:
            sent.append(await request.aread())
            return await super().handle_async_request(request)

    http = module.AsyncClient(transport=Asynchronous()) if asynchronous else module.Client(transport=Blocking())
    return sdk(api_key="k", base_url=base_url, http_client=http)


@pytest.fixture
def sent() -> Iterator[list[bytes]]:
    """What left, which must hold nothing personal."""
    bodies: list[bytes] = []
    yield bodies
    assert bodies
    assert not any(b"jane" in body or b"example.com" in body for body in bodies)


@pytest.fixture
def chat(echo_server: EchoServer, sent: list[bytes]) -> Iterator[openai.OpenAI]:
    with sending(openai.OpenAI, echo_server.base_url, sent) as original:
        yield wrap(original)


@pytest.fixture
def claude(echo_server: EchoServer, sent: list[bytes]) -> Iterator[anthropic.Anthropic]:
    with sending(anthropic.Anthropic, echo_server.base_url.removesuffix("/v1"), sent) as original:
        yield wrap(original)


def test_chat(chat: openai.OpenAI) -> None:
    """Whole, streamed, with the helper, raw."""
    answer = chat.chat.completions.create(model=MODEL, messages=MESSAGES)
    assert type(answer) is ChatCompletion
    assert QUESTION == answer.choices[0].message.content
    chunks = chat.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True)
    assert QUESTION == "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    with chat.chat.completions.stream(model=MODEL, messages=MESSAGES) as stream:
        assert QUESTION == stream.get_final_completion().choices[0].message.content


def test_chat_with_a_contract(chat: openai.OpenAI) -> None:
    """`.parse` against a server that follows the schema: an instance, its values restored."""

    class Mail(BaseModel):
        to: str

    messages: Any = [{"role": "user", "content": '{"to": "jane.doe@example.com"}'}]
    answer = chat.chat.completions.parse(model=MODEL, messages=messages, response_format=Mail)
    assert Mail(to="jane.doe@example.com") == answer.choices[0].message.parsed


@pytest.mark.parametrize("stream", [False, True])
def test_chat_with_tools(chat: openai.OpenAI, stream: bool) -> None:
    """A call of a tool, its whole value restored; the result goes back in the next turn."""
    tools: Any = [{"type": "function", "function": {"name": "send", "parameters": SCHEMA}}]
    messages: Any = [{"role": "user", "content": CALL}]
    if stream:
        with chat.chat.completions.stream(model=MODEL, messages=messages, tools=tools) as events:
            message: Any = events.get_final_completion().choices[0].message
    else:
        message = chat.chat.completions.create(model=MODEL, messages=messages, tools=tools).choices[0].message
    (call,) = message.tool_calls
    assert '{"to": "jane.doe@example.com"}' == call.function.arguments.replace('":"', '": "')
    turn = {"role": "assistant", "tool_calls": [call.model_dump(include={"id", "type", "function"})]}
    turn["tool_calls"][0]["function"] = {"name": "send", "arguments": call.function.arguments}
    result = {"role": "tool", "tool_call_id": call.id, "content": "sent to jane.doe@example.com"}
    again = chat.chat.completions.create(model=MODEL, messages=[*messages, turn, result], tools=tools)
    assert "sent to jane.doe@example.com" == again.choices[0].message.content


def test_responses(chat: openai.OpenAI) -> None:
    """Whole, streamed, with the helper."""
    answer = chat.responses.create(model=MODEL, input=QUESTION)
    assert type(answer) is Response
    assert QUESTION == answer.output_text
    events = chat.responses.create(model=MODEL, input=QUESTION, stream=True)
    assert QUESTION == "".join(event.delta for event in events if event.type == "response.output_text.delta")
    with chat.responses.stream(model=MODEL, input=QUESTION) as stream:
        assert QUESTION == stream.get_final_response().output_text


def test_messages(claude: anthropic.Anthropic) -> None:
    """Whole, streamed, with the helper."""
    answer = claude.messages.create(model=MODEL, max_tokens=300, messages=MESSAGES)
    assert type(answer) is Message
    assert [QUESTION] == [block.text for block in answer.content if block.type == "text"]
    with claude.messages.stream(model=MODEL, max_tokens=300, messages=MESSAGES) as stream:
        assert QUESTION == "".join(stream.text_stream)


def test_messages_with_tools(claude: anthropic.Anthropic) -> None:
    """A call of a tool, its whole value restored."""
    answer = claude.messages.create(
        model=MODEL,
        max_tokens=300,
        messages=[{"role": "user", "content": CALL}],
        tools=[{"name": "send", "input_schema": SCHEMA}],
    )
    assert [{"to": "jane.doe@example.com"}] == [block.input for block in answer.content if block.type == "tool_use"]


def test_async_clients(echo_server: EchoServer, sent: list[bytes]) -> None:
    """AsyncOpenAI in both dialects, whole and streamed."""

    async def main() -> None:
        async with sending(openai.AsyncOpenAI, echo_server.base_url, sent, asynchronous=True) as original:
            wrapped: openai.AsyncOpenAI = wrap(original)
            answer = await wrapped.chat.completions.create(model=MODEL, messages=MESSAGES)
            assert QUESTION == answer.choices[0].message.content
            chunks = await wrapped.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True)
            assert QUESTION == "".join([c.choices[0].delta.content or "" async for c in chunks if c.choices])
            assert QUESTION == (await wrapped.responses.create(model=MODEL, input=QUESTION)).output_text

    anyio.run(main)
