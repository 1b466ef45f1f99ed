"""The shape of tokens, and the one tolerant way to find them again in what a model wrote.

A token is `EMAIL_M2T9AX4K`. Models translate the type word, change the separator, put brackets around. The code itself
is never guessed: it is in the table or it is not, and a cut one is nobody's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

CODE = r"[0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{8}"
_CANDIDATE = re.compile(rf"(?<=[^\W\d_])(\\_|%5[Ff]|[-:] ?|[_ ])({CODE})")
_SHAPED = re.compile(r"(?<![A-Za-z])(?:[A-Z]{2,24}_)+(?=[0-9A-HJKMNP-TV-Z]*\d)(?=\d*[A-Z])[0-9A-HJKMNP-TV-Z]{8}")
# A translated type word: Latin, Greek or Cyrillic letters. The same range is what a stream holds back.
FIRST_LETTER, LAST_LETTER = 0xC0, 0x52F
_FOREIGN_WORD = re.compile(r"(?<!\w)(?:(?=[A-Za-z\u00c0-\u052f])[^\W\d_]){2,24}\Z")
_PAIRS = {"[": "]", "<": ">", "{": "}"}
_UNDERSCORES = frozenset({"_", "\\_", "%5F", "%5f"})
LONGEST = 64  # characters: no token, however decorated, is longer


@dataclass(frozen=True, slots=True, repr=False)
class Token:
    """A live token: its code, entity and value. `bare` is False when the request itself had brackets around it."""

    code: str
    entity: str
    value: str

    def __str__(self) -> str:
        return f"{self.entity}_{self.code}"


@dataclass(frozen=True, slots=True, repr=False)
class Hit:
    """A token found in a text: `text[start:end]`."""

    start: int
    end: int
    token: Token
    exact: bool


def shaped(text: str) -> Iterator[re.Match[str]]:
    """Everything that looks exactly like a token, live or not."""
    return _SHAPED.finditer(text) if "_" in text else iter(())


def code_of(token: str) -> str:
    """The code of a token."""
    return token[-8:]


def find(
    text: str, table: Mapping[str, Token], *, start: int = 0, keep_brackets: frozenset[str] = frozenset()
) -> Iterator[Hit]:
    """The live tokens in `text` from `start` on, tolerant in everything but the code.

    Args:
        text: what a model wrote; characters before `start` are context only.
        table: code -> token.
        start: where to begin.
        keep_brackets: tokens that the request itself had in brackets, which are therefore no decoration.
    """
    floor = start
    for candidate in _CANDIDATE.finditer(text, start):
        token = table.get(candidate[2].upper())
        if token is None:
            continue
        begin, exact = _word_before(text, candidate, token, floor)
        if begin is None:
            continue
        end = candidate.end()
        if not exact and end < len(text) and text[end].isalnum():
            continue
        if str(token) not in keep_brackets:
            begin, end = _without_brackets(text, begin, end, floor)
        floor = end
        yield Hit(begin, end, token, exact)


def _word_before(text: str, candidate: re.Match[str], token: Token, floor: int) -> tuple[int | None, bool]:
    """Where the type word begins, and whether the whole is letter by letter the token; None when there is no word."""
    at = candidate.start()
    begin = at - len(token.entity)
    if begin >= floor and text[begin:at] == token.entity and candidate[1] == "_" and candidate[2] == token.code:
        return begin, True
    if begin >= floor and text[begin:at].replace("-", "_").upper() == token.entity:
        if begin == 0 or not (text[begin - 1].isalnum() or text[begin - 1] == "_"):
            return begin, False
        return None, False
    if candidate[1] not in _UNDERSCORES:
        return None, False
    word = _FOREIGN_WORD.search(text, max(floor, at - 26), at)
    return (None if word is None else word.start()), False


def _without_brackets(text: str, begin: int, end: int, floor: int) -> tuple[int, int]:
    """The span with the brackets around it, at most two pairs."""
    for _ in range(2):
        if begin <= floor or end >= len(text):
            break
        if _PAIRS.get(text[begin - 1]) != text[end]:
            break
        begin -= 1
        end += 1
    return begin, end


def bracketed(text: str, start: int, end: int) -> bool:
    """Whether `text[start:end]` stands in a pair of brackets that could be taken for decoration."""
    return start > 0 and end < len(text) and _PAIRS.get(text[start - 1]) == text[end]
