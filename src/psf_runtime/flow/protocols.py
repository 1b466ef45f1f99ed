"""What layers implement: guards (as per-call sessions) and strategies (as generators).

A guard is immutable settings. For each attempt the engine calls `open(context)` and gets a session, which holds what
changes. Hooks that a session class does not override cost nothing.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from psf_runtime.flow.effects import Flow
from psf_runtime.types.chunks import Chunk
from psf_runtime.types.context import Context
from psf_runtime.types.domain import Domain
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response
from psf_runtime.types.verdict import ALLOW, Allow, Block, Escalate, Reask, Reroute, Rewrite, Verdict

ChunkResult = Chunk | tuple[Chunk, ...] | Allow | Rewrite | Block | Reask | Escalate | Reroute | None


@dataclass(frozen=True, slots=True)
class Hold:
    """How much of an answer a layer keeps back before it lets it go."""

    kind: Literal["none", "window", "all"]
    characters: int = 0

    def __str__(self) -> str:
        if self.kind == "window":
            return f"{self.characters} characters"
        return "-" if self.kind == "none" else "whole answer"


NONE = Hold("none")
ALL = Hold("all")


def window(characters: int) -> Hold:
    """Hold back at most so many characters."""
    return Hold("window", characters)


class Session:
    """One guard, one attempt. Pure: no I/O, no clock, no randomness except through flows."""

    def on_request(self, request: Request) -> Request | Verdict | Generator[Any, Any, Request | Verdict]:
        """Called once, before anything is sent. MAY return another request, a verdict, or a flow of either."""
        return request

    def on_chunk(self, chunk: Chunk) -> ChunkResult | Generator[Any, Any, ChunkResult]:
        """Called for every piece. None holds it back; a tuple replaces it. MUST NOT depend on how text is cut."""
        return chunk

    def on_end(self) -> tuple[Chunk, ...] | Verdict | Generator[Any, Any, tuple[Chunk, ...] | Verdict]:
        """Called once after the last chunk: what was held back."""
        return ()

    def on_response(self, response: Response) -> Verdict | Generator[Any, Any, Verdict]:
        """Called once on the whole, already transformed response."""
        return ALLOW

    def on_close(self, error: BaseException | None) -> None:
        """Called exactly once, innermost first, however the attempt ended. MUST NOT do anything essential."""


class Guard(Protocol):
    """A layer that looks and transforms. Immutable; one guard may sit in many pipelines and threads."""

    @property
    def name(self) -> str:
        """The control it implements (`contracts.unicode`), or a user's own name."""
        ...

    @property
    def domain(self) -> Domain | None:
        """The domain of the control; None for a user's own guard."""
        ...

    @property
    def session(self) -> type[Session]:
        """The class of what `open` returns: tells the engine which hooks exist."""
        ...

    @property
    def hold(self) -> Hold:
        """How much of an answer it keeps back."""
        ...

    @property
    def on_error(self) -> Literal["stop", "allow"]:
        """Whether the call may go on when the guard raises."""
        ...

    def open(self, context: Context) -> Session:
        """A fresh session for one attempt."""
        ...


class Attempt(Protocol):
    """What a strategy is given: call it to run everything inside, with fresh sessions."""

    committed: bool  # a non-empty delta has left this strategy

    def __call__(self, request: Request) -> Flow[Response]:
        """Run everything inside, once."""
        ...


class Strategy(Protocol):
    """A layer that decides what runs inside it, and how often: retry, fallback, re-ask."""

    @property
    def name(self) -> str:
        """The control it implements, or a user's own name."""
        ...

    @property
    def domain(self) -> Domain | None:
        """The domain of the control; None for a user's own strategy."""
        ...

    @property
    def hold(self) -> Hold:
        """Whether everything inside runs as a call that is not streamed."""
        ...

    def run(self, context: Context, request: Request, attempt: Attempt) -> Flow[Response]:
        """Control flow around `attempt(request)`."""
        ...


Layer = Guard | Strategy


class GuardBase:
    """Defaults for guards: subclass, set `name` and `session`, override `open`."""

    name: str = ""
    domain: Domain | None = None
    session: type[Session] = Session
    hold: Hold = NONE
    on_error: Literal["stop", "allow"] = "stop"
    inside_of: tuple[str, ...] = ()  # names of layers that must stand outside of this one, where present
    outside_of: tuple[str, ...] = ()  # names of layers that must stand inside of this one, where present

    def open(self, context: Context) -> Session:
        """A fresh session for one attempt."""
        return self.session()


class StrategyBase:
    """Defaults for strategies: subclass, set `name`, write `run`."""

    name: str = ""
    domain: Domain | None = None
    hold: Hold = NONE
    inside_of: tuple[str, ...] = ()
    outside_of: tuple[str, ...] = ()

    def run(self, context: Context, request: Request, attempt: Attempt) -> Flow[Response]:
        """Control flow around `attempt(request)`."""
        return (yield from attempt(request))


def is_strategy(layer: Layer) -> bool:
    """Whether a layer decides what runs inside it."""
    return hasattr(layer, "run")


def name_of(layer: Any) -> str:
    """The layer's name, or its class's."""
    return getattr(layer, "name", "") or type(layer).__name__
