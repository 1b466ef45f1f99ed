"""Facts of calls through a wrapped client: where they are carried, and what is said where they are not."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai
import pytest

from psf_runtime import Policy, ToolRule, decision_of, facts, wrap
from psf_runtime.policy import Oversight
from tests.wrap.server import Server, serving

ASKED: Any = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
LOST = "facts.lost_in_thread"


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as state:
        yield state


@pytest.fixture
def client(server: Server) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=server.url, api_key="k1") as original:
        yield original


def kinds(client: Any) -> list[str]:
    """The findings of one call."""
    raw = client.chat.completions.with_raw_response.create(**ASKED)
    return [finding.kind for finding in raw.http_response.extensions["psf_runtime.decision"].findings]


def test_a_bare_thread_pool_has_no_facts_and_says_so(client: openai.OpenAI, caplog: pytest.LogCaptureFixture) -> None:
    """In a bare pool a call has nobody's facts: the decision carries a finding, and the log says what to do, once."""
    wrapped = wrap(client)
    with facts(user="agent:lee", subject="customer:42") as call, ThreadPoolExecutor(1) as pool:
        assert LOST not in kinds(wrapped)
        lost = [pool.submit(kinds, wrapped).result() for _ in range(2)]
    assert [[LOST], [LOST]] == [[kind for kind in found if kind == LOST] for found in lost]
    assert 1 == len(call.decisions)
    assert 1 == sum("a bare thread pool does not carry" in record.getMessage() for record in caplog.records)


def test_two_callers_in_one_pool_never_share_facts(client: openai.OpenAI) -> None:
    """A worker that served one caller has none of its facts for the next."""
    wrapped = wrap(client)

    def asked(user: str | None) -> list[str]:
        if user is None:
            return kinds(wrapped)
        with facts(user=user):
            return kinds(wrapped)

    with ThreadPoolExecutor(1) as pool:
        assert LOST not in pool.submit(asked, "a").result()
        assert LOST in pool.submit(asked, None).result()
        assert LOST not in pool.submit(asked, "b").result()


def test_contexts_that_are_carried_are_no_finding(client: openai.OpenAI) -> None:
    """`asyncio.to_thread` and `copy_context().run` carry the facts of their caller."""
    wrapped = wrap(client)
    with facts(user="u") as call, ThreadPoolExecutor(1) as pool:
        kinds(wrapped)
        assert LOST not in pool.submit(contextvars.copy_context().run, kinds, wrapped).result()

        async def main() -> list[str]:
            return await asyncio.to_thread(kinds, wrapped)

        assert LOST not in asyncio.run(main())
    assert 3 == len(call.decisions)


def test_a_client_that_never_had_facts_is_no_finding(client: openai.OpenAI) -> None:
    """Where nobody declares facts, nothing was lost."""
    wrapped = wrap(client, purpose="support")
    with ThreadPoolExecutor(1) as pool:
        assert LOST not in pool.submit(kinds, wrapped).result()


def test_a_ticket_of_another_tenant_is_nothing(server: Server, client: openai.OpenAI) -> None:
    """A ticket is a name, no capability: who is not its requester gets nothing, through the same wrapped client."""
    policy = Policy.standard(
        oversight=Oversight(reviewers={"r": ["lee@acme.example"]}), tools={"pay": ToolRule(approval="always")}
    )
    pay: Any = {"id": "t1", "type": "function", "function": {"name": "pay", "arguments": "{}"}}
    server.message, server.finish = {"role": "assistant", "content": None, "tool_calls": [pay]}, "tool_calls"
    wrapped = wrap(client, policy=policy)
    asked = {**ASKED, "tools": [{"type": "function", "function": {"name": "pay", "parameters": {"type": "object"}}}]}
    with facts(tenant="a", user="lee"), pytest.raises(openai.ConflictError) as caught:
        wrapped.chat.completions.create(**asked)
    decision = decision_of(caught.value)
    assert decision is not None
    wrapped.psf_tickets.approve(decision.ticket, by="lee@acme.example")  # type: ignore[attr-defined]
    for other in ({"tenant": "b", "user": "lee"}, {"tenant": "a", "user": "eve"}):
        with facts(**other, ticket=decision.ticket), pytest.raises(openai.PermissionDeniedError):  # type: ignore[arg-type]
            wrapped.chat.completions.create(**asked)
    assert 1 == len(server.bodies)


def test_many_threads_keep_their_own_facts(client: openai.OpenAI) -> None:
    """Callers in parallel through one wrapped client: each decision is in its own caller's block, and no other."""
    wrapped = wrap(client)

    def asked(user: str) -> tuple[str, int]:
        with facts(user=user, tags={"who": user}) as call:
            for _ in range(3):
                wrapped.chat.completions.create(**ASKED)
        return user, len(call.decisions)

    with ThreadPoolExecutor(8) as pool:
        found = dict(pool.map(asked, [f"u{number}" for number in range(16)]))
    assert {f"u{number}": 3 for number in range(16)} == found
