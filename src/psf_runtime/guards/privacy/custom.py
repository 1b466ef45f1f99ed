"""Recognisers of your own: words, a pattern that is known to be quick, or a function."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from psf_runtime.errors import ConfigError
from psf_runtime.guards.privacy.pattern_cost import check_pattern
from psf_runtime.ports import Detection

_NAME = re.compile(r"(?:[A-Z]{2,24}_)*[A-Z]{2,24}")
_WORD = re.compile(r"[^\W_]+")
_LONGEST_NAME = 48
Phrases = dict[str, tuple[tuple[str, ...], ...]]  # by their first word


@dataclass(frozen=True, slots=True)
class Words:
    """Words, and patterns: as an allow-list, the values that are no personal data.

    Args:
        words: compared whole and in any case.
        patterns: must match a whole value. Raises ConfigError for one that may be slow.
    """

    words: frozenset[str] = frozenset()
    patterns: tuple[str, ...] = ()
    _compiled: tuple[re.Pattern[str], ...] = field(init=False, repr=False, compare=False, default=())

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", frozenset(word.casefold() for word in self.words))
        object.__setattr__(self, "_compiled", tuple(check_pattern(pattern) for pattern in self.patterns))

    def holds(self, value: str) -> bool:
        """Whether a value is in the list."""
        return value.casefold() in self.words or any(pattern.fullmatch(value) for pattern in self._compiled)

    @property
    def version(self) -> str:
        """Changes with the list."""
        return _digest(*sorted(self.words), "\1", *self.patterns)


@dataclass(frozen=True, slots=True)
class Custom:
    """A recogniser of your own: give `words`, a `pattern`, or `find_spans`.

    Args:
        entity: words in capitals, such as `CASE_NUMBER`.
        words: found whole and in any case; a phrase of several words, too.
        pattern: a regular expression. Every repetition needs an upper bound, so that no text can make it slow; raises
            ConfigError otherwise.
        find_spans: from a text to `(start, end)` spans. It is asked for every text; what it finds is not remembered.
        score: 0..1.
    """

    entity: str
    words: Sequence[str] = ()
    pattern: str = ""
    find_spans: Callable[[str], Iterable[tuple[int, int]]] | None = None
    score: float = 0.9
    _compiled: re.Pattern[str] | None = field(init=False, repr=False, compare=False, default=None)
    _phrases: Phrases = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        if _NAME.fullmatch(self.entity) is None or len(self.entity) > _LONGEST_NAME:
            raise ConfigError(
                "the entity of a custom recogniser has no usable name",
                why="tokens are named after it",
                change="words in capitals with underscores, such as CASE_NUMBER",
            )
        if not (self.words or self.pattern or self.find_spans):
            raise ConfigError(
                f"the custom recogniser for {self.entity} finds nothing",
                why="it has neither words nor a pattern nor a function",
                change="words=[...], pattern=... or find_spans=...",
            )
        if self.pattern:
            object.__setattr__(self, "_compiled", check_pattern(self.pattern))
        for phrase in self.words:
            parts = tuple(_WORD.findall(phrase.casefold()))
            if parts:
                self._phrases[parts[0]] = (*self._phrases.get(parts[0], ()), parts)

    @property
    def version(self) -> str:
        """Changes with what is found; empty with a function, whose answers may change."""
        if self.find_spans is not None:
            return ""
        return _digest(self.entity, repr(self.score), self.pattern, *self.words)

    def find(self, text: str) -> list[Detection]:
        """Where it stands in a text."""
        spans: list[tuple[int, int]] = []
        if self._phrases:
            spans += self._find_words(text)
        if self._compiled is not None:
            spans += [match.span() for match in self._compiled.finditer(text)]
        if self.find_spans is not None:
            spans += self.find_spans(text)
        return [Detection(start, end, self.entity, self.score) for start, end in spans if 0 <= start < end <= len(text)]

    def _find_words(self, text: str) -> list[tuple[int, int]]:
        words = [(match.group().casefold(), *match.span()) for match in _WORD.finditer(text)]
        spans: list[tuple[int, int]] = []
        for place, (word, start, _) in enumerate(words):
            for phrase in self._phrases.get(word, ()):
                last = place + len(phrase) - 1
                if last < len(words) and all(words[place + i][0] == part for i, part in enumerate(phrase)):
                    spans.append((start, words[last][2]))
        return spans


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:16]
