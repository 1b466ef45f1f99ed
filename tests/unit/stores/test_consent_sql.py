"""Consent chains over an SQLite file: another process goes on with them, and erasure reaches the bytes of the file."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest

from psf_runtime import AsyncClient, Client, Policy, Purpose
from psf_runtime.client import core
from psf_runtime.errors import ConsentDenied, StateError
from psf_runtime.stores.consent_chain import ConsentChains
from psf_runtime.stores.keys_file import FileKeys, create_key_file
from psf_runtime.testing import MockProvider
from psf_runtime.types.consent import ConsentQuestion, UseLink
from tests.stores.case import Case

KEY = bytes(range(32))
POLICY = Policy.standard(purposes={"news": Purpose(owner="dana", lawful_basis="consent")})
WHO: dict[str, Any] = {"subject": "customer:42", "purpose": "news"}
ASKED = ConsentQuestion(purpose="news", now=100.0, recipients=("openai",))
USE = UseLink(call_id="call-1", purpose="news", recipient="openai", decision="allow")


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    for folder in ("keys", "state"):
        (tmp_path / folder).mkdir()
    keys = FileKeys(create_key_file(tmp_path / "keys" / "psf.keys"))
    case = Case(f"sqlite:///{tmp_path / 'state' / 'psf.db'}", keys)
    yield case
    case.close()


def chains(case: Case) -> ConsentChains:
    """What one process has: connections of its own."""
    return ConsentChains(KEY, rows=case.chain(), aliases=case.secrets())


def test_what_one_process_keeps_another_one_asks(case: Case) -> None:
    """Granted in one, valid in the other; withdrawn in the other, refused in the first with its next question."""
    one, two = chains(case), chains(case)
    one.grant(recipients=["openai"], now=10.0, **WHO)

    assert two.ask("default", "customer:42", ASKED).reason is None
    assert chains(case).holds_any
    assert two.withdraw(subject="customer:42", now=20.0) == 1
    assert one.ask("default", "customer:42", ASKED).reason == "the consent was withdrawn"
    assert one.blocking


def test_processes_write_one_chain_together(case: Case) -> None:
    """Consents and uses from two sides at once are all kept, and the chains hold."""
    both = [chains(case), chains(case)]
    for store in both:
        store.grant(recipients=["openai"], now=10.0, **WHO)

    def write(number: int) -> None:
        both[number % 2].record_use("default", "customer:42", USE, f"named:{number}", 20.0)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, range(12)))

    third = chains(case)
    assert len(third.list(subject="customer:42")) == 2
    assert len(third.uses_of(subject="customer:42")) == 12
    assert len(third.conversations(subject="customer:42")) == 12


def test_a_row_that_was_removed_is_noticed(case: Case) -> None:
    """Whoever can write to the database but lacks the keys cannot take a withdrawal away."""
    store = chains(case)
    store.grant(recipients=["openai"], now=10.0, **WHO)
    store.withdraw(subject="customer:42", now=20.0)
    case.sql("DELETE FROM psf_links WHERE number = 2")
    case.sql("UPDATE psf_streams SET next_number = 2")

    with pytest.raises(StateError):
        chains(case).ask("default", "customer:42", ASKED)


def test_erasure_leaves_no_name_in_the_file_and_the_chain_holds(case: Case) -> None:
    """Neither before nor after does the file name anybody; after it, nothing leads to the chain any more."""
    store = chains(case)
    store.grant(recipients=["openai"], now=10.0, by="parent:7", on_behalf_of="customer:42", **WHO)
    store.record_use("default", "customer:42", USE, "named:talk-1", 20.0)
    for word in (b"customer:42", b"parent:7", b"talk-1"):
        assert word not in case.bytes_at_rest()
    erased = store.erase(subject="customer:42", now=30.0, counts={})

    after = chains(case)
    assert after.list(subject="customer:42") == ()
    assert case.sql("SELECT count(*) FROM psf_secrets") == [(0,)]
    links = after.book.read_stream("default", erased.stream, head=erased.head)
    assert [link.kind for link in links] == ["consent", "erasure"]
    assert not after.erase(subject="customer:42", now=40.0, counts={}).known


def test_a_sweep_goes_on_where_another_process_stopped(case: Case) -> None:
    """Old uses go from the database, and the next use fits on."""
    chains(case).record_use("default", "customer:42", USE, "named:1", 20.0)
    assert dict(chains(case).sweep({"news": 1}, now=20.0 + 2 * 86_400).removed) == {"news": 1}
    assert case.sql("SELECT count(*) FROM psf_links") == [(1,)]
    last = chains(case)
    last.record_use("default", "customer:42", USE, "named:1", 20.0 + 3 * 86_400)

    assert len(last.uses_of(subject="customer:42")) == 1


@pytest.fixture
def clients_on(case: Case, monkeypatch: pytest.MonkeyPatch) -> Case:
    """Clients that are made from now on keep their consents in the database of the case."""
    opened = core.open_state
    monkeypatch.setattr(core, "open_state", lambda *given: replace(opened(*given), consents=chains(case)))
    return case


def test_a_withdrawal_in_one_process_stops_the_next_call_of_another(clients_on: Case) -> None:
    """Each client asks the database anew; the uses of both are on record."""
    one, two = (Client(MockProvider(strict=False), policy=POLICY) for _ in range(2))
    one.consents.grant(recipients=["mock"], **WHO)

    assert one.complete("hi", **WHO).text
    assert two.complete("hi", **WHO).text
    assert two.consents.withdraw(**WHO) == 1
    with pytest.raises(ConsentDenied):
        one.complete("hi", **WHO)
    assert len(one.consents.export("customer:42")["uses"]) == 3
    receipt = two.subjects.erase("customer:42")
    assert one.consents.verify(receipt.to_dict())
    assert one.consents.list(subject="customer:42") == ()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_async_calls_over_a_database(clients_on: Case, backend: str) -> None:
    """A store that waits is asked in threads; streams and whole answers alike."""

    async def run() -> None:
        client = AsyncClient(MockProvider(strict=False), policy=POLICY)
        await client.consents.grant(recipients=["mock"], **WHO)
        assert (await client.complete("hi", **WHO)).text
        async with client.stream("hi", **WHO) as stream:
            async for _ in stream:
                pass
        assert len((await client.consents.export("customer:42"))["uses"]) == 2
        assert await client.subjects.restrict("customer:42")
        with pytest.raises(ConsentDenied):
            await client.complete("hi", **WHO)

    anyio.run(run, backend=backend)


def test_a_database_that_is_away_stops_calls(clients_on: Case) -> None:
    """StateError, and nothing was sent."""
    mock = MockProvider(strict=False)
    client = Client(mock, policy=POLICY)
    client.consents.grant(recipients=["mock"], **WHO)
    clients_on.sql("DROP TABLE psf_links")

    with pytest.raises(StateError):
        client.complete("hi", **WHO)
    assert mock.calls == ()
