"""Fold layers from the inside, once, when a client is built."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from psf_runtime.flow.guard_frame import guard_frame
from psf_runtime.flow.leaf import Run, leaf
from psf_runtime.flow.order import check_order
from psf_runtime.flow.protocols import Guard, Layer, Strategy, is_strategy
from psf_runtime.flow.strategy_frame import strategy_frame


def compose(layers: Sequence[Layer], *, innermost: Run = leaf) -> Run:
    """One frame out of all layers, outermost first. Raises ConfigError for a wrong order."""
    check_order(layers)
    run = innermost
    group: list[Guard] = []
    for layer in reversed(layers):
        if is_strategy(layer):
            run = strategy_frame(cast(Strategy, layer), _fuse(group, run))
            group = []
        else:
            group.insert(0, cast(Guard, layer))
    return _fuse(group, run)


def _fuse(group: list[Guard], inner: Run) -> Run:
    """Neighbouring guards as one frame, or two: those outside of the first that holds the whole answer may stream."""
    first = next((i for i, guard in enumerate(group) if guard.hold.kind == "all"), len(group))
    for part in (tuple(group[first:]), tuple(group[:first])):
        if part:
            inner = guard_frame(part, inner)
    return inner
