"""Names of people, places and organisations in a text, by the trained tagger."""

from __future__ import annotations

from collections.abc import Iterator

from psf_runtime.guards.privacy.tagger.features import Sentence
from psf_runtime.guards.privacy.tagger.model import TAGS, Model, load
from psf_runtime.guards.privacy.tagger.sums import scores_of
from psf_runtime.guards.privacy.tagger.tokens import Token, sentences_of
from psf_runtime.guards.privacy.tagger.viterbi import best_path
from psf_runtime.ports import Detection

ENTITIES = frozenset({"PERSON", "LOCATION", "ORGANIZATION"})
SCORE = 0.6  # of a find: about two names in three are found, and about three finds in four are names
_KINDS = {"PER": "PERSON", "LOC": "LOCATION", "ORG": "ORGANIZATION"}
_OUTSIDE = 0
_TAGS = len(TAGS)


def find_tagged(text: str) -> list[Detection]:
    """What the tagger finds in `text`, in order, without overlaps. Linear in the length of the text."""
    model = load()
    found: list[Detection] = []
    for tokens in sentences_of(text):
        found.extend(_spans(tokens, tags_of([token[0] for token in tokens], model)))
    return found


def tags_of(words: list[str], model: Model) -> list[str]:
    """The tag of each word of one sentence.

    Only runs of tokens that may be names are scored, with one neighbour on each side: most words of a text are common
    ones in lower case, which are never part of a name unless they stand between its parts or right behind one.
    """
    sentence = Sentence(words, model.lists)
    tags = [_OUTSIDE] * sentence.size
    for start, end in _runs(sentence):
        scores = [scores_of(sentence, i, model)[:_TAGS] for i in range(start, end)]
        if all(row[_OUTSIDE] - max(row[1:]) > model.certain for row in scores):
            continue
        tags[start:end] = best_path(scores, model.transitions, first=_OUTSIDE, last=_OUTSIDE)
    return [TAGS[tag] for tag in tags]


def _runs(sentence: Sentence) -> Iterator[tuple[int, int]]:
    """Runs of tokens worth scoring. Two runs with at most two tokens between them are one: `Joan of Arc`."""
    start = end = -1
    for position in range(sentence.size):
        if not sentence.may_be_name(position):
            continue
        if start >= 0 and position - end > 2:
            yield start, end
            start = -1
        begins = sentence.begins_name(position)
        if start < 0 and begins:
            start = position
        if begins or position == end:
            end = position + 1
    if start >= 0:
        yield start, end


def _spans(tokens: list[Token], tags: list[str]) -> Iterator[Detection]:
    start = end = -1
    kind = ""
    for (_, begins, ends), tag in zip(tokens, tags, strict=True):
        if kind and tag != f"I-{kind}":
            yield Detection(start, end, _KINDS[kind], SCORE)
            kind = ""
        if tag != "O":
            if not kind:
                start, kind = begins, tag[2:]
            end = ends
    if kind:
        yield Detection(start, end, _KINDS[kind], SCORE)
