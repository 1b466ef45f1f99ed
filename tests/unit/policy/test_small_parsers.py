"""Durations, budgets, spelling and type checks."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.policy.checking import wrong
from psf_runtime.policy.duration import parse_duration
from psf_runtime.policy.money import Budget, parse_budget
from psf_runtime.policy.spelling import nearest


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30.0), ("15m", 900.0), ("4h", 14400.0), ("2d", 172800.0), ("1h30m", 5400.0), (" 1.5h ", 5400.0)],
)
def test_a_duration_is_read_as_people_write_it(text: str, seconds: float) -> None:
    """Seconds, minutes, hours and days are understood, also joined."""
    assert seconds == parse_duration(text)


@pytest.mark.parametrize("text", ["", "4", "h", "4 hours", "-4h", "0s", "4h!", "secret-value"])
def test_what_is_no_duration_is_refused_without_repeating_it(text: str) -> None:
    """The message names examples and never the text."""
    with pytest.raises(ValueError, match="not a duration") as caught:
        parse_duration(text)
    assert "secret-value" not in str(caught.value)


@given(st.integers(1, 10**6), st.sampled_from("smhd"))
@settings(max_examples=50)
def test_durations_scale_with_their_unit(number: int, unit: str) -> None:
    """`n` of a unit is `n` times one of it."""
    assert number * parse_duration(f"1{unit}") == parse_duration(f"{number}{unit}")


def test_a_budget_is_an_amount_and_a_period() -> None:
    """`200 USD/day` means 200 dollars in 86,400 seconds."""
    budget = parse_budget("200 USD/day")
    assert Budget(Decimal(200), "day") == budget
    assert budget.seconds == 86400.0
    assert Budget(Decimal("0.5"), "hour") == parse_budget("0.5 usd / hour")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("200", "not a budget"),
        ("200 USD/fortnight", "not a budget"),
        ("5 EUR/day", "currency"),
        ("0 USD/day", "no money"),
    ],
)
def test_what_is_no_budget_is_refused(text: str, why: str) -> None:
    """Other currencies, unknown periods and nothing at all are told apart."""
    with pytest.raises(ValueError, match=why):
        parse_budget(text)


def test_the_nearest_spelling_ignores_case_and_gives_up_when_nothing_is_near() -> None:
    """A typo finds its word; another word finds none."""
    assert nearest("Unicod", ["unicode", "size"]) == "unicode"
    assert nearest("email", ["EMAIL"]) == "EMAIL"
    assert nearest("zzz", ["unicode", "size"]) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("enforce", Literal["enforce", "observe"]),
        (None, str | None),
        (3, float),
        (2.5, float),
        (["a", "b"], Sequence[str]),
        ({"a": ("b",)}, Mapping[str, Sequence[str]]),
        ([1, 2.0], tuple[float, float]),
        (date(2027, 3, 31), date),
        (True, bool),
    ],
)
def test_a_value_of_the_declared_type_is_right(value: object, expected: object) -> None:
    """Whole numbers are numbers, lists are sequences."""
    assert wrong(value, expected) is None


@pytest.mark.parametrize(
    ("value", "expected", "what"),
    [
        (True, int, "must be a whole number"),
        (True, float, "must be a number"),
        (float("nan"), float, "must be a number"),
        ("abc", Sequence[str], "must be a list, each a text"),
        ([1], Sequence[str], "entry 1 must be a text"),
        ({"A": 1}, Mapping[str, str], "entry A must be a text"),
        ([1], tuple[float, float], "must be a list of 2 numbers"),
        (datetime(2027, 3, 31), date, "must be a date"),
        ("2027-03-31", date, "must be a date, not a text"),
        (5, str | None, "must be a text"),
        (5, str | Callable[[], str] | None, "must be a text or a function"),
        ("a", Sequence[Literal["a", "b"]], 'must be a list, each one of "a" | "b"'),
        (5, Mapping[str, str], "must be a table, each value a text"),
        ({5: "a"}, Mapping[str, str], "must be a table, each value a text"),
        (5, Literal["a", "b"] | None, 'must be one of "a" | "b"'),
    ],
)
def test_a_value_of_another_type_is_described_in_words(value: object, expected: object, what: str) -> None:
    """The description says what would be right."""
    found = wrong(value, expected)
    assert found is not None
    assert what == found[0]


def test_a_wrong_name_finds_the_right_one_and_is_not_repeated() -> None:
    """A typo in a mode leads to the mode; a pasted secret is not echoed."""
    assert wrong("enforced", Literal["enforce", "observe"]) == ('must be one of "enforce" | "observe"', '"enforce"')
    found = wrong("sk-live-123456", Literal["enforce", "observe"])
    assert "sk-live" not in str(found)
    hidden = wrong({"sk live 123456": 5}, Mapping[str, str])
    assert hidden == ("entry (a name not shown) must be a text", "write a text")
