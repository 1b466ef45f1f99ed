"""What a consent covers: purpose, recipient, place, data and time; and what ends it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.errors import ConfigError
from psf_runtime.stores.memory_consents import MemoryConsents
from psf_runtime.types.consent import ConsentQuestion, UseLink
from psf_runtime.types.consent_places import lies_within

WHO: dict[str, Any] = {"subject": "customer:42"}


def store_with(**grant: Any) -> MemoryConsents:
    store = MemoryConsents()
    store.grant(**{"purpose": "support", "recipients": ["openai"], "now": 10.0, **WHO, **grant})
    return store


def why(store: MemoryConsents, **question: Any) -> str | None:
    asked = {"purpose": "support", "now": 20.0, "recipients": ("openai:gpt-4o", "openai"), **question}
    if "categories" in asked:
        asked["categories"] = frozenset(asked["categories"])
    return store.ask("default", "customer:42", ConsentQuestion(**asked)).reason


@pytest.mark.parametrize(
    ("agreed", "asked", "covered"),
    [
        ("support", "support", True),
        ("support", "support.refunds", True),
        ("support", "support.refunds.late", True),
        ("support.refunds", "support", False),
        ("support", "supporters", False),
        ("support", "marketing", False),
        ("support", None, False),
    ],
)
def test_a_purpose_covers_what_lies_below_it(agreed: str, asked: str | None, covered: bool) -> None:
    """`support` covers `support.refunds`; never the other way, and never by the letters alone."""
    assert (why(store_with(purpose=agreed), purpose=asked) is None) is covered


@pytest.mark.parametrize(
    ("recipients", "place", "covered"),
    [
        (["openai"], "US", True),
        (["openai:gpt-4o"], "US", True),
        (["anthropic"], "US", False),
        (["EU"], "EU", True),
        (["EU"], "DE", True),
        (["EU"], "US", False),
        (["EU"], None, False),
        (["*"], None, True),
    ],
)
def test_a_recipient_is_a_target_a_provider_or_a_place(recipients: list[str], place: str | None, covered: bool) -> None:
    """Any of its names will do; a place covers recipients that lie in it, and none in an unknown one."""
    assert (why(store_with(recipients=recipients), jurisdiction=place) is None) is covered


def test_a_region_may_be_agreed_to() -> None:
    """Restrictions of place name jurisdictions or regions; an unknown place is never within."""
    store = store_with(jurisdictions=["eu-central-1", "CH"])

    assert why(store, jurisdiction="EU", region="eu-central-1") is None
    assert why(store, jurisdiction="CH") is None
    assert why(store, jurisdiction="EU", region="eu-west-1") == "the consent does not cover the place of this recipient"
    assert why(store) == "the consent does not cover the place of this recipient"


def test_data_that_was_found_must_be_covered() -> None:
    """Named entities are the only ones covered; the reason names the others, and no value."""
    store = store_with(categories=["EMAIL", "PHONE"])

    assert why(store, categories={"EMAIL"}) is None
    assert why(store, categories={"EMAIL", "IBAN", "PERSON"}) == "the consent does not cover IBAN, PERSON"
    assert why(store_with(), categories={"EMAIL", "IBAN"}) is None


def test_special_categories_need_to_be_agreed_to_explicitly() -> None:
    """A consent to everything is none to health or religion; one that names them is recorded as explicit."""
    assert why(store_with(), categories={"EMAIL", "HEALTH"}) == "the consent does not cover special categories: HEALTH"
    store = store_with(special=True)

    assert why(store, categories={"EMAIL", "HEALTH"}) is None
    assert store.events(subject="customer:42")[0][1].event_type == "explicit"


def test_a_new_version_of_a_notice_ends_what_an_old_one_allowed() -> None:
    """Who has seen a newer notice for the purpose rests on that one; another notice changes nothing."""
    store = store_with(notice="web", notice_version="1")
    assert why(store) is None
    store.grant(purpose="support", recipients=["anthropic"], now=11.0, notice="shop", notice_version="9", **WHO)
    assert why(store) is None
    store.grant(purpose="support", recipients=["anthropic"], now=12.0, notice="web", notice_version="2", **WHO)

    assert why(store) == "the consent does not cover this recipient"
    assert why(store, consent=store.list(subject="customer:42")[0].id) == "the notice has changed since the consent"


def test_a_refusal_ends_what_was_agreed_to_earlier() -> None:
    """After a no for a part, the rest stands; a later yes counts again."""
    store = store_with()
    store.refuse(purpose="support.refunds", now=11.0, **WHO)

    assert why(store, purpose="support.refunds") == "the subject refused"
    assert why(store) is None
    store.grant(purpose="support.refunds", recipients=["openai"], now=12.0, **WHO)
    assert why(store, purpose="support.refunds") is None


def test_withdrawing_a_part_leaves_the_rest() -> None:
    """Of a consent to `support`, `support.refunds` may be withdrawn; withdrawing `support` ends all below it."""
    store = store_with()
    store.grant(purpose="support.mail", recipients=["openai"], now=11.0, **WHO)

    assert store.withdraw(purpose="support.refunds", now=12.0, **WHO) == 1
    assert why(store, purpose="support.refunds") == "the subject refused"
    assert why(store) is None
    assert store.withdraw(purpose="support", now=13.0, **WHO) == 2
    assert why(store, purpose="support.mail") == "the consent was withdrawn"


def test_a_renewal_moves_the_end_and_keeps_the_record() -> None:
    """Renewed, one record holds longer; `granted` stays, and both links back a yes."""
    store = store_with(expires=30.0)
    (first,) = store.list(**WHO)
    assert why(store, now=35.0) == "the consent has expired"
    store.grant(purpose="support", recipients=["openai"], now=28.0, expires=60.0, renews=first.id, **WHO)
    (record,) = store.list(**WHO)

    assert (record.id, record.state, record.granted, record.expires) == (first.id, "renewed", 10.0, 60.0)
    assert why(store, now=40.0) is None
    answer = store.ask("default", "customer:42", ConsentQuestion(purpose="support", now=40.0))
    assert answer.links == tuple(link.digest for link in store.links(**WHO))


def test_what_should_never_have_counted_can_be_ended() -> None:
    """An invalid consent allows nothing, and is not counted as withdrawn."""
    store = store_with()

    assert store.invalidate(now=11.0, **WHO) == 1
    assert why(store) == "the consent is no longer valid"
    assert store.list(**WHO)[0].withdrawn is None


def test_a_clock_moved_back_fails_closed_where_something_expires() -> None:
    """Once a later time was seen, an earlier one opens nothing that ends; what never ends is not concerned."""
    store = store_with(expires=30.0)
    forever = store_with()
    for one in (store, forever):
        why(one, now=40.0)

    assert why(store, now=20.0) == "the clock was moved back"
    assert why(store, now=36.0) == "the consent has expired"
    assert why(forever, now=20.0) is None


def test_restriction_stops_everything_until_it_is_lifted() -> None:
    """Restricted, the answer is no without any question, and says so; twice is once."""
    store = store_with()

    assert store.restrict(now=11.0, **WHO)
    assert not store.restrict(now=12.0, **WHO)
    answer = store.ask("default", "customer:42", None)
    assert (answer.restricted, answer.reason) == (True, "the subject's data may not be processed at present")
    assert store.restrict(now=13.0, lifted=True, **WHO)
    assert store.ask("default", "customer:42", None).reason is None
    assert why(store) is None
    assert not store.restrict(subject="nobody", now=14.0, lifted=True)


def test_restricting_a_stranger_turns_no_control_on() -> None:
    """A subject may be restricted who never consented; that is no consent record."""
    store = MemoryConsents()
    store.restrict(subject="customer:7", now=11.0)

    assert not store.holds_any
    assert store.ask("default", "customer:7", None).restricted


@pytest.mark.parametrize(
    "wrong",
    [
        {"by": "parent:7"},
        {"by": "parent:7", "on_behalf_of": "somebody"},
        {"on_behalf_of": "somebody"},
        {"notice": "web"},
        {"expires": 10.0},
        {"expires": float("nan")},
        {"expires": 1e300},
        {"categories": "EMAIL"},
        {"categories": [""]},
        {"jurisdictions": "EU"},
        {"recipients": ["x" * 5_000]},
        {"language": 7},
    ],
)
def test_what_is_no_consent_is_refused(wrong: dict[str, Any]) -> None:
    """A ConfigError that repeats nothing of it, and nothing is kept."""
    with pytest.raises(ConfigError) as info:
        store_with(**wrong)

    assert "parent" not in str(info.value)
    assert "xxxx" not in str(info.value)


def test_names_may_hold_any_letter_and_not_any_length() -> None:
    """Lone surrogates are kept as they are; what is too long to be read again is never written."""
    odd = "sup\ud800port"
    store = store_with(purpose=odd, subject=odd, by="p\udfff", on_behalf_of=odd)
    (record,) = store.list(subject=odd)
    assert record.purpose == odd
    assert store.events(subject=odd)[0][2] == "p\udfff"

    with pytest.raises(ConfigError, match="too long"):
        store_with(by="x" * 2_000_000, on_behalf_of="customer:42")
    use = UseLink(call_id="c", purpose="p", recipient="r", decision="allow")
    with pytest.raises(ConfigError, match="too long"):
        store.record_use("default", "customer:42", use, "x" * 3_000, 20.0)
    assert store.uses_of(subject="customer:42") == ()


def test_a_parent_may_act_for_a_child() -> None:
    """Somebody else may consent when they say for whom; the record names both by digest."""
    store = store_with(by="parent:7", on_behalf_of="customer:42")
    (record,) = store.list(**WHO)

    assert why(store) is None
    assert record.on_behalf_of == record.subject
    assert record.by not in (record.subject, "")


@pytest.mark.parametrize(
    ("place", "allowed", "within"),
    [
        ("EU", ["EU"], True),
        ("DE", ["EU"], True),
        ("NO", ["EU"], False),
        ("NO", ["EEA"], True),
        ("EU", ["EEA"], True),
        ("EEA", ["EU"], False),
        ("EEA+CH", ["EEA", "CH"], True),
        ("EEA+CH", ["EU", "CH"], False),
        ("EEA+CH", ["EEA+CH"], True),
        (None, ["EU"], False),
        ("", [""], False),
        ("XX", ["EU"], False),
    ],
)
def test_places_lie_in_larger_ones(place: str | None, allowed: list[str], within: bool) -> None:
    """A member state lies in its union; a place that is either of two needs both."""
    assert lies_within(place, allowed) is within


@settings(max_examples=80, deadline=None)
@given(st.lists(st.sampled_from(["give", "withdraw", "refuse", "restrict", "lift", "invalidate"]), max_size=12))
def test_the_last_word_counts(words: list[str]) -> None:
    """Whatever came before: a yes after it allows, a no after it does not, and a restriction outdoes both."""
    store = MemoryConsents()
    agreed = restricted = False
    for number, word in enumerate(words):
        now = 10.0 + number
        match word:
            case "give":
                store.grant(purpose="support", recipients=["openai"], now=now, **WHO)
                agreed = True
            case "withdraw":
                store.withdraw(now=now, **WHO)
                agreed = False
            case "invalidate":
                store.invalidate(now=now, **WHO)
                agreed = False
            case "refuse":
                store.refuse(purpose="support", now=now, **WHO)
                agreed = False
            case _:
                restricted = word == "restrict"
                store.restrict(now=now, lifted=not restricted, **WHO)

    assert (why(store, now=50.0) is None) is (agreed and not restricted)
