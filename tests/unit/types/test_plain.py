"""Canonical bytes: the quick writer is used only where it writes what the exact one writes."""

from __future__ import annotations

import json
from enum import IntEnum
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.errors import ConfigError
from psf_runtime.types.plain import canonical_bytes, plain


def exact(data: Any) -> bytes:
    """What canonical bytes are defined as."""
    text = json.dumps(plain(data), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8", "surrogatepass")


TEXTS = st.text(st.characters(exclude_categories=()), max_size=6)
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXTS)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4))


@settings(max_examples=500, deadline=None)
@given(VALUES)
def test_every_value_has_the_bytes_of_the_exact_writer(value: Any) -> None:
    """Strings with lone surrogates, numbers of any size and precision, keys in any order."""
    assert canonical_bytes(value) == exact(value)


@pytest.mark.parametrize(
    "number", [1e15, 1e16, 1e-3, 1e-4, 1e-7, 0.0, -0.0, 1764005975.123456, 2**53, 2**53 + 1, 2**64]
)
def test_numbers_at_the_edges_are_written_exactly(number: float) -> None:
    """The two writers differ in when they use an exponent."""
    assert canonical_bytes({"at": number}) == exact({"at": number})


class Level(IntEnum):
    """A subclass of a JSON value."""

    HIGH = 3


def test_subclasses_and_tuples_are_written_as_before() -> None:
    """An enumeration is its number, a tuple is a list."""
    assert canonical_bytes({"level": Level.HIGH, "pair": (1, "a")}) == exact({"level": 3, "pair": [1, "a"]})


@pytest.mark.parametrize("value", [float("nan"), {"a": float("inf")}, {1: "a"}, {"a": {2: 3}}, [b"x"], {"a": object()}])
def test_what_json_cannot_hold_is_refused(value: Any) -> None:
    """Also where the quick writer would write something."""
    with pytest.raises(ConfigError):
        canonical_bytes(value)


def test_a_value_in_itself_and_a_deep_one_are_refused() -> None:
    """Neither is walked for ever."""
    loop: list[Any] = []
    loop.append(loop)
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    for value in (loop, deep):
        with pytest.raises(ConfigError):
            canonical_bytes(value)


def test_depths_that_only_the_exact_writer_reaches() -> None:
    """Three hundred levels are more than the quick writer takes."""
    deep: list[Any] = []
    for _ in range(300):
        deep = [deep]
    assert canonical_bytes(deep) == exact(deep)
