"""The consent guard writes a use link for each recipient that is really asked, or refused; a restriction is firm."""

from __future__ import annotations

from typing import Any

import pytest

from psf_runtime.errors import ConsentDenied
from psf_runtime.guards.privacy import Consent
from psf_runtime.guards.privacy.residency import outside
from psf_runtime.ports import TargetFacts
from psf_runtime.stores.memory_consents import MemoryConsents
from psf_runtime.types.consent import UseLink
from psf_runtime.types.context import Context
from psf_runtime.types.request import Stamp
from psf_runtime.types.rules import Purpose
from psf_runtime.types.verdict import Finding
from tests.unit.guards.privacy.driving import drive, told

PURPOSES = {
    "support": Purpose(lawful_basis="contract", jurisdictions=["EU"]),
    "news": Purpose(lawful_basis="consent"),
}
OPENAI = TargetFacts("openai:gpt-4o", "openai", region="us", jurisdiction="US", vendor="openai")
QWEN = TargetFacts("qwen", "local", jurisdiction="DE")


class House:
    """A consent guard, its records, and one call on record."""

    def __init__(self, **fields: Any) -> None:
        self.consents = MemoryConsents()
        self.guard = Consent(purposes=PURPOSES, consents=self.consents, clock=lambda: 1000.0, **fields)
        self.context = Context(
            "call-1", attempts_left=5, shared={"accountability.intent": "i", "privacy.conversation": "named:c"}
        )

    def grant(self, **fields: Any) -> None:
        self.consents.grant(
            **{"subject": "customer:42", "purpose": "news", "recipients": ["openai"], "now": 900.0, **fields}
        )

    def ask(self, target: TargetFacts, *, text: str = "hello", **facts: Any) -> list[str]:
        request = told(text, **{"purpose": "news", "subject": "customer:42", **facts}).replace(
            stamp=Stamp({"EMAIL": "token", "IP": "allow"}, lambda _: None)
        )
        return [reason.why for reason in drive(self.guard.eligible(self.context, request, target))]

    def send(self, target: TargetFacts, **facts: Any) -> None:
        """The route thinks of a target, and whoever sends asks again right before."""
        assert self.ask(target, **facts) == []
        assert self.ask(target, **facts) == []
        self.context.attempts_left -= 1

    @property
    def uses(self) -> tuple[UseLink, ...]:
        return self.consents.uses_of(subject="customer:42")


def test_one_link_for_one_send() -> None:
    """It says what was found, which tokens left, who got it, and on which consent it rests."""
    house = House()
    house.grant()
    house.context.findings.append(Finding("privacy.tokens", "EMAIL", "messages[0]"))
    house.context.tokens["EMAIL"] = 1
    house.send(OPENAI, text="write to EMAIL_M2T9AX4K")

    assert house.uses == (
        UseLink(
            call_id="call-1",
            purpose="news",
            recipient="openai:gpt-4o",
            decision="mask",
            jurisdiction="US",
            region="us",
            consents=(house.consents.links(subject="customer:42")[0].digest,),
            categories=("EMAIL",),
            token_ids=("EMAIL_M2T9AX4K",),
        ),
    )
    assert house.consents.conversations(subject="customer:42") == ("named:c",)


def test_a_retry_is_another_send_and_a_target_that_is_only_thought_of_is_none() -> None:
    """Each attempt has its link; asking the route's question alone leaves none."""
    house = House()
    house.grant(recipients=["*"])
    house.send(OPENAI)
    assert house.ask(OPENAI) == []
    house.context.attempts_left -= 1
    assert house.ask(QWEN) == []

    assert [use.recipient for use in house.uses] == ["openai:gpt-4o", "openai:gpt-4o"]


def test_a_refused_target_is_written_down_once() -> None:
    """With the decision and the reason; it rests on no consent."""
    house = House()
    house.grant()
    for _ in range(3):
        assert house.ask(QWEN) == ["the consent does not cover this recipient"]

    (use,) = house.uses
    assert (use.recipient, use.decision, use.reason, use.consents) == (
        "qwen",
        "block",
        "the consent does not cover this recipient",
        (),
    )


def test_a_consent_withdrawn_between_two_attempts_is_seen_by_the_second() -> None:
    """The first send is on record, then the refusal."""
    house = House()
    house.grant()
    house.send(OPENAI)
    house.consents.withdraw(subject="customer:42", now=950.0)

    assert house.ask(OPENAI) == ["the consent was withdrawn"]
    assert [use.decision for use in house.uses] == ["allow", "block"]


@pytest.mark.parametrize(
    ("found", "tokens", "ticket", "decision"),
    [
        ((), {}, None, "allow"),
        (("IP",), {}, None, "allow"),
        (("EMAIL",), {"EMAIL": 1}, None, "mask"),
        (("token.unknown",), {}, None, "allow"),
        (("EMAIL",), {"EMAIL": 1}, "t_1", "escalate"),
    ],
)
def test_the_decision_says_what_became_of_the_data(
    found: tuple[str, ...], tokens: dict[str, int], ticket: str | None, decision: str
) -> None:
    """Nothing found, or allowed to leave: allow. Left as tokens: mask. A person decides: escalate."""
    house = House()
    house.grant()
    house.context.findings += [Finding("privacy.tokens", kind) for kind in found]
    house.context.tokens.update(tokens)
    house.context.ticket = ticket
    house.send(OPENAI)

    assert house.uses[0].decision == decision


def test_what_was_found_is_asked_about() -> None:
    """A consent to e-mail alone does not let a phone number go; the reason names the kind."""
    house = House()
    house.grant(categories=["EMAIL"])
    house.context.findings += [Finding("privacy.tokens", "EMAIL"), Finding("privacy.tokens", "PHONE")]

    assert house.ask(OPENAI) == ["the consent does not cover PHONE"]


def test_observing_is_written_down_as_observed() -> None:
    """The call goes on without consent, and its use says why it should not have."""
    house = House(mode="observe")
    house.send(OPENAI)

    (use,) = house.uses
    assert (use.decision, use.observed, use.reason) == (
        "allow",
        True,
        "there is no record for this subject and purpose",
    )


def test_a_call_that_names_no_subject_leaves_no_use() -> None:
    """There is no chain to write into; the decision log has the call."""
    house = House()
    for _ in range(2):
        assert house.ask(QWEN, subject=None, purpose="support") == []

    assert house.consents._storage.streams() == ()


def test_a_call_stopped_before_detection_is_written_down_unless_it_is_a_preview() -> None:
    """A refusal for want of any consent is a use with no recipient; a preview is not on record and leaves nothing."""
    house = House()
    request = told("hello", purpose="news", subject="customer:42")
    for shared in ({}, {"accountability.intent": "i"}):
        house.context.shared = dict(shared)
        with pytest.raises(ConsentDenied):
            drive(house.guard.open(house.context).on_request(request))

    assert [(use.recipient, use.decision) for use in house.uses] == [("", "block")]


@pytest.mark.parametrize("mode", ["enforce", "observe"])
@pytest.mark.parametrize("purpose", ["news", "support", None])
def test_a_restricted_subject_is_refused_in_every_mode(mode: Any, purpose: str | None) -> None:
    """On any basis, at the beginning and right before the bytes leave; other subjects are not concerned."""
    house = House(mode=mode)
    house.grant(recipients=["*"])
    house.consents.restrict(subject="customer:42", now=950.0)

    assert "may not be processed" in house.ask(QWEN, purpose=purpose)[-1]
    with pytest.raises(ConsentDenied) as info:
        drive(house.guard.open(house.context).on_request(told("x", purpose=purpose, subject="customer:42")))
    assert info.value.control == "privacy.consent"
    assert info.value.why
    assert info.value.change
    assert "customer" not in str(info.value)
    assert house.ask(QWEN, purpose="support", subject="customer:43") == []
    house.consents.restrict(subject="customer:42", now=960.0, lifted=True)
    assert house.ask(QWEN, purpose="support") == []


def test_residency_knows_unions() -> None:
    """A target in a member state is within the union that the purpose allows; an unknown place is nowhere."""
    assert outside(QWEN, PURPOSES["support"]) is None
    assert outside(QWEN, None) is None
    assert outside(OPENAI, PURPOSES["news"]) is None
    refused = outside(OPENAI, PURPOSES["support"])
    assert refused is not None
    assert (refused.control, refused.why) == ("privacy.residency", "the target is in US; the purpose allows EU")
