"""Builtin: the detector that needs nothing installed; and how overlapping finds of several detectors are settled."""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal

from psf_runtime.errors import ConfigError
from psf_runtime.guards.privacy.actions import DEFAULT_ACTIONS
from psf_runtime.guards.privacy.custom import Custom, Words
from psf_runtime.guards.privacy.encoded import find_encoded
from psf_runtime.guards.privacy.normalise import is_plain, normalise
from psf_runtime.guards.privacy.recognise import ENTITIES, NAMES, TABLE, Recogniser, recognise
from psf_runtime.guards.privacy.settle import settle
from psf_runtime.guards.privacy.tagger.model import SHA256
from psf_runtime.guards.privacy.tagger.names import find_tagged
from psf_runtime.ports import Detection, Detector

# What is known of a text without knowing the conversation: whether it `is_plain`, and what the detectors find.
Seen = tuple[bool, tuple[Detection, ...]]
Look = Callable[[str], Seen]
Names = Literal["tagger", "rules", "off"]
DEFAULT_ENTITIES = frozenset(entity for entity in ENTITIES if DEFAULT_ACTIONS.get(entity) != "allow")
_TAGGED = frozenset({"PERSON", "LOCATION", "ORGANIZATION"})


class Builtin:
    """Recognisers with checks, context and a trained tagger for names, in linear time, on a copy without hiding places.

    Args:
        entities: what to look for; by default all but LOCATION, ORGANIZATION, DATE_TIME, URL and UUID, which are
            `allow` unless a policy says otherwise.
        names: "tagger" for rules and the trained tagger, "rules" for names in plain frames only (a title, a greeting),
            "off" for none.
        thresholds: entity -> the least score (0..1) that counts; of ours all are 0.4 or more.
        allow: values, or patterns, that are never personal data.
        deny: words or patterns of your own, each with its entity.
        decode: look into base64, hexadecimal and URL-encoded text, too, and mark the encoded span.

    Raises ConfigError for an entity that it cannot find.
    """

    name = "builtin"

    def __init__(
        self,
        *,
        entities: Iterable[str] | None = None,
        names: Names = "tagger",
        thresholds: Mapping[str, float] | None = None,
        allow: Words | None = None,
        deny: Sequence[Custom] = (),
        decode: bool = False,
    ) -> None:
        wanted = DEFAULT_ENTITIES if entities is None else frozenset(entities)
        own = frozenset(custom.entity for custom in deny)
        if unknown := wanted - ENTITIES - own:
            raise ConfigError(
                f"the built-in detector finds no {', '.join(sorted(unknown))}",
                why="it has no recogniser for it",
                change=f"one of {', '.join(sorted(ENTITIES))}, or a Custom in deny=",
            )
        if names not in ("tagger", "rules", "off"):
            raise ConfigError("names is none of its values", why="", change='"tagger" | "rules" | "off"')
        self._wanted = wanted | own
        self._recognisers = _recognisers(wanted, names)
        self._tagged = (wanted & _TAGGED) if names == "tagger" else frozenset()
        self._thresholds = dict(thresholds or {})
        self._allow = allow
        self._deny = tuple(deny)
        self._decode = decode
        if names == "off":
            self._wanted -= _TAGGED - own
        elif names == "rules":
            self._wanted -= frozenset({"LOCATION", "ORGANIZATION"}) - own
        self.version = self._version(names)

    def _version(self, names: str) -> str:
        """Findings are remembered under it: it changes with the recognisers and with every option.

        Empty (asked every time) when a callable is among them, whose answers may change.
        """
        parts = [custom.version for custom in (*self._deny, *((self._allow,) if self._allow else ()))]
        if not all(parts):
            return ""
        options = "|".join((*sorted(self._wanted), names, repr(sorted(self._thresholds.items())), str(self._decode)))
        return f"2:{_digest(options, SHA256, *parts)}"

    @property
    def entities(self) -> frozenset[str]:
        """What it looks for and can find."""
        return self._wanted

    def find(self, text: str) -> list[Detection]:
        """The personal data in `text`, in order, without overlaps; spans are those of the text as given."""
        copy = normalise(text)
        found = self._in_plain(copy.text)
        if self._decode:
            found = settle([*found, *find_encoded(copy.text, self._in_plain)])
        if copy.origin is None:
            return found
        return [Detection(*copy.back(d.start, d.end), d.entity, d.score) for d in found]

    def _in_plain(self, text: str) -> list[Detection]:
        found = recognise(text, self._recognisers)
        if self._tagged:
            found += find_tagged(text)
        for custom in self._deny:
            found += custom.find(text)
        wanted = [d for d in found if d.entity in self._wanted]
        if self._thresholds:
            wanted = [d for d in wanted if d.score >= self._thresholds.get(d.entity, 0.0)]
        settled = settle(wanted, lambda start, end: any(map(str.isupper, text[start:end])))
        if self._allow is None:
            return settled
        return [d for d in settled if not self._allow.holds(text[d.start : d.end])]


def _recognisers(wanted: frozenset[str], names: str) -> tuple[Recogniser, ...]:
    table = TABLE if names == "off" else (*TABLE, NAMES)
    return tuple(recogniser for entities, recogniser in table if entities & wanted)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]


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
