"""The chain as people read it: one row a layer, columns aligned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ChainRow:
    """One layer in `explain()`.

    Attributes:
        layer: name of the control or of your guard.
        mode: `enforce`, `observe`, `waived`, or where a route leads.
        holds: what it keeps of an answer before the first chunk goes out; `-` for nothing.
        source: who set it; `note`: what else there is to know.
    """

    layer: str
    mode: str
    holds: str = "-"
    source: str = ""
    note: str = ""


HEADER = ChainRow("layer", "mode", "holds first chunk", "from")


def table(rows: Sequence[ChainRow]) -> str:
    """The rows under their header, without a space at the end of any line."""
    lines = [(row.layer, row.mode, row.holds, row.source, row.note) for row in (HEADER, *rows)]
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    padded = ("   ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
    return "\n".join(line.rstrip() for line in padded)
