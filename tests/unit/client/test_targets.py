"""From model strings to targets: one name each, every mistake at once."""

from __future__ import annotations

import logging
from datetime import date
from typing import Any

import pytest

from psf_runtime import Blocked, Client, ConfigError, Policy, Target
from psf_runtime.client import targets
from psf_runtime.providers.credentials import NO_CREDENTIALS
from psf_runtime.testing import MockProvider


def route(client: Client) -> tuple[str, ...]:
    return client.explain().route


def test_the_same_model_at_two_hosts_is_two_targets() -> None:
    """A fallback at another host is not lost because its model has the same name."""
    client = Client("local:m@http://127.0.0.1:1111/v1", fallbacks=["local:m@http://127.0.0.1:2222/v1"])
    assert route(client) == ("local:m", "local:m@127.0.0.1:2222/v1")


def test_the_same_target_twice_is_one() -> None:
    """Naming a target again changes nothing."""
    url = "local:m@http://127.0.0.1:1111/v1"
    assert route(Client(url, fallbacks=[url])) == ("local:m",)
    mock = MockProvider("a")
    assert route(Client(mock, fallbacks=[mock])) == ("mock",)


def test_two_mocks_are_two_targets() -> None:
    """Both answer, each under a name of its own."""
    client = Client(MockProvider(ValueError("x"), strict=False), fallbacks=[MockProvider("second")])
    assert route(client) == ("mock", "mock#2")
    assert client.complete("hello").text == "second"


def test_every_mistake_is_listed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing key, an unknown provider and an unknown name are one error."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ConfigError) as caught:
        Client("openai:gpt-4o", fallbacks=["nobody:x", "missing"])
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize(
    "arguments",
    [
        {"model": None},
        {"model": None, "api_key": "k"},
        {"model": MockProvider("a"), "api_key": "k"},
        {"model": 5},
    ],
)
def test_what_makes_no_target_is_a_config_error(arguments: Any) -> None:
    """Nothing connects, and the words say what to change."""
    with pytest.raises(ConfigError) as caught:
        Client(**arguments)
    assert "change" in str(caught.value)


def test_a_name_of_the_policy_needs_no_provider() -> None:
    """Without a colon, a model string names a target of the policy."""
    policy = Policy.standard(targets={"own": Target("local:m@http://127.0.0.1:1/v1"), "echo": Target("mock:echo")})
    assert route(Client("echo", policy=policy)) == ("echo",)
    assert route(Client(policy=policy)) == ("own", "echo")
    with pytest.raises(ConfigError, match="no target of the policy"):
        Client("ech", policy=policy)


def test_every_named_provider_makes_a_client(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its key in the environment each one is a target; nothing connects."""
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "AZURE_OPENAI_API_KEY", "AWS_BEARER_TOKEN_BEDROCK"):
        monkeypatch.setenv(name, "key")
    monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", "https://res.openai.azure.com")
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    models = ["openai:m", "openai-responses:m", "azure:m", "anthropic:m", "bedrock:m", "local:m@http://127.0.0.1:1/v1"]
    assert route(Client(models[0], fallbacks=models[1:])) == (*models[:-1], "local:m")


def test_a_region_of_the_client_reaches_bedrock(monkeypatch: pytest.MonkeyPatch) -> None:
    """region= decides the host, and without a bearer key calls are signed for it; nothing is looked up yet."""
    for name in ("AWS_BEARER_TOKEN_BEDROCK", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    made: list[str] = []

    def signer(region: str) -> Any:
        made.append(region)
        return NO_CREDENTIALS

    monkeypatch.setattr(targets, "sigv4", signer)
    Client("bedrock:m", region="eu-west-3")
    assert made == ["eu-west-3"]
    with pytest.raises(ConfigError, match="needs a region"):
        Client("bedrock:m")


@pytest.mark.parametrize(
    ("today", "words"),
    [
        (date(2026, 11, 24), "stops serving this model on 2026-12-11"),
        (date(2026, 12, 12), "served this model until 2026-12-11"),
        (date(2026, 6, 1), ""),
    ],
)
def test_the_end_of_a_model_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, today: date, words: str
) -> None:
    """A client says so when it is made, from ninety days before the announced day on."""

    class Calendar(date):
        @classmethod
        def today(cls) -> date:
            return today

    monkeypatch.setattr(targets, "date", Calendar)
    with caplog.at_level(logging.WARNING, logger="psf_runtime"):
        Client(Target("openai:gpt-5-2025-08-07", api_key="key"))
    told = [record.getMessage() for record in caplog.records if "this model" in record.getMessage()]
    assert len(told) == (1 if words else 0)
    assert words in "".join(told)


def test_a_window_that_is_not_known_is_no_limit() -> None:
    """A request is too long only when it is so for every target; one with an unknown window may take it."""
    small = Target("local:a@http://127.0.0.1:1/v1", context_tokens=10)
    long = "word " * 100
    with pytest.raises(Blocked, match="window"):
        Client(small).preview(long)
    assert Client(small, fallbacks=["local:b@http://127.0.0.1:1/v1"]).preview(long).text
