"""A consent chain holds as a whole or not at all: any link changed, moved, removed or put in is noticed."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.errors import StateError
from psf_runtime.stores.consent_chain import ConsentChains
from psf_runtime.stores.consent_chain_signer import HmacSigner
from psf_runtime.stores.consent_chain_storage import MemoryConsentStorage
from psf_runtime.stores.memory_consents import MemoryConsents
from psf_runtime.types.consent import ConsentEvent, ConsentQuestion, Head, Link
from psf_runtime.types.consent_links import data_of, digest_of, event_of, signed_row, verify_chain

KEY = bytes(range(32))
WHO: dict[str, Any] = {"subject": "customer:42", "purpose": "support"}
ASKED = ConsentQuestion(purpose="support", now=100.0, recipients=("openai",))


def store_with_chain(subject: str = "customer:42", tenant: str = "default") -> MemoryConsents:
    """Four links: given, renewed, withdrawn, and given once more."""
    store = MemoryConsents(KEY)
    first = store.grant(subject=subject, tenant=tenant, purpose="support", recipients=["openai"], now=10.0)
    store.grant(subject=subject, tenant=tenant, purpose="support", recipients=["openai"], now=20.0, renews=first.id)
    store.withdraw(first.id, subject=subject, tenant=tenant, now=30.0)
    store.grant(subject=subject, tenant=tenant, purpose="support", recipients=["openai"], now=40.0)
    return store


def place_of(store: MemoryConsents) -> tuple[str, str]:
    return next(iter(store._storage._rows))


def verified(store: MemoryConsents, rows: list[bytes], head: Head | None) -> tuple[Link, ...]:
    tenant, stream = place_of(store)
    return verify_chain(rows, tenant=tenant, stream=stream, signer=HmacSigner(KEY), head=head)


STORE = store_with_chain()
ROWS = STORE._storage._rows[place_of(STORE)]
HEAD = Head(4, digest_of(ROWS[-1]))
FOREIGN = [
    row
    for other in (store_with_chain("x"), store_with_chain(tenant="b"))
    for row in other._storage._rows[place_of(other)]
]


def test_the_chain_as_it_was_written_holds() -> None:
    """Every link covers the one before it, and all are signed."""
    links = verified(STORE, ROWS, HEAD)

    assert [link.sequence for link in links] == [1, 2, 3, 4]
    assert [link.data["event_state"] for link in links] == ["given", "renewed", "withdrawn", "given"]
    assert [link.previous for link in links[1:]] == [link.digest for link in links[:-1]]


@st.composite
def mutations(draw: st.DrawFn) -> list[bytes]:
    """The chain after one change."""
    rows = list(ROWS)
    index = draw(st.integers(0, len(rows) - 1))
    other = draw(st.integers(0, len(rows) - 1))
    match draw(st.sampled_from(["flip", "remove", "double", "swap", "foreign", "insert", "cut", "space"])):
        case "flip":
            at = draw(st.integers(0, len(rows[index]) - 1))
            byte = rows[index][at] ^ draw(st.integers(1, 255))
            rows[index] = rows[index][:at] + bytes([byte]) + rows[index][at + 1 :]
        case "remove":
            del rows[index]
        case "double":
            rows.insert(other, rows[index])
        case "swap":
            rows[index], rows[other] = rows[other], rows[index]
        case "foreign":
            rows[index] = draw(st.sampled_from(FOREIGN))
        case "insert":
            rows.insert(index, draw(st.sampled_from([b"", b"{}", b"null", b"\xff", *FOREIGN])))
        case "cut":
            rows = rows[:index]
        case _:
            rows[index] = rows[index].replace(b":", b": ", 1)
    return rows


@settings(max_examples=300, deadline=None)
@given(mutations())
def test_any_single_mutation_is_noticed(rows: list[bytes]) -> None:
    """Whatever is changed in the rows, the chain no longer holds."""
    if rows == ROWS:
        return
    with pytest.raises(StateError):
        verified(STORE, rows, HEAD)


def test_links_may_follow_the_known_end() -> None:
    """Another process may have written more; it cannot have written less, or something else."""
    assert len(verified(STORE, ROWS, Head(3, digest_of(ROWS[2])))) == 4
    with pytest.raises(StateError, match="end are missing"):
        verified(STORE, ROWS[:3], HEAD)
    with pytest.raises(StateError, match="place of another"):
        verified(STORE, ROWS, Head(3, digest_of(ROWS[0])))


def test_whoever_lacks_the_key_cannot_write_a_link() -> None:
    """A link that fits in every other way, signed with another key, is refused."""
    last = verified(STORE, ROWS, HEAD)[-1]
    forged = Link(last.tenant, last.stream, 5, last.digest, 50.0, "consent", last.data)

    with pytest.raises(StateError, match="signature"):
        verified(STORE, [*ROWS, signed_row(forged, HmacSigner(os.urandom(32)))], HEAD)
    assert len(verified(STORE, [*ROWS, signed_row(forged, HmacSigner(KEY))], HEAD)) == 5


@pytest.mark.parametrize("what", ["edit", "remove", "remove last", "double", "swap"])
def test_nothing_rests_on_a_chain_that_was_touched(what: str) -> None:
    """Every question about the subject is a StateError without content; other subjects are not concerned."""
    store = store_with_chain()
    rows = store._storage._rows[place_of(store)]
    match what:
        case "edit":
            rows[0] = rows[0].replace(b"openai", b"openal")
        case "remove":
            del rows[1]
        case "remove last":
            del rows[-1]
        case "double":
            rows.insert(1, rows[1])
        case _:
            rows[0], rows[1] = rows[1], rows[0]

    for ask in (lambda: store.ask("default", "customer:42", ASKED), lambda: store.list(subject="customer:42")):
        with pytest.raises(StateError) as info:
            ask()
        assert info.value.control == "privacy.consent"
        assert "customer" not in str(info.value)
    store.grant(subject="other", purpose="support", recipients=["openai"], now=10.0)
    assert store.ask("default", "other", ASKED).reason is None


def test_removing_a_withdrawal_does_not_bring_a_consent_back() -> None:
    """The last link is known by its digest, so a chain without it does not hold."""
    store = MemoryConsents(KEY)
    store.grant(recipients=["openai"], now=10.0, **WHO)
    store.withdraw(subject="customer:42", now=20.0)
    del store._storage._rows[place_of(store)][-1]

    with pytest.raises(StateError):
        store.ask("default", "customer:42", ASKED)


def _event(chain: ConsentChains, **changes: Any) -> dict[str, Any]:
    """The data of the first event of the chain, with other values."""
    (link, event, _), *_ = chain.events(subject="customer:42")
    assert event == event_of(link)
    return data_of(ConsentEvent(**{**{name: getattr(event, name) for name in event.__slots__}, **changes}))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"event_state": "renewed", "record_id": "c_other"}, "no consent that was given"),
        ({"event_state": "given"}, "given twice"),
        ({"event_state": "requested", "record_id": "c_2"}, "state that nobody knows"),
        ({"pii_principal_id": "s_other", "record_id": "c_2"}, "another person"),
        ({"event_state": "renewed", "purpose": "marketing"}, "changes the purpose"),
        ({"record_id": "c_2", "entity_id": "s_other"}, "not theirs"),
        ({"record_id": "c_2", "privacy_notice": "web"}, "no version"),
        ({"record_id": "c_2", "special_category": True}, "special category"),
    ],
)
def test_a_signed_event_that_contradicts_the_chain_breaks_it(changes: dict[str, Any], why: str) -> None:
    """Order, state, person, delegation and notice of every event count, whoever signed it."""
    store = MemoryConsents(KEY)
    store.grant(recipients=["openai"], now=10.0, **WHO)
    tenant, stream = place_of(store)
    store.book.append_to(tenant, stream, "consent", _event(store, **changes), now=11.0)

    with pytest.raises(StateError, match=why):
        store.ask("default", "customer:42", ASKED)


def test_a_consent_does_not_come_back_after_its_end() -> None:
    """Renewing what was withdrawn is refused when written, and breaks the chain when it was."""
    store = MemoryConsents(KEY)
    record = store.grant(recipients=["openai"], now=10.0, **WHO)
    data = _event(store, event_state="renewed")
    store.withdraw(subject="customer:42", now=20.0)
    with pytest.raises(ValueError, match="no such consent to renew"):
        store.grant(recipients=["openai"], now=30.0, renews=record.id, **WHO)
    store.book.append_to(*place_of(store), "consent", data, now=30.0)

    with pytest.raises(StateError, match="comes back"):
        store.list(subject="customer:42")


def test_a_clock_that_was_moved_back_stops_grants_but_no_withdrawal() -> None:
    """Nothing new is agreed to before the last link; a no always counts."""
    store = MemoryConsents(KEY)
    store.grant(recipients=["openai"], now=100.0, **WHO)
    with pytest.raises(StateError, match="clock"):
        store.grant(recipients=["openai"], now=50.0, **WHO)

    assert store.withdraw(subject="customer:42", now=50.0) == 1
    assert store.restrict(subject="customer:42", now=50.0)
    assert store.ask("default", "customer:42", None).restricted


class Racing(MemoryConsentStorage):
    """A storage to which somebody else writes right before the first append."""

    other: ConsentChains | None = None

    def append(self, tenant: str, stream: str, body: bytes, previous: str) -> bool:
        if self.other is not None:
            other, self.other = self.other, None
            other.grant(subject="customer:42", purpose="news", recipients=["*"], now=11.0)
        return super().append(tenant, stream, body, previous)


def test_two_writers_make_one_chain() -> None:
    """Whoever is second writes after the first; nothing is lost, and the chain holds."""
    storage = Racing()
    one, two = (ConsentChains(KEY, rows=storage, aliases=storage) for _ in range(2))
    one.grant(recipients=["openai"], now=10.0, **WHO)
    storage.other = two
    one.grant(recipients=["anthropic"], now=12.0, **WHO)

    assert [record.purpose for record in two.list(subject="customer:42")] == ["support", "news", "support"]


def test_another_process_with_the_key_reads_the_chain_and_one_without_does_not() -> None:
    """The key of the state finds, opens and verifies; with another key the subject is not known."""
    storage = MemoryConsentStorage()
    ConsentChains(KEY, rows=storage, aliases=storage).grant(recipients=["openai"], now=10.0, **WHO)

    same = ConsentChains(KEY, rows=storage, aliases=storage)
    assert same.holds_any
    assert same.ask("default", "customer:42", ASKED).reason is None
    stranger = ConsentChains(os.urandom(32), rows=storage, aliases=storage)
    assert stranger.list(subject="customer:42") == ()
    with pytest.raises(StateError, match="signature"):
        assert stranger.holds_any


def test_neither_rows_nor_aliases_hold_a_name() -> None:
    """Subject, helper and conversation are not in the storage; tenants never share a digest."""
    store = MemoryConsents(KEY)
    for tenant in ("a", "b"):
        store.grant(tenant=tenant, recipients=["openai"], now=10.0, by="parent:7", on_behalf_of="customer:42", **WHO)
    kept = repr(vars(store._storage))

    for name in ("customer", "parent"):
        assert name not in kept
    (one,), (two,) = store.list(subject="customer:42", tenant="a"), store.list(subject="customer:42", tenant="b")
    assert one.subject != two.subject
    assert one.by != two.by
    assert store.events(subject="customer:42", tenant="a")[0][2] == "parent:7"
