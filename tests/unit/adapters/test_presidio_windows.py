"""Long texts in windows: everything is seen, once, in time that grows with the length."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.adapters.presidio_windows import AFTER, BEFORE, CORE, look_in_windows, settled
from psf_runtime.ports import Detection

VALUE = re.compile(r"v[0-9]+")


def values(text: str) -> list[Detection]:
    return [Detection(match.start(), match.end(), "VALUE", 0.5) for match in VALUE.finditer(text)]


@given(
    parts=st.lists(
        st.tuples(st.sampled_from(["word ", "x", "\n", "v123 ", "v7\n"]), st.integers(1, 900)), min_size=1, max_size=12
    )
)
@settings(max_examples=60, deadline=None)
def test_windows_find_what_a_look_at_the_whole_finds(parts: list[tuple[str, int]]) -> None:
    """Wherever the cuts fall."""
    text = "".join(piece * times for piece, times in parts)
    assert look_in_windows(text, values) == values(text)


@pytest.mark.parametrize("separator", ["", " "])
def test_a_value_longer_than_a_window_is_found_whole(separator: str) -> None:
    """The window is widened for as long as it could go on."""
    long = "v" + "1" * (5 * CORE)
    text = "a " * (CORE // 2) + separator + long + " and v2"
    assert [text[one.start : one.end] for one in look_in_windows(text, values)] == [long, "v2"]


def test_what_is_looked_at_grows_with_the_length() -> None:
    """Each character is looked at little more than once."""
    seen = 0

    def look(text: str) -> list[Detection]:
        nonlocal seen
        seen += len(text)
        assert len(text) <= CORE + BEFORE + AFTER + 500
        return values(text)

    text = "some words and v12 \n" * 25_000
    look_in_windows(text, look)
    assert seen < 1.25 * len(text)


def test_finds_see_the_words_before_them_in_any_window() -> None:
    """The context of a value is in its window, or the value is."""
    text = "filler " * 3_000
    places = range(0, len(text) - 40, 997)
    for place in places:
        marked = text[:place] + " number: v55 " + text[place:]

        def in_context(part: str) -> list[Detection]:
            return [Detection(m.start(1), m.end(1), "VALUE", 0.9) for m in re.finditer(r"number: (v[0-9]+)", part)]

        assert len(look_in_windows(marked, in_context)) == 1


def test_of_overlapping_finds_of_one_entity_the_longest_stays() -> None:
    """Finds of different entities may overlap: others decide between them."""
    one, inside, other = Detection(0, 9, "A", 0.5), Detection(2, 5, "A", 0.9), Detection(2, 5, "B", 0.4)
    assert settled([inside, other, one]) == [one, other]
    assert settled([Detection(0, 3, "A", 0.4), Detection(0, 3, "A", 0.8)]) == [Detection(0, 3, "A", 0.8)]
