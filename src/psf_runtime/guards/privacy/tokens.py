"""The shape of tokens: what they look like, and what is one.

A token is `EMAIL_M2T9AX4K`: its entity, and eight characters of Crockford's base 32. How a model may change one on its
way back, and what is still recognised, is in `token_search`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

CODE_LENGTH = 8
# What shows nothing and may stand inside a token: soft hyphen, zero-width spaces and joiners, marks of direction.
UNSEEN = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
WITHOUT_UNSEEN = str.maketrans(dict.fromkeys(UNSEEN, ""))
LONGEST = 96  # characters: nothing longer is taken for a token, however it is decorated or wrapped
_SHAPED = re.compile(r"(?<![A-Za-z])(?:[A-Z]{2,24}_)+(?=[0-9A-HJKMNP-TV-Z]*\d)(?=\d*[A-Z])[0-9A-HJKMNP-TV-Z]{8}")
_PAIRS = (("[", "]"), ("<", ">"), ("{", "}"), ("&lt;", "&gt;"), ("&#60;", "&#62;"))
_OPENERS, _CLOSERS = frozenset("[<{;"), frozenset("]>}&")


@dataclass(frozen=True, slots=True, repr=False)
class Token:
    """A live token: its code, entity and value."""

    code: str
    entity: str
    value: str

    def __str__(self) -> str:
        return f"{self.entity}_{self.code}"


def shaped(text: str) -> Iterator[re.Match[str]]:
    """Everything that looks exactly like a token, live or not."""
    return _SHAPED.finditer(text) if "_" in text else iter(())


def code_of(token: str) -> str:
    """The code of a token."""
    return token[-CODE_LENGTH:]


def entity_of(token: str) -> str:
    """The entity of what is shaped like a token."""
    return token[: -CODE_LENGTH - 1]


def bracketed(text: str, start: int, end: int) -> bool:
    """Whether `text[start:end]` stands in a pair of brackets that could be taken for decoration."""
    while start and text[start - 1] in UNSEEN:
        start -= 1
    while end < len(text) and text[end] in UNSEEN:
        end += 1
    return pair_around(text, start, end, 0) is not None


def pair_around(text: str, start: int, end: int, floor: int) -> tuple[int, int] | None:
    """The span with the brackets that stand around it, when they are a pair; nothing before `floor` counts."""
    if start <= floor or end >= len(text) or text[start - 1] not in _OPENERS or text[end] not in _CLOSERS:
        return None
    for opening, closing in _PAIRS:
        if start - len(opening) >= floor and text.endswith(opening, floor, start) and text.startswith(closing, end):
            return start - len(opening), end + len(closing)
    return None
