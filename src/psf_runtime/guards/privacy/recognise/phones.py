"""Telephone numbers: international, and national as they are written in several countries, or named as such."""

from __future__ import annotations

import re

from psf_runtime.guards.privacy.recognise.clusters import Groups, Number, number_of
from psf_runtime.guards.privacy.recognise.phone_data import AREAS, LENGTHS
from psf_runtime.ports import Detection

_EXTENSION = re.compile(r"(?: ?(?:x|ext\.?|extension) ?|#)\d{1,6}(?!\w)", re.IGNORECASE)
_DATES = re.compile(r"(?:\d{4}[-/. ]\d{1,2}[-/. ]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})(?!\d)")
_FEWEST, _MOST = 7, 15
_AMERICAN_SIZES = frozenset({(3, 3, 4), (1, 3, 3, 4), (3, 7), (10,), (11,), (1, 10), (3, 3, 2, 2), (6, 4)})
PHONE_SIZES = _AMERICAN_SIZES | {(3, 4), (5, 5), (2, 5, 4), (4, 3, 3)}  # what a grouping alone may say is a number
_INTERNATIONAL, _NAMED, _SHAPED, _LIKELY, _POSSIBLE = 0.9, 0.75, 0.6, 0.5, 0.4
# Any other word that names a number, nearer than one for a phone, says that the digits are something else.
_NO_OTHER = frozenset({"", "phone", "ip"})


def phone(text: str, groups: Groups, families: tuple[str, ...]) -> Detection | None:
    """The telephone number that these groups of digits are, or that begins with them behind a `+`."""
    start = groups[0][0]
    plus = _plus(text, start)
    if plus is not None:
        return _abroad(text, groups, plus, skip=0)
    number = number_of(text, groups)
    count = len(number.digits)
    if not _FEWEST <= count <= _MOST or (len(groups) > 2 and _DATES.match(text, start, number.end)):
        return None
    behind_digits = start > 1 and text[start - 1].isspace() and text[start - 2].isdigit()
    if number.digits.startswith("00") and number.digits[2] != "0" and not behind_digits:
        abroad = _abroad(text, groups, start, skip=2)
        if abroad is not None:
            return abroad
    if _glued(text, start) or len(set(number.digits)) == 1:
        return None
    nearest = families[-1] if families else ""
    score = 0.0 if behind_digits and number.digits[0] == "0" else _shape_score(text, number)
    if nearest == "phone" or ("phone" in families and nearest in _NO_OTHER):
        score = max(score, _NAMED if not _is_no_phone(number) else 0)
    elif nearest not in _NO_OTHER:
        score /= 2
    return None if score < _POSSIBLE else _found(text, groups, score)


def _plus(text: str, start: int) -> int | None:
    """Where the plus sign in front of a number stands."""
    if start and text[start - 1] == "+":
        place = start - 1
    elif start > 1 and text[start - 2 : start] in ("+(", "+ "):
        place = start - 2
    else:
        return None
    return None if place and (text[place - 1].isalnum() or text[place - 1] in "+_") else place


def _abroad(text: str, groups: Groups, start: int, *, skip: int) -> Detection | None:
    """The longest number behind a calling code; `skip` digits in front of the code belong to the prefix."""
    digits = ""
    best: int | None = None
    for last, (begin, end) in enumerate(groups):
        if last and text[begin - 1 : end + 1] == "(0)":
            continue  # the trunk zero, which is not dialled from abroad
        digits += text[begin:end]
        if len(digits) - skip > _MOST + 1:
            break
        if _fits(digits[skip:]):
            best = last
    if best is None:
        return None
    stop = groups[best][1]
    if stop < len(text) and (text[stop].isalpha() or text[stop] == "_") and _EXTENSION.match(text, stop) is None:
        return None
    return Detection(start, _extended(text, stop), "PHONE", _INTERNATIONAL)


def _fits(digits: str) -> bool:
    """Whether digits are a calling code and a number of the length that it may have; a trunk zero may be left in."""
    for size in (1, 2, 3):
        span = LENGTHS.get(digits[:size])
        if span is not None:
            rest = len(digits) - size
            extra = 1 if digits[size : size + 1] == "0" else 0
            return span[0] <= rest <= span[1] + extra and len(digits) >= _FEWEST + 1
    return False


def _shape_score(text: str, number: Number) -> float:
    """How much the grouping alone says."""
    digits, sizes = number.digits, number.sizes
    opened = number.start > 0 and text[number.start - 1] == "(" and bool(number.marks) and ")" in number.marks[0]
    if sizes in _AMERICAN_SIZES:
        american = _american(text, number, opened)
        if american:
            return american
    if sizes == (3, 4) and digits[0] not in "01" and number.marks[0] in ("-", "."):
        return _LIKELY if number.marks[0] == "-" and not _follows(text, number) else 0.3
    if digits[0] == "0" and digits[1] != "0":
        return _trunk(number, opened)
    if sizes == (5, 5) and digits[0] in "6789":
        return _LIKELY  # India
    if opened and sizes[0] == 2 and sizes[1:] in ((5, 4), (4, 4), (9,)):
        return _SHAPED  # Brazil
    if sizes == (2, 4, 4) and number.marks == (" ", "-"):
        return _LIKELY  # Brazil, a landline
    if digits[0] in "5678" and sizes in ((3, 3, 3), (3, 2, 2, 2)) and set(number.marks) == {" "}:
        return _POSSIBLE  # Poland, Spain
    if sizes == (2, 5, 4) and digits[2] == "9" and number.marks[-1] == "-":
        return _SHAPED
    if sizes == (4, 3, 3) and digits[:4] in ("1300", "1800", "1800"):
        return _LIKELY  # Australia
    if sizes == (3, 7) and digits[0] == "3" and number.marks[0] == " ":
        return _POSSIBLE  # Italy
    return 0.0


def _american(text: str, number: Number, opened: bool) -> float:
    """Of ten digits, or eleven with a leading 1: neither area nor exchange begins with 0 or 1."""
    digits = number.digits
    if len(digits) == 11:
        if digits[0] != "1":
            return 0.0
        digits = digits[1:]
    dashed = text[number.end : number.end + 1] == "-" and _follows(text, number)
    if digits[0] in "01" or digits[3] in "01" or dashed:
        return 0.0
    assigned = digits[:3] in AREAS and digits[1:3] != "11" and digits[4:6] != "11"
    if number.sizes in ((3, 3, 4), (1, 3, 3, 4)):
        if set(number.marks) == {" "} and not assigned:
            return 0.3
        return 0.7 if assigned or opened else _SHAPED
    if number.sizes in ((3, 3, 2, 2), (3, 7), (6, 4), (1, 10)):
        return _LIKELY if opened or (assigned and number.marks[0] != "/") else 0.0
    return _POSSIBLE if assigned else 0.0


def _trunk(number: Number, opened: bool) -> float:
    """With a leading zero, as in most of Europe, in Australia and in Japan."""
    digits, sizes = number.digits, number.sizes
    if not 9 <= len(digits) <= 12:
        return 0.0
    if len(sizes) == 1:
        return _POSSIBLE if len(digits) in (10, 11) and digits[1] in "1234567" else 0.0
    if min(sizes) < 2 or len(sizes) > 6 or (sizes[0] == 4 and sizes[1:] in ((2, 2), (1, 1))):
        return 0.0
    dotted = set(number.marks) == {"."}
    if dotted and sizes not in ((2, 2, 2, 2, 2), (3, 3, 4), (4, 3, 3), (4, 3, 4), (2, 4, 4)):
        return 0.0
    return _SHAPED if opened or len(digits) >= 9 else 0.0


def _follows(text: str, number: Number) -> bool:
    """Whether more digits stand behind a sign right after a number, or before it: then it is part of another one."""
    after = text[number.end : number.end + 2]
    before = text[max(0, number.start - 2) : number.start]
    return (after[:1] in ("-", ".", ",", "/") and after[1:].isdigit()) or before[1:] in ("-", "/", ".", "+")


def _is_no_phone(number: Number) -> bool:
    """An address of the network, or a number with a decimal point."""
    if len(number.sizes) == 2 and number.sizes[0] <= 2 and number.marks[0] == ".":
        return True
    return len(number.sizes) == 4 and max(number.sizes) <= 3 and set(number.marks) == {"."}


def _glued(text: str, start: int) -> bool:
    if not start:
        return False
    before = text[start - 1]
    if before.isalnum() or before in "_+#$€£=&":
        return True
    return before in "-./," and start > 1 and (text[start - 2].isalnum() or text[start - 2] == "_")


def _found(text: str, groups: Groups, score: float) -> Detection | None:
    start, end = groups[0][0], groups[-1][1]
    stop = _extended(text, end)
    if stop == end and end < len(text) and (text[end].isalnum() or text[end] == "_"):
        return None
    if start and text[start - 1] == "(" and ")" in text[start:end]:
        start -= 1
    return Detection(start, stop, "PHONE", score)


def _extended(text: str, end: int) -> int:
    """Where the number ends when its extension is counted in."""
    extension = _EXTENSION.match(text, end)
    return end if extension is None else extension.end()
