"""Finding tokens again in what a model wrote: tolerant in everything but the code.

Models change the case, translate the type word, use another separator or escape it, put brackets around, break the line
behind the separator, or slip in characters that nobody sees. The code itself is never guessed: all eight characters
are in the table, or it is not a token. A cut one is nobody's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from psf_runtime.guards.privacy.tokens import CODE_LENGTH, LONGEST, UNSEEN, Token, pair_around

HYPHENS = "\u2010\u2011\u2012\u2013-"  # the plain one last: in a character class it would be a range elsewhere
GAP = r"[ \t]{0,8}\r?\n[ \t]{0,8}"  # a line wrapped behind a separator
_CODE = r"[0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]"
# Written for `_`: an escape of Markdown, of a URL, of HTML, of JSON, and its full-width form.
_ESCAPED = r"\\_|%5[Ff]|&#95;|&#[xX]5[Ff];|&lowbar;|\\u005[Ff]|\uff3f"
_CANDIDATE = re.compile(rf"(?<=[^\W_])(?:(_|[:{HYPHENS}])(?: |{GAP})?|({_ESCAPED})|( ))({_CODE}{{{CODE_LENGTH}}})")
_INNER = re.compile(rf"(?:_|{_ESCAPED}|[{HYPHENS}])\Z")
_UNSEEN = re.compile(f"[{UNSEEN}]")
# A translated type word: Latin, Greek or Cyrillic letters. The same range is what a stream holds back.
FIRST_LETTER, LAST_LETTER = 0xC0, 0x52F
_FOREIGN_WORD = re.compile(r"(?<!\w)(?:(?=[A-Za-z\u00c0-\u052f])[^\W\d_]){2,24}\Z")


@dataclass(frozen=True, slots=True, repr=False)
class Hit:
    """A token found in a text: `text[start:end]`. `exact`: letter by letter as it was sent."""

    start: int
    end: int
    token: Token
    exact: bool


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
    if text.isascii() or _UNSEEN.search(text, start) is None:
        yield from _find(text, table, start, keep_brackets)
        return
    origin = [place for place, character in enumerate(text) if character not in UNSEEN]
    seen = "".join([text[place] for place in origin])
    begin = sum(1 for place in origin if place < start)
    for hit in _find(seen, table, begin, keep_brackets):
        first, last = origin[hit.start], origin[hit.end - 1] + 1
        if last - first <= LONGEST:
            yield Hit(first, last, hit.token, hit.exact)


def _find(text: str, table: Mapping[str, Token], start: int, keep_brackets: frozenset[str]) -> Iterator[Hit]:
    floor = start
    for candidate in _CANDIDATE.finditer(text, start):
        token = table.get(candidate[4].upper())
        if token is None:
            continue
        begin, exact = _word_before(text, candidate, token, floor)
        end = candidate.end()
        if begin is None or end - begin > LONGEST:
            continue
        if not exact and end < len(text) and (text[end].isalnum() or text[end] == "_"):
            continue
        if str(token) not in keep_brackets:
            begin, end = _without_brackets(text, begin, end, floor)
        floor = end
        yield Hit(begin, end, token, exact)


def _word_before(text: str, candidate: re.Match[str], token: Token, floor: int) -> tuple[int | None, bool]:
    """Where the type word begins, and whether the whole is letter by letter the token; None when there is no word."""
    at = candidate.start()
    begin = at - len(token.entity)
    if begin >= floor and text.startswith(token.entity, begin) and candidate.group() == f"_{token.code}":
        return begin, True
    ours = _entity_before(text, at, token.entity, floor)
    if ours is not None:
        glued = ours > 0 and (text[ours - 1].isalnum() or text[ours - 1] == "_")
        return (None if glued else ours), False
    if candidate[2] is None and text[at : candidate.start(4)] != "_":
        return None, False
    word = _FOREIGN_WORD.search(text, max(floor, at - 26), at)
    return (None if word is None else word.start()), False


def _entity_before(text: str, at: int, entity: str, floor: int) -> int | None:
    """Where the entity's name begins that ends at `at`, in any case, its underscores written in any way."""
    words = entity.split("_")
    for number, word in enumerate(reversed(words), 1):
        begin = at - len(word)
        if begin < floor or text[begin:at].upper() != word:
            return None
        at = begin
        if number < len(words):
            inner = _INNER.search(text, max(floor, at - 8), at)
            if inner is None:
                return None
            at = inner.start()
    return at


def _without_brackets(text: str, begin: int, end: int, floor: int) -> tuple[int, int]:
    """The span with the brackets around it, at most two pairs, as long as it is no longer than a token may be."""
    for _ in range(2):
        around = pair_around(text, begin, end, floor)
        if around is None or around[1] - around[0] > LONGEST:
            break
        begin, end = around
    return begin, end
