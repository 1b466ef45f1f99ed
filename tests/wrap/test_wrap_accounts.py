"""Who pays: the key and the ids are those of the SDK's own request, at the time of the call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from psf_runtime import Block, ConfigError, Policy, guard, wrap
from tests.wrap.server import Server, serving

BODY: Any = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as state:
        yield state


def test_the_key_of_a_copy_is_its_own(server: Server) -> None:
    """`with_options(api_key=...)` pays with the other key, and the first client goes on with its own."""
    with openai.OpenAI(base_url=server.url, api_key="k1") as original:
        wrapped = wrap(original)
        wrapped.with_options(api_key="k2").chat.completions.create(**BODY)
        wrapped.chat.completions.create(**BODY)
    assert ["Bearer k2", "Bearer k1"] == server.keys


def test_a_key_that_is_renewed_is_the_new_one(server: Server) -> None:
    """An SDK client whose key is a function asks it for each call."""
    keys = iter(["first", "second"])
    with openai.OpenAI(base_url=server.url, api_key=lambda: next(keys)) as original:
        wrapped = wrap(original)
        wrapped.chat.completions.create(**BODY)
        wrapped.chat.completions.create(**BODY)
    assert ["Bearer first", "Bearer second"] == server.keys


def test_the_key_comes_from_the_request_and_not_from_the_environment(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A header of one call wins; without any, no key is sent."""
    monkeypatch.setenv("OPENAI_API_KEY", "from-the-environment")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-environment")
    with httpx.Client(base_url=server.url) as original:
        wrapped = wrap(original)
        wrapped.post("/chat/completions", json=BODY, headers={"authorization": "Bearer k3"})
        wrapped.post("/chat/completions", json=BODY)
    assert ["Bearer k3", ""] == server.keys
    assert "org-environment" not in str(server.headers)


def test_organisation_and_project_go_along(server: Server) -> None:
    """The SDK's own ids reach the vendor, else another account would pay."""
    with openai.OpenAI(base_url=server.url, api_key="k", organization="org-1", project="proj_2") as original:
        wrap(original).chat.completions.create(**BODY)
    assert "org-1" == server.headers[0]["openai-organization"]
    assert "proj_2" == server.headers[0]["openai-project"]


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Basic dTpw"},
        {"authorization": "Bearer "},
        {"api-key": "k"},
        {"authorization": "Bearer k", "openai-organization": "jane doe"},
    ],
)
def test_credentials_that_cannot_be_taken_over_are_refused(server: Server, headers: dict[str, str]) -> None:
    """Rather than leaving them out, and being told by the vendor that the key is missing."""
    with httpx.Client(base_url=server.url, headers=headers) as original:
        reply = wrap(original).post("/chat/completions", json=BODY)
    assert 400 == reply.status_code
    assert "jane" not in reply.text
    assert [] == server.paths


def test_the_vendor_is_not_called_without_a_key() -> None:
    """At the vendor's own host a missing key is said here, and nothing connects."""
    refuse = httpx.MockTransport(lambda request: pytest.fail("something was sent"))
    with httpx.Client(base_url="https://api.openai.com/v1", transport=refuse) as original:
        reply = wrap(original).post("/chat/completions", json=BODY)
    assert 400 == reply.status_code
    assert "has no key" in reply.json()["error"]["message"]


def test_what_is_wrong_with_the_policy_shows_when_wrapping() -> None:
    """A guard that a blocking client cannot run, an address in clear, an unknown state: each before the first call."""

    @guard(on="input")
    async def later(text: str) -> Block:
        return Block("no")

    with httpx.Client(base_url="https://api.openai.com/v1") as original:
        with pytest.raises(ConfigError, match="async"):
            wrap(original, policy=Policy.standard(guards=[later]))
        with pytest.raises(ConfigError):
            wrap(original, state="redis://nowhere")
    with httpx.Client(base_url="http://model.example/v1") as plain, pytest.raises(ConfigError, match="base URL"):
        wrap(plain)
