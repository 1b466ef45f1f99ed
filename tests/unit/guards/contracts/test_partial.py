"""A preview of JSON that is still on its way."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.guards.contracts import PartialJson


def test_leaves_show_up_when_they_are_complete() -> None:
    """A string when it is closed, a number when something follows, a key with its value."""
    reader = PartialJson()
    seen = [reader.feed(piece) for piece in ['{"a": 1', "2, ", '"b": ["x', '", "y"', "], ", '"c": {"d": nul', "l}}"]]
    assert seen == [
        {},
        {"a": 12},
        {"a": 12, "b": []},
        {"a": 12, "b": ["x", "y"]},
        None,
        {"a": 12, "b": ["x", "y"], "c": {}},
        {"a": 12, "b": ["x", "y"], "c": {"d": None}},
    ]


def test_snapshots_do_not_change() -> None:
    """What was handed out stays as it was."""
    reader = PartialJson()
    first = reader.feed('{"a": [1, ')
    reader.feed("2, 3]}")
    assert first == {"a": [1]}


def test_a_wrapped_value_is_unwrapped() -> None:
    """Scalars and lists travel as {"value": ...}."""
    reader = PartialJson(wrapped=True)
    assert [reader.feed(piece) for piece in ('{"value": [1,', "2 ]", "}")] == [[1], [1, 2], None]


@pytest.mark.parametrize("text", ["nonsense ", "{] ", "{1:2} ", '{"a"} ', "[1] 2", "{{", "[" * 100, '["\\x"', "[tru ]"])
def test_what_is_no_json_ends_the_preview(text: str) -> None:
    """Nothing more is returned, and nothing is raised."""
    reader = PartialJson()
    reader.feed(text)
    assert reader.feed('"x", 5 ') is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(JSON, st.lists(st.integers(1, 9), min_size=1, max_size=4), st.booleans())
def test_the_last_snapshot_is_the_whole(value: Any, cuts: list[int], ascii_only: bool) -> None:
    """However it was cut, the preview ends with what a parser makes of the text."""
    text = json.dumps({"v": value}, ensure_ascii=ascii_only)
    reader, last, position, turn = PartialJson(), None, 0, 0
    while position < len(text):
        size = cuts[turn % len(cuts)]
        got = reader.feed(text[position : position + size])
        last = last if got is None else got
        position, turn = position + size, turn + 1
    assert last == {"v": value}
