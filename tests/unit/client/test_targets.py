"""From model strings to targets: one name each, every mistake at once."""

from __future__ import annotations

from typing import Any

import pytest

from psf_runtime import Client, ConfigError, Policy, Target
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
