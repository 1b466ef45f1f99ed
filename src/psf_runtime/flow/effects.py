"""What a flow may ask of the world, as values; and the only functions that contain a bare `yield`.

A flow is a generator: it yields an effect and is sent the result (or thrown the error). Guards and strategies never
touch a clock, a socket or a random number themselves, so one source serves sync and async, and a call can be
recorded and replayed.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from psf_runtime.ports import Answer, Question, Source
from psf_runtime.types.chunks import Chunk
from psf_runtime.types.request import Request

T = TypeVar("T")


@dataclass(slots=True)
class Open:
    """Send a request; the result is a Source."""

    request: Request
    stream: bool


@dataclass(slots=True)
class Pull:
    """The next chunks of a source, or None at its end."""

    source: Source


@dataclass(slots=True)
class Sleep:
    """Wait some seconds. Fails at once when that would reach the deadline."""

    seconds: float


@dataclass(slots=True)
class Now:
    """The wall clock in seconds since the epoch."""


@dataclass(slots=True)
class Monotonic:
    """A clock that never goes back, in seconds, for durations."""


@dataclass(slots=True)
class Random:
    """So many random bytes."""

    size: int


@dataclass(slots=True)
class Ask:
    """A person's answer to a question."""

    question: Question


@dataclass(slots=True)
class Call:
    """The result of a quick call of a store.

    Under an async driver it runs in a thread when the store's `blocking` is true. On a replay it runs again, unless
    `once`: then the recorded result (which must be plain JSON without content) is used.
    """

    fn: Callable[..., Any]
    args: tuple[Any, ...]
    once: bool = False


@dataclass(slots=True)
class Offload:
    """The result of a function that computes or waits: inline in sync mode, in a thread of `lane` in async mode."""

    fn: Callable[..., Any]
    args: tuple[Any, ...]
    lane: Lane


@dataclass(slots=True)
class Together:
    """The results of several flows at once. `first`: the first success wins, and the others are closed."""

    flows: Sequence[Flow[Any]]
    first: bool = False


class Lane:
    """A guard's own share of threads, so that one that hangs starves no other.

    Attributes:
        width: how many of its calls may run at once; further ones wait, at most `timeout` seconds.
        timeout: seconds until a call is given up with GuardError; None waits for the call's deadline.
        inline: run in the driver's own thread or task; then nothing can be given up.
        abandoned: calls given up and still running; from `width` on the lane is broken and fails at once.
    """

    __slots__ = ("abandoned", "inline", "name", "running", "timeout", "width")

    def __init__(self, name: str, *, width: int = 4, timeout: float | None = None, inline: bool = False) -> None:
        self.name = name
        self.width = width
        self.timeout = timeout
        self.inline = inline
        self.running: set[object] = set()
        self.abandoned = 0


NOW = Now()  # one of each for all calls: they have no fields, and every tape keeps the effects of its call
MONOTONIC = Monotonic()

Effect = Open | Pull | Sleep | Now | Monotonic | Random | Ask | Call | Offload | Together
Flow = Generator[Effect, Any, T]


def pull(source: Source) -> Flow[list[Chunk] | None]:
    """The next chunks of `source`, or None at its end."""
    result: list[Chunk] | None = yield Pull(source)
    return result


def sleep(seconds: float) -> Flow[None]:
    """Wait."""
    yield Sleep(seconds)


def now() -> Flow[float]:
    """Seconds since the epoch."""
    result: float = yield NOW
    return result


def monotonic() -> Flow[float]:
    """Seconds on a clock that never goes back."""
    result: float = yield MONOTONIC
    return result


def random_bytes(size: int) -> Flow[bytes]:
    """So many random bytes."""
    result: bytes = yield Random(size)
    return result


def random_fraction() -> Flow[float]:
    """A random number in 0..1, for jitter."""
    drawn: bytes = yield Random(4)
    return int.from_bytes(drawn, "big") / 2**32


def ask(question: Question) -> Flow[Answer]:
    """A person's answer."""
    result: Answer = yield Ask(question)
    return result


def call(fn: Callable[..., T], *args: Any) -> Flow[T]:
    """The result of `fn(*args)`, a method of a store."""
    result: T = yield Call(fn, args)
    return result


def call_once(fn: Callable[..., T], *args: Any) -> Flow[T]:
    """As `call`, but a replay uses the recorded result: for writes. The result must be plain JSON without content."""
    result: T = yield Call(fn, args, once=True)
    return result


def offload(fn: Callable[..., T], *args: Any, lane: Lane) -> Flow[T]:
    """The result of `fn(*args)`, which computes or waits."""
    result: T = yield Offload(fn, args, lane)
    return result


def together(*flows: Flow[T]) -> Flow[list[T]]:
    """The results of all flows, run at once; the first error ends them all."""
    result: list[T] = yield Together(flows)
    return result


def first_of(*flows: Flow[T]) -> Flow[T]:
    """The result of the first flow that succeeds; the others are closed."""
    result: T = yield Together(flows, first=True)
    return result
