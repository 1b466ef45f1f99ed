"""The control catalogue: every control with its number, what implements it and what proves it."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from psf_runtime.errors import ConfigError
from psf_runtime.guards.accountability.catalogue import rows_of
from psf_runtime.types.domain import Domain


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One control.

    Attributes:
        id: our number for it, `PSF04.C3`; `name`: what a policy switches, `contracts.injection`.
        title: what it does, in one sentence.
        implemented_by: dotted paths of the classes that do it; `proved_by`: test files that show it.
        needs_fact: what the application has to declare before it can be enforced; empty when nothing.
        references: criteria of the framework's newer text (`PSF-1.1`), or a whole domain of it (`PSF-6`).
    """

    id: str
    name: str
    title: str
    implemented_by: tuple[str, ...]
    proved_by: tuple[str, ...]
    needs_fact: str = ""
    references: tuple[str, ...] = ()

    @property
    def domain(self) -> Domain:
        """The domain that the control belongs to."""
        return Domain(self.name.partition(".")[0])


@functools.cache
def controls() -> tuple[Control, ...]:
    """All controls, in the order of their numbers. Read once; the table never changes while a program runs."""
    return tuple(Control(**row) for row in rows_of("controls.toml", "control"))


def control(name_or_id: str) -> Control:
    """The control of that name or number. Raises ConfigError when there is none."""
    for one in controls():
        if name_or_id == one.name or name_or_id.upper() == one.id:
            return one
    raise ConfigError("there is no such control", change="see their names with: psf explain")
