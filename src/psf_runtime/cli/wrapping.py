"""Breaks text into lines by the columns that its signs take on a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

JOINER = "\u200d"
_SKIN_TONES = range(0x1F3FB, 0x1F400)


def columns(text: str) -> int:
    """How many columns a text takes: wide signs two, combining and joining ones none.

    An estimate: signs that a joiner makes one count as the first of them, which is what most terminals show.
    """
    total = 0
    joined = False
    for sign in text:
        if sign == JOINER:
            joined = True
        elif joined:
            joined = False
        else:
            total += _columns_of(sign)
    return total


def _columns_of(sign: str) -> int:
    if unicodedata.combining(sign) or unicodedata.category(sign) in ("Cf", "Me", "Mn") or ord(sign) in _SKIN_TONES:
        return 0
    return 2 if unicodedata.east_asian_width(sign) in "WF" else 1


def wrap(text: str, width: int) -> list[str]:
    """The lines of a text, none wider than `width` unless a single sign is. Line breaks in the text stay."""
    return [line for paragraph in text.split("\n") for line in _wrap_paragraph(paragraph, width)] or [""]


def _wrap_paragraph(paragraph: str, width: int) -> list[str]:
    lines: list[str] = []
    line = ""
    for word in paragraph.split(" "):
        longer = f"{line} {word}" if line else word
        if columns(longer) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        *full, line = _pieces(word, width)
        lines += full
    return [*lines, line]


def _pieces(word: str, width: int) -> Iterator[str]:
    """A word in pieces of at most `width` columns, never cut before a sign that takes none."""
    piece = ""
    for sign in word:
        # A joiner binds the next sign too, so that one picture is never cut in two.
        bound = piece.endswith(JOINER) or _columns_of(sign) == 0
        if piece and not bound and columns(piece + sign) > width:
            yield piece
            piece = ""
        piece += sign
    yield piece
