"""`client.subjects`: what is kept about a person, erasing it, and holding it still; sync and async."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import anyio
import pytest

from psf_runtime import ApprovalPending, AsyncClient, Client, Policy, Purpose, Tool, ToolRule
from psf_runtime.client.subject_rights import Erasable
from psf_runtime.errors import ConsentDenied, StateError
from psf_runtime.stores.memory_vault import MemoryVault
from psf_runtime.testing import ManualClock, MockProvider, call

POLICY = Policy.standard(purposes={"news": Purpose(owner="dana", lawful_basis="consent")})
WHO: dict[str, Any] = {"subject": "customer:42", "purpose": "news"}
EMAIL = "jane.doe@example.com"


def used_client(*, conversation: str = "talk-1", **settings: Any) -> Client:
    """A client that has sent one call about the subject."""
    mock = MockProvider(strict=False, clock=ManualClock())
    mock.facts = replace(mock.facts, boundary="external", retention_days=30)
    client = Client(mock, policy=POLICY, **settings)
    client.consents.grant(recipients=["*"], **WHO)
    client.complete(f"Write to {EMAIL}", conversation=conversation, **WHO)
    return client


def vault_of(client: Client) -> Any:
    return client._core.state.vault


def test_erasing_leaves_nothing_that_leads_to_the_subject() -> None:
    """The vault knows no value, the spans are gone, the chain has no name; and the decision log still verifies."""
    client = used_client()
    assert vault_of(client).known("default", "named:talk-1") != {}
    receipt = client.subjects.erase("customer:42")

    assert receipt.erased == {"vault": 1, "conversations": 1, "spans": 0, "tickets": 0, "consent_aliases": 1}
    assert receipt.kept == {"consents": 1, "uses": 1}
    assert vault_of(client).known("default", "named:talk-1") == {}
    assert len(vault_of(client).recall) == 0
    assert client.consents.list(subject="customer:42") == ()
    assert client.subjects.export("customer:42").values == ()
    assert client._core.state.ledger.verify() is None
    assert isinstance(_denied(client), ConsentDenied)


def _denied(client: Client) -> BaseException:
    with pytest.raises(ConsentDenied) as info:
        client.complete("hi", **WHO)
    return info.value


def test_the_receipt_is_signed_and_says_what_it_cannot_reach() -> None:
    """Providers by their declared days, copies, backups; no value and no name."""
    client = used_client()
    data = json.loads(json.dumps(client.subjects.erase("customer:42").to_dict()))

    assert client.consents.verify(data)
    assert not client.consents.verify({**data, "erased": {}})
    assert "mock: the provider keeps what it was sent for 30 days" in data["not_reached"]
    assert any("idempotency" in line for line in data["not_reached"])
    assert data["backups"] == "the state is in memory: there are no backups of it"
    assert all(word not in json.dumps(data) for word in ("customer", "jane", "talk-1"))


def test_the_chain_that_is_left_holds_up_to_the_digest_on_the_receipt() -> None:
    """Whoever keeps the receipt can tell later that nothing was taken from the chain."""
    client = used_client()
    receipt = client.subjects.erase("customer:42")
    book = client._core.state.consents.book
    links = book.read_stream("default", receipt.subject)

    assert (links[-1].sequence, links[-1].digest) == receipt.chain
    assert [link.kind for link in links] == ["consent", "erasure"]


def test_erasing_is_safe_to_repeat_and_a_stranger_is_no_error() -> None:
    """Nothing is left the second time; both receipts are signed."""
    client = used_client()
    client.subjects.erase("customer:42")
    for subject in ("customer:42", "nobody"):
        receipt = client.subjects.erase(subject)
        assert sum(receipt.erased.values()) == 0
        assert receipt.subject == ""
        assert client.consents.verify(receipt.to_dict())


def test_other_subjects_and_tenants_keep_everything() -> None:
    """Erasure stays within one subject of one tenant."""
    client = used_client()
    for tenant, subject in (("default", "customer:43"), ("acme", "customer:42")):
        client.consents.grant(subject=subject, purpose="news", recipients=["*"], tenant=tenant)
        client.complete("ann@example.org", subject=subject, purpose="news", tenant=tenant, conversation="other")
    client.subjects.erase("customer:42")

    for tenant, subject in (("default", "customer:43"), ("acme", "customer:42")):
        assert vault_of(client).known(tenant, "named:other") != {}
        assert len(client.consents.list(subject=subject, tenant=tenant)) == 1


def test_a_store_that_fails_leaves_the_rest_to_be_erased() -> None:
    """The way to the chain goes last, so the call can be repeated."""
    client = used_client()
    vault = vault_of(client)
    good = vault.forget

    def failing(tenant: str, conversation: str) -> int:
        raise StateError("the vault is away")

    vault.forget = failing
    with pytest.raises(StateError):
        client.subjects.erase("customer:42")
    vault.forget = good

    assert len(client.consents.list(subject="customer:42")) == 1
    receipt = client.subjects.erase("customer:42")
    assert (receipt.erased["conversations"], receipt.erased["consent_aliases"]) == (1, 1)
    assert vault.known("default", "named:talk-1") == {}


def test_an_export_holds_what_is_kept() -> None:
    """Values by conversation, the receipt of consents, and ids of tickets; its repr counts only."""
    client = used_client()
    export = client.subjects.export("customer:42")

    assert export.values == (("named:talk-1", "EMAIL", EMAIL),)
    assert export.tickets == ()
    assert client.consents.verify(export.consents)
    assert EMAIL in json.dumps(export.to_dict())
    assert EMAIL not in repr(export)


def test_tickets_about_a_subject_are_named() -> None:
    """A call that waits for a person shows in the export, and on the receipt as what could not be reached."""
    tool = Tool("pay", "Pays.", {"type": "object", "properties": {"amount": {"type": "number"}}})
    policy = POLICY.replace(tools={"pay": ToolRule(approval="always")})
    client = Client(MockProvider(call("pay", amount=40)), policy=policy)
    client.consents.grant(recipients=["*"], **WHO)
    with pytest.raises(ApprovalPending) as info:
        client.complete("pay", tools=[tool], **WHO)

    assert client.subjects.export("customer:42").tickets == (info.value.ticket.id,)
    assert client.subjects.export("customer:43").tickets == ()
    erased = client.subjects.erase("customer:42")
    reached = isinstance(client._core.state.tickets, Erasable)
    assert any(line.startswith("tickets: 1 ") for line in erased.not_reached) is not reached


def test_restriction_refuses_new_calls_until_it_is_lifted() -> None:
    """On any basis; a second time changes nothing; the receipt shows it."""
    client = used_client()

    assert client.subjects.restrict("customer:42")
    assert not client.subjects.restrict("customer:42")
    error = _denied(client)
    assert error.control == "privacy.consent"  # type: ignore[attr-defined]
    assert client.consents.export("customer:42")["restricted"]
    assert client.subjects.restrict("customer:42", lifted=True)
    assert client.complete("hi", **WHO).text


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_async_is_the_same(backend: str) -> None:
    """Every method, with `await` in front."""

    async def run() -> None:
        client = AsyncClient(MockProvider(strict=False), policy=POLICY)
        await client.consents.grant(recipients=["*"], **WHO)
        await client.complete(EMAIL, conversation="talk-1", **WHO)
        assert len((await client.subjects.export("customer:42")).values) == 1
        assert await client.subjects.restrict("customer:42")
        with pytest.raises(ConsentDenied):
            await client.complete("hi", **WHO)
        assert await client.subjects.restrict("customer:42", lifted=True)
        receipt = await client.subjects.erase("customer:42")
        assert receipt.erased["vault"] == 1
        assert await client.consents.verify(receipt.to_dict())

    anyio.run(run, backend=backend)


def test_the_vault_erases_what_was_minted_for_a_subject() -> None:
    """In all conversations of one tenant; the code of an erased value never comes to mean another one."""
    vault = MemoryVault(bytes(32))
    (jane,) = vault.mint("t", "c1", [("EMAIL", EMAIL)], subject="customer:42")
    vault.mint("t", "c1", [("EMAIL", "ann@example.org")])
    vault.mint("t", "c2", [("PHONE", "+1 202 555 0143")], subject="customer:42")
    vault.mint("t", "c2", [("EMAIL", "bob@example.org")], subject="customer:43")
    vault.mint("u", "c1", [("EMAIL", EMAIL)], subject="customer:42")

    assert vault.erase_subject("t", "customer:42") == {"values": 2, "conversations": 2, "unattributed": 1}
    assert vault.erase_subject("t", "customer:42") == {"values": 0, "conversations": 0, "unattributed": 0}
    assert [value for _, value in vault.known("t", "c1").values()] == ["ann@example.org"]
    assert [value for _, value in vault.known("t", "c2").values()] == ["bob@example.org"]
    assert len(vault.known("u", "c1")) == 1
    assert vault.mint("t", "c1", [("EMAIL", EMAIL)]) != [jane]


def test_both_stores_of_values_can_be_asked_to_erase() -> None:
    """The vault in memory answers to `erase_subject`, so that `erase` reaches it by itself."""
    assert isinstance(MemoryVault(), Erasable)


def test_values_are_filed_under_their_subject() -> None:
    """What a call mints for a subject is that subject's: its erasure finds the values without their conversation."""
    client = Client("mock:echo", state="memory:")
    client.complete("Write to ann@example.org", subject="customer:1", conversation="shared")
    client.complete("Write to bob@example.org", subject="customer:2", conversation="shared")
    vault = client._core.state.vault
    assert vault.erase_subject("default", "customer:1")["values"] == 1
    assert {value for _, value in vault.known("default", "named:shared").values()} == {"bob@example.org"}
