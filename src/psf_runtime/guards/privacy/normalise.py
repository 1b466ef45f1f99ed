"""A copy of a text for looking at: compatibility forms folded, invisible characters gone, with the way back."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

# Characters that show nothing and are put inside words to hide them from a search.
_INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe00-\ufe0f\ufeff\U000e0000-\U000e007f"
)
_HIDDEN = re.compile(f"[{_INVISIBLE}]")
_FOREIGN_DIGIT = re.compile(r"[^\D0-9]")


@dataclass(frozen=True, slots=True, repr=False)
class Normal:
    """`text` is the copy; `origin[i]` is where its character i stands in the original, None when nothing moved."""

    text: str
    origin: tuple[int, ...] | None
    length: int

    def back(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original that the span `start:end` of the copy stands for."""
        if self.origin is None:
            return start, end
        last = self.origin[end - 1]
        following = end
        while following < len(self.origin) and self.origin[following] == last:
            following += 1
        return self.origin[start], min(last + 1, self.length)


def normalise(text: str) -> Normal:
    """The copy of `text` that recognisers look at: NFKC, ASCII digits, nothing invisible."""
    if is_plain(text):
        return untouched(text)
    characters: list[str] = []
    origin: list[int] = []
    for place, character in enumerate(text):
        if character.isascii():
            characters.append(character)
            origin.append(place)
            continue
        folded = _fold(character)
        characters.append(folded)
        origin.extend([place] * len(folded))
    return Normal("".join(characters), tuple(origin), len(text))


def untouched(text: str) -> Normal:
    """The copy of a text that `is_plain`: the text itself."""
    return Normal(text, None, len(text))


def is_plain(text: str) -> bool:
    """Whether there is nothing to fold in a text."""
    return text.isascii() or (
        unicodedata.is_normalized("NFKC", text) and _HIDDEN.search(text) is None and _FOREIGN_DIGIT.search(text) is None
    )


def _fold(character: str) -> str:
    if _HIDDEN.match(character):
        return ""
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    return unicodedata.normalize("NFKC", character)


def lower_same_length(text: str) -> str:
    """The text in lower case, each character at its old place."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(low if len(low := character.lower()) == 1 else character for character in text)
