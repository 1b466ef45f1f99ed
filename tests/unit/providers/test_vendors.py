"""Which key goes where, for every provider; and which address a provider has."""

from __future__ import annotations

from typing import Any

import pytest

from psf_runtime.errors import ConfigError
from psf_runtime.providers.anthropic import ANTHROPIC, AnthropicMessages
from psf_runtime.providers.base import Outgoing
from psf_runtime.providers.bedrock import BedrockConverse
from psf_runtime.providers.credentials import NO_CREDENTIALS, KeyHeader
from psf_runtime.providers.openai import AZURE, MISTRAL, OpenAIChat
from psf_runtime.providers.responses import OpenAIResponses
from psf_runtime.providers.targets import BoundTarget, bind
from psf_runtime.types.messages import Message
from psf_runtime.types.request import Request
from psf_runtime.types.target import Target

OUT = Outgoing("POST", "https://h.example/v1", (), b"{}")
EVERYTHING = {
    "OPENAI_API_KEY": "key-of-openai",
    "OPENAI_ORG_ID": "org-1",
    "AZURE_OPENAI_API_KEY": "key-of-azure",
    "AZURE_OPENAI_ENDPOINT": "https://res.openai.azure.com/",
    "ANTHROPIC_API_KEY": "key-of-anthropic",
    "AWS_REGION": "eu-central-1",
    "AWS_BEARER_TOKEN_BEDROCK": "key-of-bedrock",
}
TOKEN = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.c2ln"
HELLO = Request((Message.user("hello"),))


def bound(target: Target | str, environ: dict[str, str] | None = None, **more: Any) -> BoundTarget:
    return bind(target, environ=EVERYTHING if environ is None else environ, **more)


def secret(target: BoundTarget) -> dict[str, str]:
    """The headers that let a call in."""
    return dict(target.credentials.headers(OUT, 0.0))


@pytest.mark.parametrize(
    ("model", "codec", "url", "headers"),
    [
        (
            "openai:m",
            OpenAIChat,
            "https://api.openai.com/v1/chat/completions",
            {"authorization": "Bearer key-of-openai"},
        ),
        (
            "openai-responses:m",
            OpenAIResponses,
            "https://api.openai.com/v1/responses",
            {"authorization": "Bearer key-of-openai"},
        ),
        ("azure:m", OpenAIChat, "https://res.openai.azure.com/openai/v1/chat/completions", {"api-key": "key-of-azure"}),
        ("anthropic:m", AnthropicMessages, "https://api.anthropic.com/v1/messages", {"x-api-key": "key-of-anthropic"}),
        (
            "bedrock:a.m-v1:0",
            BedrockConverse,
            "https://bedrock-runtime.eu-central-1.amazonaws.com/model/a.m-v1%3A0/converse",
            {"authorization": "Bearer key-of-bedrock"},
        ),
        ("local:m@http://127.0.0.1:8000/v1", OpenAIChat, "http://127.0.0.1:8000/v1/chat/completions", {}),
    ],
)
def test_every_provider_has_its_place(model: str, codec: type, url: str, headers: dict[str, str]) -> None:
    """Each speaks its own dialect, at its own address, with its own key in the header that its vendor reads."""
    target = bound(model)
    wire = target.codec.encode(HELLO, stream=False)
    assert type(target.codec) is codec
    assert target.origin + target.prefix + wire.path == url
    assert secret(target) == headers
    assert target.facts.provider == model.partition(":")[0]


@pytest.mark.parametrize("provider", ["openai", "openai-responses", "anthropic", "bedrock"])
@pytest.mark.parametrize("url", ["https://elsewhere.example/v1", "http://127.0.0.1:9/v1"])
def test_no_key_of_the_environment_goes_to_an_address_in_the_code(provider: str, url: str) -> None:
    """Whatever the environment holds, an @url or base_url that is not the vendor's gets no key and no account."""
    for target in (f"{provider}:m@{url}", Target(f"{provider}:m", base_url=url)):
        one = bound(target, aws=_no_signer)
        assert (secret(one), one.headers) == ({}, ())


def test_the_other_vendors_host_gets_nothing() -> None:
    """OpenAI's key does not go to Anthropic's host, nor the other way round."""
    assert secret(bound("openai:m@https://api.anthropic.com/v1")) == {}
    assert secret(bound("anthropic:m@https://api.openai.com/v1")) == {}


@pytest.mark.parametrize(
    ("variable", "model", "url", "header"),
    [
        ("OPENAI_BASE_URL", "openai:m", "https://gateway.example/x", "authorization"),
        ("OPENAI_BASE_URL", "openai-responses:m", "https://gateway.example/x", "authorization"),
        ("ANTHROPIC_BASE_URL", "anthropic:m", "https://gateway.example/x", "x-api-key"),
        ("AZURE_OPENAI_ENDPOINT", "azure:m", "https://gateway.example/x", "api-key"),
        ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "bedrock:m", "https://gateway.example/x", "authorization"),
        ("AWS_ENDPOINT_URL", "bedrock:m", "https://gateway.example/x", "authorization"),
    ],
)
def test_the_address_beside_the_key_takes_it(variable: str, model: str, url: str, header: str) -> None:
    """An address in the environment goes with the key in the environment; the vendor's facts do not."""
    target = bound(model, {**EVERYTHING, variable: url})
    assert target.origin == "https://gateway.example"
    assert header in secret(target)
    assert (target.facts.jurisdiction, target.facts.retention_days) == (None, None)


@pytest.mark.parametrize(
    ("model", "variable"),
    [
        ("openai:m", "OPENAI_API_KEY"),
        ("openai-responses:m", "OPENAI_API_KEY"),
        ("anthropic:m", "ANTHROPIC_API_KEY"),
        ("azure:m", "AZURE_OPENAI_API_KEY"),
        ("bedrock:m", "AWS_BEARER_TOKEN_BEDROCK"),
    ],
)
def test_a_missing_key_is_named(model: str, variable: str) -> None:
    """The error says which variable to set."""
    environ = {name: value for name, value in EVERYTHING.items() if name != variable}
    with pytest.raises(ConfigError, match="there is no key") as caught:
        bound(model, environ)
    assert variable in str(caught.value)
    assert secret(bound(Target(model, api_key="own"), environ))


def test_a_named_variable_and_a_function_work_everywhere() -> None:
    """api_key= may name a variable or be a function, whatever the provider."""
    environ = {**EVERYTHING, "MINE": "key-of-mine"}
    for model in ("openai:m@https://h.example/v1", "anthropic:m@https://h.example", "azure:m@https://h.example"):
        assert "key-of-mine" in "".join(secret(bound(Target(model, api_key="env:MINE"), environ)).values())
        called = bound(Target(model, api_key=lambda: "key-of-call"))
        assert "key-of-call" in "".join(secret(called).values())
        assert called.credentials.blocking
    assert not bound("openai:m").credentials.blocking


def test_anthropic_with_and_without_the_path() -> None:
    """The address may end in /v1 or not: it is the same place, at the vendor as elsewhere."""
    for url in ("https://api.anthropic.com", "https://api.anthropic.com/v1/"):
        target = bound(f"anthropic:m@{url}")
        assert (target.origin, target.prefix) == ("https://api.anthropic.com", "")
        assert target.codec.differences is ANTHROPIC  # type: ignore[attr-defined]
    assert bound("anthropic:m@http://127.0.0.1:8000/v1").prefix == ""


def test_a_host_may_have_differences_of_its_own() -> None:
    """What a known host refuses is in a table by its name, whatever the prefix of the model string."""
    target = bound("openai:mistral-small-latest@https://api.mistral.ai/v1")
    assert target.codec.differences is MISTRAL  # type: ignore[attr-defined]
    body = target.codec.encode(Request((Message.user("x"),)), stream=True).body
    assert b"stream_options" not in body


# --- Azure


@pytest.mark.parametrize(
    ("endpoint", "version", "url"),
    [
        ("https://res.openai.azure.com", "", "/openai/v1/chat/completions"),
        ("https://res.openai.azure.com/", "v1", "/openai/v1/chat/completions"),
        ("https://res.openai.azure.com/openai/v1/", "2024-10-21", "/openai/v1/chat/completions"),
        ("https://res.openai.azure.com", "preview", "/openai/v1/chat/completions?api-version=preview"),
        (
            "https://res.openai.azure.com",
            "2024-10-21",
            "/openai/deployments/dep-1/chat/completions?api-version=2024-10-21",
        ),
        (
            "https://res.openai.azure.com/openai",
            "2025-04-01-preview",
            "/openai/deployments/dep-1/chat/completions?api-version=2025-04-01-preview",
        ),
        ("https://gateway.example/llm", "", "/llm/openai/v1/chat/completions"),
    ],
)
def test_azure_addresses(endpoint: str, version: str, url: str) -> None:
    """Without a version the v1 path; with a dated one the deployment's own, and the version in the query."""
    target = bound("azure:dep-1", {**EVERYTHING, "AZURE_OPENAI_ENDPOINT": endpoint, "OPENAI_API_VERSION": version})
    wire = target.codec.encode(HELLO, stream=False)
    assert target.prefix + wire.path == url
    assert target.codec.differences is AZURE  # type: ignore[attr-defined]
    assert b'"model":"dep-1"' in wire.body


@pytest.mark.parametrize("version", ["latest&key=CANARY", "2024", "20241021"])
def test_a_wrong_azure_version_is_refused(version: str) -> None:
    """What is no version does not get into an address, nor into the error."""
    with pytest.raises(ConfigError, match="OPENAI_API_VERSION") as caught:
        bound("azure:m", {**EVERYTHING, "OPENAI_API_VERSION": version})
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize("name", ["a/b", "a?x=1", "..", "x" * 65])
def test_a_deployment_in_the_path_is_a_plain_name(name: str) -> None:
    """A name that would change the path is refused; in the body of the v1 API it may stand."""
    dated = {**EVERYTHING, "OPENAI_API_VERSION": "2024-10-21"}
    with pytest.raises(ConfigError, match="deployment"):
        bound(f"azure:{name}", dated)


@pytest.mark.parametrize("api_key", [TOKEN, lambda: TOKEN, "env:TOKEN"])
def test_azure_tokens_are_bearers(api_key: Any) -> None:
    """A token of Entra ID shows in its form, and goes where Azure reads tokens; a key goes in api-key."""
    target = bound(Target("azure:m", api_key=api_key), {**EVERYTHING, "TOKEN": TOKEN})
    assert secret(target) == {"authorization": f"Bearer {TOKEN}"}
    assert TOKEN not in repr(target)


def test_azure_takes_the_token_of_the_environment() -> None:
    """AZURE_OPENAI_AD_TOKEN stands in for a key; the key wins."""
    without = {name: value for name, value in EVERYTHING.items() if name != "AZURE_OPENAI_API_KEY"}
    assert "authorization" in secret(bound("azure:m", {**without, "AZURE_OPENAI_AD_TOKEN": TOKEN}))
    assert "api-key" in secret(bound("azure:m", {**EVERYTHING, "AZURE_OPENAI_AD_TOKEN": TOKEN}))


def test_azure_needs_an_endpoint_and_a_key_of_its_own() -> None:
    """No endpoint is an error that names the variable; a resource in the code needs its key in the code."""
    with pytest.raises(ConfigError, match="AZURE_OPENAI_ENDPOINT"):
        bound("azure:m", {"AZURE_OPENAI_API_KEY": "key"})
    with pytest.raises(ConfigError, match="goes to AZURE_OPENAI_ENDPOINT only"):
        bound("azure:m@https://other.openai.azure.com")


# --- Bedrock


def _no_signer(region: str) -> KeyHeader:
    raise AssertionError("nothing may be signed here")


def test_bedrock_signs_when_there_is_no_bearer_key() -> None:
    """The signer is made for the region that is called, and only when it is needed."""
    made: list[str] = []

    def signer(region: str) -> KeyHeader:
        made.append(region)
        return KeyHeader(lambda: region)

    without = {"AWS_REGION": "eu-west-3"}
    target = bound("bedrock:m", without, aws=signer)
    assert (made, secret(target)) == (["eu-west-3"], {"authorization": "Bearer eu-west-3"})
    bound("bedrock:m", aws=_no_signer)
    assert bound("bedrock:m@http://127.0.0.1:9", without, aws=_no_signer).credentials is NO_CREDENTIALS
    private = "https://vpce-0a1-x.bedrock-runtime.eu-west-3.vpce.amazonaws.com"
    assert secret(bound(f"bedrock:m@{private}", without, aws=signer))
    with pytest.raises(ConfigError, match="there is no key"):
        bound("bedrock:m", without)


@pytest.mark.parametrize(
    ("target", "environ", "region"),
    [
        (Target("bedrock:m", region="us-west-2"), {"AWS_REGION": "eu-central-1"}, "us-west-2"),
        ("bedrock:m", {"AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "us-east-1"}, "eu-central-1"),
        ("bedrock:m", {"AWS_DEFAULT_REGION": "us-east-1"}, "us-east-1"),
        ("bedrock:arn:aws:bedrock:eu-west-1::foundation-model/a.b", {"AWS_REGION": "us-east-1"}, "eu-west-1"),
    ],
)
def test_where_the_region_comes_from(target: Any, environ: dict[str, str], region: str) -> None:
    """The ARN, the target, AWS_REGION, AWS_DEFAULT_REGION, in this order."""
    one = bound(target, {**environ, "AWS_BEARER_TOKEN_BEDROCK": "key"})
    assert (one.origin, one.facts.region) == (f"https://bedrock-runtime.{region}.amazonaws.com", region)


def test_a_region_is_needed_and_must_not_contradict_the_arn() -> None:
    """Both errors say what to write."""
    with pytest.raises(ConfigError, match="needs a region") as caught:
        bound("bedrock:m", {"AWS_BEARER_TOKEN_BEDROCK": "key"})
    assert "AWS_REGION" in caught.value.change
    arn = "bedrock:arn:aws:bedrock:eu-west-1::foundation-model/a.b"
    with pytest.raises(ConfigError, match="two regions"):
        bound(Target(arn, region="eu-west-3"))


def test_vectors_have_a_codec_of_their_own() -> None:
    """codec_for picks by what is asked; a dialect without vectors says so."""
    request = Request((Message.user("x"),), operation="embed")
    target = bound("openai:text-embedding-3-small")
    assert "embeddings" in target.facts.capabilities
    assert target.codec_for(request).encode(request, stream=False).path == "/embeddings"
    assert target.codec_for(HELLO) is target.codec
    other = bound("anthropic:m")
    assert "embeddings" not in other.facts.capabilities
    with pytest.raises(ConfigError, match="no vectors"):
        other.codec_for(request)
