"""Bedrock over a real connection: signed, validated, answered in pieces, and every failure typed."""

from __future__ import annotations

import time
import traceback
from typing import Any

import anyio
import pytest
from botocore.credentials import Credentials as Found

from psf_runtime.adapters.aws import sigv4
from psf_runtime.errors import (
    AuthenticationError,
    ConfigError,
    ProviderError,
    RateLimitError,
    StateError,
    StreamInterrupted,
)
from psf_runtime.ports import TargetFacts
from psf_runtime.providers.bedrock import BedrockConverse
from psf_runtime.providers.credentials import Credentials, KeyHeader
from psf_runtime.providers.http import HttpTransport
from psf_runtime.providers.targets import BoundTarget
from psf_runtime.types.chunks import Chunk
from psf_runtime.types.messages import Message, Reasoning, Text, ToolCall, ToolResult
from psf_runtime.types.request import Limits, Request, Tool
from psf_runtime.types.response import Response, accumulate
from psf_runtime.types.response_head import Usage
from tests.wire.wire_bedrock import ACCESS_KEY, BEARER, MODEL, PROFILE, REGION, SECRET, TOKEN, BedrockStub

CANARY = "Canary-Kanarienvogel"
BLOCKING = "blocking"
MODES = [BLOCKING, "asyncio", "trio"]
TOOLS = (Tool("one", "The first.", {"type": "object"}), Tool("two"))
REQUEST = Request(
    (
        Message.system("be brief"),
        Message.user("hello"),
        Message("assistant", (ToolCall("c1", "one", '{"a":1}'),)),
        Message("tool", (ToolResult("c1", "done"),)),
    ),
    tools=TOOLS,
    limits=Limits(max_tokens=100, temperature=0.5),
)
PARTS = (
    Reasoning("hm"),
    Text("hello there"),
    ToolCall("tooluse_one", "one", '{"a":1}'),
    ToolCall("tooluse_two", "two", "{}"),
)


class Session:
    """What botocore's session gives us, without any chain."""

    def __init__(self, access: str = ACCESS_KEY, secret: str = SECRET, token: str | None = TOKEN) -> None:
        self.found = Found(access, secret, token)

    def get_credentials(self) -> Found:
        return self.found


def signed(**session: Any) -> Credentials:
    return sigv4(REGION, session=Session(**session))


class Seals:
    """Binds a value to its place, readably: enough to see what travels."""

    def seal(self, value: bytes, place: tuple[str, ...]) -> bytes:
        return repr(place).encode() + b"|" + value

    def open(self, sealed: bytes, place: tuple[str, ...]) -> bytes:
        front = repr(place).encode() + b"|"
        if not sealed.startswith(front):
            raise StateError("another place")
        return sealed.removeprefix(front)

    def digest(self, *values: str) -> str:
        return "-".join(values)


def transport(
    stub: BedrockStub, credentials: Credentials | None = None, model: str = MODEL, seals: Seals | None = None
) -> HttpTransport:
    target = BoundTarget(
        name="t",
        facts=TargetFacts(name="t", provider="bedrock"),
        codec=BedrockConverse(model=model, target="t"),
        origin=stub.origin,
        prefix="",
        credentials=signed() if credentials is None else credentials,
        loopback=True,
    )
    return HttpTransport(target, seals=seals)


def ask(mode: str, sender: HttpTransport, request: Request = REQUEST, *, stream: bool = True) -> Response:
    """The whole answer, blocking or on one of two event loops; the sender is closed."""
    if mode == BLOCKING:
        try:
            source = sender.open(request, stream=stream, left=5)
            chunks: list[Chunk] = []
            while (batch := source.read(5)) is not None:
                chunks.extend(batch)
            source.close()
            return accumulate(chunks, source.head())
        finally:
            sender.close()
    return anyio.run(_ask_async, sender, request, stream, backend=mode)


async def _ask_async(sender: HttpTransport, request: Request, stream: bool) -> Response:
    try:
        source = await sender.aopen(request, stream=stream, left=5)
        chunks: list[Chunk] = []
        while (batch := await source.aread(5)) is not None:
            chunks.extend(batch)
        await source.aclose()
        return accumulate(chunks, source.head())
    finally:
        await sender.aclose()


def failure(mode: str, sender: HttpTransport, *, stream: bool = True) -> ProviderError:
    """The error of a call, which holds neither content nor secrets."""
    with pytest.raises(ProviderError) as caught:
        ask(mode, sender, stream=stream)
    lines = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert CANARY not in lines
    assert SECRET not in lines
    assert TOKEN not in lines
    assert caught.value.target == "t"
    assert caught.value.__context__ is None
    return caught.value


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("model", [MODEL, PROFILE])
def test_a_signed_stream_arrives_whole(mode: str, model: str) -> None:
    """The service accepts signature, path and body, and its frames, cut every seven bytes, become the answer."""
    with BedrockStub() as stub:
        response = ask(mode, transport(stub, model=model))
    assert response.parts == PARTS
    assert (response.finish, response.usage) == ("tool_calls", Usage(10, 5, 3, reported=True))
    assert response.raw["latency_ms"] == 12
    assert "dropped" not in response.raw
    assert stub.models == [model]


@pytest.mark.parametrize("mode", MODES)
def test_a_whole_answer_equals_its_stream(mode: str) -> None:
    """Converse and ConverseStream give the same answer."""
    with BedrockStub() as stub:
        whole = ask(mode, transport(stub), stream=False)
        streamed = ask(mode, transport(stub))
    assert whole.replace(raw={}) == streamed.replace(raw={})
    assert whole.parts == PARTS


def test_what_the_service_gets() -> None:
    """Roles by turns, results with the user, tools declared, limits by their names."""
    with BedrockStub() as stub:
        ask(BLOCKING, transport(stub), stream=False)
    assert stub.bodies == [
        {
            "messages": [
                {"role": "user", "content": [{"text": "hello"}]},
                {
                    "role": "assistant",
                    "content": [{"toolUse": {"toolUseId": "c1", "name": "one", "input": {"a": 1}}}],
                },
                {"role": "user", "content": [{"toolResult": {"toolUseId": "c1", "content": [{"text": "done"}]}}]},
            ],
            "system": [{"text": "be brief"}],
            "inferenceConfig": {"maxTokens": 100, "temperature": 0.5},
            "toolConfig": {
                "tools": [
                    {
                        "toolSpec": {
                            "name": "one",
                            "description": "The first.",
                            "inputSchema": {"json": {"type": "object"}},
                        }
                    },
                    {"toolSpec": {"name": "two", "inputSchema": {"json": {"type": "object", "properties": {}}}}},
                ]
            },
        }
    ]


@pytest.mark.parametrize("mode", MODES)
def test_a_bearer_key_lets_in_as_well(mode: str) -> None:
    """A Bedrock API key goes in one header, and nothing is signed."""
    with BedrockStub() as stub:
        response = ask(mode, transport(stub, KeyHeader(lambda: BEARER)))
    assert response.parts == PARTS


@pytest.mark.parametrize("stream", [True, False])
def test_signed_reasoning_comes_back_word_for_word(stream: bool) -> None:
    """What the model signed in one turn stands in the next request as it came, in its place."""
    with BedrockStub() as stub:
        first = ask(BLOCKING, transport(stub, seals=Seals()), stream=stream)
        said = Message("assistant", (*first.parts, Reasoning("", first.handle)))
        results = Message("tool", tuple(ToolResult(call.id, "done") for call in first.tool_calls))
        ask(BLOCKING, transport(stub, seals=Seals()), REQUEST.add(said, results), stream=stream)
    assert first.handle.startswith("psf1.")
    turn = stub.bodies[1]["messages"][3]
    assert turn["content"][:2] == [
        {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "c2ln"}}},
        {"text": "hello there"},
    ]
    assert [next(iter(block)) for block in turn["content"][2:]] == ["toolUse", "toolUse"]


REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], type[ProviderError], str, int, bool]] = {
    "wrong region": ({"region": "us-east-1"}, {}, AuthenticationError, "auth", 403, False),
    "clock off by an hour": ({"clock": lambda: time.time() + 3600}, {}, AuthenticationError, "auth", 403, False),
    "wrong secret": ({}, {"secret": "wrong"}, AuthenticationError, "auth", 403, False),
    "unknown key": ({}, {"access": "AKIDOTHER"}, AuthenticationError, "auth", 403, False),
    "expired token": ({}, {"token": "old"}, AuthenticationError, "auth", 403, False),
    "throttled": ({"fault": "throttled"}, {}, RateLimitError, "rate_limited", 429, True),
    "model not ready": ({"fault": "not_ready"}, {}, ProviderError, "overloaded", 429, True),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", REFUSED)
def test_refusals_are_typed(mode: str, case: str) -> None:
    """What the service refuses is an error of its own class and kind, with the status, whole or streamed."""
    service, session, cls, kind, status, retry_safe = REFUSED[case]
    with BedrockStub(**service) as stub:
        errors = [failure(mode, transport(stub, signed(**session)), stream=stream) for stream in (True, False)]
    assert [type(error) for error in errors] == [cls, cls]
    assert {(error.kind, error.status, error.retry_safe) for error in errors} == {(kind, status, retry_safe)}


@pytest.mark.parametrize("mode", MODES)
def test_an_unknown_model_is_not_found(mode: str) -> None:
    """A model that the region does not have is `not_found`."""
    with BedrockStub() as stub:
        error = failure(mode, transport(stub, model="anthropic.claude-99"))
    assert (type(error), error.kind, error.status) == (ProviderError, "not_found", 404)


@pytest.mark.parametrize("mode", MODES)
def test_no_credentials_at_all(mode: str) -> None:
    """A call without a header of its own is refused by the service, typed."""
    with BedrockStub() as stub:
        error = failure(mode, transport(stub, KeyHeader()))
    assert (error.kind, error.status) == ("auth", 403)


@pytest.mark.parametrize("mode", MODES)
def test_a_request_that_the_service_does_not_understand(mode: str) -> None:
    """A conversation that the model cannot begin with is a bad request: nothing to retry."""
    with BedrockStub() as stub, pytest.raises(ProviderError) as caught:
        ask(mode, transport(stub), Request((Message.assistant("I begin"),)))
    assert caught.value.kind == "bad_request"
    assert (caught.value.status, caught.value.retry_safe) == (400, False)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("fault", "cls", "kind"),
    [
        ("bad_crc", ProviderError, "bad_response"),
        ("exception", ProviderError, "server_error"),
        ("cut", StreamInterrupted, "stream_interrupted"),
    ],
)
def test_a_stream_that_breaks_is_typed(mode: str, fault: str, cls: type[ProviderError], kind: str) -> None:
    """A wrong checksum, an exception frame and a cut frame are errors of their own; the connection is closed."""
    with BedrockStub(fault=fault) as stub:
        error = failure(mode, transport(stub))
        if fault != "cut":
            assert stub.hung_up.wait(5)
    assert (type(error), error.kind) == (cls, kind)


def test_nothing_is_sent_when_the_request_has_no_place() -> None:
    """A request that cannot be written leaves the wire untouched."""
    with BedrockStub() as stub:
        sender = transport(stub)
        with pytest.raises(ConfigError, match="temperature"):
            ask(BLOCKING, sender, Request((Message.user("x"),), limits=Limits(temperature=1.5)))
    assert stub.models == []
