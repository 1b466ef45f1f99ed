"""Builtin: the detector that needs nothing installed; and how overlapping finds of several detectors are settled."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence

from psf_runtime.guards.privacy.normalise import is_plain, normalise
from psf_runtime.guards.privacy.recognise import ENTITIES, recognise
from psf_runtime.ports import Detection, Detector

# What is known of a text without knowing the conversation: whether it `is_plain`, and what the detectors find.
Seen = tuple[bool, tuple[Detection, ...]]
Look = Callable[[str], Seen]


class Builtin:
    """Recognisers with checks (Luhn, mod 97, ranges), in linear time, on a copy without hiding places.

    Names of people are found by a small floor of rules only; a trained tier is still to come.
    """

    name = "builtin"
    # Findings are remembered under it: it changes with the recognisers. A detector without one is asked every time.
    version = "1"

    @property
    def entities(self) -> frozenset[str]:
        """What it can find."""
        return ENTITIES

    def find(self, text: str) -> list[Detection]:
        """The personal data in `text`, in order, without overlaps; spans are those of the text as given."""
        copy = normalise(text)
        found = combine(recognise(copy.text))
        if copy.origin is None:
            return found
        return [Detection(*copy.back(d.start, d.end), d.entity, d.score) for d in found]


def combine(detections: Iterable[Detection]) -> list[Detection]:
    """Of overlapping spans the longest stays, then the one with the higher score, then the first; in text order."""
    ranked = sorted(detections, key=lambda d: (d.start - d.end, -d.score))
    if len(ranked) < 2:
        return [detection for detection in ranked if detection.end > detection.start]
    starts: list[int] = []
    kept: list[Detection] = []
    for detection in ranked:
        if detection.end <= detection.start:
            continue
        place = bisect_left(starts, detection.start)
        if place < len(kept) and kept[place].start < detection.end:
            continue
        if place > 0 and kept[place - 1].end > detection.start:
            continue
        starts.insert(place, detection.start)
        kept.insert(place, detection)
    return kept


def detect(detectors: Sequence[Detector], text: str) -> list[Detection]:
    """What all detectors find in a text, overlaps settled."""
    if len(detectors) == 1:
        return combine(detectors[0].find(text))
    return combine(detection for detector in detectors for detection in detector.find(text))


def look_with(detectors: Sequence[Detector]) -> Look:
    """How these detectors look at a text. What they see depends on the text alone, so it may be remembered."""
    return lambda text: (is_plain(text), tuple(detect(detectors, text)))


def kind_of(detectors: Sequence[Detector]) -> str:
    """The name under which what they see is remembered; empty when one of them has no version."""
    versions = [(detector.name, getattr(detector, "version", "")) for detector in detectors]
    if not all(version for _, version in versions):
        return ""
    return "privacy.seen " + ",".join(f"{name}:{version}" for name, version in versions)
