"""Long texts in windows: each stretch is looked at with what stands around it, so that time grows with length.

Presidio's own time does not: it looks for the context of every hit from the first word on, spaCy refuses texts of more
than a million characters, and the phone matcher gives up after 65,535 candidates without a word. In windows no call
comes near any of these.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable

from psf_runtime.ports import Detection

CORE = 4_000  # characters whose finds a window keeps; the tokenizer holds the interpreter for up to 1 us each
BEFORE = 300  # characters of context before them
AFTER = 500  # characters after them: what begins in the core may end here
_SEARCH = 500  # how far back a cut looks for white space

Look = Callable[[str], Iterable[Detection]]


def look_in_windows(text: str, look: Look) -> list[Detection]:
    """What `look` finds in a text of any length, spans those of the whole text; overlaps of one entity settled.

    A window is widened while something in it ends where the window does: it could go on there.
    """
    found: list[Detection] = []
    place = 0
    while place < len(text):
        core = _cut(text, place + CORE, place) if len(text) - place > CORE + AFTER else len(text)
        begin = _cut(text, place - BEFORE, 0) if place > BEFORE else 0
        reach = AFTER
        while True:
            end = _cut(text, core + reach, core) if len(text) > core + reach else len(text)
            own = [
                Detection(one.start + begin, one.end + begin, one.entity, one.score)
                for one in look(text[begin:end])
                if place <= one.start + begin < core
            ]
            if end == len(text) or all(one.end < end for one in own):
                break
            reach *= 4
        found += own
        # What begins inside of a longer find is settled against it anyway.
        place = max(core, max((one.end for one in own), default=0))
    return settled(found)


def settled(detections: Iterable[Detection]) -> list[Detection]:
    """No two spans of one entity overlap: the longest stays, then the likeliest. In text order."""
    kept: dict[str, list[Detection]] = {}
    for one in sorted(detections, key=lambda d: (d.start - d.end, -d.score)):
        same = kept.setdefault(one.entity, [])
        index = bisect_left(same, one.start, key=lambda d: d.start)
        if index < len(same) and same[index].start < one.end:
            continue
        if index and same[index - 1].end > one.start:
            continue
        same.insert(index, one)
    return sorted((one for same in kept.values() for one in same), key=lambda d: (d.start, d.end, d.entity))


def _cut(text: str, wanted: int, least: int) -> int:
    """Where to cut near `wanted`: after a line, else after white space, else right there; always after `least`."""
    floor = max(least, wanted - _SEARCH)
    line = text.rfind("\n", floor, wanted)
    if line > floor:
        return line + 1
    for index in range(wanted - 1, floor, -1):
        if text[index].isspace():
            return index + 1
    return wanted
