"""A text as sentences of tokens, each with its place in the text."""

from __future__ import annotations

import re
from collections.abc import Iterator

Token = tuple[str, int, int]  # the word, and where it starts and ends

# A handle or hashtag, a word with inner apostrophes, dots or hyphens, a clitic on its own, or any other sign.
_TOKEN = re.compile(r"[@#]?[^\W_]+(?:['’.\-](?=[^\W_]{2})[^\W_]+)*|['’][^\W_]{1,2}(?![^\W_])|\S")
_CLITIC = re.compile(r"(.+?)(n['’]t|['’](?:s|m|re|ve|ll|d))$", re.IGNORECASE)
_END = re.compile(r"[.!?]+[\"'’”)\]]*\s+(?=[^a-z\s])|\n+")
_LONGEST = 60  # tokens; a longer run without an end is cut, so that work stays in step with the length of the text


def tokens_of(text: str, start: int = 0, end: int | None = None) -> list[Token]:
    """The tokens between two places of `text`; clitics ('s, n't) are tokens of their own."""
    tokens: list[Token] = []
    for match in _TOKEN.finditer(text, start, len(text) if end is None else end):
        word = match.group()
        if "'" in word or "’" in word:
            clitic = _CLITIC.match(word)
            if clitic is not None:
                cut = match.start() + clitic.end(1)
                tokens.append((clitic.group(1), match.start(), cut))
                tokens.append((clitic.group(2), cut, match.end()))
                continue
        tokens.append((word, match.start(), match.end()))
    return tokens


def sentences_of(text: str) -> Iterator[list[Token]]:
    """The sentences of a text, without those that hold no token. A new line ends a sentence."""
    start = 0
    for match in _END.finditer(text):
        yield from _in_pieces(tokens_of(text, start, match.end()))
        start = match.end()
    yield from _in_pieces(tokens_of(text, start))


def _in_pieces(tokens: list[Token]) -> Iterator[list[Token]]:
    for begin in range(0, len(tokens), _LONGEST):
        yield tokens[begin : begin + _LONGEST]
