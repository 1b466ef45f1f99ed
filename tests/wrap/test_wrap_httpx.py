"""`wrap()` around bare httpx clients: the layers, the escapes, the errors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import anyio
import httpx
import pytest

from psf_runtime import Block, ConfigError, Policy, ToolRule, decision_of, facts, guard, wrap
from psf_runtime.policy import Oversight
from tests.wrap.server import Server, serving

QUESTION = "Write to jane.doe@example.com today"
BODY = {"model": "gpt-4o", "messages": [{"role": "user", "content": QUESTION}]}


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as state:
        yield state


@pytest.fixture
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, headers={"authorization": "Bearer k1"}) as original:
        yield original


def test_a_chat_completion_goes_through_the_layers(server: Server, client: httpx.Client) -> None:
    """The server gets tokens, the caller gets values, and the key is the client's own."""
    reply = wrap(client).post("/chat/completions", json=BODY)
    assert reply.status_code == 200
    assert reply.json()["choices"][0]["message"]["content"] == QUESTION
    assert b"jane.doe@example.com" not in server.bodies[0]
    assert server.keys == ["Bearer k1"]
    assert type(wrap(client)) is httpx.Client


def test_a_stream_goes_through_the_layers(server: Server, client: httpx.Client) -> None:
    """A streamed answer arrives as events that hold the restored text."""
    with wrap(client).stream("POST", "/chat/completions", json={**BODY, "stream": True}) as reply:
        events = [json.loads(line[6:]) for line in reply.iter_lines() if line.startswith("data: {")]
    text = "".join(event["choices"][0]["delta"].get("content", "") for event in events if event["choices"])
    assert text == QUESTION
    assert b"jane.doe@example.com" not in server.bodies[0]


def test_an_async_client_keeps_its_type_and_is_guarded(server: Server) -> None:
    """The same for httpx.AsyncClient, whole and streamed."""

    async def main() -> None:
        async with httpx.AsyncClient(base_url=server.url) as original:
            wrapped = wrap(original)
            assert type(wrapped) is httpx.AsyncClient
            reply = await wrapped.post("/chat/completions", json=BODY)
            assert reply.json()["choices"][0]["message"]["content"] == QUESTION
            async with wrapped.stream("POST", "/chat/completions", json={**BODY, "stream": True}) as streamed:
                lines = [line async for line in streamed.aiter_lines()]
            assert lines[-2] == "data: [DONE]"

    anyio.run(main)
    assert not any(b"jane.doe" in body for body in server.bodies)


def test_the_original_is_untouched(server: Server, client: httpx.Client) -> None:
    """Calls through the original object go out as they were."""
    wrap(client)
    client.post("/chat/completions", json=BODY)
    assert b"jane.doe@example.com" in server.bodies[0]


def test_models_pass_and_other_endpoints_are_refused(server: Server, client: httpx.Client) -> None:
    """What cannot be read is not sent, unless passthrough names it."""
    wrapped = wrap(client)
    assert wrapped.get("/models").status_code == 200
    refused = wrapped.post("/embeddings", json={"input": "jane.doe@example.com"})
    assert refused.status_code == 400
    assert refused.json()["error"]["code"] == "ConfigError"
    assert server.bodies == []
    assert wrap(client, passthrough=["/v1/files"]).post("/files", json=BODY).status_code == 200
    assert server.paths[-1] == "/v1/files"


@pytest.mark.parametrize("other", ["http://127.0.0.1:9/v1/chat/completions", "http://localhost:9/v1/chat/completions"])
def test_another_origin_is_refused(server: Server, client: httpx.Client, other: str) -> None:
    """An absolute URL does not lead out of the wrapping."""
    assert wrap(client).post(other, json=BODY).status_code == 400
    assert server.bodies == []


@pytest.mark.parametrize(
    "fields",
    [
        {"n": 2, "stream": True},
        {"store": True},
        {"logprobs": True},
        {"previous_response_id": "r1"},
        {"functions": []},
        {"audio": {}},
    ],
)
def test_fields_that_pass_by_the_guards_are_refused(server: Server, client: httpx.Client, fields: Any) -> None:
    """A field that no guard could screen is a 400 that names it."""
    reply = wrap(client).post("/chat/completions", json={**BODY, **fields})
    assert reply.status_code == 400
    assert next(iter(fields)) in reply.json()["error"]["message"]
    assert server.bodies == []


def test_a_block_is_a_response_with_our_decision(server: Server, client: httpx.Client) -> None:
    """Blocked is a 403 that is not asked again, and the decision rides on it."""

    @guard(on="input")
    def never(text: str) -> Block:
        return Block("never")

    reply = wrap(client, policy=Policy.standard(guards=[never])).post("/chat/completions", json=BODY)
    assert reply.status_code == 403
    assert reply.headers["x-should-retry"] == "false"
    assert reply.extensions["psf_runtime.decision"].blocked_by == "never"
    with pytest.raises(httpx.HTTPStatusError) as caught:
        reply.raise_for_status()
    assert decision_of(caught.value) is reply.extensions["psf_runtime.decision"]


def test_an_error_of_the_provider_comes_without_its_text(server: Server, client: httpx.Client) -> None:
    """A vendor's error keeps its status and loses its body."""
    server.status = 400
    reply = wrap(client).post("/chat/completions", json=BODY)
    assert reply.status_code == 400
    assert "secret" not in reply.text


def test_a_cut_stream_ends_with_an_error_event(server: Server, client: httpx.Client) -> None:
    """What was cut does not look complete."""
    server.cut = True
    with wrap(client).stream("POST", "/chat/completions", json={**BODY, "stream": True}) as reply:
        text = "".join(reply.iter_text())
    assert '"code":"StreamInterrupted"' in text
    assert "[DONE]" not in text


def test_facts_reach_the_call_and_the_decision_comes_back(server: Server, client: httpx.Client) -> None:
    """`with facts(...)` around the SDK's call sets its facts."""
    with facts(purpose="refunds", user="agent:lee") as call:
        wrap(client, tenant="acme").post("/chat/completions", json=BODY)
    assert call.decision is not None
    assert call.decision.purpose == "refunds"


def test_an_approval_is_handed_out_by_the_same_call_with_the_ticket(server: Server, client: httpx.Client) -> None:
    """After approval, the same call within facts(ticket=...) returns the stored answer; the model is asked once."""
    server.message = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "t1", "type": "function", "function": {"name": "pay", "arguments": "{}"}}],
    }
    server.finish = "tool_calls"
    policy = Policy.standard(
        tools={"pay": ToolRule(approval="always")}, oversight=Oversight(reviewers={"r": ["lee@acme.example"]})
    )
    wrapped: Any = wrap(client, policy=policy)
    body = {**BODY, "tools": [{"type": "function", "function": {"name": "pay", "parameters": {"type": "object"}}}]}
    pending = wrapped.post("/chat/completions", json=body)
    assert pending.status_code == 409
    ticket = pending.extensions["psf_runtime.decision"].ticket
    wrapped.psf_tickets.approve(ticket, by="lee@acme.example")
    with facts(ticket=ticket):
        reply = wrapped.post("/chat/completions", json=body)
    assert reply.json()["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "pay"
    assert len(server.bodies) == 1


@pytest.mark.parametrize("thing", [object(), "client", 5])
def test_what_cannot_be_wrapped_says_so(thing: Any) -> None:
    """Only clients that this version can see through are wrapped."""
    with pytest.raises(ConfigError, match="cannot be wrapped"):
        wrap(thing)


def test_wrapping_twice_closed_or_nowhere_is_refused(client: httpx.Client) -> None:
    """Each mistake has its own words."""
    with pytest.raises(ConfigError, match="wrapped already"):
        wrap(wrap(client))
    with pytest.raises(ConfigError, match="base_url"), httpx.Client() as nowhere:
        wrap(nowhere)
    client.close()
    with pytest.raises(ConfigError, match="closed"):
        wrap(client)
