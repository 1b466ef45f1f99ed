"""Whose table of actions holds for a request: that of everybody in its plan."""

from __future__ import annotations

from psf_runtime.policy.recipients import Recipients
from psf_runtime.ports import TargetFacts
from psf_runtime.types.messages import Message
from psf_runtime.types.request import Facts, Request


def made(**changes: object) -> Recipients:
    settings: dict[str, object] = {
        "actions": {"EMAIL": "allow"},
        "by_jurisdiction": {"US": {"EMAIL": "block"}, "SG": {"EMAIL": "hash"}},
        "forced": {},
        "targets": [
            TargetFacts("german", "openai", jurisdiction="DE"),
            TargetFacts("american", "openai", jurisdiction="US"),
            TargetFacts("asian", "openai", jurisdiction="SG"),
        ],
        "plans": {"home": ["german"], "abroad": ["german", "asian"]},
        "default": ["german", "american"],
    }
    return Recipients(**{**settings, **changes})  # type: ignore[arg-type]


def email(recipients: Recipients, *, purpose: str | None = None, model: str = "") -> str:
    request = Request((Message.user("hi"),), model=model, facts=Facts(purpose=purpose))
    return recipients.table_for(request).profile["EMAIL"]


def test_the_plan_of_the_purpose_decides() -> None:
    """Who is not in it makes no demands; a purpose without a plan has the client's targets."""
    assert email(made(), purpose="home") == "allow"
    assert email(made(), purpose="abroad") == "hash"
    assert email(made(), purpose="other") == "block"
    assert email(made()) == "block"


def test_a_target_named_for_one_call_counts() -> None:
    """One outside of the plan makes the call as strict as for everybody."""
    assert email(made(), purpose="home", model="german") == "allow"
    assert email(made(), purpose="home", model="asian") == "block"


def test_every_target_says_what_it_requires() -> None:
    """By that the route refuses a target that a request was not prepared for."""
    required = made().required

    assert {name: profile["EMAIL"] for name, profile in required.items()} == {
        "german": "allow", "american": "block", "asian": "hash",
    }  # fmt: skip


def test_what_is_forced_holds_everywhere() -> None:
    """A strict policy's secrets stay blocked, whatever a place would allow."""
    recipients = made(forced={"SECRET": "block"}, by_jurisdiction={"DE": {"SECRET": "mask"}})

    assert {profile["SECRET"] for profile in recipients.required.values()} == {"block"}
