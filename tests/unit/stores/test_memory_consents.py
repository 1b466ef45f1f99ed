"""MemoryConsents: a record covers one subject, purpose and recipient, from its grant to its end."""

from __future__ import annotations

import os
from typing import Any

import pytest

from psf_runtime.errors import ConfigError
from psf_runtime.stores.memory_consents import MemoryConsents
from psf_runtime.types.request import Facts

FACTS = Facts(purpose="newsletter", subject="customer:42")


def granted(store: MemoryConsents, **changes: Any) -> str:
    arguments: dict[str, Any] = {
        "subject": "customer:42",
        "purpose": "newsletter",
        "recipients": ["openai"],
        "now": 10.0,
    }
    return store.grant(**{**arguments, **changes}).id


def test_a_grant_covers_its_recipient_only() -> None:
    """A name covers what bears it, and nothing that only begins with it."""
    store = MemoryConsents()
    granted(store)

    assert store.check(FACTS, "openai", "US", 11) is None
    assert store.check(FACTS, "openai:gpt-4o", "", 11) == "the consent does not cover this recipient"
    assert store.check(FACTS, "", "", 11) is None
    assert store.check(FACTS, "claude", "US", 11) == "the consent does not cover this recipient"


def test_a_star_covers_everybody() -> None:
    """`*` is every recipient."""
    store = MemoryConsents()
    granted(store, recipients=["*"])

    assert store.check(FACTS, "anything", "", 11) is None


@pytest.mark.parametrize(
    "facts",
    [
        Facts(purpose="support", subject="customer:42"),
        Facts(purpose="newsletter", subject="customer:43"),
        Facts(purpose="newsletter", subject="customer:42", tenant="other"),
        Facts(purpose="newsletter", subject="customer:42", consent="c_other"),
    ],
)
def test_a_grant_covers_nothing_else(facts: Facts) -> None:
    """Another purpose, subject, tenant or named record finds no consent."""
    store = MemoryConsents()
    granted(store)

    assert store.check(facts, "openai", "US", 11) == "there is no record for this subject and purpose"


def test_without_a_subject_there_is_no_consent() -> None:
    """A call that does not say whose data it holds is covered by nothing."""
    assert MemoryConsents().check(Facts(purpose="newsletter"), "openai", "US", 11) == "the call names no subject"


def test_time_ends_a_consent() -> None:
    """It holds from the grant, and no longer at the second it expires."""
    store = MemoryConsents()
    granted(store, expires=20.0)

    assert store.check(FACTS, "openai", "", 9) == "the consent does not hold yet"
    assert store.check(FACTS, "openai", "", 19.9) is None
    assert store.check(FACTS, "openai", "", 20.0) == "the consent has expired"


def test_a_place_that_is_not_covered_refuses() -> None:
    """A record limited to places covers neither others nor an unknown one."""
    store = MemoryConsents()
    granted(store, jurisdictions=["EU"])

    assert store.check(FACTS, "openai", "EU", 11) is None
    assert store.check(FACTS, "openai", "US", 11) is not None
    assert store.check(FACTS, "openai", "", 11) is not None


def test_withdrawal_ends_at_once_and_is_remembered() -> None:
    """After `withdraw` the next check refuses; the record stays in the list with its end."""
    store = MemoryConsents()
    first = granted(store)
    other = granted(store, purpose="support")

    assert store.withdraw(subject="customer:42", purpose="newsletter", now=12.0) == 1
    assert store.check(FACTS, "openai", "", 12) == "the consent was withdrawn"
    assert store.withdraw(first, subject="customer:42", now=13.0) == 0
    assert store.withdraw(other, subject="customer:42", now=14.0) == 1
    assert [record.withdrawn for record in store.list(subject="customer:42")] == [12.0, 14.0]


def test_a_newer_grant_heals_a_withdrawal() -> None:
    """Consent given again covers the call again, unless the call names the old record."""
    store = MemoryConsents()
    old = granted(store)
    store.withdraw(old, subject="customer:42", now=12.0)
    granted(store, now=13.0)

    assert store.check(FACTS, "openai", "", 14) is None
    named = Facts(purpose="newsletter", subject="customer:42", consent=old)
    assert store.check(named, "openai", "", 14) == "the consent was withdrawn"


def test_the_subject_is_kept_as_a_keyed_digest_only() -> None:
    """Neither the records nor the repr hold the subject, and two stores digest it differently."""
    one, two = MemoryConsents(), MemoryConsents()
    granted(one)
    granted(two)
    (record,), (twin,) = one.list(subject="customer:42"), two.list(subject="customer:42")

    assert "customer" not in repr(record) + repr(one) + repr(vars(one._storage))
    assert record.subject != twin.subject


@pytest.mark.parametrize("wrong", [{"recipients": "openai"}, {"recipients": []}, {"subject": ""}, {"purpose": ""}])
def test_an_unclear_grant_is_refused(wrong: dict[str, Any]) -> None:
    """A consent for nobody or nothing is a ConfigError."""
    with pytest.raises(ConfigError):
        granted(MemoryConsents(), **wrong)


def test_the_memory_is_bounded() -> None:
    """One record too many is refused."""
    store = MemoryConsents(max_records=1)
    granted(store)
    with pytest.raises(ConfigError):
        granted(store)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_has_a_lock_of_its_own() -> None:
    """A child forked while the lock is held still answers."""
    store = MemoryConsents()
    granted(store)
    with store._lock:
        child = os.fork()
        if child == 0:
            os._exit(0 if store.check(FACTS, "openai", "", 11) is None else 1)
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0
