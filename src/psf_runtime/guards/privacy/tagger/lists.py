"""What the tagger knows of a word before it sees any context: membership in lists of names, places, common words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

GIVEN, FAMILY, PLACE, COMMON = 1, 2, 4, 8
_NOTHING: tuple[tuple[str, ...], ...] = ()


class WordLists:
    """Lists of lower-cased words, and of place names of several words.

    Args:
        bits: word to a sum of GIVEN, FAMILY, PLACE and COMMON.
        places: place names of two words or more, as tuples of lower-cased tokens.
    """

    def __init__(self, bits: dict[str, int], places: Iterable[tuple[str, ...]]) -> None:
        self._bits = bits
        self._places: dict[str, tuple[tuple[str, ...], ...]] = {}
        for place in places:
            self._places[place[0]] = (*self._places.get(place[0], _NOTHING), place)

    def bits(self, lowered: str) -> int:
        """What is known of a word."""
        return self._bits.get(lowered, 0)

    def place_marks(self, lowered: Sequence[str]) -> list[str]:
        """For each word: `B` where a place name of several words begins, `I` inside of one, else nothing."""
        marks = [""] * len(lowered)
        if self._places.keys().isdisjoint(lowered):
            return marks
        position = 0
        while position < len(lowered):
            length = self._longest(lowered, position)
            if length:
                marks[position : position + length] = ["B"] + ["I"] * (length - 1)
            position += length or 1
        return marks

    def _longest(self, lowered: Sequence[str], position: int) -> int:
        longest = 0
        for place in self._places.get(lowered[position], _NOTHING):
            length = len(place)
            if length > longest and tuple(lowered[position : position + length]) == place:
                longest = length
        return longest
