"""The laws of consent stores: no by default, and yes for exactly what was agreed to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from psf_runtime.testing.stores.common import MARKER, hides_content, says_whether_it_waits
from psf_runtime.types.request import Facts

NOW = 1_800_000_000.0
WHO = Facts(purpose="newsletter", subject=f"customer:{MARKER}", tenant="t", user="agent")


def check_consents(make: Callable[[], Any]) -> None:
    """Run all of them, each on an empty store. Those about granting need `grant` and `withdraw`."""
    nothing_known(make())
    if hasattr(make(), "grant"):
        limits(make())
        ends(make())
        withdrawing(make())


def _why(store: Any, facts: Facts = WHO, recipient: str = "openai", now: float = NOW) -> str | None:
    why: str | None = store.check(facts, recipient, "US", now)
    assert why is None or MARKER not in why, "the reason names the person"
    return why


def nothing_known(store: Any) -> None:
    """Without a consent the answer is a reason, also when facts are missing; it holds no content."""
    says_whether_it_waits(store)
    for facts in (WHO, replace(WHO, subject=None), replace(WHO, purpose=None), Facts()):
        assert _why(store, facts), "an empty store says that data may be used"


def _grant(store: Any, **changes: Any) -> Any:
    given: dict[str, Any] = {
        "subject": WHO.subject,
        "purpose": "newsletter",
        "recipients": ["openai"],
        "tenant": "t",
        "now": NOW - 10,
    }
    return store.grant(**{**given, **changes})


def limits(store: Any) -> None:
    """For this tenant, subject, purpose and recipient, and no other."""
    _grant(store)
    assert _why(store) is None, "what was agreed to is refused"
    others = [replace(WHO, tenant="u"), replace(WHO, subject="customer:43"), replace(WHO, purpose="ads")]
    for facts in others:
        assert _why(store, facts), "another tenant, subject or purpose is covered too"
    assert _why(store, recipient="anthropic"), "another recipient is covered too"
    hides_content(store)


def ends(store: Any) -> None:
    """A consent with an end ends."""
    _grant(store, expires=NOW + 100)
    assert _why(store, now=NOW + 99) is None, "it ends too early"
    assert _why(store, now=NOW + 100), "it does not end"


def withdrawing(store: Any) -> None:
    """What was withdrawn counts no more, and only that."""
    _grant(store)
    _grant(store, subject="customer:43")
    store.withdraw(subject=WHO.subject, tenant="t", now=NOW)
    assert _why(store, now=NOW + 1), "a consent that was withdrawn counts"
    assert _why(store, replace(WHO, subject="customer:43"), now=NOW + 1) is None, "somebody else's consent ended too"
