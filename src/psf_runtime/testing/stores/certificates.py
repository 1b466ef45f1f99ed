"""The laws of certificates: valid for what they say and until they say, and not a moment or a name further."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from psf_runtime.testing.stores.common import says_whether_it_waits

NOW = 1_800_000_000.0


def check_certificates(make: Callable[[], Any]) -> None:
    """Run all of them, each on an empty store. Those about issuing need `issue` and `revoke`."""
    nothing_known(make())
    if hasattr(make(), "issue"):
        limits(make())
        clocks_that_go_back(make())
        revoking(make())


def nothing_known(store: Any) -> None:
    """Without a certificate nothing is valid."""
    says_whether_it_waits(store)
    assert store.valid("support", "target", NOW) is False, "an empty store says that a target is fit"


def _issue(store: Any, purpose: str = "support", target: str = "target") -> Any:
    return store.issue(purpose=purpose, target=target, valid_until=NOW + 100, by="lee", evidence="report 1")


def limits(store: Any) -> None:
    """For the pair and the time that it names; at the last moment it is valid no more."""
    _issue(store)
    assert store.valid("support", "target", NOW) is True, "what was issued is not valid"
    for purpose, target in (("other", "target"), ("support", "other"), ("support.refunds", "target"), ("", "")):
        assert store.valid(purpose, target, NOW) is False, "another pair is covered too"
    assert store.valid("support", "target", NOW + 99) is True, "it ends too early"
    assert store.valid("support", "target", NOW + 100) is False, "it does not end"


def clocks_that_go_back(store: Any) -> None:
    """A clock that went back does not make an expired certificate valid again."""
    _issue(store)
    store.valid("support", "target", NOW + 200)
    assert store.valid("support", "target", NOW) is False, "a clock that went back revives a certificate"


def revoking(store: Any) -> None:
    """A revoked one counts no more; another for the same pair does."""
    first = _issue(store)
    store.revoke(first.id, by="lee", reason="regression")
    assert store.valid("support", "target", NOW) is False, "a revoked certificate counts"
    _issue(store)
    assert store.valid("support", "target", NOW) is True, "a new certificate does not count"
