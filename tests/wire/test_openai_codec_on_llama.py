"""The chat-completions codec against a real llama.cpp server: encoded by us, answered by it, decoded by us."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from psf_runtime.errors import ContextLengthError, StreamInterrupted
from psf_runtime.providers.errors import provider_error
from psf_runtime.providers.openai import LOCAL, OpenAIChat
from psf_runtime.testing.llama_process import EchoServerProcess
from psf_runtime.testing.llama_server import MODEL, EchoServer
from psf_runtime.types.chunks import Chunk
from psf_runtime.types.messages import Message, Reasoning
from psf_runtime.types.request import Limits, OutputSchema, Request, Tool
from psf_runtime.types.response import Response, accumulate

CODEC = OpenAIChat(model=MODEL, target="local:echo-lm", differences=LOCAL)
CITY = {"type": "object", "properties": {"city": {"type": "string"}}}
PERSON = {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}}


def asked(text: str, **changes: Any) -> Request:
    return Request((Message.user(text),), **{"limits": Limits(max_tokens=400), **changes})


def post(server: EchoServer, request: Request, *, stream: bool) -> httpx.Response:
    wire = CODEC.encode(request, stream=stream)
    return httpx.request(
        wire.method, server.base_url + wire.path, headers=list(wire.headers), content=wire.body, timeout=30
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
    return accumulate(chunks, decoder.head())


@pytest.mark.parametrize(("stream", "size"), [(False, 10_000), (True, 10_000), (True, 7), (True, 1)])
def test_text_comes_back(echo_server: EchoServer, stream: bool, size: int) -> None:
    """Whole or streamed, however the bytes are cut: the same text, finish reason, usage and model."""
    text = "Żółć and Größe for EMAIL_M2T9AX4K 🙂\nline two"
    got = answer(echo_server, asked(text), stream=stream, size=size)
    assert (got.text, got.finish, got.model, got.provider) == (text, "stop", MODEL, "local:echo-lm")
    assert got.usage.reported
    assert got.usage.output_tokens >= len(text.encode())


@pytest.mark.parametrize("stream", [False, True])
def test_a_tool_call_comes_back(echo_server: EchoServer, stream: bool) -> None:
    """Name and arguments survive the server's own parser, and the finish reason is `tool_calls`."""
    script = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Łódź"}}\n</tool_call>'
    got = answer(echo_server, asked(script, tools=(Tool("get_weather", "Weather.", CITY),)), stream=stream)
    assert [(call.name, call.arguments) for call in got.tool_calls] == [("get_weather", {"city": "Łódź"})]
    assert got.tool_calls[0].id
    assert got.finish == "tool_calls"


@pytest.mark.parametrize("stream", [False, True])
def test_a_tool_result_is_answered(echo_server: EchoServer, stream: bool) -> None:
    """The history with call and result is understood by the server."""
    request = asked(
        '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Bonn"}}\n</tool_call>',
        tools=(Tool("get_weather", "Weather.", CITY),),
    )
    first = answer(echo_server, request, stream=False)
    turn = Message("assistant", first.parts)
    again = request.add(turn, first.tool_calls[0].result("sunny, 21 degrees"))
    assert answer(echo_server, again, stream=stream).text == "sunny, 21 degrees"


@pytest.mark.parametrize("stream", [False, True])
def test_a_schema_is_sent_and_followed(echo_server: EchoServer, stream: bool) -> None:
    """The answer is JSON of that shape."""
    request = asked('{"name": "Zoë", "age": 41}', output=OutputSchema("person", PERSON))
    assert json.loads(answer(echo_server, request, stream=stream).text) == {"name": "Zoë", "age": 41}


@pytest.mark.parametrize("stream", [False, True])
def test_thinking_is_a_part_of_its_own(echo_server: EchoServer, stream: bool) -> None:
    """Reasoning never runs into the text."""
    got = answer(echo_server, asked("<think>\nhidden plan\n</think>\n\nvisible"), stream=stream)
    assert [type(part) for part in got.parts][:1] == [Reasoning]
    assert got.text == "visible"


@pytest.mark.parametrize("stream", [False, True])
def test_truncation_says_length(echo_server: EchoServer, stream: bool) -> None:
    """A cut answer is not a complete one."""
    got = answer(echo_server, asked("Dear [PERSON_1]", limits=Limits(max_tokens=9)), stream=stream)
    assert (got.text, got.finish) == ("Dear [PER", "length")


def test_a_stop_string_is_left_out(echo_server: EchoServer) -> None:
    """The limits reach the server."""
    got = answer(echo_server, asked("alpha STOP beta", limits=Limits(stop=("STOP",), seed=1, top_p=0.9)), stream=True)
    assert got.text == "alpha "


@pytest.mark.parametrize("stream", [False, True])
def test_too_long_a_request_is_a_context_length_error(echo_server: EchoServer, stream: bool) -> None:
    """The server's 400 becomes the typed error, and repeats nothing of what was sent."""
    reply = post(echo_server, asked("secret" * 1000), stream=stream)
    error = provider_error(reply.status_code, dict(reply.headers), reply.json(), target="local:echo-lm")
    assert isinstance(error, ContextLengthError)
    assert (error.kind, error.status, error.retry_safe) == ("context_length", 400, False)
    assert "secret" not in str(error)


def test_a_server_that_dies_leaves_an_interrupted_stream() -> None:
    """What came before the death is decoded; the end is a StreamInterrupted."""
    text = "".join(chr(33 + number % 90) for number in range(0, 1500, 7))
    decoder = CODEC.decoder(stream=True)
    chunks: list[Chunk] = []
    wire = CODEC.encode(asked(text), stream=True)
    with EchoServerProcess() as server:
        url = server.base_url + wire.path
        with httpx.stream("POST", url, headers=list(wire.headers), content=wire.body, timeout=30) as response:
            pieces = response.iter_raw()
            while not chunks:
                chunks += decoder.feed(next(pieces))
            server.kill()
            rest: list[bytes] = []
            with pytest.raises(httpx.RemoteProtocolError):
                rest.extend(pieces)
    for piece in rest:
        chunks += decoder.feed(piece)
    with pytest.raises(StreamInterrupted):
        decoder.end()
    assert text.startswith(accumulate(chunks, decoder.head()).text)
