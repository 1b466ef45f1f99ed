"""Ways out of a wrapping: each ends in an error, and nothing reaches another address or another endpoint."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import anyio
import httpx
import openai
import pytest

from psf_runtime import ConfigError, Policy, Purpose, Target, decision_of, wrap
from psf_runtime.client.wrapped.sdk_logs import quiet_sdk_logs
from tests.wrap.server import Server, serving

CANARY = "jane.doe@example.com"
MESSAGES: Any = [{"role": "user", "content": f"Write to {CANARY} today"}]
BODY = {"model": "gpt-4o", "messages": MESSAGES}


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


def test_the_sdks_line_about_a_request_loses_it(client: openai.OpenAI, caplog: pytest.LogCaptureFixture) -> None:
    """The line that older SDKs write is kept without the request; other lines are left alone."""
    wrap(client)
    logger = logging.getLogger("openai._base_client")
    caplog.set_level(logging.DEBUG, logger=logger.name)
    logger.debug("Request options: %s", {"messages": CANARY})
    logger.debug("HTTP Response: %s", "200 OK")
    assert CANARY not in caplog.text
    assert "hidden by psf_runtime" in caplog.text
    assert "HTTP Response: 200 OK" in caplog.text


def test_strict_does_not_stand_under_loud_loggers(client: openai.OpenAI, caplog: pytest.LogCaptureFixture) -> None:
    """Under the strict preset, a logger at DEBUG above the controls is an error that names it."""
    caplog.set_level(logging.DEBUG, logger="openai")
    with pytest.raises(ConfigError, match="openai"):
        quiet_sdk_logs(strict=True)
    caplog.set_level(logging.INFO, logger="openai")
    quiet_sdk_logs(strict=True)
