"""Known values first: what a conversation has learnt is replaced wherever it stands, whatever the detectors say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from psf_runtime.guards.privacy.actions import LITERAL
from psf_runtime.guards.privacy.normalise import Normal, lower_same_length, normalise
from psf_runtime.ports import Detection

SHORT = 4  # a value with fewer characters is matched in its own case only
STRONG = 6  # a value with a digit or an `@` and at least so many characters is matched inside of words too
_SCORE = 2.0  # above every detector: among equal spans the known one stays


def needs_boundary(value: str) -> bool:
    """Whether a hit counts only where no letter or digit stands beside it: names would be found inside words."""
    telling = "@" in value or any(map(str.isdigit, value))
    return not telling or len(value) < STRONG


@dataclass(frozen=True, slots=True, repr=False)
class _Known:
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
        known: dict[str, _Known] = {}
        for entity, value in values:
            plain = normalise(value).text.strip()
            if len(plain) < 2 or entity == LITERAL:
                continue
            exact = len(plain) < SHORT
            needle = plain if exact else lower_same_length(plain)
            known.setdefault(needle, _Known(needle, entity, needs_boundary(plain), exact))
        for entity, value in exactly:
            plain = normalise(value).text.strip()
            if lower_same_length(plain) not in known:
                known.setdefault(plain, _Known(plain, entity, bounded=True, exact=True))
        self._known = sorted(known.values(), key=lambda each: -len(each.needle))

    def in_any(self, copies: Iterable[Normal]) -> list[_Known]:
        """Those that may stand in one of the texts: one search each over all of them."""
        if not self._known:
            return []
        plain = "\0".join(copy.text for copy in copies)
        lowered = lower_same_length(plain)
        return [each for each in self._known if each.needle in (plain if each.exact else lowered)]


def find_known(copy: Normal, candidates: Iterable[_Known]) -> list[Detection]:
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
    return not (_glues(before, text[start]) or _glues(after, text[end - 1]))


def _glues(outside: str, edge: str) -> bool:
    return (outside.isalnum() or outside == "_") and (edge.isalnum() or edge == "_")
