"""Waivers: all five fields, a control that exists, and an end."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.errors import ConfigError
from psf_runtime.guards.accountability import active, check_waivers, expiring
from psf_runtime.types.rules import Waiver

TODAY = date(2027, 3, 1)


def waiver(control: str = "contracts.unicode", *, expires: Any = date(2027, 3, 31), **rest: Any) -> Waiver:
    fields = {"approver": "lee@acme.example", "reason": "bidi archive", "compensating_control": "plain view", **rest}
    return Waiver(control, expires=expires, **fields)


def test_a_waiver_holds_through_its_last_day() -> None:
    """The day after, the control is on again."""
    one = waiver()
    assert {"contracts.unicode": one} == active([one], date(2027, 3, 31))
    assert active([one], date(2027, 4, 1)) == {}


def test_a_control_may_be_named_by_its_number() -> None:
    """The key is its name all the same."""
    one = waiver("psf04.c2")
    assert {"contracts.unicode": one} == active([one], TODAY)


def test_of_several_waivers_the_longest_counts() -> None:
    """In either order."""
    short, long = waiver(expires=date(2027, 3, 5)), waiver(expires=date(2027, 6, 1))
    assert {"contracts.unicode": long} == active([short, long], TODAY) == active([long, short], TODAY)
    assert expiring([short, long], TODAY) == ()


@settings(max_examples=50, deadline=None)
@given(st.integers(-30, 60), st.integers(0, 30))
def test_a_waiver_expires_soon_exactly_when_it_holds_and_ends_within_the_days(left: int, days: int) -> None:
    """An ended one is not about to end."""
    one = waiver(expires=TODAY + timedelta(days=left))
    assert (0 <= left <= days) == (expiring([one], TODAY, days=days) == (one,))


def test_the_first_to_end_comes_first() -> None:
    """Fourteen days ahead unless told otherwise."""
    late = waiver("contracts.size", expires=date(2027, 3, 15))
    soon = waiver("contracts.leak", expires=date(2027, 3, 2))
    far = waiver("contracts.links", expires=date(2027, 3, 16))
    assert (soon, late) == expiring([late, far, soon], TODAY)


@pytest.mark.parametrize("field", ["control", "approver", "reason", "compensating_control"])
@pytest.mark.parametrize("value", ["", "  ", None])
def test_a_missing_field_is_an_error(field: str, value: Any) -> None:
    """Whoever asks, and however it is missing."""
    one = Waiver(
        **{
            "control": "contracts.unicode",
            "approver": "lee",
            "reason": "r",
            "expires": TODAY,
            "compensating_control": "c",
            field: value,
        }
    )
    for use in (lambda: check_waivers([one]), lambda: active([one], TODAY), lambda: expiring([one], TODAY)):
        with pytest.raises(ConfigError, match=f"has no {field}"):
            use()


def test_everything_wrong_is_listed_at_once() -> None:
    """An unknown control, a moment instead of a day, a missing name: three problems, each with its place."""
    wrong = [
        waiver("contracts.nothing"),
        waiver(expires=datetime(2027, 3, 31, 12)),
        waiver(),
        waiver(expires=None, approver=""),
    ]
    with pytest.raises(ConfigError) as info:
        check_waivers(wrong)
    assert [(where, what) for where, what, _ in info.value.problems] == [
        ("waivers[0]", "names a control that does not exist"),
        ("waivers[1]", "has no day on which it ends"),
        ("waivers[3]", "has no approver"),
        ("waivers[3]", "has no day on which it ends"),
    ]


def test_good_waivers_come_back() -> None:
    """In order."""
    good = [waiver(), waiver("PSF01.C4")]
    assert tuple(good) == check_waivers(iter(good))
