"""`client.consents`, sync and async: given, refused, renewed, withdrawn, listed, exported and swept."""

from __future__ import annotations

import json
import threading
from typing import Any

import anyio
import pytest

from psf_runtime import AsyncClient, Client, ConfigError, Policy, Purpose
from psf_runtime.client.consents import AsyncConsents
from psf_runtime.stores.consent_chain import ConsentChains
from psf_runtime.stores.consent_chain_storage import MemoryConsentStorage
from psf_runtime.testing import ManualClock, MockProvider
from psf_runtime.types.consent_receipt import (
    EVENT_FIELDS,
    NOT_STATED,
    PARTY_FIELDS,
    PROCESSING_FIELDS,
    RECORD_FIELDS,
    Controller,
)

POLICY = Policy.standard(purposes={"news": Purpose(owner="dana", lawful_basis="consent")})
WHO: dict[str, Any] = {"subject": "customer:42", "purpose": "news"}
CONTROLLER = Controller(
    name="Acme GmbH", address="1 Main Street, Berlin", storage_locations=("DE",), jurisdiction="DE", authority="BlnBDI"
)
WHOLE: dict[str, Any] = {
    **WHO,
    "recipients": ["openai"],
    "jurisdictions": ["EU"],
    "categories": ["EMAIL"],
    "notice": "web",
    "notice_version": "3",
    "language": "de",
    "method": "web form",
    "withdrawal_method": "https://acme.example/privacy",
    "by": "parent:7",
    "on_behalf_of": "customer:42",
}


def sync_client(clock: ManualClock | None = None, **settings: Any) -> Client:
    return Client(MockProvider(strict=False, clock=clock or ManualClock()), policy=POLICY, **settings)


def test_a_receipt_has_every_mandatory_field() -> None:
    """The names of ISO/IEC TS 27560, in the record, its processing, its parties and its events."""
    client = sync_client()
    client.consents.grant(**WHOLE)
    client.consents.withdraw(**WHO)
    receipt = json.loads(json.dumps(client.consents.export("customer:42", controller=CONTROLLER)))
    (record,) = receipt["records"]
    (processing,), (party,) = record["pii_processing"], record["parties"]

    assert set(RECORD_FIELDS) <= record.keys()
    assert set(PROCESSING_FIELDS) <= processing.keys()
    assert set(PARTY_FIELDS) <= party.keys()
    assert all(set(EVENT_FIELDS) <= event.keys() for event in record["events"])
    assert record["not_stated"] == ["necessity", "retention_period"]
    assert (processing["privacy_notice"], processing["language"]) == ("web 3", "de")
    assert processing["pii_information"][0]["pii_type"] == ["EMAIL"]
    assert processing["recipient_third_parties"] == ["openai"]
    assert [event["event_state"] for event in record["events"]] == ["given", "withdrawn"]
    assert record["events"][0]["on_behalf_of"] == record["pii_principal_id"] == receipt["pii_principal_id"]
    assert [link["kind"] for link in receipt["chain"]["links"]] == ["consent", "consent"]


def test_what_nobody_declared_is_listed_and_not_made_up() -> None:
    """Mandatory fields are there all the same, and read "not stated"."""
    client = sync_client()
    client.consents.grant(recipients=["openai"], **WHO)
    (record,) = client.consents.export("customer:42")["records"]

    assert record["pii_processing"][0]["privacy_notice"] == NOT_STATED
    assert {"privacy_notice", "language", "storage_locations", "party_name", "jurisdiction"} <= set(
        record["not_stated"]
    )


def test_a_receipt_is_signed() -> None:
    """As exported it holds; with anything changed, or of another client, it does not."""
    client = sync_client()
    client.consents.grant(**WHOLE)
    receipt = client.consents.export("customer:42")

    assert client.consents.verify(json.loads(json.dumps(receipt)))
    assert not client.consents.verify({**receipt, "tenant": "other"})
    assert not client.consents.verify({**receipt, "signature": ""})
    assert not client.consents.verify({"tenant": "other"})
    assert not sync_client().consents.verify(receipt)


def test_a_receipt_names_nobody_and_shows_the_uses() -> None:
    """Keyed digests stand for people; each call with the subject is one use."""
    client = sync_client()
    client.consents.grant(**{**WHOLE, "recipients": ["*"], "jurisdictions": []})
    client.complete("Write to jane@example.com", **WHO)
    text = json.dumps(client.consents.export("customer:42"))

    assert all(name not in text for name in ("customer", "parent", "jane"))
    (use,) = json.loads(text)["uses"]
    assert (use["recipient"], use["decision"], use["categories"]) == ("mock", "mask", ["EMAIL"])


def test_a_stranger_has_an_empty_receipt() -> None:
    """Nothing is known, and nothing is kept by asking."""
    client = sync_client()
    receipt = client.consents.export("nobody")

    assert (receipt["records"], receipt["uses"], receipt["chain"]["links"]) == ([], [], [])
    assert client._core.state.consents.known_subjects("default") == ()


def test_the_tenant_of_the_client_is_meant_where_none_is_named() -> None:
    """A client of one tenant keeps, lists and withdraws in it."""
    client = sync_client(tenant="acme")
    client.consents.grant(recipients=["*"], **WHO)

    assert [record.tenant for record in client.consents.list(subject="customer:42")] == ["acme"]
    assert client.consents.list(subject="customer:42", tenant="default") == ()
    assert client.complete("hi", **WHO).text
    assert client.consents.withdraw(**WHO) == 1


def test_refusing_and_renewing() -> None:
    """A no ends an earlier yes; a renewal moves the end of a record."""
    clock = ManualClock()
    client = sync_client(clock)
    first = client.consents.grant(recipients=["*"], expires=clock.time() + 10, **WHO)
    clock.advance(5)
    again = client.consents.grant(recipients=["*"], expires=clock.time() + 100, renews=first.id, **WHO)
    clock.advance(50)

    assert again.id == first.id
    assert client.complete("hi", **WHO).text
    assert client.consents.refuse(**WHO).state == "refused"
    assert [record.state for record in client.consents.list(subject="customer:42")] == ["renewed", "refused"]
    with pytest.raises(ConfigError, match="renew"):
        client.consents.grant(recipients=["*"], renews="c_none", **WHO)


def test_a_sweep_keeps_to_the_days_of_each_purpose() -> None:
    """Uses older than that go, others stay; the sweep says how many."""
    clock = ManualClock()
    client = sync_client(clock)
    client.consents.grant(recipients=["*"], expires=clock.time() + 60, **WHO)
    client.complete("hi", **WHO)
    assert client.consents.sweep(retention_days={"news": 30}).removed == {}
    clock.advance(31 * 86_400)
    assert client.consents.sweep(retention_days={"other": 30}).removed == {}
    client.consents.grant(recipients=["*"], expires=clock.time() + 60, **WHO)
    clock.advance(86_400)
    with pytest.raises(ConfigError, match="whole days"):
        client.consents.sweep(retention_days={"news": -1})
    swept = client.consents.sweep(retention_days={"news": 30})

    assert (dict(swept.removed), swept.expired) == ({"news": 1}, 1)
    assert client.consents.export("customer:42")["uses"] == []


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_async_is_the_same(backend: str) -> None:
    """Every method, with `await` in front."""

    async def run() -> None:
        client = AsyncClient(MockProvider(strict=False), policy=POLICY)
        record = await client.consents.grant(**{**WHOLE, "recipients": ["*"], "jurisdictions": []})
        assert (await client.complete("hi", **WHO)).text
        assert [one.id for one in await client.consents.list(subject="customer:42")] == [record.id]
        receipt = await client.consents.export("customer:42", controller=CONTROLLER)
        assert len(receipt["uses"]) == 1
        assert await client.consents.verify(receipt)
        assert (await client.consents.refuse(**WHO)).state == "refused"
        assert await client.consents.withdraw(**WHO) == 1
        assert (await client.consents.sweep(retention_days={})).removed == {}
        with pytest.raises(ConfigError):
            await client.consents.grant(subject="", purpose="news", recipients=["*"])

    anyio.run(run, backend=backend)


class Waiting(MemoryConsentStorage):
    """A storage whose calls count as waiting; it notes the threads that call it."""

    blocking = True

    def __init__(self) -> None:
        super().__init__()
        self.threads: set[int] = set()

    def get(self, tenant: str, name: str) -> bytes | None:
        self.threads.add(threading.get_ident())
        return super().get(tenant, name)


def test_a_store_that_waits_never_holds_the_event_loop() -> None:
    """Its work is done in other threads, by `client.consents` and by calls."""

    async def run() -> None:
        storage = Waiting()
        chains = ConsentChains(bytes(32), rows=storage, aliases=storage)
        consents = AsyncConsents(chains, ManualClock(), policy=POLICY)
        await consents.grant(recipients=["*"], **WHO)
        await consents.list(subject="customer:42")
        await consents.withdraw(**WHO)
        assert chains.blocking
        assert threading.get_ident() not in storage.threads

    anyio.run(run)
