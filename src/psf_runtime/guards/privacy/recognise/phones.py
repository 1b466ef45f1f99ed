"""Telephone numbers: international, North American, with a trunk zero, local, or named as such."""

from __future__ import annotations

import re
from collections.abc import Iterator

from psf_runtime.guards.privacy.normalise import lower_same_length
from psf_runtime.ports import Detection

_INTERNATIONAL = re.compile(r"(?<![\w+])(?:\+|(?<!\d )00(?=[1-9 (]))[\d .()/\u2010-\u2015\u00a0-]{6,30}+")
_AMERICAN = re.compile(
    r"(?<![\w+-])(?<!\d[./])(?:1[ .-]{1,2})?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}[ .-]{1,3})"
    r"[2-9]\d{2}[ .-]{1,3}\d{4}(?!\w|-\d)"
)
_LOCAL = re.compile(r"(?<![\w./+-])[2-9]\d{2}-\d{4}(?!\w|[-.,/]\d)")
_TRUNK = re.compile(r"(?<![\w.+/-])(?<!\d )\(?0(?!0)[\d .()/\u00a0-]{7,22}+")
_NAMED = re.compile(
    r"(?i:\b(?:tele)?phone|\btel|\bmobile?|\bcell|\bfax|\bcall|\bdial|\btext me|\bwhats ?app|\bhandy|\btelefon\w*"
    r"|\brufnummer|\bt[ée]l[ée]phone|\bm[óo]vil|\btel[ée]fono|\bportable|\bcellulare|\bcelular)"
    r"(?: (?i:number|no|nr|is|me|us|at|on|nummer)\b\.?){0,4}[ .:#=-]{1,4}(\(?\d[\d ().-]{5,20}+)"
)
_EXTENSION = re.compile(r" ?(?i:x|ext\.?|extension) ?\d{1,6}(?!\w)")
_DATE = re.compile(r"\(?(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d{2}))(?!\d)")
_DIGITS = re.compile(r"\d+")
_FEWEST, _MOST = 7, 15
# Something that each pattern above needs, written so that the search for it is quick.
_AMERICAN_SHAPE = re.compile(r"[2-9]\d\d[ .-]{1,3}\d{4}")
_TRUNK_SHAPE = re.compile(r"0[\d .()/\u00a0-]{7}")
_NAMED_SHAPE = re.compile(r"\d[\d ().-]{5}")
# With one of these begins what names a number, in lower case. They hold no i, k or s, for which other letters can stand
# in a search, or come in every such spelling.
_NAMED_WORDS = ("phone", "tel", "t\u00e9l", "mob", "mov", "m\u00f3v", "cel", "fax", "call", "dial", "d\u0131al",
                "d\u0130al", "text me", "what", "handy", "rufnummer", "portable")  # fmt: skip


def find_phones(text: str) -> list[Detection]:
    """Telephone numbers of 7 to 15 digits; not dates, and not the other numbers that this folder recognises."""
    found: list[Detection] = []
    if "+" in text or "00" in text:
        found += _cut(text, _INTERNATIONAL, fewest=_FEWEST, most=_MOST, score=0.9)
    starts: set[int] = set()
    if _AMERICAN_SHAPE.search(text) is not None:
        american = [Detection(m.start(), _extended(text, m.end()), "PHONE", 0.8) for m in _AMERICAN.finditer(text)]
        found += american
        starts = {detection.start for detection in american}
        found += [Detection(*m.span(), "PHONE", 0.5) for m in _LOCAL.finditer(text)]
    if _TRUNK_SHAPE.search(text) is not None:
        trunk = _cut(text, _TRUNK, fewest=9, most=12, score=0.6)
        found += [d for d in trunk if d.end - d.start > 9]  # nine digits in one run are some other number
    for named in _named(text):
        start, end = named.span(1)
        if start in starts:
            continue  # its shape already says where it ends
        found += _number(text, start, end, fewest=_FEWEST, most=_MOST, score=0.7)
    return found


def _named(text: str) -> Iterator[re.Match[str]]:
    """The numbers behind a word that names them: as the search for the pattern, tried only where such a word begins."""
    if _NAMED_SHAPE.search(text) is None:
        return
    lowered = lower_same_length(text)
    places: set[int] = set()
    for word in _NAMED_WORDS:
        place = lowered.find(word)
        while place != -1:
            places.add(place)
            place = lowered.find(word, place + 1)
    end = 0
    for place in sorted(places):
        match = _NAMED.match(text, place) if place >= end else None
        if match is not None:
            end = match.end()
            yield match


def _cut(text: str, pattern: re.Pattern[str], *, fewest: int, most: int, score: float) -> list[Detection]:
    found: list[Detection] = []
    for match in pattern.finditer(text):
        found += _number(text, match.start(), match.end(), fewest=fewest, most=most, score=score)
    return found


def _number(text: str, start: int, end: int, *, fewest: int, most: int, score: float) -> list[Detection]:
    """The number at the beginning of `text[start:end]`: whole groups, as many as fit into `most` digits."""
    if _DATE.match(text, start, end):
        return []
    digits = 0
    stop = start
    for group in _DIGITS.finditer(text, start, end):
        gap = text[stop : group.start()] if stop > start else ""
        if len(gap) > 3 or digits + len(group.group()) > most:
            break
        digits += len(group.group())
        stop = group.end()
    glued = stop < len(text) and (text[stop].isalnum() or text[stop] == "_")
    if digits < fewest or glued:
        return []
    if text[start] == "(" and ")" not in text[start:stop]:
        start += 1
    return [Detection(start, _extended(text, stop), "PHONE", score)]


def _extended(text: str, end: int) -> int:
    """Where the number ends when its extension is counted in."""
    extension = _EXTENSION.match(text, end)
    return end if extension is None else extension.end()
