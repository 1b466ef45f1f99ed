"""One client shared by many: threads, tasks, both event loops. Nobody ever sees a byte of another's."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio
import pytest

from psf_runtime import AsyncClient, Client, facts
from psf_runtime.testing import MockProvider

THREADS, CALLS = 8, 50


def name_of(number: int, turn: int) -> str:
    return f"p{number}x{turn}@tenant{number}.example"


def echoed(request: Any) -> str:
    return str(request.messages[-1].text)


def whose(number: int) -> dict[str, Any]:
    return {"tenant": f"tenant{number}", "user": f"user{number}", "conversation": "the same name for all"}


def question(number: int, turn: int) -> str:
    return f"write to {name_of(number, turn)} again"


def nobody_elses(client: Any, number: int) -> None:
    """The vault's shelf of a tenant holds that tenant's values and no others."""
    known = client._core.state.vault.known(f"tenant{number}", "named:the same name for all")
    values = {value for _, value in known.values()}
    assert {name_of(number, turn) for turn in range(CALLS)} == values


def test_threads_share_a_client() -> None:
    """8 threads x 50 calls of 8 tenants through one Client: each gets its own answers, tokens, decisions and facts."""
    mock = MockProvider(echoed, strict=False, chunks=5)
    client = Client(mock)

    def work(number: int) -> list[str]:
        wrong = []
        with facts(**whose(number)) as block:
            for turn in range(CALLS):
                asked = question(number, turn)
                if turn % 2:
                    with client.stream(asked) as stream:
                        text = "".join(stream.text_stream)
                else:
                    text = client.complete(asked).text
                if text != asked:
                    wrong.append(text)
        if len({decision.call_id for decision in block.decisions}) != CALLS:
            wrong.append("decisions")
        return wrong

    with ThreadPoolExecutor(THREADS) as pool:
        assert [[]] * THREADS == list(pool.map(work, range(THREADS)))
    for number in range(THREADS):
        nobody_elses(client, number)
    check_sent(mock)
    assert mock.live == 0
    assert client._core.state.ledger.orphans() == ()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_tasks_share_a_client(backend: str) -> None:
    """8 tasks x 50 calls through one AsyncClient, under asyncio and trio: as with threads."""
    mock = MockProvider(echoed, strict=False, chunks=5)
    client = AsyncClient(mock)
    wrong: list[str] = []

    async def work(number: int) -> None:
        with facts(**whose(number)) as block:
            for turn in range(CALLS):
                asked = question(number, turn)
                if turn % 2:
                    async with client.stream(asked) as stream:
                        text = "".join([piece async for piece in stream.text_stream])
                else:
                    text = (await client.complete(asked)).text
                if text != asked:
                    wrong.append(text)
                await anyio.sleep(0)
        if len(block.decisions) != CALLS:
            wrong.append("decisions")

    async def all_of_them() -> None:
        async with anyio.create_task_group() as group:
            for number in range(THREADS):
                group.start_soon(work, number)

    anyio.run(all_of_them, backend=backend)
    assert wrong == []
    for number in range(THREADS):
        nobody_elses(client, number)
    check_sent(mock)
    assert mock.live == 0
    assert client._core.state.ledger.orphans() == ()


def check_sent(mock: MockProvider) -> None:
    """Nothing in clear was sent, and no token of one tenant was sent for another."""
    tokens: dict[str, set[str]] = {}
    for sent in mock.calls:
        text = json.loads(sent.wire)["messages"][-1]["content"]
        assert "@tenant" not in text
        tokens.setdefault(sent.request.facts.tenant, set()).add(text.split()[2])
    assert THREADS == len(tokens)
    assert THREADS * CALLS == len(set().union(*tokens.values()))


def test_a_bare_thread_pool_does_not_borrow_facts() -> None:
    """Facts of a block are not seen in a bare thread pool: a call there has the client's own, no other tenant's."""
    mock = MockProvider("x", strict=False)
    client = Client(mock, tenant="own")
    with ThreadPoolExecutor(1) as pool, facts(tenant="acme", user="u"):
        pool.submit(client.complete, "hi").result()
    assert ("own", None) == (mock.last.request.facts.tenant, mock.last.request.facts.user)


def test_tenants_do_not_restore_each_others_tokens() -> None:
    """A token of one tenant, typed by another, comes back as it was typed: it restores nothing."""
    mock = MockProvider(echoed, strict=False)
    client = Client(mock)
    client.complete("to jane@acme.example now", tenant="acme", conversation="t")
    token = mock.last.request.messages[0].text.split()[1]
    assert token.startswith("EMAIL_")

    for other in ({"tenant": "evil", "conversation": "t"}, {"tenant": "acme", "conversation": "other"}):
        answer = client.complete(f"who is {token} ?", **other)
        assert f"who is {token} ?" == answer.text


def test_a_guards_thread_sees_the_facts_of_its_call() -> None:
    """The context that a guard is given is that of its own call, in whatever thread it runs."""
    from psf_runtime import Policy, guard
    from psf_runtime.types.context import Context

    seen: list[tuple[str, str]] = []

    @guard(on="input", timeout=5)
    def watch(text: str, context: Context) -> bool:
        seen.append((text, context.facts.tenant))
        return True

    client = Client(MockProvider("x", strict=False), policy=Policy.standard(guards=[watch]))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: client.complete(f"text {n}", tenant=f"t{n}"), range(20)))
    assert {(f"text {n}", f"t{n}") for n in range(20)} == set(seen)
