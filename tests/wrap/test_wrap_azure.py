"""`wrap()` around Azure's clients: both forms of the path, both forms of the key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import anyio
import openai
import pytest
from openai.types.chat import ChatCompletion

from psf_runtime import Target, wrap
from psf_runtime.client.wrapped.paths import Paths
from psf_runtime.policy import Policy
from tests.wrap.server import Server, serving

CANARY = "jane.doe@example.com"
QUESTION = f"Write to {CANARY} today"
MESSAGES: Any = [{"role": "user", "content": QUESTION}]
VERSION = "2024-10-21"
TOKEN = "eyJhbGciOiJub25lIn0.e30.sig"


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as state:
        yield state


def azure(server: Server, **settings: Any) -> openai.AzureOpenAI:
    endpoint = {} if "base_url" in settings else {"azure_endpoint": server.url.removesuffix("/v1")}
    key = {} if "azure_ad_token" in settings else {"api_key": "k1"}
    return openai.AzureOpenAI(api_version=VERSION, **endpoint, **key, **settings)


def nothing_personal(server: Server) -> bool:
    return bool(server.bodies) and not any(b"jane" in body or b"example.com" in body for body in server.bodies)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("settings", [{}, {"azure_deployment": "mine"}], ids=["by model", "by client"])
def test_a_dated_version_has_its_deployment_in_the_path(server: Server, settings: Any, stream: bool) -> None:
    """The model names the deployment, or the client does; the version goes in the query, the key in `api-key`."""
    with azure(server, **settings) as original:
        wrapped = wrap(original)
        assert isinstance(wrapped, openai.AzureOpenAI)
        answer: Any = wrapped.chat.completions.create(model="mine", messages=MESSAGES, stream=stream)
        if stream:
            assert QUESTION == "".join(c.choices[0].delta.content or "" for c in answer if c.choices)
        else:
            assert type(answer) is ChatCompletion
            assert QUESTION == answer.choices[0].message.content
    assert [f"/openai/deployments/mine/chat/completions?api-version={VERSION}"] == server.paths
    assert "k1" == server.headers[0]["api-key"]
    assert "authorization" not in server.headers[0]
    assert nothing_personal(server)


def test_a_token_goes_as_a_bearer(server: Server) -> None:
    """Entra ID's token is sent as it came."""
    with azure(server, azure_ad_token=TOKEN) as original:
        wrap(original).embeddings.create(model="e", input=QUESTION)
    assert [f"/openai/deployments/e/embeddings?api-version={VERSION}"] == server.paths
    assert f"Bearer {TOKEN}" == server.keys[0]
    assert nothing_personal(server)


def test_the_v1_path(server: Server) -> None:
    """Below `/openai/v1` no version is sent, and responses are spoken too."""
    with azure(server, base_url=server.url.removesuffix("/v1") + "/openai/v1") as original:
        wrapped = wrap(original)
        wrapped.responses.create(model="mine", input=QUESTION)
        prefix = "/openai/v1"
        assert [f"{prefix}/responses"] == server.paths
        assert "k1" == server.headers[0]["api-key"]
    assert json.loads(server.bodies[0])["store"] is False
    assert nothing_personal(server)


def test_dated_responses_are_refused_with_the_way_out(server: Server) -> None:
    """What is not spoken here says which address is."""
    with azure(server) as original, pytest.raises(openai.BadRequestError, match="openai/v1"):
        wrap(original).responses.create(model="mine", input=QUESTION)
    assert [] == server.paths


@pytest.mark.parametrize("version", ["2024-10-21/../x", "latest", ""])
def test_a_version_that_is_none_is_refused(server: Server, version: str) -> None:
    """It stands in the query, so it is looked at."""
    with azure(server) as original, pytest.raises(openai.BadRequestError):
        wrap(original).chat.completions.create(model="mine", messages=MESSAGES, extra_query={"api-version": version})
    assert [] == server.paths


@pytest.mark.parametrize("model", ["a/../../files", "a b", "", "x?api-version=1"])
def test_a_deployment_cannot_lead_elsewhere(server: Server, model: str) -> None:
    """The name of a deployment is a name, in the path too."""
    with azure(server) as original, pytest.raises((openai.BadRequestError, ValueError)):
        wrap(original).chat.completions.create(model=model, messages=MESSAGES)
    assert [] == server.paths


def test_async_azure(server: Server) -> None:
    """AsyncAzureOpenAI, whole and streamed, and its copies."""

    async def main() -> None:
        async with openai.AsyncAzureOpenAI(
            azure_endpoint=server.url.removesuffix("/v1"), api_key="k1", api_version=VERSION
        ) as original:
            wrapped = wrap(original).with_options(timeout=5)
            assert isinstance(wrapped, openai.AsyncAzureOpenAI)
            answer = await wrapped.chat.completions.create(model="mine", messages=MESSAGES)
            assert QUESTION == answer.choices[0].message.content
            stream = await wrapped.chat.completions.create(model="mine", messages=MESSAGES, stream=True)
            assert QUESTION == "".join([c.choices[0].delta.content or "" async for c in stream if c.choices])

    anyio.run(main)
    assert nothing_personal(server)


def test_what_the_policy_declares_holds(server: Server) -> None:
    """A target of the policy with this deployment and resource gives the call its name."""
    policy = Policy.standard(targets={"mine-eu": Target("azure:mine", base_url=server.url.removesuffix("/v1"))})
    with azure(server) as original:
        raw = wrap(original, policy=policy).chat.completions.with_raw_response.create(model="mine", messages=MESSAGES)
    decision = raw.http_response.extensions["psf_runtime.decision"]
    assert "mine-eu" == decision.route[0].target


def test_a_resource_is_known_by_its_host() -> None:
    """An OpenAI client or a plain HTTP client at Azure's own hosts speaks as Azure does."""
    import httpx

    host = "acme.openai.azure.com"
    paths = Paths(origin=("https", host, None), path="/openai/v1/", azure=False, passthrough=[])
    way = paths.way_of("POST", httpx.URL(f"https://{host}/openai/v1/chat/completions"))
    assert ("azure", "/openai/v1") == (way.provider, way.prefix)
