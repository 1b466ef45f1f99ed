"""Sentences with made-up names, and noise: what the corpora do not hold."""

from __future__ import annotations

import random
import re

from tools.names_tagger.corpora import Labelled
from tools.names_tagger.sentences import CARRIERS, ORGANISATION_ENDS, ORGANISATIONS, WITHOUT
from tools.names_tagger.wordlists import Lists

from psf_runtime.guards.privacy.tagger.tokens import tokens_of

_SLOT = re.compile(r"(\{\w\})")
_PARTICLES = ("de", "van", "von", "del", "bin", "al", "da", "van der", "de la")
_GLUE = (" ", "-", ". ")  # between two slots of a person: still the same name


class Maker:
    """Makes sentences from carriers and lists; the same seed makes the same ones."""

    def __init__(self, lists: Lists, seed: int) -> None:
        self._given = sorted(lists.given)
        self._family = sorted(lists.family)
        self._places = sorted(lists.places)
        self._random = random.Random(seed)

    def sentences(self, count: int) -> list[Labelled]:
        """`count` sentences, three in four with names."""
        chance = self._random
        return [self._sentence(chance.choice(CARRIERS if chance.random() < 0.75 else WITHOUT)) for _ in range(count)]

    def _sentence(self, carrier: str) -> Labelled:
        parts = [self._filled(piece) for piece in _SLOT.split(carrier) if piece]
        words: list[str] = []
        tags: list[str] = []
        for number, (text, kind) in enumerate(parts):
            around = {parts[n][1] for n in (number - 1, number + 1) if 0 <= n < len(parts)}
            inside = text in _GLUE and 0 < number < len(parts) - 1 and around == {"PER"}
            goes_on = number >= 2 and parts[number - 1][0] in _GLUE and parts[number - 2][1] == kind == "PER"
            mark = "I-" if goes_on else "B-"
            for word, _, _ in tokens_of(text):
                words.append(word)
                tags.append("I-PER" if inside else mark + kind if kind else "O")
                mark = "I-"
        return words, tags

    def _filled(self, piece: str) -> tuple[str, str]:
        chance = self._random
        match piece:
            case "{P}":
                return self._person(), "PER"
            case "{G}":
                return chance.choice(self._given), "PER"
            case "{F}":
                return chance.choice(self._family), "PER"
            case "{I}":
                return chance.choice("ABCDEFGHJKLMNPRSTVW"), "PER"
            case "{L}":
                return chance.choice(self._places), "LOC"
            case "{O}":
                return self._organisation(), "ORG"
        return piece, ""

    def _person(self) -> str:
        chance = self._random
        given, family = chance.choice(self._given), chance.choice(self._family)
        kind = chance.random()
        if kind < 0.06:
            return f"{given} {chance.choice('ABCDEFGHJKLM')}. {family}"
        if kind < 0.09:
            return f"{given} {chance.choice(self._given)} {family}"
        if kind < 0.12:
            return f"{given} {chance.choice(_PARTICLES)} {family}"
        return f"{given} {family}"

    def _organisation(self) -> str:
        chance = self._random
        if chance.random() < 0.4:
            return chance.choice(ORGANISATIONS)
        return f"{chance.choice(self._family)} {chance.choice(ORGANISATION_ENDS)}"


def with_case_noise(
    sentences: list[Labelled], seed: int, *, lower: float = 0.35, upper: float = 0.05
) -> list[Labelled]:
    """The sentences, and beside some of them a copy in lower case or in capitals: chat is written so."""
    chance = random.Random(seed)
    out: list[Labelled] = []
    for words, tags in sentences:
        out.append((words, tags))
        kind = chance.random()
        if kind < lower:
            out.append(([word.lower() for word in words], tags))
        elif kind < lower + upper:
            out.append(([word.upper() for word in words], tags))
    return out
