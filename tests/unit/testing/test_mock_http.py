"""The mock server below the clients: paths, bodies, limits, and connections that end."""

from __future__ import annotations

import json
import socket
import threading
from typing import Any

import httpx
import pytest

from psf_runtime.errors import ConfigError
from psf_runtime.testing import MockServer
from psf_runtime.testing.server import http as server_module
from psf_runtime.testing.server.paths import dialect_of
from tests.unit.testing.mock_clients import MODEL, USER, serving

BODY = {"model": "m", "messages": USER}


@pytest.mark.parametrize(
    ("path", "name", "model", "stream"),
    [
        ("/chat/completions", "openai", "", False),
        ("/v1/chat/completions", "openai", "", False),
        ("/v1/v1/messages", "anthropic", "", False),
        ("/anthropic/v1/messages", "anthropic", "", False),
        ("/openai/v1/responses", "responses", "", False),
        ("/v1/embeddings", "embeddings", "", False),
        ("/openai/deployments/gpt%204/chat/completions", "openai", "gpt 4", False),
        (f"/model/{MODEL.replace(':', '%3A')}/converse", "bedrock", MODEL, False),
        ("/model/m/converse-stream", "bedrock", "m", True),
        ("/model/m/invoke", "invoke", "m", False),
    ],
)
def test_paths_lead_to_dialects(path: str, name: str, model: str, stream: bool) -> None:
    """However the base URL of a client ends."""
    found = dialect_of(path)
    assert found is not None
    assert (found[0].name, found[1], found[2]) == (name, model, stream)


@pytest.mark.parametrize(
    "path", ["/", "/v1", "/v1/files", "/v2/chat/completions", "/model/m/apply", "/model/a/b/converse"]
)
def test_other_paths_are_not_served(path: str) -> None:
    """They are a 404 that lists what is served."""
    assert dialect_of(path) is None
    with serving(strict=False) as mock:
        answer = httpx.post(f"{mock.url}{path}", json=BODY)
        assert answer.status_code == 404
        assert "/v1/chat/completions" in answer.json()["error"]["message"]
        assert httpx.get(f"{mock.url}{path}").status_code == 404
    assert mock.calls == ()


def test_azures_deployment_is_the_model() -> None:
    """The name in the path, whatever the body says."""
    with serving(strict=False) as mock:
        url = f"{mock.url}/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21"
        answer = httpx.post(url, json=BODY)
    assert answer.json()["model"] == "gpt-4o"
    assert mock.last.request.model == "gpt-4o"


def test_bodies_in_chunks_are_read() -> None:
    """Clients that do not know the length send it in pieces."""
    data = json.dumps(BODY).encode()
    with serving(strict=False) as mock:
        answer = httpx.post(f"{mock.url}/v1/chat/completions", content=iter([data[:7], data[7:]]))
    assert answer.json()["choices"][0]["message"]["content"] == "hello"
    assert mock.last.body == data


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"messages": 1}', b"\xff\xfe"])
def test_what_is_no_request_is_a_400(body: bytes) -> None:
    """In the shape of the dialect; the mock is not asked."""
    with serving(strict=False) as mock:
        for path, where in (
            ("/v1/chat/completions", "error"),
            ("/v1/messages", "error"),
            ("/model/m/converse", "message"),
        ):
            answer = httpx.post(f"{mock.url}{path}", content=body)
            assert (answer.status_code, where in answer.json()) == (400, True)
    assert mock.calls == ()


def raw(url: str, data: bytes) -> bytes:
    """What comes back for these bytes until the server hangs up."""
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=5) as line:
        line.sendall(data)
        out = b""
        while piece := line.recv(65536):
            out += piece
        return out


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (b"content-length: -1\r\n", b"400"),
        (b"content-length: 99999999999\r\n", b"413"),
        (b"transfer-encoding: chunked\r\n", b"400"),
    ],
)
def test_bodies_that_cannot_be_read_end_the_connection(headers: bytes, status: bytes) -> None:
    """A length that is none, one that is too large, and chunks that are none."""
    with serving(strict=False) as mock:
        answer = raw(mock.url, b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n" + headers + b"\r\nzzz\r\n")
    assert answer.startswith(b"HTTP/1.1 " + status)


def test_a_body_in_chunks_has_a_limit_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is counted while it comes."""
    monkeypatch.setattr(server_module, "LARGEST_BODY", 10)
    with serving(strict=False) as mock:
        head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
        answer = raw(mock.url, head + b"6\r\n{'mode\r\n6\r\n123456\r\n0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413")


def test_health_and_models() -> None:
    """What a client asks before it begins."""
    with serving() as mock:
        assert httpx.get(f"{mock.url}/health").json() == {"status": "ok"}
        assert [model["id"] for model in httpx.get(f"{mock.url}/v1/models").json()["data"]] == ["mock"]


def test_stopping_closes_what_is_open() -> None:
    """A connection that a client keeps is closed, no thread stays, and the port is free."""
    before = threading.active_count()
    with serving(strict=False) as mock, httpx.Client(base_url=mock.url) as client:
        client.post("/v1/chat/completions", json=BODY)
        mock.stop()
        with pytest.raises(httpx.TransportError):
            client.post("/v1/chat/completions", json=BODY)
    assert threading.active_count() == before


def test_a_server_says_nothing_of_what_it_holds(capfd: pytest.CaptureFixture[str]) -> None:
    """No request line, no error of a client that hangs up, is written anywhere."""
    with serving(strict=False) as mock:
        httpx.post(f"{mock.url}/v1/SECRET", json=BODY)
        host, _, port = mock.url.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port))) as line:
            line.sendall(b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: 100\r\n\r\n{")
    assert capfd.readouterr() == ("", "")


def test_wrong_settings_are_refused() -> None:
    """No dialect, and a port that is taken."""

    def start(*args: Any, **settings: Any) -> Any:
        raise AssertionError

    with pytest.raises(ConfigError, match="no dialect"):
        MockServer(start, families=frozenset())
    with MockServer(start) as server, pytest.raises(ConfigError, match="cannot be opened"):
        MockServer(start, port=int(server.url.rpartition(":")[2]))
