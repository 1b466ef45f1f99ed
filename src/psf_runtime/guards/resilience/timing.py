"""Durations that can be told even after the call's time is over."""

from __future__ import annotations

from psf_runtime.errors import ProviderError
from psf_runtime.flow.effects import Flow, monotonic


def moment(otherwise: float) -> Flow[float]:
    """The monotonic time; `otherwise` when the deadline has passed, which the next effect will say again."""
    try:
        return (yield from monotonic())
    except ProviderError:
        return otherwise


def milliseconds(started: float, ended: float) -> int:
    """Whole milliseconds between two moments, never negative."""
    return max(0, round((ended - started) * 1000))
