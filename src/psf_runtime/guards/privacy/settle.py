"""Overlapping finds of the built-in detector: who wins, and what becomes of the rest of who does not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise

from psf_runtime.ports import Detection

# A find of a higher rank wins against any of a lower one; within a rank the longest wins, then the higher score, then
# the first. What has a check digit or a shape of its own stands above what is guessed from words.
_RANKS = {
    **dict.fromkeys(("PERSON", "ADDRESS", "DATE_TIME", "DATE_OF_BIRTH", "UUID", "BANK_ACCOUNT", "MEDICAL_ID"), 1),
    **dict.fromkeys(("LOCATION", "ORGANIZATION", "URL"), 0),
}
_SHAPED = 2
Telling = Callable[[int, int], bool]  # whether a piece of the text, by its start and end, says something
# Of these what sticks out on either side of a stronger find is kept: a name must not leave because an address follows.
_CUT = frozenset({"PERSON", "LOCATION", "ORGANIZATION", "ADDRESS"})


def settle(detections: Iterable[Detection], telling: Telling | None = None) -> list[Detection]:
    """Finds in text order without overlaps. What sticks out of a stronger find stays a find when it is `telling`."""
    found = [d for d in detections if d.end > d.start]
    if len(found) < 2:
        return found
    found.sort(key=lambda d: (d.start, d.end))
    if all(one.end <= other.start for one, other in pairwise(found)):
        return found
    kept: list[Detection] = []
    for cluster in _clusters(found):
        kept += cluster if len(cluster) == 1 else _within(cluster, telling)
    return kept


def _clusters(found: list[Detection]) -> Iterable[list[Detection]]:
    """Finds that overlap, directly or through others, in groups."""
    group = [found[0]]
    end = found[0].end
    for detection in found[1:]:
        if detection.start < end:
            group.append(detection)
            end = max(end, detection.end)
            continue
        yield group
        group, end = [detection], detection.end
    yield group


def _within(cluster: list[Detection], telling: Telling | None) -> list[Detection]:
    ranked = sorted(cluster, key=lambda d: (-_RANKS.get(d.entity, _SHAPED), d.start - d.end, -d.score))
    kept: list[Detection] = []
    taken = bytearray(max(d.end for d in cluster) - cluster[0].start)
    base = cluster[0].start
    for detection in ranked:
        start, end = detection.start - base, detection.end - base
        used = taken.count(1, start, end)
        pieces = [(detection.start, detection.end)]
        if used:
            cut = used < end - start and detection.entity in _CUT
            pieces = (
                [rest for rest in _rests(detection, taken, base) if telling is None or telling(*rest)] if cut else []
            )
        for begin, stop in pieces:
            kept.append(Detection(begin, stop, detection.entity, detection.score))
            taken[begin - base : stop - base] = b"\1" * (stop - begin)
    return sorted(kept, key=lambda d: d.start)


def _rests(detection: Detection, taken: bytearray, base: int) -> list[tuple[int, int]]:
    """Where something sticks out of a stronger find that is long enough to say something."""
    rests: list[tuple[int, int]] = []
    start = detection.start
    while start < detection.end:
        if taken[start - base]:
            start += 1
            continue
        end = taken.find(1, start - base, detection.end - base)
        stop = detection.end if end == -1 else base + end
        if stop - start > 2:
            rests.append((start, stop))
        start = stop
    return rests
