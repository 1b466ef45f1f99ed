"""What a vendor's server sees: the exact address, the one header that lets the call in, and nobody else's key."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from psf_runtime.errors import AuthenticationError, ProviderError, RateLimitError
from psf_runtime.providers.http import HttpTransport
from psf_runtime.providers.targets import bind
from psf_runtime.types.messages import Message
from psf_runtime.types.request import Request
from psf_runtime.types.response import accumulate
from tests.wire.wire_loopback import Loopback, body

ALL_KEYS = {
    "OPENAI_API_KEY": "key-of-openai",
    "ANTHROPIC_API_KEY": "key-of-anthropic",
    "AZURE_OPENAI_API_KEY": "key-of-azure",
    "AWS_BEARER_TOKEN_BEDROCK": "key-of-bedrock",
    "AWS_REGION": "eu-central-1",
}
CHAT = {"id": "c", "choices": [{"index": 0, "message": {"content": "hi"}, "finish_reason": "stop"}]}
MESSAGE = {"id": "m", "type": "message", "content": [{"type": "text", "text": "hi"}], "stop_reason": "end_turn"}
CONVERSE = {"output": {"message": {"role": "assistant", "content": [{"text": "hi"}]}}, "stopReason": "end_turn"}
RESPONSE = {
    "id": "r",
    "object": "response",
    "status": "completed",
    "output": [{"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "hi"}]}],
}


def ask(model: str, environ: dict[str, str], client: Any = None) -> str:
    transport = HttpTransport(bind(model, environ={**ALL_KEYS, **environ}), client=client)
    try:
        source = transport.open(Request((Message.user("hello"),)), stream=False, left=10.0)
        chunks = []
        try:
            while (batch := source.read(10.0)) is not None:
                chunks += batch
        finally:
            source.close()
        return accumulate(chunks, source.head()).text
    finally:
        transport.close()


@pytest.mark.parametrize("injected", [False, True], ids=["own", "injected"])
@pytest.mark.parametrize(
    ("model", "variable", "version", "answer", "line", "key"),
    [
        ("openai:m", "OPENAI_BASE_URL", "", CHAT, "/x/chat/completions", "authorization: bearer key-of-openai"),
        ("openai-responses:m", "OPENAI_BASE_URL", "", RESPONSE, "/x/responses", "authorization: bearer key-of-openai"),
        ("anthropic:m", "ANTHROPIC_BASE_URL", "", MESSAGE, "/x/v1/messages", "x-api-key: key-of-anthropic"),
        ("azure:dep", "AZURE_OPENAI_ENDPOINT", "", CHAT, "/x/openai/v1/chat/completions", "api-key: key-of-azure"),
        (
            "azure:dep",
            "AZURE_OPENAI_ENDPOINT",
            "2024-10-21",
            CHAT,
            "/x/openai/deployments/dep/chat/completions?api-version=2024-10-21",
            "api-key: key-of-azure",
        ),
        (
            "bedrock:a.m-v1:0",
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
            "",
            CONVERSE,
            "/x/model/a.m-v1%3A0/converse",
            "authorization: bearer key-of-bedrock",
        ),
    ],
)
def test_what_the_server_sees(
    model: str, variable: str, version: str, answer: Any, line: str, key: str, *, injected: bool
) -> None:
    """The path and query as written, over our own connections and over an injected client; one key and no other."""
    with Loopback(body(answer)) as server, httpx.Client() as client:
        environ = {variable: server.url.removesuffix("/v1") + "/x", "OPENAI_API_VERSION": version}
        assert ask(model, environ, client if injected else None) == "hi"
        head = server.requests[0].partition(b"\r\n\r\n")[0].decode()
    assert head.split("\r\n")[0] == f"POST {line} HTTP/1.1"
    assert key in head.lower()
    assert head.count("key-of-") == 1


@pytest.mark.parametrize(
    ("model", "variable", "status", "headers", "answer", "cls", "kind"),
    [
        (
            "bedrock:m",
            "AWS_ENDPOINT_URL",
            "403 Forbidden",
            "x-amzn-ErrorType: ExpiredTokenException:http://internal.amazon.com/\r\n",
            {"message": "CANARY"},
            AuthenticationError,
            "auth",
        ),
        (
            "bedrock:m",
            "AWS_ENDPOINT_URL",
            "429 Too Many Requests",
            "x-amzn-ErrorType: ModelNotReadyException\r\n",
            {"message": "CANARY"},
            ProviderError,
            "overloaded",
        ),
        (
            "azure:m",
            "AZURE_OPENAI_ENDPOINT",
            "400 Bad Request",
            "",
            {"error": {"code": "content_filter", "message": "CANARY", "innererror": {"CANARY": 1}}},
            ProviderError,
            "content_filter",
        ),
        (
            "openai:m",
            "OPENAI_BASE_URL",
            "429 Too Many Requests",
            "",
            {"error": {"code": "insufficient_quota", "message": "CANARY"}},
            RateLimitError,
            "quota_exhausted",
        ),
        (
            "anthropic:m",
            "ANTHROPIC_BASE_URL",
            "529 Overloaded",
            "retry-after: 7\r\n",
            {"type": "error", "error": {"type": "overloaded_error", "message": "CANARY"}},
            ProviderError,
            "overloaded",
        ),
    ],
)
def test_a_failure_is_read_from_head_and_body(
    model: str, variable: str, status: str, headers: str, answer: Any, cls: type[ProviderError], kind: str
) -> None:
    """The whole way: AWS's name stands in a header, the others' in the body; no message comes through."""
    with Loopback(body(answer, status=status, headers=headers)) as server, pytest.raises(ProviderError) as caught:
        ask(model, {variable: server.url.removesuffix("/v1")})
    error = caught.value
    assert (type(error), error.kind, error.target) == (cls, kind, model)
    assert error.retry_after == (7.0 if headers.startswith("retry-after") else None)
    assert "CANARY" not in str(error)
