"""What is particular to the vendors' own hosts: their fields, their schemas, their keys. Nothing is connected to."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import httpx
import httpx2
import openai
import pytest
from pydantic import BaseModel

from psf_runtime import ConfigError, wrap
from tests.wrap import server as doubles
from tests.wrap import vendors

QUESTION = "Write to jane.doe@example.com today"


class Vendor:
    """Stands for a vendor's host, without a network: keeps what arrives and answers in its dialect."""

    def __init__(self) -> None:
        self.requests: list[httpx2.Request] = []
        self.transport = httpx2.MockTransport(self._answer)

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        if request.method == "GET":
            return httpx2.Response(200, json={"object": "list", "data": []})
        body = json.loads(request.content)
        answer = vendors.reply(request.url.path, body)
        if answer is None:
            answer = json.dumps(doubles.completion(body)).encode(), "application/json"
        data, kind = answer
        return httpx2.Response(200, headers={"content-type": kind}, content=data)

    @property
    def last(self) -> dict[str, Any]:
        body: dict[str, Any] = json.loads(self.requests[-1].content)
        return body


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


def claude(vendor: Vendor) -> anthropic.Anthropic:
    return anthropic.Anthropic(
        api_key="k1", base_url="https://api.anthropic.com", http_client=httpx2.Client(transport=vendor.transport)
    )


def test_parse_at_anthropic(vendor: Vendor) -> None:
    """`messages.parse` sends the schema, the contract is checked here, and the SDK gives an instance."""

    class Mail(BaseModel):
        to: str

    asked: Any = [{"role": "user", "content": '{"to": "jane.doe@example.com"}'}]
    answer = wrap(claude(vendor)).messages.parse(model="claude-x", max_tokens=99, messages=asked, output_format=Mail)
    assert Mail(to="jane.doe@example.com") == answer.parsed_output
    assert "json_schema" == vendor.last["output_config"]["format"]["type"]
    assert b"jane" not in vendor.requests[-1].content


def test_declared_beta_words_leave(vendor: Vendor) -> None:
    """Words that open nothing are sent, in the vendor's header; one undeclared among them stops the call."""
    wrapped = wrap(claude(vendor))
    asked: Any = {"model": "claude-x", "max_tokens": 99, "messages": [{"role": "user", "content": QUESTION}]}
    wrapped.messages.create(**asked, extra_headers={"anthropic-beta": "context-1m-2025-08-07,fast-mode-2026-02-01"})
    assert "context-1m-2025-08-07,fast-mode-2026-02-01" == vendor.requests[-1].headers["anthropic-beta"]
    with pytest.raises(anthropic.BadRequestError, match="not declared"):
        wrapped.messages.create(**asked, extra_headers={"anthropic-beta": "context-1m-2025-08-07,files-api-2025-04-14"})
    with pytest.raises(anthropic.BadRequestError):
        wrapped.beta.messages.create(**asked, betas=["mcp-client-2025-04-04"])
    assert 1 == len(vendor.requests)


def test_nothing_is_stored_at_openai(vendor: Vendor) -> None:
    """Both dialects of the vendor say `store: false`; responses ask for signed reasoning in its place."""
    with openai.OpenAI(api_key="k", http_client=httpx2.Client(transport=vendor.transport)) as original:
        wrapped = wrap(original)
        wrapped.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": QUESTION}])
        assert vendor.last["store"] is False
        wrapped.responses.create(model="o4-mini", input=QUESTION)
        assert (False, ["reasoning.encrypted_content"]) == (vendor.last["store"], vendor.last["include"])
    assert not any(b"jane" in request.content for request in vendor.requests)


def test_a_vendor_is_not_asked_without_a_key(vendor: Vendor) -> None:
    """A request without a key to a vendor's own host is an error here."""
    with httpx2.Client(base_url="https://api.anthropic.com", transport=vendor.transport) as original:
        reply = wrap(original).post("/v1/messages", json={"model": "m", "max_tokens": 9, "messages": []})
    assert 400 == reply.status_code
    assert "no key" in reply.text
    assert [] == vendor.requests


def test_azures_own_hosts_need_a_key(vendor: Vendor) -> None:
    """An OpenAI client at Azure's v1 address speaks as Azure does, with the key as it came."""
    url = "https://acme.openai.azure.com/openai/v1"
    with openai.OpenAI(api_key="k9", base_url=url, http_client=httpx2.Client(transport=vendor.transport)) as original:
        wrap(original).chat.completions.create(model="mine", messages=[{"role": "user", "content": QUESTION}])
    assert f"{url}/chat/completions" == str(vendor.requests[-1].url)
    assert "Bearer k9" == vendor.requests[-1].headers["authorization"]
    assert b"jane" not in vendor.requests[-1].content


def test_under_pytest_a_call_that_passes_stays_on_this_machine(vendor: Vendor) -> None:
    """Also what goes past the controls does not leave the machine where only it may be reached."""

    class Real(httpx2.BaseTransport):
        def handle_request(self, request: httpx2.Request) -> httpx2.Response:
            raise AssertionError("the network was reached")

    for transport, wanted in ((Real(), 400), (vendor.transport, 200)):
        with openai.OpenAI(api_key="k", http_client=httpx2.Client(transport=transport)) as original:
            reply = wrap(original)._client.get("https://api.openai.com/v1/models")
        assert wanted == reply.status_code
    assert ["GET"] == [request.method for request in vendor.requests]


def test_a_plain_client_without_a_base_url_is_refused() -> None:
    """Its requests could go to any host."""
    with httpx.Client() as original, pytest.raises(ConfigError, match="without a base_url"):
        wrap(original)
