"""Which clients: both HTTP modules, subclasses, open originals; what is taken over and what is left alone."""

from __future__ import annotations

import copy
import gc
import json
import sys
import types
import weakref
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import anyio
import httpx
import openai
import pytest

from psf_runtime import ConfigError, Policy, wrap
from tests.wrap.server import Server, serving

QUESTION = "Write to jane.doe@example.com today"
BODY: Any = {"model": "gpt-4o", "messages": [{"role": "user", "content": QUESTION}]}


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as state:
        yield state


def said(body: str) -> str:
    """The text of an answer, whole or in events."""
    if not body.startswith("data: "):
        return str(json.loads(body)["choices"][0]["message"]["content"])
    events = [json.loads(line[6:]) for line in body.splitlines() if line.startswith("data: {")]
    return "".join(event["choices"][0]["delta"].get("content") or "" for event in events)


def modules() -> list[ModuleType]:
    """httpx, and the module that the installed SDK uses."""
    used = openai.OpenAI(api_key="k")._client
    names = {base.__module__.partition(".")[0] for base in type(used).__mro__} & {"httpx", "httpx2"}
    used.close()
    return [sys.modules[name] for name in sorted({"httpx"} | names)]


@pytest.mark.parametrize("module", modules(), ids=lambda module: module.__name__)
@pytest.mark.parametrize("stream", [False, True])
def test_both_http_modules(server: Server, module: Any, stream: bool) -> None:
    """A client of httpx and one of httpx2 keep their types and are guarded alike, blocking and async."""
    with module.Client(base_url=server.url) as original:
        wrapped = wrap(original)
        assert module.Client is type(wrapped)
        reply = wrapped.post("/chat/completions", json={**BODY, "stream": stream})
        assert module.Response is type(reply)
        assert QUESTION == said(reply.text)

    async def main() -> str:
        async with module.AsyncClient(base_url=server.url) as original:
            return str((await wrap(original).post("/chat/completions", json={**BODY, "stream": stream})).text)

    assert QUESTION == said(anyio.run(main))
    assert not any(b"jane.doe" in body for body in server.bodies)


def test_an_sdk_over_an_injected_httpx_client(server: Server) -> None:
    """An SDK client that was given an httpx client is wrapped over that one."""
    with httpx.Client() as http, openai.OpenAI(base_url=server.url, api_key="k", http_client=http) as original:
        answer = wrap(original).chat.completions.create(**BODY)
    assert QUESTION == answer.choices[0].message.content


def test_a_subclass_of_yours_is_wrapped(server: Server) -> None:
    """The class of the copy is a subclass of the client's own class."""

    class Mine(openai.OpenAI):
        pass

    with Mine(base_url=server.url, api_key="k") as original:
        wrapped = wrap(original)
        assert isinstance(wrapped, Mine)
        wrapped.chat.completions.create(**BODY)
    assert b"jane.doe" not in server.bodies[0]


def test_what_cannot_be_wrapped_is_named() -> None:
    """What speaks or signs in another way says so, and names what can be wrapped."""
    bedrock: Any = types.new_class("AnthropicBedrock", (), {}, lambda body: body.update(__module__="anthropic.lib.x"))
    for thing in (openai, bedrock(), openai.OpenAI, None):
        with pytest.raises(ConfigError, match="cannot be wrapped"):
            wrap(thing)


@pytest.mark.parametrize("missing", ["copy", "max_retries", "_client"])
def test_an_sdk_that_is_built_otherwise_says_its_version(missing: str) -> None:
    """A client of a version never seen is not wrapped by half: the error names the versions that are known."""
    parts = {name: None for name in ("copy", "max_retries", "_client", "base_url") if name != missing}
    strange: Any = types.new_class("OpenAI", (), {}, lambda body: body.update(parts, __module__="openai._client"))
    with pytest.raises(ConfigError, match=rf"version of openai \({openai.__version__}\)") as caught:
        wrap(strange())
    assert "openai 2 and 3" in str(caught.value)


def test_an_sdk_whose_copy_goes_elsewhere_is_not_wrapped(server: Server) -> None:
    """A copy that does not send through what it was given is an error, and no half-wrapped client."""

    class Elsewhere(openai.OpenAI):
        def copy(self, **options: Any) -> Any:
            return super().copy()

        with_options = copy

    with Elsewhere(base_url=server.url, api_key="k") as original, pytest.raises(ConfigError, match="built in a way"):
        wrap(original)


def test_wrapping_twice_and_wrapping_what_is_closed(server: Server) -> None:
    """Each says so."""
    with openai.OpenAI(base_url=server.url, api_key="k") as original:
        wrapped = wrap(original)
        with pytest.raises(ConfigError, match="wrapped already"):
            wrap(wrapped)
    with pytest.raises(ConfigError, match="closed client"):
        wrap(original)


def test_an_original_inside_its_own_block_can_be_wrapped(server: Server) -> None:
    """Both may be used as context managers, in any order, and closing the copy leaves the original open."""
    with httpx.Client(base_url=server.url) as original:
        with wrap(original) as wrapped:
            assert 200 == wrapped.post("/chat/completions", json=BODY).status_code
        with pytest.raises(RuntimeError, match="closed"):
            wrapped.get("/models")
        assert 200 == original.get("/models").status_code


def test_headers_cookies_and_hooks_of_the_original_stay(server: Server) -> None:
    """What is set on the copy is not set on the original."""
    with httpx.Client(base_url=server.url) as original:
        wrapped = wrap(original)
        wrapped.headers["x-team"] = "a"
        wrapped.cookies.set("session", "1")
        wrapped.event_hooks["request"].append(lambda request: None)
        assert "x-team" not in original.headers
        assert 0 == len(original.cookies)
        assert [] == original.event_hooks["request"]


def test_the_original_may_be_dropped(server: Server) -> None:
    """`wrap(OpenAI())` keeps what it stands on alive until the copy is closed, and then lets go of it at once."""
    original = openai.OpenAI(base_url=server.url, api_key="k")
    connections = original._client._transport
    http = weakref.ref(original._client)
    wrapped = wrap(original)
    del original
    gc.collect()
    assert QUESTION == wrapped.chat.completions.create(**BODY).choices[0].message.content
    assert 1 == len(connections._pool.connections)  # type: ignore[attr-defined]
    wrapped.close()
    assert http() is None
    assert 0 == len(connections._pool.connections)  # type: ignore[attr-defined]


def test_models_go_the_way_of_the_originals_proxy(server: Server) -> None:
    """A call that passes uses the transport that the original would use for this address."""
    used: list[str] = []

    class Proxy(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            used.append(request.url.path)
            return super().handle_request(request)

    with httpx.Client(base_url=server.url, mounts={"http://127.0.0.1": Proxy()}) as original:
        wrapped = wrap(original)
        wrapped.get("/models")
        wrapped.post("/chat/completions", json=BODY)
    assert ["/v1/models", "/v1/chat/completions"] == used


def test_the_sdks_time_out_is_the_time_of_a_whole_answer(server: Server) -> None:
    """Too little time is an error of the SDK, once, and not ignored."""
    with openai.OpenAI(base_url=server.url, api_key="k") as original:
        with pytest.raises(openai.InternalServerError, match="time"):
            wrap(original).with_options(timeout=1e-6).chat.completions.create(**BODY)
        assert wrap(original).with_options(timeout=None).chat.completions.create(**BODY).choices


def test_a_failure_inside_is_named_without_its_text(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug of ours is a 503 that names the class of the error and never what it said."""

    def broken(*_: object) -> None:
        raise KeyError(QUESTION)

    monkeypatch.setattr("psf_runtime.client.wrapped.gateway.conversation_asked", broken)
    with httpx.Client(base_url=server.url) as original:
        reply = wrap(original).post("/chat/completions", json=BODY)
    assert 503 == reply.status_code
    assert "KeyError" in reply.text
    assert "jane" not in reply.text


def test_the_policy_line_is_said_once(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    """When wrapping, and not again for every model."""
    with httpx.Client(base_url=server.url) as original:
        wrapped = wrap(original, policy=Policy.standard())
        for model in ("a", "b"):
            wrapped.post("/chat/completions", json={**BODY, "model": model})
    assert 1 == sum("psf standard" in record.getMessage() for record in caplog.records)


def test_engines_are_bounded(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever names ever new models does not fill the memory; an evicted one is made anew."""
    monkeypatch.setattr("psf_runtime.client.wrapped.engines.ENGINES_KEPT", 2)
    with httpx.Client(base_url=server.url) as original:
        wrapped = wrap(original)
        for model in ("a", "b", "c", "a"):
            assert 200 == wrapped.post("/chat/completions", json={**BODY, "model": model}).status_code
    assert 4 == len(server.bodies)


def test_a_thing_that_looks_like_a_client_is_not_one() -> None:
    """Attributes alone make no client."""
    with pytest.raises(ConfigError, match="cannot be wrapped"):
        wrap(SimpleNamespace(_client=httpx, base_url="https://x.example"))


def test_the_class_of_a_wrapped_client_makes_none(server: Server) -> None:
    """`type(wrapped)(...)` would look wrapped and not be: it is refused. A shallow copy is guarded."""
    with openai.OpenAI(base_url=server.url, api_key="k") as original:
        wrapped = wrap(original)
        with pytest.raises(ConfigError, match="makes no client"):
            type(wrapped)(base_url=server.url, api_key="k")
        copy.copy(wrapped).chat.completions.create(**BODY)
    assert not any(b"jane" in body for body in server.bodies)
