"""What all layers of one call share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from psf_runtime.types.request import Facts
from psf_runtime.types.response_head import NO_USAGE, Usage
from psf_runtime.types.verdict import Finding

Found = TypeVar("Found", bound=tuple[Any, ...])


@dataclass(frozen=True, slots=True)
class Note:
    """Something that happened inside a layer and did not stop the call, counted for the record."""

    kind: str  # "guard_failed" | "close_failed" | "late_result" | a layer's own word
    layer: str
    hook: str = ""


@dataclass(frozen=True, slots=True)
class AttemptOutcome:
    """One attempt at one target: what became of it and how long it took (milliseconds)."""

    target: str
    outcome: str  # "ok" or the name of an error class
    ms: int
    status: int | None = None


class Recall(Protocol):
    """Remembers what was found in a text, by a keyed digest of it: earlier turns come again with every call."""

    def found(self, tenant: str, kind: str, text: str, look: Callable[[str], Found]) -> Found:
        """What `look` finds in `text`, remembered or new. `kind` names `look` and its version; no text is kept."""
        ...


@dataclass(slots=True)
class Context:
    """One call. Layers read the facts and append findings; what belongs to one attempt lives in sessions.

    Attributes:
        call_id: sortable id of the call, also the id of its record.
        deadline: on the driver's monotonic clock, in seconds; None means no limit.
        attempts_left: how many more times a provider may be opened, whatever loops above.
        notes, findings, route: what the record and the Decision are made of.
        tokens: how many values of each entity went out as tokens.
        ticket: the id of the ticket that a person decided, or will decide.
        owner: the named owner of the purpose, once the owner control has looked it up.
        shared: what one layer works out for another, by the control's name; never content.
        recall: what was found in earlier texts of this tenant; None: everything is looked at anew.
        discard: engine use: sources the driver must close before the next effect.
        branch: engine use: path of this call inside nested `together`s, for the tape.
    """

    call_id: str
    facts: Facts = field(default_factory=Facts)
    deadline: float | None = None
    attempts_left: int = 5
    notes: list[Note] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    route: list[AttemptOutcome] = field(default_factory=list)
    tokens: dict[str, int] = field(default_factory=dict)
    usage: Usage = NO_USAGE
    ticket: str | None = None
    owner: str | None = None
    degraded: bool = False
    shared: dict[str, Any] = field(default_factory=dict)
    recall: Recall | None = None
    discard: list[Any] = field(default_factory=list)
    branch: tuple[int, ...] = ()

    def found(self, kind: str, text: str, look: Callable[[str], Found]) -> Found:
        """What `look` finds in a text of this call; it must depend on the text alone. `kind` names it."""
        if self.recall is None:
            return look(text)
        return self.recall.found(self.facts.tenant, kind, text, look)

    def note(self, kind: str, layer: str, hook: str = "") -> None:
        """Count something that happened and did not stop the call."""
        self.notes.append(Note(kind, layer, hook))
