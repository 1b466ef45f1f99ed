"""Known values first: what a conversation has learnt is replaced wherever it stands, whatever the detectors say."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from psf_runtime.guards.privacy.actions import LITERAL
from psf_runtime.guards.privacy.normalise import Normal, lower_same_length, normalise
from psf_runtime.ports import Detection

SHORT = 4  # a value with fewer characters is matched in its own case only
STRONG = 6  # a value with a digit or an `@` and at least so many characters is matched inside of words too
_ESCAPED = re.compile(r"(?:\\[ntrbfv]|%[0-9A-Fa-f]{2})\Z")  # what reads as a letter, and is a sign that was escaped
_UNSPACED = re.compile(  # Thai to Khmer, Chinese, Japanese, Korean (whose particles stick to names)
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uffdc\U00020000-\U0003ffff]"
)
_SCORE = 2.0  # above every detector: among equal spans the known one stays


def needs_boundary(value: str) -> bool:
    """Whether a hit counts only where no letter or digit stands beside it: names would be found inside words."""
    telling = "@" in value or any(map(str.isdigit, value))
    return not telling or len(value) < STRONG


@dataclass(frozen=True, slots=True, repr=False)
class KnownValue:
    """One of them: what is searched for, and how."""

    needle: str
    entity: str
    bounded: bool
    exact: bool


class KnownValues:
    """The values that a conversation knows, ready to be searched for in any width.

    Args:
        values: are searched for in any case, as far as they are long enough.
        exactly: are searched for in their own case.
    """

    def __init__(self, values: Iterable[tuple[str, str]], *, exactly: Iterable[tuple[str, str]] = ()) -> None:
        known: dict[str, KnownValue] = {}
        for entity, value in values:
            plain = normalise(value).text.strip()
            if len(plain) < 2 or entity == LITERAL:
                continue
            exact = len(plain) < SHORT
            needle = plain if exact else lower_same_length(plain)
            known.setdefault(needle, KnownValue(needle, entity, needs_boundary(plain), exact))
        for entity, value in exactly:
            plain = normalise(value).text.strip()
            if lower_same_length(plain) not in known:
                known.setdefault(plain, KnownValue(plain, entity, bounded=True, exact=True))
        self._known = sorted(known.values(), key=lambda each: -len(each.needle))

    def in_any(self, copies: Iterable[Normal]) -> list[KnownValue]:
        """Those that may stand in one of the texts: one search each over all of them."""
        if not self._known:
            return []
        plain = "\0".join(copy.text for copy in copies)
        lowered = lower_same_length(plain)
        return [each for each in self._known if each.needle in (plain if each.exact else lowered)]


def find_known(copy: Normal, candidates: Iterable[KnownValue]) -> list[Detection]:
    """Where the candidates stand in a text; spans are those of the original."""
    found: list[Detection] = []
    lowered = ""
    for known in candidates:
        if not known.exact and not lowered:
            lowered = lower_same_length(copy.text)
        text = copy.text if known.exact else lowered
        size = len(known.needle)
        start = text.find(known.needle)
        while start != -1:
            if not known.bounded or _stands_alone(text, start, start + size):
                found.append(Detection(*copy.back(start, start + size), known.entity, _SCORE))
                start = text.find(known.needle, start + size)
            else:
                start = text.find(known.needle, start + 1)
    return found


def _stands_alone(text: str, start: int, end: int) -> bool:
    before = text[start - 1] if start else " "
    after = text[end] if end < len(text) else " "
    if glues(after, text[end - 1]):
        return False
    return not glues(before, text[start]) or _ESCAPED.search(text, max(0, start - 3), start) is not None


def glues(outside: str, edge: str) -> bool:
    """Whether a sign beside a name belongs to the same word: then the name is only a part of it.

    Scripts that are written without spaces show no words: there a name stands beside anything.
    """
    if not (outside.isalnum() or outside == "_") or not (edge.isalnum() or edge == "_"):
        return False
    return (outside.isascii() or _UNSPACED.match(outside) is None) and (edge.isascii() or _UNSPACED.match(edge) is None)
