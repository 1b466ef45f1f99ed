"""The failure-mode catalogue: what can go wrong with a model in production, FM01 to FM34."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from psf_runtime.errors import ConfigError
from psf_runtime.guards.accountability.catalogue import rows_of


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureMode:
    """One failure mode.

    Attributes:
        id: `FM07`, as errors carry it; `name`: a short name for tables.
        what: what goes wrong; `we`: what this library does about it; `you`: what to do when it happens.
        response: the first response in one word or two.
        controls: names of the controls that work against it; empty when none of ours does.
        owasp_llm, owasp_asi, atlas: the numbers it has in OWASP's list for LLM applications (2025), OWASP's list for
            agentic applications (2026), and MITRE ATLAS.
    """

    id: str
    name: str
    what: str
    we: str
    you: str
    response: str
    controls: tuple[str, ...] = ()
    owasp_llm: tuple[str, ...] = ()
    owasp_asi: tuple[str, ...] = ()
    atlas: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [f"{self.id} {self.name}: {self.what}", f"  here    {self.we}", f"  you     {self.you}"]
        if self.controls:
            lines.append(f"  see     {', '.join(self.controls)}")
        return "\n".join(lines)


@functools.cache
def failure_modes() -> tuple[FailureMode, ...]:
    """All of them, FM01 first. Read once; the table never changes while a program runs."""
    return tuple(FailureMode(**row) for row in rows_of("failure_modes.toml", "mode"))


def failure_mode(mode_id: str) -> FailureMode:
    """The failure mode of that id (`FM07`). Raises ConfigError when there is none."""
    for one in failure_modes():
        if mode_id.upper() == one.id:
            return one
    raise ConfigError("there is no such failure mode", change="they run from FM01 to FM34: psf explain FM07")
