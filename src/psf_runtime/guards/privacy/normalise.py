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
_MARK = "\u0300-\u036f"
# What may have to be folded: anything beyond ASCII, and a letter with combining marks behind it.
_FOLDABLE = re.compile(rf"[^\x00-\x7f{_MARK}{_INVISIBLE}][{_MARK}]{{0,8}}|[\x00-\x7f][{_MARK}]{{1,8}}|[^\x00-\x7f]")


@dataclass(frozen=True, slots=True, repr=False)
class Normal:
    """`text` is the copy; `origin[i]` is where its character i stands in the original, None when nothing moved.

    `ends[i]` is where what its character i was made of ends there.
    """

    text: str
    origin: tuple[int, ...] | None
    length: int
    ends: tuple[int, ...] = ()

    def back(self, start: int, end: int) -> tuple[int, int]:
        """The span of the original that the span `start:end` of the copy stands for."""
        if self.origin is None:
            return start, end
        return self.origin[start], self.ends[end - 1]


def normalise(text: str) -> Normal:
    """The copy of `text` that recognisers look at: NFKC, ASCII digits, nothing invisible."""
    if is_plain(text):
        return untouched(text)
    parts: list[str] = []
    origin: list[int] = []
    ends: list[int] = []
    done = 0
    for match in _FOLDABLE.finditer(text):
        start, end = match.span()
        if start > done:
            parts.append(text[done:start])
            origin.extend(range(done, start))
            ends.extend(range(done + 1, start + 1))
        folded = _fold(match.group())
        parts.append(folded)
        origin.extend([start] * len(folded))
        ends.extend([end] * len(folded))
        done = end
    parts.append(text[done:])
    origin.extend(range(done, len(text)))
    ends.extend(range(done + 1, len(text) + 1))
    return Normal("".join(parts), tuple(origin), len(text), tuple(ends))


def untouched(text: str) -> Normal:
    """The copy of a text that `is_plain`: the text itself."""
    return Normal(text, None, len(text))


def is_plain(text: str) -> bool:
    """Whether there is nothing to fold in a text."""
    return text.isascii() or (
        unicodedata.is_normalized("NFKC", text) and _HIDDEN.search(text) is None and _FOREIGN_DIGIT.search(text) is None
    )


def _fold(piece: str) -> str:
    """A character and its marks as usual; nothing for one that shows nothing, an ASCII digit for any digit."""
    if len(piece) == 1:
        if _HIDDEN.match(piece):
            return ""
        digit = unicodedata.decimal(piece, None)
        if digit is not None:
            return str(digit)
    return unicodedata.normalize("NFKC", piece)


def lower_same_length(text: str) -> str:
    """The text in lower case, each character at its old place."""
    lowered = text.lower()
    if len(lowered) == len(text):
        return lowered
    return "".join(low if len(low := character.lower()) == 1 else character for character in text)
