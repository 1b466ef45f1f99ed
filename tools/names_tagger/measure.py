"""Exact precision, recall and F1 per kind of name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from tools.names_tagger.corpora import Labelled

Span = tuple[int, int, str]
Figures = dict[str, tuple[float, float, float]]  # kind to precision, recall and F1, each 0..1


def spans_of(tags: list[str]) -> set[Span]:
    """The spans that tags mark: first token, token behind the last, kind."""
    spans: set[Span] = set()
    start, kind = 0, ""
    for position, tag in enumerate([*tags, "O"]):
        if kind and tag != f"I-{kind}":
            spans.add((start, position, kind))
            kind = ""
        if tag != "O" and not kind:
            start, kind = position, tag[2:]
    return spans


def figures(tag: Callable[[list[str]], list[str]], sentences: Iterable[Labelled], *, lower: bool = False) -> Figures:
    """How well `tag` does on labelled sentences; `lower` takes away all capitals first."""
    right: Counter[str] = Counter()
    found: Counter[str] = Counter()
    there: Counter[str] = Counter()
    for words, tags in sentences:
        predicted = spans_of(tag([word.lower() for word in words] if lower else words))
        labelled = spans_of(tags)
        right.update(kind for _, _, kind in predicted & labelled)
        found.update(kind for _, _, kind in predicted)
        there.update(kind for _, _, kind in labelled)
    return {kind: _figures(right[kind], found[kind], there[kind]) for kind in ("PER", "LOC", "ORG")}


def _figures(right: int, found: int, there: int) -> tuple[float, float, float]:
    precision = right / found if found else 0.0
    recall = right / there if there else 0.0
    both = precision + recall
    return round(precision, 3), round(recall, 3), round(2 * precision * recall / both, 3) if both else 0.0
