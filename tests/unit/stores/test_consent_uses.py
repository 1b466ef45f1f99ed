"""What calls did with a subject's data is a chain too; it ends by retention, and erasure leaves no way back to it."""

from __future__ import annotations

import gc
from typing import Any

import pytest

from psf_runtime.errors import StateError
from psf_runtime.stores.consent_chain import ConsentChains
from psf_runtime.stores.consent_chain_storage import MemoryConsentStorage
from psf_runtime.stores.memory_consents import MemoryConsents
from psf_runtime.types.consent import UseLink

KEY = bytes(range(32))
DAY = 86_400.0
WHO: dict[str, Any] = {"subject": "customer:42"}


def use(number: int, purpose: str | None = "support", **fields: Any) -> UseLink:
    return UseLink(
        **{
            "call_id": f"call-{number}",
            "purpose": purpose,
            "recipient": "openai",
            "decision": "mask",
            "categories": ("EMAIL",),
            "token_ids": ("EMAIL_M2T9AX4K",),
            **fields,
        }
    )


def write(store: ConsentChains, *numbers: int, purpose: str | None = "support", days: float = 0.0) -> None:
    for number in numbers:
        store.record_use("default", "customer:42", use(number, purpose), f"named:{number}", 1000.0 + days * DAY)


def calls(store: ConsentChains, **who: Any) -> list[str]:
    return [one.call_id for one in store.uses_of(**{**WHO, **who})]


def test_uses_come_back_as_they_were_written() -> None:
    """Nothing is lost on the way; of another subject or tenant there are none."""
    store = MemoryConsents(KEY)
    write(store, 1, 2)
    write(store, 3, purpose="news")
    write(store, 4, purpose=None)

    assert use(1) in store.uses_of(**WHO)
    assert sorted(calls(store)) == ["call-1", "call-2", "call-3", "call-4"]
    assert calls(store, subject="customer:43") == []
    assert calls(store, tenant="other") == []
    assert store.conversations(**WHO) == ("named:1", "named:2", "named:3", "named:4")
    assert not store.holds_any


@pytest.mark.parametrize("what", ["edit", "remove first", "remove last", "double"])
def test_uses_that_were_touched_are_noticed(what: str) -> None:
    """Whoever reads them gets StateError."""
    store = MemoryConsents(KEY)
    write(store, 1, 2, 3)
    rows = next(rows for (_, stream), rows in store._storage._rows.items() if ":use:" in stream)
    match what:
        case "edit":
            rows[1] = rows[1].replace(b"mask", b"none")
        case "remove first":
            del rows[0]
        case "remove last":
            del rows[-1]
        case _:
            rows.append(rows[-1])

    with pytest.raises(StateError):
        store.uses_of(**WHO)


def test_a_sweep_removes_what_is_too_old_and_says_so() -> None:
    """Uses older than their purpose's days go; others stay; the chains hold, and the next use fits on."""
    store = MemoryConsents(KEY)
    write(store, 1, 2)
    write(store, 3, purpose="news")
    write(store, 4, days=20)

    swept = store.sweep({"support": 30}, now=1000.0 + 40 * DAY)

    assert swept.to_dict() == {"time": 1000.0 + 40 * DAY, "removed": {"support": 2}, "expired": 0}
    assert sorted(calls(store)) == ["call-3", "call-4"]
    write(store, 5, days=41)
    assert sorted(calls(store)) == ["call-3", "call-4", "call-5"]
    assert store.sweep({"support": 30}, now=1000.0 + 41 * DAY).removed == {}
    assert store.sweep({"support": 30}, now=1000.0 + 90 * DAY).removed == {"support": 2}
    write(store, 6, days=91)
    assert sorted(calls(store)) == ["call-3", "call-6"]


def test_a_cut_that_nobody_signed_is_noticed() -> None:
    """Without a link in the main chain that says what went, missing rows at the beginning break the chain."""
    store = MemoryConsents(KEY)
    write(store, 1, 2, 3)
    tenant, stream = next(place for place in store._storage.streams() if ":use:" in place[1])
    store._storage.trim(tenant, stream, 1)

    with pytest.raises(StateError):
        store.uses_of(**WHO)


def test_a_sweep_that_was_interrupted_is_no_harm() -> None:
    """When the link was written and the rows were not removed, they no longer count, and the next sweep goes on."""

    class Stopping(MemoryConsentStorage):
        stopped = True

        def trim(self, tenant: str, stream: str, count: int) -> None:
            if self.stopped:
                raise StateError("the database went away")
            super().trim(tenant, stream, count)

    storage = Stopping()
    store = ConsentChains(KEY, rows=storage, aliases=storage)
    write(store, 1, 2)
    write(store, 3, days=1)
    with pytest.raises(StateError):
        store.sweep({"support": 30}, now=1000.0 + 30.5 * DAY)
    storage.stopped = False

    assert calls(store) == ["call-3"]
    assert store.sweep({"support": 30}, now=1000.0 + 40 * DAY).removed == {"support": 1}
    assert calls(store) == []


def test_a_sweep_ends_consents_whose_time_is_over() -> None:
    """They counted for nothing already; now their state says so, once."""
    store = MemoryConsents(KEY)
    store.grant(purpose="support", recipients=["*"], now=10.0, expires=20.0, **WHO)
    store.grant(purpose="news", recipients=["*"], now=10.0, **WHO)

    assert store.sweep({}, now=30.0).expired == 1
    assert store.sweep({}, now=31.0).expired == 0
    assert [record.state for record in store.list(**WHO)] == ["expired", "given"]


def test_memory_keeps_so_many_uses() -> None:
    """The older half of a long chain goes, with a link that says so; what is left holds."""
    store = MemoryConsents(KEY, max_uses=10)
    write(store, *range(40))
    kept = calls(store)

    assert 5 <= len(kept) <= 15
    assert kept[-1] == "call-39"


def test_memory_keeps_so_many_strangers() -> None:
    """Of subjects with uses alone the oldest is forgotten; one with a consent never is."""
    store = MemoryConsents(KEY, max_subjects=2)
    store.grant(subject="a", purpose="support", recipients=["*"], now=10.0)
    for subject in ("a", "b", "c", "b", "d"):
        store.record_use("default", subject, use(1), "named:x", 20.0)

    assert [subject for subject in "abcd" if store.uses_of(subject=subject)] == ["a", "b", "d"]
    assert len(store._storage._aliases) == 3


def test_erasing_destroys_the_way_to_the_chain_and_the_chain_still_holds() -> None:
    """The subject is not known any more; its chain ends with a signed link that counts what went."""
    store = MemoryConsents(KEY)
    store.grant(purpose="support", recipients=["*"], now=10.0, by="parent:7", on_behalf_of="customer:42", **WHO)
    write(store, 1, 2)
    before = store.links(**WHO)

    erased = store.erase(now=2000.0, counts={"vault": 3}, **WHO)

    assert (erased.known, erased.consents, erased.uses, erased.head.sequence) == (True, 1, 2, 2)
    assert store.list(**WHO) == ()
    assert store.uses_of(**WHO) == ()
    assert store.conversations(**WHO) == ()
    chain = store.book.read_stream("default", erased.stream, head=erased.head)
    assert chain[:-1] == before
    assert chain[-1].data == {"counts": {"vault": 3, "consents": 1, "uses": 2}}
    assert len(store.book.read_stream("default", f"{erased.stream}:use:support")) == 2
    assert store._storage._aliases == {}


def test_erased_twice_is_erased() -> None:
    """A second time, and a stranger, are no error and nothing."""
    store = MemoryConsents(KEY)
    write(store, 1)
    store.erase(now=2000.0, counts={}, **WHO)

    assert not store.erase(now=2001.0, counts={}, **WHO).known
    assert not store.erase(subject="nobody", now=2001.0, counts={}).known


def test_who_comes_back_begins_anew() -> None:
    """After erasure the same subject has another chain, and nobody can tell that it is the same person."""
    store = MemoryConsents(KEY)
    old = store.grant(purpose="support", recipients=["*"], now=10.0, **WHO)
    store.erase(now=20.0, counts={}, **WHO)
    new = store.grant(purpose="support", recipients=["*"], now=30.0, **WHO)

    assert new.subject != old.subject
    assert [record.id for record in store.list(**WHO)] == [new.id]


def test_nothing_in_memory_names_an_erased_subject() -> None:
    """No object of the store holds the subject, the helper or a conversation after erasure."""
    store = MemoryConsents(KEY)
    helper, talk = "helper-" + "q7x1", "named:talk-" + "z8y2"
    store.grant(purpose="support", recipients=["*"], now=10.0, by=helper, on_behalf_of="customer:42", **WHO)
    store.record_use("default", "customer:42", use(1), talk, 20.0)
    store.erase(now=30.0, counts={}, **WHO)
    del helper, talk

    gc.collect()
    held = repr([vars(one) for one in gc.get_objects() if isinstance(one, MemoryConsentStorage)])
    assert "q7x1" not in held
    assert "z8y2" not in held
