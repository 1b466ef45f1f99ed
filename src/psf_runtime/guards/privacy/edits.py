"""A change of a text as data: what stands where, and how changes are applied across several pieces of one text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class Edit:
    """`text[start:end]` becomes `replacement`."""

    start: int
    end: int
    replacement: str


@dataclass(frozen=True, slots=True, repr=False)
class Leaf:
    """A string that the provider would see.

    Attributes:
        text: the string; adjacent text parts are joined.
        where: its place, for findings (`messages[2].parts[0]`).
        pieces: where the parts that were joined begin, after the first.
        carries_tokens: True for what models and tools wrote: it may hold tokens of this conversation.
    """

    text: str
    where: str
    pieces: tuple[int, ...] = ()
    carries_tokens: bool = False


Editor = Callable[[Leaf], Sequence[Edit]]


def apply(text: str, edits: Sequence[Edit]) -> str:
    """The text after all edits, which are in order and do not overlap."""
    if not edits:
        return text
    out: list[str] = []
    place = 0
    for edit in edits:
        out.append(text[place : edit.start])
        out.append(edit.replacement)
        place = edit.end
    out.append(text[place:])
    return "".join(out)


def apply_to_pieces(pieces: Sequence[str], edits: Sequence[Edit]) -> list[str]:
    """The pieces after edits of their concatenation; what replaces a span stands in the piece where it begins."""
    out: list[str] = []
    offset = 0
    for piece in pieces:
        end = offset + len(piece)
        own: list[Edit] = []
        for edit in edits:
            if edit.end <= offset or edit.start >= end:
                continue
            begins_here = edit.start >= offset
            start = max(edit.start, offset) - offset
            own.append(Edit(start, min(edit.end, end) - offset, edit.replacement if begins_here else ""))
        out.append(apply(piece, own))
        offset = end
    return out
