"""The engines of a client, folded once for the modes that hold on a day."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from psf_runtime.client.preview import PreviewVault, stop_above_the_wire
from psf_runtime.flow.compose import compose
from psf_runtime.flow.leaf import Run
from psf_runtime.flow.protocols import Layer, name_of
from psf_runtime.policy.build import Builder, Parts
from psf_runtime.policy.modes import Effective
from psf_runtime.stores.memory_vault import MemoryVault

DAY = 86_400


@dataclass(frozen=True, slots=True, repr=False)
class Pipelines:
    """Engines for calls that no person has to see (`plain`), and for those that one may have to (`overseen`)."""

    modes: Mapping[str, Effective]
    plain: Any
    overseen: Any
    layers: tuple[Layer, ...]
    builder: Builder
    names: tuple[str, ...]  # of the layers, outermost first

    def preview(self) -> Run:
        """An engine that stops above the wire, over a vault that only reads; what is new is thrown away."""
        vault = PreviewVault(self.builder.state.vault, MemoryVault())
        return compose(self.builder.preview(vault), innermost=stop_above_the_wire)


class PipelineShelf:
    """Hands out the pipelines of today. They are folded anew when a waiver or a first fact changes a mode."""

    def __init__(self, parts: Parts, make_driver: Callable[[Run], Any], declared: Callable[[], frozenset[str]]) -> None:
        self._parts = parts
        self._make_driver = make_driver
        self._declared = declared
        self._lock = threading.Lock()  # guards `_current`: a new day is folded by one thread
        self._current: tuple[tuple[int, frozenset[str]], Pipelines] | None = None

    def today(self) -> Pipelines:
        """The pipelines for now."""
        key = (int(self._parts.clock.time() // DAY), self._declared())
        current = self._current
        if current is not None and current[0] == key:
            return current[1]
        with self._lock:
            current = self._current
            if current is None or current[0] != key:
                current = (key, self._fold(key))
                self._current = current
            return current[1]

    def _fold(self, key: tuple[int, frozenset[str]]) -> Pipelines:
        day = datetime.fromtimestamp(key[0] * DAY, UTC).date()
        builder = Builder(self._parts, self._parts.policy.modes(day=day, declared=key[1]))
        plain = builder.layers(overseen=False)
        overseen = builder.layers(overseen=True)
        return Pipelines(
            modes=builder.modes,
            plain=self._make_driver(compose(plain)),
            overseen=self._make_driver(compose(overseen)),
            layers=tuple(overseen),
            builder=builder,
            names=tuple(name_of(layer) for layer in overseen),
        )
