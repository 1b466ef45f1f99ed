"""Ways out of a wrapping: each ends in an error, and nothing reaches another address or another endpoint."""

from __future__ import annotations

import functools
import logging
import sys
import types
from collections.abc import Iterator
from typing import Any

import anthropic
import anyio
import httpx
import openai
import pytest

from psf_runtime import ConfigError, Policy, Purpose, Target, decision_of, wrap
from psf_runtime.client.wrapped.instrumentors import check_instrumentors
from psf_runtime.client.wrapped.sdk_logs import quiet_sdk_logs
from psf_runtime.policy import Resilience
from tests.wrap.server import Server, serving

CANARY = "jane.doe@example.com"
MESSAGES: Any = [{"role": "user", "content": f"Write to {CANARY} today"}]
BODY = {"model": "gpt-4o", "messages": MESSAGES}
_SOCKET_MODULES = (
    "websockets",
    "websockets.sync",
    "websockets.sync.client",
    "websockets.asyncio",
    "websockets.asyncio.client",
    "openai.lib._websocket",
)


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as state:
        yield state


@pytest.fixture
def attacker() -> Iterator[Server]:
    with serving() as state:
        yield state


@pytest.fixture
def client(server: Server) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=server.url, api_key="k1") as original:
        yield original


def ask(client: openai.OpenAI, **options: Any) -> Any:
    return client.chat.completions.create(model="gpt-4o", messages=MESSAGES, **options)


def test_a_redirect_is_not_followed(server: Server, attacker: Server, client: openai.OpenAI) -> None:
    """A 307 delivers the body nowhere, although the SDK's own client follows redirects."""
    server.redirect = f"{attacker.url}/chat/completions"
    with pytest.raises(openai.APIStatusError):
        ask(wrap(client))
    assert (1, 0) == (len(server.bodies), len(attacker.bodies))


def test_a_redirect_of_a_passed_call_stays_at_home(server: Server, attacker: Server) -> None:
    """Even a caller who asks to follow redirects does not get to another host."""
    server.redirect = f"{attacker.url}/files"
    with httpx.Client(base_url=server.url) as original:
        reply = wrap(original, passthrough=["/v1/files"]).post("/files", json=BODY, follow_redirects=True)
    assert 400 == reply.status_code
    assert [] == attacker.paths


def test_a_base_url_that_is_set_later_gets_nothing(server: Server, attacker: Server, client: openai.OpenAI) -> None:
    """`client.base_url = ...` is an attribute of the SDK; what it names is not asked."""
    wrapped = wrap(client)
    wrapped.base_url = attacker.url
    with pytest.raises(openai.BadRequestError):
        ask(wrapped)
    assert [] == attacker.paths == server.paths


@pytest.mark.parametrize("option", ["provider", "data_residency", "websocket_base_url", "transport", "_extra_kwargs"])
def test_other_options_that_lead_elsewhere_are_refused(client: openai.OpenAI, option: str) -> None:
    """Newer options of the SDK that change the address are refused by name."""
    with pytest.raises(ConfigError, match=option):
        wrap(client).with_options(**{option: "eu"})  # type: ignore[arg-type]


def test_a_model_name_cannot_carry_an_address(server: Server, attacker: Server, client: openai.OpenAI) -> None:
    """`name@http://...` in the request's model is an error, not a place to send to."""
    with pytest.raises(openai.BadRequestError):
        wrap(client).chat.completions.create(model=f"gpt-4o@{attacker.url}", messages=MESSAGES)
    assert [] == attacker.paths == server.paths


def test_nothing_but_our_own_bytes_leaves(server: Server, client: openai.OpenAI) -> None:
    """Extra query, headers and cookies of the SDK's request stay here."""
    wrapped = wrap(client)
    ask(wrapped, extra_query={"who": CANARY}, extra_headers={"x-who": CANARY, "cookie": f"who={CANARY}"})
    assert ["/v1/chat/completions"] == server.paths
    assert CANARY not in str(server.headers)
    assert CANARY.encode() not in server.bodies[0]


def test_the_second_reading_of_a_doubled_key_is_what_leaves(server: Server) -> None:
    """Of two `messages` in one body, the one that was screened is the one that is sent."""
    body = b'{"model":"gpt-4o","messages":[{"role":"user","content":"jane.doe@example.com"}],'
    body += b'"messages":[{"role":"user","content":"hello"}]}'
    with httpx.Client(base_url=server.url) as original:
        wrap(original).post("/chat/completions", content=body)
    assert 1 == server.bodies[0].count(b'"messages"')
    assert CANARY.encode() not in server.bodies[0]


@pytest.mark.parametrize(
    "path",
    [
        "/models/%2e%2e/files/f1/content",
        "/models/..%2ffiles",
        "/modelsx",
        "//models",
        "/chat/completions",
        "/files/f1/content",
    ],
)
def test_only_models_can_be_read(server: Server, path: str) -> None:
    """A path that only begins like the list of models is not it."""
    with httpx.Client(base_url=server.url) as original:
        assert 400 == wrap(original).get(server.url + path).status_code
    assert [] == server.paths


@pytest.mark.parametrize("path", ["/files/%2e%2e/responses", "/filesystem", "/files/..%5cresponses"])
def test_passthrough_opens_what_it_names_and_no_more(server: Server, path: str) -> None:
    """A prefix ends at a slash, and a path that climbs out of it is refused."""
    with httpx.Client(base_url=server.url) as original:
        assert 400 == wrap(original, passthrough=["/v1/files"]).post(server.url + path, json=BODY).status_code
    assert [] == server.paths


@pytest.mark.parametrize(
    "passthrough", ["/v1/files", ["/"], ["/v1"], ["/v1/"], ["/v1/chat"], ["/v1/chat/completions/x"], ["files"], [5], 5]
)
def test_a_passthrough_that_opens_too_much_is_refused(client: openai.OpenAI, passthrough: Any) -> None:
    """A text in place of a list, a root, and whatever covers chat completions."""
    with pytest.raises(ConfigError, match="passthrough="):
        wrap(client, passthrough=passthrough)


@pytest.mark.parametrize("elsewhere", ["another host", "a mock"])
def test_a_purpose_that_names_other_targets_is_refused(
    server: Server, attacker: Server, client: openai.OpenAI, elsewhere: str
) -> None:
    """The plan of a purpose does not lead a wrapped client to another host, nor is it ignored."""
    other = Target("mock:echo") if elsewhere == "a mock" else Target("openai:gpt-4o", base_url=attacker.url)
    policy = Policy.standard(
        targets={"other": other},
        purposes={"support": Purpose(owner="lee@acme.example", lawful_basis="contract", targets=["other"])},
    )
    with pytest.raises(openai.PermissionDeniedError) as caught:
        ask(wrap(client, policy=policy, purpose="support"))
    assert decision_of(caught.value) is not None
    assert [] == attacker.paths == server.paths


def test_a_purpose_that_names_this_target_is_served(server: Server, attacker: Server, client: openai.OpenAI) -> None:
    """A target of the policy with this model and address is the wrapped client's own; its fallback is not asked."""
    policy = Policy.standard(
        targets={
            "mine": Target("openai:gpt-4o", base_url=server.url, api_key="env:NEVER_SET"),
            "other": Target("openai:gpt-4o", base_url=attacker.url),
        },
        purposes={"support": Purpose(owner="lee@acme.example", lawful_basis="contract", targets=["mine", "other"])},
    )
    wrapped = wrap(client, policy=policy, purpose="support")
    assert MESSAGES[0]["content"] == ask(wrapped).choices[0].message.content
    assert ["Bearer k1"] == server.keys
    server.status = 500
    with pytest.raises(openai.InternalServerError) as caught:
        ask(wrapped)
    decision = decision_of(caught.value)
    assert decision is not None
    assert "mine" == decision.route[0].target
    assert [] == attacker.paths


def test_an_async_client_is_refused_other_targets_too(server: Server, attacker: Server) -> None:
    """The same for an async client, in one piece and streamed."""
    policy = Policy.standard(
        targets={"other": Target("openai:gpt-4o", base_url=attacker.url)},
        purposes={"support": Purpose(owner="lee@acme.example", lawful_basis="contract", targets=["other"])},
    )

    async def main() -> list[int]:
        async with httpx.AsyncClient(base_url=server.url) as original:
            wrapped = wrap(original, policy=policy, purpose="support")
            replies = [await wrapped.post("/chat/completions", json={**BODY, "stream": s}) for s in (False, True)]
            return [reply.status_code for reply in replies]

    assert [403, 403] == anyio.run(main)
    assert [] == attacker.paths == server.paths


def test_no_logger_writes_the_prompt(server: Server, client: openai.OpenAI, caplog: pytest.LogCaptureFixture) -> None:
    """With every logger at DEBUG, the prompt is in no record, and the loud loggers are named."""
    caplog.set_level(logging.DEBUG)
    for name in ("openai", "openai._base_client", "httpx", "httpcore", "httpx2", "httpcore2"):
        caplog.set_level(logging.DEBUG, logger=name)
    ask(wrap(client))
    list(ask(wrap(client), stream=True))
    assert "loggers at DEBUG" in caplog.text
    assert CANARY not in caplog.text
    assert all(CANARY not in repr(record.__dict__) for record in caplog.records)


def test_the_line_of_a_wrapped_client_loses_its_request(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    """SDKs may log whole requests at DEBUG. The line of a wrapped client is kept without it, those of others as is."""
    url = server.url.removesuffix("/v1")
    asked: Any = {"model": "m", "max_tokens": 9, "messages": MESSAGES}
    caplog.set_level(logging.DEBUG, logger="anthropic._base_client")
    with anthropic.Anthropic(base_url=url, api_key="k") as original:
        wrapped = wrap(original)
        wrapped.messages.create(**asked)
        wrapped.with_options(timeout=5).messages.create(**asked)
        assert CANARY not in caplog.text
        assert 2 == caplog.text.count("hidden by psf_runtime")
        original.messages.create(**asked)
        assert CANARY in caplog.text
        assert 2 == caplog.text.count("hidden by psf_runtime")


def test_other_lines_of_the_sdks_logger_are_left_alone(client: openai.OpenAI, caplog: pytest.LogCaptureFixture) -> None:
    """The filter looks whether a wrapped client is just building a request."""
    wrap(client)
    logger = logging.getLogger("openai._base_client")
    caplog.set_level(logging.DEBUG, logger=logger.name)
    logger.debug("Request options: %s", {"messages": CANARY})
    assert CANARY in caplog.text


def test_strict_does_not_stand_under_loud_loggers(client: openai.OpenAI, caplog: pytest.LogCaptureFixture) -> None:
    """Under the strict preset, a logger at DEBUG above the controls is an error that names it."""
    caplog.set_level(logging.DEBUG, logger="openai")
    with pytest.raises(ConfigError, match="openai"):
        quiet_sdk_logs("openai", strict=True)
    caplog.set_level(logging.INFO, logger="openai")
    quiet_sdk_logs("openai", strict=True)


def test_instrumentation_above_us_is_found(
    client: openai.OpenAI, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A function of somebody else's in front of the SDK's methods is named; strict refuses to stand below it."""
    from openai.resources.chat.completions.completions import Completions

    check_instrumentors("openai", client._client, strict=True)
    original = Completions.create

    @functools.wraps(original)
    def traced(*args: Any, **options: Any) -> Any:
        return original(*args, **options)

    monkeypatch.setattr(Completions, "create", traced)
    wrap(client)
    assert "instrumentation above the controls" in caplog.text
    assert "Completions.create" in caplog.text
    with pytest.raises(ConfigError, match=r"Completions\.create"):
        check_instrumentors("openai", client._client, strict=True)


@pytest.mark.parametrize("mode", ["content", "metadata_only"])
def test_an_sdks_own_tracing_with_content_is_found(server: Server, mode: Any) -> None:
    """Anthropic's SDK can trace by itself; with content, that is instrumentation above us."""
    options: Any = {"traces": {"enabled": True, "content_mode": mode}}
    with anthropic.Anthropic(base_url=server.url, api_key="k", open_telemetry=options) as original:
        if mode == "content":
            with pytest.raises(ConfigError, match="tracing with content"):
                check_instrumentors("anthropic", original._client, client=original, strict=True)
        else:
            check_instrumentors("anthropic", original._client, client=original, strict=True)


def test_an_http_client_whose_send_was_replaced_is_refused(client: openai.OpenAI) -> None:
    """A copy would carry the replaced `send`, which knows the original and so the way around us."""
    send = client._client.send
    client._client.send = lambda *args, **options: send(*args, **options)  # type: ignore[method-assign]
    with pytest.raises(ConfigError, match="another send"):
        wrap(client)


def test_an_http_client_with_a_way_of_its_own_is_refused(server: Server, attacker: Server) -> None:
    """A subclass that sends elsewhere cannot be seen through."""

    class Elsewhere(httpx.Client):
        def send(self, request: Any, **options: Any) -> Any:
            return httpx.post(f"{attacker.url}/chat/completions", content=request.content)

    with Elsewhere(base_url=server.url) as original, pytest.raises(ConfigError, match="another send"):
        wrap(original)


@pytest.fixture
def sockets(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the SDK connects to through a library of websockets, which is put in its place."""
    opened: list[str] = []

    def connect(url: str, **_: Any) -> None:
        opened.append(url)

    for name in _SOCKET_MODULES:
        module: Any = types.ModuleType(name)
        module.connect = module._WebSocketConnect = connect
        monkeypatch.setitem(sys.modules, name, module)
    return opened


def ways_to_a_socket(client: Any) -> dict[str, Any]:
    """The methods of this version of the SDK that connect, apart from those below `realtime` and `live`."""
    found = {}
    for path in ("beta.realtime.connect", "responses.connect", "beta.responses.connect"):
        value: Any = client
        for name in path.split("."):
            value = getattr(value, name, None)
        if value is not None:
            found[path] = value
    assert found
    return found


def test_azures_sockets_stay_shut(server: Server, sockets: list[str]) -> None:
    """Azure makes the address of a socket in its own way."""
    settings: Any = {"azure_endpoint": server.url.removesuffix("/v1"), "api_key": "k", "api_version": "2024-10-21"}
    with openai.AzureOpenAI(**settings) as original:
        original.beta.realtime.connect(model="m").__enter__()
        assert 1 == len(sockets)
        with pytest.raises(ConfigError, match="no socket"):
            wrap(original).beta.realtime.connect(model="m").__enter__()
    assert 1 == len(sockets)


def test_an_unwrapped_client_would_open_a_socket(client: openai.OpenAI, sockets: list[str]) -> None:
    """What the next tests show is not a lack of the library."""
    client.beta.realtime.connect(model="m").__enter__()
    assert 1 == len(sockets)


def test_sockets_stay_shut(server: Server, client: openai.OpenAI, sockets: list[str]) -> None:
    """Realtime, live, and responses over a websocket are refused before anything is connected."""
    wrapped: Any = wrap(client)
    for name in ("realtime", "live"):
        if hasattr(openai.OpenAI, name):
            with pytest.raises(ConfigError, match="no socket"):
                getattr(wrapped, name)
            with pytest.raises(ConfigError, match="no socket"):
                getattr(wrapped.with_options(timeout=5), name)
    for name, connect in ways_to_a_socket(wrapped).items():
        with pytest.raises(ConfigError, match="no socket"):
            connect(**({"model": "m"} if "realtime" in name else {})).__enter__()
    with pytest.raises(ConfigError, match="no socket"):
        wrapped.websocket_base_url = "wss://attacker.example"
    assert [] == server.paths == sockets


def test_async_sockets_stay_shut(server: Server, sockets: list[str]) -> None:
    """The same for AsyncOpenAI."""

    async def main() -> None:
        async with openai.AsyncOpenAI(base_url=server.url, api_key="k") as original:
            wrapped: Any = wrap(original)
            for name, connect in ways_to_a_socket(wrapped).items():
                with pytest.raises(ConfigError, match="no socket"):
                    await connect(**({"model": "m"} if "realtime" in name else {})).__aenter__()

    anyio.run(main)
    assert [] == server.paths == sockets


def test_retries_that_are_set_later_stay_none(
    server: Server, client: openai.OpenAI, caplog: pytest.LogCaptureFixture
) -> None:
    """Frameworks set `client.max_retries`; what failed or was blocked is still asked once, and that is said."""
    wrapped = wrap(client, policy=Policy.standard(resilience=Resilience(retries=0)))
    wrapped.max_retries = 5
    server.status = 500
    with pytest.raises(openai.InternalServerError):
        ask(wrapped)
    assert 1 == len(server.bodies)
    assert 0 == wrapped.max_retries == wrapped.with_options(timeout=5).max_retries
    assert "stays 0" in caplog.text
