"""Labelled sentences from CoNLL files, in the tagger's own tokens and tags."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from psf_runtime.guards.privacy.tagger.tokens import tokens_of

Labelled = tuple[list[str], list[str]]  # words and tags of one sentence

_KINDS = {
    "PER": "PER",
    "person": "PER",
    "LOC": "LOC",
    "location": "LOC",
    "ORG": "ORG",
    "corporation": "ORG",
    "group": "ORG",
}
_HANDLE = re.compile(r"@\w+$")  # a handle is no name here, though one of the corpora labels it as a person


def read(path: Path) -> Iterator[Labelled]:
    """The sentences of one file: a token and its tag a line, a blank line between sentences."""
    rows: list[tuple[str, str]] = []
    for line in [*path.read_text(encoding="utf-8").splitlines(), ""]:
        fields = line.split()
        if fields:
            rows.append((fields[0], fields[-1]))
        elif rows:
            yield _own_tokens(rows)
            rows = []


def _own_tokens(rows: list[tuple[str, str]]) -> Labelled:
    words: list[str] = []
    tags: list[str] = []
    previous = ""
    for word, tag in rows:
        mark, _, name = tag.partition("-")
        kind = "" if _HANDLE.match(word) else _KINDS.get(name, "")
        begins = mark == "B" or previous != kind
        for piece, _, _ in tokens_of(word):
            words.append(piece)
            tags.append(("B-" if begins else "I-") + kind if kind else "O")
            begins = False
        previous = kind
    return words, tags


def load(folder: Path) -> dict[str, list[Labelled]]:
    """The sentences of every `.conll` file in a folder, by the file's name."""
    return {path.stem: list(read(path)) for path in sorted(folder.glob("*.conll"))}
