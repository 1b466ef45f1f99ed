"""`facts(...)`: the facts of calls made inside a `with` block, for code whose signature is somebody else's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextvars import ContextVar, Token
from functools import wraps
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

from psf_runtime.errors import ConfigError
from psf_runtime.types.decision import Decision

P = ParamSpec("P")
R = TypeVar("R")

_NAMES = ("purpose", "subject", "user", "tenant", "conversation", "consent", "tags", "ticket")
_current: ContextVar[facts | None] = ContextVar("psf_runtime.facts", default=None)


class facts:  # noqa: N801  # reads as a statement: with facts(purpose="refunds") as call:
    """Say who asks, why, and about whom, for every call made inside the block.

    Nests and merges: an inner block adds to the outer one and wins where both say something; what a call says itself
    wins over both. Seen in child tasks and `asyncio.to_thread`, not in a bare thread pool. Also a decorator.

    Attributes:
        decision: of the last call made inside the block; `decisions`: of all of them.

    Raises ConfigError for a block that changes the tenant of the block around it, for one that is entered while it is
    open, and for a decorated generator, whose body would run outside of the block.
    """

    def __init__(
        self,
        *,
        purpose: str | None = None,
        subject: str | None = None,
        user: str | None = None,
        tenant: str | None = None,
        conversation: str | None = None,
        consent: str | None = None,
        tags: Mapping[str, str] | None = None,
        ticket: str | None = None,
    ) -> None:
        self._own = dict(
            zip(_NAMES, (purpose, subject, user, tenant, conversation, consent, tags, ticket), strict=True)
        )
        self._merged: dict[str, Any] = {}
        self._outer: facts | None = None
        self._token: Token[facts | None] | None = None
        self.decisions: list[Decision] = []

    def __repr__(self) -> str:
        given = ", ".join(name for name, value in self._own.items() if value is not None)
        return f"facts({given})"

    @property
    def decision(self) -> Decision | None:
        """The decision of the last call."""
        return self.decisions[-1] if self.decisions else None

    def __enter__(self) -> facts:
        """Make these facts current."""
        if self._token is not None:
            raise ConfigError(
                "this facts(...) block is open already", change="make another one for each block, thread and task"
            )
        outer = _current.get()
        merged = dict(outer._merged) if outer is not None else {}
        own = {name: value for name, value in self._own.items() if value is not None}
        if merged.get("tenant", own.get("tenant")) != own.get("tenant", merged.get("tenant")):
            raise ConfigError(
                "facts(tenant=...) inside a block of another tenant",
                why="one tenant's code must not speak for another",
                change="leave the outer block first",
            )
        self._merged = {**merged, **own}
        self._outer = outer
        self._token = _current.set(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Go back to what was current before."""
        if self._token is not None:
            _current.reset(self._token)
            self._token = None

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Wrap a function so that it always runs with these facts."""
        own = self._own
        if isgeneratorfunction(function) or isasyncgenfunction(function):
            raise ConfigError(
                "facts(...) cannot decorate a generator",
                why="its body runs after the block has been left",
                change="put a `with facts(...)` block inside of it",
            )
        if iscoroutinefunction(function):

            @wraps(function)
            async def awaited(*args: P.args, **kwargs: P.kwargs) -> Any:
                with facts(**own):  # type: ignore[arg-type]
                    return await function(*args, **kwargs)

            return awaited  # type: ignore[return-value]

        @wraps(function)
        def inside(*args: P.args, **kwargs: P.kwargs) -> R:
            with facts(**own):  # type: ignore[arg-type]
                return function(*args, **kwargs)

        return inside

    def _remember(self, decision: Decision) -> None:
        self.decisions.append(decision)
        if self._outer is not None:
            self._outer._remember(decision)


def ambient() -> Mapping[str, Any]:
    """The facts of the blocks around this call. Read once, at the border."""
    block = _current.get()
    return {} if block is None else block._merged


def current_block() -> facts | None:
    """The innermost block around this call. A call keeps it: a stream may end elsewhere than it began."""
    return _current.get()


def remember(block: facts | None, decision: Decision) -> None:
    """Tell the blocks around a call what was decided."""
    if block is not None:
        block._remember(decision)
