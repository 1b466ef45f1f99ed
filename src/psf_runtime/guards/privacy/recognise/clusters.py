"""Numbers of a text, cut into groups of digits: everything that recognises a number starts from these."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# Digits with at most a sign or two between them. A full stop, a comma, or two lines between two numbers part them.
_JOINED = r"(?:[ .\-/\u2010-\u2015\u00a0]|\)[ .-]?|[ .-]?\(| [-.] |  )?"
_CLUSTER = re.compile(rf"\d(?:{_JOINED}\d)*+")
_GROUP = re.compile(r"\d+")
_FEWEST = 5  # digits: the shortest number that anything here recognises by itself
_WIDEST = 8  # groups that one number may have


@dataclass(slots=True, frozen=True, repr=False)
class Number:
    """Consecutive groups of digits: where they stand, the digits alone, the size of each group, what parts them."""

    start: int
    end: int
    digits: str
    sizes: tuple[int, ...]
    marks: tuple[str, ...]


Groups = list[tuple[int, int]]


def clusters(text: str) -> Iterator[tuple[int, int]]:
    """Where runs of digit groups stand, from left to right; short ones that stand alone are left out."""
    for match in _CLUSTER.finditer(text):
        start, end = match.span()
        if end - start < _FEWEST and not (start and text[start - 1].isalpha()) and not text[end : end + 1].isalpha():
            continue
        yield start, end


def groups_of(text: str, start: int, end: int) -> Groups:
    """The groups of digits in a cluster."""
    return [match.span() for match in _GROUP.finditer(text, start, end)]


def number_of(text: str, groups: Groups) -> Number:
    """Some consecutive groups as one number."""
    start, end = groups[0][0], groups[-1][1]
    sizes = tuple([stop - begin for begin, stop in groups])
    if len(groups) == 1:
        return Number(start, end, text[start:end], sizes, ())
    marks = tuple([text[groups[i][1] : groups[i + 1][0]] for i in range(len(groups) - 1)])
    return Number(start, end, "".join([text[begin:stop] for begin, stop in groups]), sizes, marks)


def windows(text: str, groups: Groups) -> Iterator[tuple[int, int]]:
    """Which groups may be a number of their own: ranges that begin and end at a blank or at an end, longest first."""
    count = len(groups)
    parts = [0] + [i for i in range(1, count) if text[groups[i][0] - 1].isspace()] + [count]
    for first in range(len(parts) - 1):
        for last in range(min(len(parts) - 1, first + _WIDEST), first, -1):
            if parts[last] - parts[first] <= _WIDEST:
                yield parts[first], parts[last]
