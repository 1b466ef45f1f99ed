"""Consent: a purpose, a lawful basis, and a recipient that both allow."""

from __future__ import annotations

from typing import Any

import pytest

from psf_runtime.errors import ConfigError, ConsentDenied
from psf_runtime.guards.privacy import Consent
from psf_runtime.ports import TargetFacts
from psf_runtime.stores.memory_consents import MemoryConsents
from psf_runtime.types.context import Context
from psf_runtime.types.request import Request
from psf_runtime.types.rules import Purpose
from tests.unit.guards.privacy.driving import drive, told

PURPOSES = {
    "support": Purpose(lawful_basis="contract", jurisdictions=["EU", "CH"]),
    "newsletter": Purpose(lawful_basis="consent"),
    "odd": Purpose(),
}


class House:
    """A consent guard over records of its own, and a clock that stands at 1,000 seconds."""

    def __init__(self, **fields: Any) -> None:
        self.consents = MemoryConsents()
        self.time = 1000.0
        fields.setdefault("purposes", PURPOSES)
        self.guard = Consent(consents=self.consents, clock=lambda: self.time, **fields)
        self.context = Context("call-1")

    def ask(self, **facts: Any) -> Any:
        request = told("hello", **facts)
        return drive(self.guard.open(self.context).on_request(request), time=self.time) == request

    def reasons(self, target: TargetFacts, **facts: Any) -> list[tuple[str, str]]:
        found = drive(self.guard.eligible(self.context, told("hello", **facts), target))
        return [(reason.control, reason.why) for reason in found]


def test_a_purpose_with_a_basis_may_begin() -> None:
    """A declared purpose whose basis is not consent needs no record."""
    assert House().ask(purpose="support")


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({}, "no purpose"),
        ({"purpose": "odd"}, "no lawful basis for purpose 'odd'"),
        ({"purpose": "newsletter"}, "no consent for purpose 'newsletter'"),
        ({"purpose": "newsletter", "subject": "customer:42"}, "no consent"),
    ],
)
def test_without_purpose_basis_or_record_nothing_is_sent(facts: dict[str, str], words: str) -> None:
    """Enforcing, each is a ConsentDenied that says why and what to change, and names no subject."""
    with pytest.raises(ConsentDenied) as info:
        House().ask(**facts)

    assert words in str(info.value)
    assert info.value.why
    assert info.value.change
    assert "customer" not in str(info.value)
    assert info.value.control == "privacy.consent"


def test_observing_goes_on_and_notes() -> None:
    """Observing, the same checks leave findings and the call goes on."""
    house = House(mode="observe")

    assert house.ask()
    assert house.ask(purpose="odd")
    assert house.ask(purpose="newsletter", subject="customer:42")
    assert house.ask()
    assert [(finding.kind, finding.observed) for finding in house.context.findings] == [
        ("no purpose", True),
        ("no lawful basis", True),
        ("no consent", True),
    ]


def test_an_undeclared_purpose_is_a_mistake() -> None:
    """A name that the policy does not have is a ConfigError in either mode; without any declared it is no purpose."""
    for mode in ("enforce", "observe"):
        with pytest.raises(ConfigError) as info:
            House(mode=mode).ask(purpose="suport")
        assert "newsletter, odd, support" in info.value.why
    house = House(purposes={}, mode="observe")

    assert house.ask(purpose="anything")
    assert [finding.kind for finding in house.context.findings] == ["no purpose"]


def test_consent_given_lets_the_call_begin_and_names_its_recipients() -> None:
    """A record for the purpose lets it begin; each target must be covered by its own or its provider's name."""
    house = House()
    house.consents.grant(subject="customer:42", purpose="newsletter", recipients=["openai", "mine"], now=900)
    facts = {"purpose": "newsletter", "subject": "customer:42"}

    assert house.ask(**facts)
    assert house.reasons(TargetFacts("openai:gpt-4o", "openai", vendor="openai"), **facts) == []
    assert house.reasons(TargetFacts("fast", "openai", vendor="openai"), **facts) == []
    assert house.reasons(TargetFacts("mine", "bedrock"), **facts) == []
    refused = house.reasons(TargetFacts("claude", "anthropic"), **facts)
    assert refused == [("privacy.consent", "the consent does not cover this recipient")]


def test_a_dialect_is_no_recipient() -> None:
    """Consent to a vendor covers its hosts under any name, not a stranger's host that speaks its dialect."""
    house = House()
    house.consents.grant(subject="customer:42", purpose="newsletter", recipients=["openai", "local"], now=900)
    facts = {"purpose": "newsletter", "subject": "customer:42"}
    elsewhere = TargetFacts("openai:m@models.example/v1", "openai")
    assert house.reasons(elsewhere, **facts) == [("privacy.consent", "the consent does not cover this recipient")]
    assert house.reasons(TargetFacts("new", "openai-responses", vendor="openai"), **facts) == []
    assert house.reasons(TargetFacts("mine", "local", boundary="own"), **facts) == []
    assert house.reasons(TargetFacts("theirs", "local"), **facts) != []


def test_a_withdrawal_counts_at_the_next_question() -> None:
    """Between the beginning and the bytes, consent may go: the late question sees it, and expiry too."""
    house = House()
    house.consents.grant(subject="customer:42", purpose="newsletter", recipients=["*"], now=900, expires=1100)
    facts = {"purpose": "newsletter", "subject": "customer:42"}
    target = TargetFacts("openai:gpt-4o", "openai")

    assert house.reasons(target, **facts) == []
    house.time = 1100.0
    assert house.reasons(target, **facts) == [("privacy.consent", "the consent has expired")]
    house.time = 1000.0
    house.consents.withdraw(subject="customer:42", now=1000)
    assert house.reasons(target, **facts) == [("privacy.consent", "the consent was withdrawn")]


def test_data_stays_in_the_places_of_its_purpose() -> None:
    """A target elsewhere, or in an unknown place, is not eligible; without places declared any target is."""
    house = House()
    facts = {"purpose": "support"}

    assert house.reasons(TargetFacts("a", "x", jurisdiction="EU"), **facts) == []
    assert house.reasons(TargetFacts("a", "x", jurisdiction="US"), **facts) == [
        ("privacy.residency", "the target is in US; the purpose allows EU, CH")
    ]
    assert "unknown place" in house.reasons(TargetFacts("a", "x"), **facts)[0][1]
    assert house.reasons(TargetFacts("a", "x"), purpose="odd") == []
    assert house.reasons(TargetFacts("a", "x")) == []


def test_observing_residency_leaves_a_finding() -> None:
    """Observing, a target elsewhere stays eligible and is noted once."""
    house = House(residency="observe")
    for _ in range(2):
        assert house.reasons(TargetFacts("a", "x", jurisdiction="US"), purpose="support") == []

    assert [(f.control, f.where, f.observed) for f in house.context.findings] == [("privacy.residency", "a", True)]


def test_it_stands_outside_of_tokens() -> None:
    """Nothing is prepared for a call that may not begin."""
    assert "privacy.tokens" in Consent.outside_of
    assert isinstance(told("x"), Request)
