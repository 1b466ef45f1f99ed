"""The Responses codec against a real llama.cpp server: encoded by us, answered by it, decoded by us."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from psf_runtime.errors import ContextLengthError
from psf_runtime.providers.errors import provider_error
from psf_runtime.providers.responses import LOCAL, OpenAIResponses
from psf_runtime.testing.llama_server import MODEL, EchoServer
from psf_runtime.types.chunks import Chunk
from psf_runtime.types.media import Image
from psf_runtime.types.messages import Message, Reasoning, Text
from psf_runtime.types.request import Limits, OutputSchema, Request, Tool
from psf_runtime.types.response import Response, accumulate

CODEC = OpenAIResponses(model=MODEL, target="local:echo-lm", differences=LOCAL)
CITY = {"type": "object", "properties": {"city": {"type": "string"}}}
PERSON = {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}}
TOOL = Tool("get_weather", "Weather.", CITY)


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
    assert (reply.headers["content-type"].partition(";")[0] == CODEC.event_type) == stream
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
def test_a_tool_call_is_answered(echo_server: EchoServer, stream: bool) -> None:
    """Name and arguments survive the server's parser; the history with call and result is understood."""
    script = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Łódź"}}\n</tool_call>'
    request = asked(script, tools=(TOOL, Tool("stop")))
    first = answer(echo_server, request, stream=stream)
    assert [(call.name, call.arguments) for call in first.tool_calls] == [("get_weather", {"city": "Łódź"})]
    assert first.tool_calls[0].id
    assert first.finish == "tool_calls"
    again = request.add(Message("assistant", first.parts), first.tool_calls[0].result("sunny, 21 degrees"))
    assert answer(echo_server, again, stream=stream).text == "sunny, 21 degrees"


@pytest.mark.parametrize("stream", [False, True])
def test_thinking_is_a_part_of_its_own(echo_server: EchoServer, stream: bool) -> None:
    """Reasoning never runs into the text, and the next turn is understood without it."""
    request = asked("<think>\nhidden plan\n</think>\n\nvisible")
    got = answer(echo_server, request, stream=stream)
    assert [type(part) for part in got.parts] == [Reasoning, Text]
    assert got.text == "visible"
    again = request.add(Message("assistant", got.parts), Message.user("next"))
    assert answer(echo_server, again, stream=stream).text == "next"


@pytest.mark.parametrize("stream", [False, True])
def test_a_schema_is_sent_and_followed(echo_server: EchoServer, stream: bool) -> None:
    """The answer is JSON of that shape."""
    request = asked('{"name": "Zoë", "age": 41}', output=OutputSchema("person", PERSON))
    assert json.loads(answer(echo_server, request, stream=stream).text) == {"name": "Zoë", "age": 41}


def test_every_role_is_understood(echo_server: EchoServer) -> None:
    """Instructions, a text in parts, an earlier answer: the server takes them all."""
    request = Request(
        (Message.system("Be brief."), Message.user("one", "two"), Message.assistant("three"), Message.user("four")),
        limits=Limits(max_tokens=50, temperature=0.0, top_p=0.9),
        extra={"local": {"parallel_tool_calls": True, "top_k": 1}},
    )
    assert answer(echo_server, request, stream=True).text == "four"


@pytest.mark.parametrize("stream", [False, True])
def test_this_server_does_not_say_that_an_answer_was_cut(echo_server: EchoServer, stream: bool) -> None:
    """It calls a cut answer complete: only the number of tokens shows it, beside what was asked for."""
    got = answer(echo_server, asked("Dear [PERSON_1]", limits=Limits(max_tokens=9)), stream=stream)
    assert (got.text, got.finish, got.usage.output_tokens) == ("Dear [PER", "stop", 9)


@pytest.mark.parametrize("stream", [False, True])
def test_too_long_a_request_is_a_context_length_error(echo_server: EchoServer, stream: bool) -> None:
    """The server's 400 becomes the typed error, and repeats nothing of what was sent."""
    reply = post(echo_server, asked("secret" * 1000), stream=stream)
    error = provider_error(reply.status_code, dict(reply.headers), reply.json(), target="local:echo-lm")
    assert isinstance(error, ContextLengthError)
    assert "secret" not in str(error)


def test_a_picture_that_the_model_cannot_see_is_an_error(echo_server: EchoServer) -> None:
    """It is not dropped in silence."""
    request = Request((Message.user("what is this?", Image(b"\x89PNG\r\n\x1a\n")),))
    assert post(echo_server, request, stream=False).status_code == 500
