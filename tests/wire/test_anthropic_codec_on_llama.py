"""The messages codec against a real llama.cpp server: encoded by us, answered by it, decoded by us."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from psf_runtime.errors import ContextLengthError, ProviderError
from psf_runtime.ports import TargetFacts
from psf_runtime.providers.anthropic import COMPATIBLE, AnthropicMessages
from psf_runtime.providers.errors import provider_error
from psf_runtime.providers.http import HttpTransport
from psf_runtime.providers.targets import BoundTarget
from psf_runtime.testing.llama_server import MODEL, EchoServer
from psf_runtime.types.chunks import Chunk
from psf_runtime.types.messages import Message, Reasoning, Text
from psf_runtime.types.request import Limits, Request, Tool
from psf_runtime.types.response import Response, accumulate

CODEC = AnthropicMessages(model=MODEL, target="echo", differences=COMPATIBLE)
CITY = {"type": "object", "properties": {"city": {"type": "string"}}}
WEATHER = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Łódź"}}\n</tool_call>'


def asked(text: str, **changes: Any) -> Request:
    return Request((Message.user(text),), **{"limits": Limits(max_tokens=400), **changes})


def root(server: EchoServer) -> str:
    return server.base_url.removesuffix("/v1")


def post(server: EchoServer, request: Request, *, stream: bool) -> httpx.Response:
    wire = CODEC.encode(request, stream=stream)
    return httpx.request(
        wire.method, root(server) + wire.path, headers=list(wire.headers), content=wire.body, timeout=30
    )


def answer(server: EchoServer, request: Request, *, stream: bool, size: int = 10_000) -> Response:
    """The decoded answer, its bytes fed `size` at a time."""
    reply = post(server, request, stream=stream)
    assert reply.status_code == 200
    decoder = CODEC.decoder(stream=stream)
    chunks: list[Chunk] = []
    for start in range(0, len(reply.content), size):
        chunks += decoder.feed(reply.content[start : start + size])
    chunks += decoder.end()
    assert decoder.carried() == b""
    return accumulate(chunks, decoder.head())


@pytest.mark.parametrize(("stream", "size"), [(False, 10_000), (True, 10_000), (True, 7), (True, 1)])
def test_text_comes_back(echo_server: EchoServer, stream: bool, size: int) -> None:
    """Whole or streamed, however the bytes are cut: the same text, finish reason, usage and model."""
    text = "A Żółć and Größe for EMAIL_M2T9AX4K 🙂\nline two"
    got = answer(echo_server, asked(text), stream=stream, size=size)
    assert (got.text, got.finish, got.model, got.provider) == (text, "stop", MODEL, "echo")
    assert got.usage.output_tokens >= len(text.encode())
    assert got.usage.reported


def test_a_stream_that_lost_its_beginning(echo_server: EchoServer) -> None:
    """This server sends no `message_start` when the first token is no whole character: the answer is whole."""
    reply = post(echo_server, asked("Żółć"), stream=True)
    assert b"message_start" not in reply.content
    got = answer(echo_server, asked("Żółć"), stream=True, size=7)
    assert (got.text, got.finish, got.model, got.usage.reported) == ("Żółć", "stop", "", False)


@pytest.mark.parametrize("stream", [False, True])
def test_input_tokens_are_all_of_them(echo_server: EchoServer, stream: bool) -> None:
    """Cached or not, our count is the one that the server's own token counter gives for the same body."""
    request = asked("count me", tools=(Tool("get_weather", "Weather.", CITY),)).add(Message.system("be brief"))
    body = CODEC.encode(request, stream=False).body
    counted = httpx.post(f"{root(echo_server)}/v1/messages/count_tokens", content=body, timeout=30).json()
    for _ in range(2):
        got = answer(echo_server, request, stream=stream)
        assert got.usage.input_tokens == counted["input_tokens"]
    assert got.usage.cached_tokens > 0


@pytest.mark.parametrize("stream", [False, True])
def test_a_tool_call_and_its_result(echo_server: EchoServer, stream: bool) -> None:
    """Name and arguments survive the server's own parser, and the history with call and result is understood."""
    request = asked(WEATHER, tools=(Tool("get_weather", "Weather.", CITY),))
    first = answer(echo_server, request, stream=stream)
    assert [(call.name, call.arguments) for call in first.tool_calls] == [("get_weather", {"city": "Łódź"})]
    assert first.tool_calls[0].id
    assert first.finish == "tool_calls"
    again = request.add(Message("assistant", first.parts), first.tool_calls[0].result("sunny, 21 degrees"))
    assert answer(echo_server, again, stream=stream).text == "sunny, 21 degrees"


@pytest.mark.parametrize("stream", [False, True])
def test_text_before_a_call(echo_server: EchoServer, stream: bool) -> None:
    """Both parts, in order, from blocks that the server leaves open side by side."""
    request = asked(f"Let me look.\n{WEATHER}", tools=(Tool("get_weather", "W.", CITY),))
    got = answer(echo_server, request, stream=stream)
    assert [type(part).__name__ for part in got.parts] == ["Text", "ToolCall"]
    assert got.text.strip() == "Let me look."


def test_a_tool_that_may_not_be_called_is_not_shown(echo_server: EchoServer) -> None:
    """The server ignores `none`: so the prompt is as short as without tools."""
    tools = (Tool("get_weather", "Weather.", CITY),)
    plain = answer(echo_server, asked("hello"), stream=False)
    forbidden = answer(echo_server, asked("hello", tools=tools, tool_choice="none"), stream=False)
    assert forbidden.usage.input_tokens == plain.usage.input_tokens


@pytest.mark.parametrize("stream", [False, True])
def test_thinking_is_a_part_of_its_own(echo_server: EchoServer, stream: bool) -> None:
    """Thinking never runs into the text; this server signs nothing, so nothing is carried."""
    request = asked("<think>\nhidden plan\n</think>\n\nvisible", limits=Limits(max_tokens=400, reasoning_effort="low"))
    got = answer(echo_server, request, stream=stream)
    assert [type(part) for part in got.parts] == [Reasoning, Text]
    assert got.text == "visible"


@pytest.mark.parametrize("stream", [False, True])
def test_limits_reach_the_server(echo_server: EchoServer, stream: bool) -> None:
    """A cut answer says `length`; a stop text ends one, and is not in it or in anything else."""
    got = answer(echo_server, asked("Dear [PERSON_1]", limits=Limits(max_tokens=9)), stream=stream)
    assert (got.text, got.finish) == ("Dear [PER", "length")
    limits = Limits(max_tokens=60, stop=("STOP",), temperature=1.2, top_p=0.9)
    got = answer(echo_server, asked("alpha STOP beta", limits=limits), stream=stream)
    assert (got.text, got.finish) == ("alpha ", "stop")
    assert got.raw["dropped"] == {"stop_sequence": 1}


def test_every_system_text_reaches_the_server_apart(echo_server: EchoServer) -> None:
    """They are joined with a blank line: the server counts more tokens than for the letters run together."""
    two = asked("hi").add(Message.system("abc"), Message.system("def"))
    one = asked("hi").add(Message.system("abcdef"))
    counts = [answer(echo_server, request, stream=False).usage.input_tokens for request in (two, one)]
    assert counts[0] == counts[1] + 2


@pytest.mark.parametrize("stream", [False, True])
def test_too_long_a_request_is_a_context_length_error(echo_server: EchoServer, stream: bool) -> None:
    """The server's 400 becomes the typed error, and repeats nothing of what was sent."""
    reply = post(echo_server, asked("secret" * 1000), stream=stream)
    error = provider_error(reply.status_code, dict(reply.headers), reply.json(), target="echo")
    assert isinstance(error, ContextLengthError)
    assert (error.kind, error.status, error.retry_safe) == ("context_length", 400, False)
    assert "secret" not in str(error)


@pytest.mark.parametrize("stream", [False, True])
def test_through_the_sender(echo_server: EchoServer, stream: bool) -> None:
    """Codec and transport together: the same answer, and the same typed error."""
    target = BoundTarget("echo", TargetFacts("echo", "anthropic"), CODEC, root(echo_server), "", loopback=True)
    transport = HttpTransport(target)
    try:
        source = transport.open(asked("hello", model="echo"), stream=stream, left=30)
        chunks: list[Chunk] = []
        while (piece := source.read(30)) is not None:
            chunks += piece
        assert accumulate(chunks, source.head()).text == "hello"
        source.close()
        with pytest.raises(ProviderError) as caught:
            transport.open(asked("secret" * 1000, model="echo"), stream=stream, left=30).read(30)
        assert (caught.value.kind, caught.value.target) == ("context_length", "echo")
    finally:
        transport.close()


def test_the_body_that_leaves_is_what_the_server_read(echo_server: EchoServer) -> None:
    """A client of the dialect behind our codec: its request, decoded and encoded, gets the same answer."""
    body = {"model": MODEL, "max_tokens": 60, "messages": [{"role": "user", "content": "one and the same"}]}
    direct = httpx.post(f"{root(echo_server)}/v1/messages", json=body, timeout=30).json()
    through = answer(echo_server, CODEC.decode_request(json.dumps(body).encode()), stream=False)
    assert [{"type": "text", "text": through.text}] == direct["content"]
