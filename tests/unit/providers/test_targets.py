"""Model strings, addresses, keys and facts."""

from __future__ import annotations

from typing import Any

import pytest

from psf_runtime.errors import ConfigError
from psf_runtime.ports import Price
from psf_runtime.providers.base import Outgoing
from psf_runtime.providers.hosts import parse_base_url
from psf_runtime.providers.models import is_model_string, parse_model
from psf_runtime.providers.openai import COMPATIBLE, LOCAL, OPENAI
from psf_runtime.providers.targets import BoundTarget, bind
from psf_runtime.types.target import Target

KEY = {"OPENAI_API_KEY": "sk-environment"}
OUT = Outgoing("POST", "https://h.example/v1", (), b"{}")


def bound(target: Target | str, environ: dict[str, str] | None = None) -> BoundTarget:
    return bind(target, environ=KEY if environ is None else environ)


def key_of(target: BoundTarget) -> str | None:
    """The key that a call to this target would carry."""
    headers = dict(target.credentials.headers(OUT, 0.0))
    return headers["authorization"].removeprefix("Bearer ") if headers else None


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("openai:gpt-4o", ("openai", "gpt-4o", None)),
        ("local:llama3@http://127.0.0.1:8000/v1", ("local", "llama3", "http://127.0.0.1:8000/v1")),
        (
            "bedrock:eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
            ("bedrock", "eu.anthropic.claude-sonnet-4-5-20250929-v1:0", None),
        ),
        ("bedrock:arn:aws:bedrock:eu-central-1:1:x/y", ("bedrock", "arn:aws:bedrock:eu-central-1:1:x/y", None)),
        ("openai:a@b", ("openai", "a@b", None)),
        ("openai:a@httpd", ("openai", "a@httpd", None)),
        ("openai:a@b@https://h.example/v1", ("openai", "a@b", "https://h.example/v1")),
        ("openai:org/name@https://h.example/v1", ("openai", "org/name", "https://h.example/v1")),
        ("local:a@http://x@http://127.0.0.1", ("local", "a@http://x", "http://127.0.0.1")),
    ],
)
def test_model_strings(text: str, parts: tuple[str, str, str | None]) -> None:
    """Split at the first colon and the last @http: names keep their colons and at signs."""
    model = parse_model(text)
    assert (model.provider, model.name, model.base_url) == parts
    assert is_model_string(text)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("openai/gpt-4o", "write openai:gpt-4o"),
        ("bedrock/eu.anthropic.claude-v1:0", "write bedrock:eu.anthropic.claude-v1:0"),
        ("gpt-4o", "openai:NAME"),
        ("opnai:gpt-4o", "anthropic, azure, bedrock, local, mock, openai, openai-responses"),
        ("openai:", "write openai:NAME"),
        ("openai:two words", "write openai:NAME"),
    ],
)
def test_wrong_model_strings_say_the_right_spelling(text: str, hint: str) -> None:
    """A wrong spelling is a ConfigError that says what to write."""
    with pytest.raises(ConfigError, match=r"model|provider") as caught:
        parse_model(text)
    assert hint in str(caught.value)


def test_the_vendors_own_host() -> None:
    """openai: without an address goes to the vendor, with its facts, its key and store=false."""
    target = bound("openai:gpt-4o-2024-08-06", {**KEY, "OPENAI_ORG_ID": "org-1", "OPENAI_PROJECT_ID": "p-1"})
    assert (target.origin, target.prefix) == ("https://api.openai.com", "/v1")
    assert key_of(target) == "sk-environment"
    assert dict(target.headers) == {"openai-organization": "org-1", "openai-project": "p-1"}
    assert (target.facts.boundary, target.facts.jurisdiction, target.facts.retention_days) == ("external", None, 30)
    assert target.facts.dated
    assert target.name == "openai:gpt-4o-2024-08-06"
    assert target.codec.differences is OPENAI  # type: ignore[attr-defined]
    assert "sk-environment" not in repr(target)


def test_the_environments_address_takes_the_environments_key() -> None:
    """OPENAI_BASE_URL goes with OPENAI_API_KEY; the vendor's facts do not."""
    target = bound("openai:m", {**KEY, "OPENAI_BASE_URL": "https://gateway.example/openai/v1/"})
    assert (target.origin, target.prefix) == ("https://gateway.example", "/openai/v1")
    assert key_of(target) == "sk-environment"
    assert (target.facts.jurisdiction, target.facts.retention_days) == (None, None)
    assert target.codec.differences is COMPATIBLE  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "target",
    [
        "openai:m@https://elsewhere.example/v1",
        Target("openai:m", base_url="https://elsewhere.example/v1"),
        "local:m@http://127.0.0.1:8000/v1",
        "openai:m@https://api.openai.com.evil.example/v1",
        "openai:m@https://api.openai.com:8443/v1",
    ],
)
def test_the_environments_key_never_goes_elsewhere(target: Any) -> None:
    """An address that the application wrote gets no key and no account of the environment."""
    one = bound(target, {**KEY, "OPENAI_ORG_ID": "org-1", "OPENAI_BASE_URL": "https://gateway.example/v1"})
    assert key_of(one) is None
    assert one.headers == ()
    assert one.facts.jurisdiction is None


def test_the_vendors_host_by_its_address() -> None:
    """Writing the vendor's own address is the same as leaving it out."""
    target = bound("openai:m@https://eu.api.openai.com/v1")
    assert key_of(target) == "sk-environment"
    assert target.facts.jurisdiction == "EEA+CH"


def test_a_missing_key_is_an_error_now() -> None:
    """No key for the vendor is a ConfigError when the target is bound."""
    with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
        bound("openai:gpt-4o", {})


@pytest.mark.parametrize(
    ("api_key", "expected"),
    [("sk-own", "sk-own"), (" sk-own\n", "sk-own"), ("env:MY_KEY", "sk-mine"), (lambda: "sk-called", "sk-called")],
)
def test_keys_of_the_target(api_key: Any, expected: str) -> None:
    """A key, the name of a variable, or a function, for any host."""
    target = bound(Target("openai:m@https://h.example/v1", api_key=api_key), {"MY_KEY": "sk-mine"})
    assert key_of(target) == expected
    assert expected not in repr(target)
    assert expected not in repr(target.credentials)


@pytest.mark.parametrize("api_key", ["env:NOT_THERE", "", "two words", "line\nbreak", "ключ"])
def test_bad_keys_are_errors_without_the_key(api_key: str) -> None:
    """A key that cannot stand in a header is a ConfigError that does not repeat it."""
    with pytest.raises(ConfigError, match="holds no key") as caught:
        bound(Target("openai:m@https://h.example/v1", api_key=api_key))
    assert not api_key or api_key.startswith("env:") or api_key not in str(caught.value)


def test_a_key_function_that_fails_is_an_error_without_its_text() -> None:
    """The class of what the function raised is named, not its words."""

    def fail() -> str:
        raise LookupError("CANARY")

    credentials = bound(Target("local:m@http://127.0.0.1:1/v1", api_key=fail)).credentials
    with pytest.raises(ConfigError, match="LookupError") as caught:
        credentials.headers(OUT, 0.0)
    assert "CANARY" not in str(caught.value)
    assert caught.value.__context__ is None
    nothing: Any = lambda: None
    with pytest.raises(ConfigError, match="no key"):
        bound(Target("local:m@http://127.0.0.1:1/v1", api_key=nothing)).credentials.headers(OUT, 0.0)


@pytest.mark.parametrize(
    ("url", "boundary"),
    [
        ("http://127.0.0.1:8000/v1", "own"),
        ("http://localhost:8000", "own"),
        ("http://[::1]:8000/v1", "own"),
        ("https://10.1.2.3/v1", "own"),
        ("https://192.168.0.9/v1", "own"),
        ("https://8.8.8.8/v1", "external"),
        ("https://models.example/v1", "external"),
        ("https://localhost.evil.example/v1", "external"),
    ],
)
def test_the_boundary_is_the_hosts(url: str, boundary: str) -> None:
    """local: on a public host is external, openai: on this machine is own: the prefix says nothing."""
    for prefix in ("local:m@", "openai:m@"):
        assert bound(prefix + url).facts.boundary == boundary


@pytest.mark.parametrize(
    "url",
    [
        "http://models.example/v1",
        "http://8.8.8.8/v1",
        "http://10.1.2.3/v1",
        "ftp://models.example/v1",
        "https://",
        "https://user:secret@models.example/v1",
        "https://models.example/v1?key=secret",
        "https://models.example/v1?",
        "https://models.example/v1#secret",
        "https://models.example/a/../b",
        "https://models.example//v1",
        "https://models.example/ v1",
        "https://modèles.example/v1",
        "https://models.example:99999/v1",
        "http://169.254.169.254/latest",
        "https://169.254.169.254/latest",
        "https://[fe80::1]/v1",
        "https://[::ffff:169.254.169.254]/v1",
        "http://0.0.0.0:8000/v1",
        "https://224.0.0.1/v1",
    ],
)
def test_addresses_that_are_refused(url: str) -> None:
    """Plain http beyond this machine, credentials, queries and addresses that lead astray, each with a remedy."""
    with pytest.raises(ConfigError) as caught:
        parse_base_url(url)
    assert "secret" not in str(caught.value)
    assert caught.value.change


def test_plain_http_to_a_declared_host() -> None:
    """A host declared as the application's own may be spoken to in plain http, a public address never."""
    own = bound(Target("local:m@http://llm.internal:8000/v1", boundary="own"))
    assert own.facts.boundary == "own"
    with pytest.raises(ConfigError, match="base URL"):
        bound(Target("local:m@http://8.8.8.8/v1", boundary="own"))
    with pytest.raises(ConfigError, match="boundary='own'"):
        bound("local:m@http://llm.internal:8000/v1")


def test_declared_facts_win() -> None:
    """What the application declares about a host is taken over; a region alone leaves the jurisdiction unknown."""
    declared = Target(
        "openai:m", region="eu-west", jurisdiction="EU", retention_days=0, price=(1.0, 2.0), context_tokens=8192
    )
    facts = bound(declared).facts
    assert (facts.region, facts.jurisdiction, facts.retention_days) == ("eu-west", "EU", 0)
    assert facts.price == Price(1.0, 2.0)
    assert facts.context_tokens == 8192
    assert bound(Target("openai:m", region="eu-west")).facts.jurisdiction is None


def test_two_addresses_are_one_too_many() -> None:
    """An address in the model string and another in base_url contradict each other; the same one twice does not."""
    url = "https://h.example/v1"
    assert bound(Target(f"openai:m@{url}", base_url=url + "/")).origin == "https://h.example"
    with pytest.raises(ConfigError, match="two base URLs"):
        bound(Target(f"openai:m@{url}", base_url="https://other.example/v1"))


def test_other_refusals() -> None:
    """local: needs an address, mock: has none, and an account id must look like one."""
    with pytest.raises(ConfigError, match="needs the address"):
        bound("local:llama3")
    with pytest.raises(ConfigError, match="no host"):
        bound("mock:echo")
    with pytest.raises(ConfigError, match="OPENAI_ORG_ID"):
        bound("openai:m", {**KEY, "OPENAI_ORG_ID": "a b"})


def test_local_speaks_with_its_differences() -> None:
    """local: uses the same codec with its own table, and the name that was given."""
    target = bind("local:m@http://[::1]:8000/v1", name="mine", environ={})
    assert target.codec.differences is LOCAL  # type: ignore[attr-defined]
    assert (target.name, target.facts.name, target.facts.provider) == ("mine", "mine", "local")
    assert target.origin == "http://[::1]:8000"
    assert target.loopback
