"""Any HTTP client: which dialect a path speaks, in both HTTP modules, with the key that the dialect has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import anyio
import httpx
import httpx2
import pytest

from psf_runtime import ConfigError, decision_of, wrap
from psf_runtime.client.wrapped.paths import checked_prefixes
from tests.wire.wire_bedrock import BEARER, MODEL, BedrockStub
from tests.wrap.server import Server, serving

CANARY = "jane.doe@example.com"
QUESTION = f"Write to {CANARY} today"
CHAT = {"model": "m", "messages": [{"role": "user", "content": QUESTION}]}
BODIES: dict[str, Any] = {
    "/v1/chat/completions": CHAT,
    "/v1/responses": {"model": "m", "input": QUESTION},
    "/v1/embeddings": {"model": "m", "input": QUESTION},
    "/v1/messages": {**CHAT, "max_tokens": 99},
}


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as state:
        yield state


@pytest.mark.parametrize("module", [httpx, httpx2], ids=["httpx", "httpx2"])
@pytest.mark.parametrize("path", BODIES)
def test_the_path_says_the_dialect(server: Server, module: Any, path: str) -> None:
    """Each dialect, blocking and async, below a base URL with `/v1` and without; nothing personal leaves."""
    for base, rest in ((server.url, path.removeprefix("/v1")), (server.url.removesuffix("/v1"), path)):
        with module.Client(base_url=base) as original:
            reply = wrap(original).post(rest, json=BODIES[path])
        assert 200 == reply.status_code
        assert QUESTION in reply.text or path == "/v1/embeddings"

    async def main() -> int:
        async with module.AsyncClient(base_url=server.url) as original:
            return int((await wrap(original).post(path.removeprefix("/v1"), json=BODIES[path])).status_code)

    assert 200 == anyio.run(main)
    assert [path] * 3 == server.paths
    assert not any(b"jane" in body for body in server.bodies)


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/messages", "/v1/chat/completions"])
def test_streams_by_path(server: Server, path: str) -> None:
    """`stream: true` in a body of any dialect is answered with its events."""
    with httpx.Client(base_url=server.url.removesuffix("/v1")) as original:
        reply = wrap(original).post(path, json={**BODIES[path], "stream": True})
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert reply.extensions["psf_runtime.decision"].outcome in ("stop", "tool_calls")
    assert not any(b"jane" in body for body in server.bodies)


def test_converse_by_a_bearer_key() -> None:
    """A Bedrock API key goes as it came, and the answer is the service's shape."""
    with BedrockStub() as stub, httpx.Client(base_url=stub.origin) as original:
        wrapped = wrap(original)
        body = {"messages": [{"role": "user", "content": [{"text": QUESTION}]}]}
        tools = {"tools": [{"toolSpec": {"name": name, "inputSchema": {"json": {}}}} for name in ("one", "two")]}
        reply = wrapped.post(
            f"/model/{MODEL.replace(':', '%3A')}/converse",
            json={**body, "toolConfig": tools},
            headers={"authorization": f"Bearer {BEARER}"},
        )
        assert 200 == reply.status_code
        assert "hello there" in reply.text
        assert CANARY not in json.dumps(stub.bodies)
        signed = wrapped.post(
            f"/model/{MODEL.replace(':', '%3A')}/converse",
            json=body,
            headers={"authorization": "AWS4-HMAC-SHA256 Credential=a, SignedHeaders=host, Signature=b"},
        )
        assert 400 == signed.status_code
        assert "credentials" in signed.text
        assert "ValidationException" == signed.headers["x-amzn-errortype"]
        assert 1 == len(stub.bodies)


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/v1/chat/completions", {"api-key": "k"}),
        ("/v1/chat/completions", {"authorization": "Basic abc"}),
        ("/v1/messages", {"api-key": "k"}),
        ("/v1/messages", {"x-api-key": "two words"}),
        ("/v1/responses", {"x-api-key": "k"}),
    ],
)
def test_a_key_in_another_form_is_not_guessed_about(server: Server, path: str, headers: Any) -> None:
    """Credentials that the dialect does not have are an error, and nothing is sent."""
    with httpx.Client(base_url=server.url.removesuffix("/v1")) as original:
        reply = wrap(original).post(path, json=BODIES[path], headers=headers)
    assert 400 == reply.status_code
    assert [] == server.paths


@pytest.mark.parametrize(
    "path",
    [
        "/v1/messages/count_tokens",
        "/v1/messages/batches",
        "/v1/complete",
        "/v1/responses/resp_1/cancel",
        "/model/m/invoke",
        "/model/m/converse/x",
        "/v1/v1/messages",
        "/messages",
        "/openai/deployments/d/chat/completions",
    ],
)
def test_neighbours_of_what_is_read_are_refused(server: Server, path: str) -> None:
    """A path that is nearly one of those is none of them."""
    with httpx.Client(base_url=server.url.removesuffix("/v1")) as original:
        assert 400 == wrap(original).post(path, json=CHAT).status_code
    assert [] == server.paths


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"model": 5}', b'{"model": ""}', b'{"messages": []}'])
@pytest.mark.parametrize("path", BODIES)
def test_bad_bodies_are_errors_without_their_text(server: Server, path: str, body: bytes) -> None:
    """What cannot be read is a 400 in the dialect's shape, and nothing is sent."""
    with httpx.Client(base_url=server.url.removesuffix("/v1")) as original:
        reply = wrap(original).post(path, content=body)
    assert 400 == reply.status_code
    assert reply.json()["error"]["message"]
    assert [] == server.paths


@pytest.mark.parametrize(
    "prefix",
    ["/v1/responses", "/v1/embeddings", "/v1/messages", "/v1/responses/x", "/model", "/openai/deployments/d", "/v1"],
)
def test_passthrough_does_not_open_what_is_screened(server: Server, prefix: str) -> None:
    """In any dialect."""
    with httpx.Client(base_url=server.url) as original, pytest.raises(ConfigError, match="passthrough="):
        wrap(original, passthrough=[prefix])
    assert ("/v1/files",) == checked_prefixes(["/v1/files/"], "/v1", ["/v1/responses"])


@pytest.mark.parametrize(
    ("query", "status"),
    [("", 200), ("limit=5&after_id=m-1", 200), (f"q={CANARY}", 400), (f"after={CANARY}", 400), ("limit=5&x=", 400)],
)
def test_the_list_of_models_takes_pages_only(server: Server, query: str, status: int) -> None:
    """What passes cannot carry a text with it."""
    with httpx.Client(base_url=server.url) as original:
        assert status == wrap(original).get(f"/models?{query}").status_code
    assert (status == 200) == bool(server.paths)


def test_a_decision_of_nobody_is_none() -> None:
    """An error that has nothing to do with us has no decision."""
    assert decision_of(httpx.HTTPError("x")) is None
