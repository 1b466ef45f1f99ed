"""Certificates hold for one pair, until they end or are revoked."""

from __future__ import annotations

import os

import pytest

from psf_runtime.errors import ConfigError
from psf_runtime.stores.memory_certificates import Certificate, MemoryCertificates


def issued(store: MemoryCertificates, *, until: float = 100.0, target: str = "a") -> Certificate:
    return store.issue(purpose="claims", target=target, valid_until=until, by="dana", evidence="report 7")


def test_a_certificate_holds_for_its_pair_until_its_end() -> None:
    """Neither for another target, nor another purpose, nor from the moment it ends."""
    store = MemoryCertificates()
    issued(store)
    assert [
        store.valid("claims", "a", 99.9),
        store.valid("claims", "b", 99.9),
        store.valid("support", "a", 99.9),
        store.valid("claims", "a", 100.0),
    ] == [True, False, False, False]


def test_a_revoked_certificate_holds_no_more() -> None:
    """The one that was not revoked still counts; who revoked it and why is kept, and the first word stands."""
    store = MemoryCertificates()
    first, second = issued(store), issued(store)
    store.revoke(first.id, by="lee", reason="wrong suite")
    assert store.valid("claims", "a", 1.0)
    store.revoke(second.id, by="lee", reason="model changed")
    again = store.revoke(second.id, by="kim", reason="once more")
    assert not store.valid("claims", "a", 1.0)
    assert (again.revoked_by, again.revoked_because) == ("lee", "model changed")
    assert [one.revoked_because for one in store.certificates()] == ["wrong suite", "model changed"]


def test_a_clock_that_goes_back_trusts_nothing() -> None:
    """Up to five seconds are forgiven."""
    store = MemoryCertificates()
    issued(store)
    assert store.valid("claims", "a", 50.0)
    assert store.valid("claims", "a", 45.0)
    assert not store.valid("claims", "a", 44.9)
    assert not store.valid("claims", "a", float("nan"))
    assert store.valid("claims", "a", 46.0)


def test_an_incomplete_certificate_is_refused_with_everything_that_is_missing() -> None:
    """All problems at once, and nothing is issued."""
    store = MemoryCertificates()
    with pytest.raises(ConfigError) as info:
        store.issue(purpose="", target="a", valid_until=float("inf"), by="", evidence="")
    assert [name for name, _, _ in info.value.problems] == ["purpose", "by", "evidence", "valid_until"]
    assert store.certificates() == ()


def test_revoking_needs_an_id_a_name_and_a_reason() -> None:
    """A revocation that nobody answers for does not happen."""
    store = MemoryCertificates()
    certificate = issued(store)
    for call in (
        lambda: store.revoke("cert-9999", by="lee", reason="x"),
        lambda: store.revoke(certificate.id, by="", reason="x"),
        lambda: store.revoke(certificate.id, by="lee", reason=""),
    ):
        with pytest.raises(ConfigError):
            call()
    assert store.valid("claims", "a", 1.0)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_is_not_blocked_by_a_lock_of_its_parent() -> None:
    """The child has a lock of its own although its parent held one when it forked."""
    store = MemoryCertificates()
    issued(store)
    with store._lock:
        child = os.fork()
        if child == 0:
            os._exit(0 if store.valid("claims", "a", 1.0) else 1)
    assert os.waitpid(child, 0)[1] == 0
