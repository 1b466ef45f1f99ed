"""The HTTP transport against a real llama.cpp server: sync and async, whole and streamed, and when the server dies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import pytest

from psf_runtime.errors import Blocked, ContextLengthError, ProviderError, StreamInterrupted
from psf_runtime.providers.http import HttpTransport
from psf_runtime.providers.targets import bind
from psf_runtime.testing.llama_process import EchoServerProcess
from psf_runtime.testing.llama_server import EchoServer
from psf_runtime.types.chunks import Chunk
from psf_runtime.types.messages import Message
from psf_runtime.types.request import Limits, OutputSchema, Request, Stamp, Tool
from psf_runtime.types.response import Response, accumulate

Ask = Callable[[str, Request, bool], Response]
LEFT = 30.0  # seconds
LONG_TEXT = "".join(chr(33 + number % 90) for number in range(0, 1500, 7))


def asked(text: str, **changes: Any) -> Request:
    return Request((Message.user(text),), **{"limits": Limits(max_tokens=400), **changes})


def ask_sync(target: str, request: Request, stream: bool) -> Response:
    transport = HttpTransport(bind(target, environ={}))
    try:
        source = transport.open(request, stream=stream, left=LEFT)
        chunks: list[Chunk] = []
        try:
            while (batch := source.read(LEFT)) is not None:
                chunks += batch
        finally:
            source.close()
        return accumulate(chunks, source.head())
    finally:
        transport.close()


def ask_async(backend: str) -> Ask:
    async def run(target: str, request: Request, stream: bool) -> Response:
        transport = HttpTransport(bind(target, environ={}))
        try:
            source = await transport.aopen(request, stream=stream, left=LEFT)
            chunks: list[Chunk] = []
            try:
                while (batch := await source.aread(LEFT)) is not None:
                    chunks += batch
            finally:
                await source.aclose()
            return accumulate(chunks, source.head())
        finally:
            await transport.aclose()

    return lambda target, request, stream: anyio.run(run, target, request, stream, backend=backend)


modes = pytest.mark.parametrize("ask", [ask_sync, ask_async("asyncio"), ask_async("trio")], ids=["sync", "aio", "trio"])
streams = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])


@modes
@streams
def test_text_comes_back(echo_server: EchoServer, ask: Ask, stream: bool) -> None:
    """The same text in every mode, with finish reason, usage and the target's name."""
    text = "Żółć and Größe for EMAIL_M2T9AX4K 🙂\nline two"
    got = ask(echo_server.target, asked(text), stream)
    assert (got.text, got.finish, got.model, got.provider) == (text, "stop", "echo-lm", "local:echo-lm")
    assert got.usage.reported


@modes
@streams
def test_a_tool_call_comes_back(echo_server: EchoServer, ask: Ask, stream: bool) -> None:
    """Tools go out and calls come in."""
    script = '<tool_call>\n{"name": "find", "arguments": {"city": "Łódź"}}\n</tool_call>'
    tool = Tool("find", "Finds it.", {"type": "object", "properties": {"city": {"type": "string"}}})
    got = ask(echo_server.target, asked(script, tools=(tool,)), stream)
    assert [(call.name, call.arguments) for call in got.tool_calls] == [("find", {"city": "Łódź"})]
    assert got.finish == "tool_calls"


@modes
@streams
def test_a_schema_is_followed(echo_server: EchoServer, ask: Ask, stream: bool) -> None:
    """The output schema is sent in a form that the server accepts, and the answer has its shape."""
    schema = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
    request = asked('{"age": 41}', output=OutputSchema("person", schema))
    assert ask(echo_server.target, request, stream).text == '{"age": 41}'


@modes
@streams
def test_too_long_a_request(echo_server: EchoServer, ask: Ask, stream: bool) -> None:
    """A typed error without a word of what was sent."""
    with pytest.raises(ContextLengthError) as caught:
        ask(echo_server.target, asked("secret" * 1000), stream)
    assert "secret" not in str(caught.value)
    assert caught.value.target == "local:echo-lm"


def test_one_transport_serves_many_calls(echo_server: EchoServer) -> None:
    """This server closes connections after streams without saying so; reused ones are replaced unseen."""
    transport = HttpTransport(bind(echo_server.target, environ={}))
    said = []
    for number in range(25):
        source = transport.open(asked(f"question {number}"), stream=True, left=LEFT)
        chunks: list[Chunk] = []
        while (batch := source.read(LEFT)) is not None:
            chunks += batch
        source.close()
        said.append(accumulate(chunks, source.head()).text)
    transport.close()
    assert said == [f"question {number}" for number in range(25)]


def test_a_known_value_never_reaches_the_server(echo_server: EchoServer) -> None:
    """The tripwire looks at the bytes; a hit sends nothing."""
    transport = HttpTransport(bind(echo_server.target, environ={}), require_stamp=True)
    stamp = Stamp({"EMAIL": "token"}, lambda body: "EMAIL" if b"jane@" in body else None)
    for request in (asked("write to jane@example.com", stamp=stamp), asked("no stamp at all")):
        with pytest.raises(Blocked) as caught:
            transport.open(request, stream=False, left=LEFT)
        assert caught.value.failure_mode == "FM04"
        assert "jane" not in str(caught.value)
    transport.close()


def test_a_server_that_dies_in_mid_stream() -> None:
    """What came is kept, then a StreamInterrupted; the next call finds nobody."""
    with EchoServerProcess() as server:
        transport = HttpTransport(bind(server.target, environ={}))
        source = transport.open(asked(LONG_TEXT), stream=True, left=LEFT)
        chunks: list[Chunk] = list(source.read(LEFT) or [])
        server.kill()

        def read_on() -> None:
            while (batch := source.read(LEFT)) is not None:
                chunks.extend(batch)

        with pytest.raises(StreamInterrupted) as caught:
            read_on()
        source.close()
        assert caught.value.target == "local:echo-lm"
        assert LONG_TEXT.startswith(accumulate(chunks, Response()).text)
        with pytest.raises(ProviderError) as refused:
            transport.open(asked("hello"), stream=True, left=LEFT)
        assert refused.value.kind == "connection"
        transport.close()
