"""`client.explain()`: the chain of layers as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psf_runtime.flow.protocols import Layer, name_of
from psf_runtime.policy.modes import Effective
from psf_runtime.policy.policy import Policy

LINE = "-- below this line: no value that the detectors found or the conversation knows --"


@dataclass(frozen=True, slots=True)
class Row:
    """One layer: its name, its mode, what it holds back, who set it, and a remark."""

    layer: str
    mode: str
    holds: str
    source: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """The chain, outermost first. `str()` is the table; `.to_dict()` plain JSON values.

    Attributes:
        rows: one per layer; `route`: names of the targets in the order in which they are asked.
        state: what is kept where.
    """

    rows: tuple[Row, ...]
    route: tuple[str, ...]
    state: str

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "layers": [
                {"layer": r.layer, "mode": r.mode, "holds": r.holds, "from": r.source, "note": r.note}
                for r in self.rows
            ],
            "route": list(self.route),
            "state": self.state,
        }

    def __str__(self) -> str:
        header = Row("layer", "mode", "holds first chunk", "from")
        rows = [header, *self.rows]
        widths = [max(len(getattr(row, name)) for row in rows) for name in ("layer", "mode", "holds", "source")]
        lines = []
        for row in rows:
            cells = (row.layer, row.mode, row.holds, row.source)
            line = "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
            lines.append(f"{line}  {row.note}".rstrip())
        lines.append(f"route  {' -> '.join(self.route)}")
        lines.append(f"state  {self.state}")
        return "\n".join(lines)


def explain_layers(
    layers: Sequence[Layer], modes: Any, policy: Policy, route: tuple[str, ...], survives: str
) -> Explanation:
    """The table for these layers, with waived controls in it; `survives`: what of the state outlives the process."""
    rows = [_row(layer, modes, policy) for layer in layers]
    shown = {row.layer for row in rows}
    for control, effective in modes.items():
        if effective.mode == "waived" and control not in shown:
            rows.append(Row(control, "waived", "-", effective.source, effective.note))
    return Explanation(tuple(rows), route, survives)


def _row(layer: Layer, modes: Any, policy: Policy) -> Row:
    name = name_of(layer)
    effective: Effective | None = modes.get(name)
    holds = "one word" if name in ("privacy.tokens", "contracts.links") else str(layer.hold)
    mode = "enforce" if effective is None else effective.mode
    note = LINE if name == "privacy.tokens" else ("" if effective is None else effective.note)
    source = policy.source_of(name) if effective is None else effective.source
    return Row(name, mode, holds, source, note)
