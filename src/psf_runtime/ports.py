"""The shapes through which the core reaches the world, and one domain asks another. Only Protocols and their values."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from psf_runtime.types.chunks import Chunk
from psf_runtime.types.context import Context
from psf_runtime.types.request import Facts, Request
from psf_runtime.types.response import Response


class Clock(Protocol):
    """Time, for drivers only. Seconds."""

    def monotonic(self) -> float: ...
    def time(self) -> float: ...
    def sleep(self, seconds: float) -> None: ...
    async def asleep(self, seconds: float) -> None: ...


class Source(Protocol):
    """An answer on its way.

    `read` returns the next chunks, or None at the end, and must give up with ProviderTimeout after `left` seconds.
    `head` is the answer without its parts (finish, usage, model, provider, raw) and is complete after the end.
    `close` may be called at any time, from another thread too, and more than once.
    """

    def read(self, left: float | None) -> list[Chunk] | None: ...
    async def aread(self, left: float | None) -> list[Chunk] | None: ...
    def close(self) -> None: ...
    async def aclose(self) -> None: ...
    def head(self) -> Response: ...


class Transport(Protocol):
    """Sends a request to the target that `request.model` names, and nothing else."""

    def open(self, request: Request, *, stream: bool, left: float | None) -> Source: ...
    async def aopen(self, request: Request, *, stream: bool, left: float | None) -> Source: ...


@dataclass(frozen=True, slots=True, repr=False)
class Question:
    """What a person is asked to decide.

    Attributes:
        control: the control that asks; `reason`: why, without content; `triggers`: which triggers fired.
        digest: of the action, over resolved values; an approval holds for this digest only.
        request, response: what the model was asked, and its answer; None when the request itself is asked about.
    """

    control: str
    reason: str
    digest: str
    request: Request
    response: Response | None
    triggers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """What a person decided. A no never comes as an Answer: it is an ApprovalDenied."""

    kind: Literal["approved", "edited", "answered"]
    by: str = ""
    response: Response | None = None  # for edited and answered


class Reviewer(Protocol):
    """Asks a person. Raises ApprovalDenied when the answer is no, or comes too late."""

    def ask(self, context: Context, question: Question) -> Answer | None:
        """The answer, or None while it is open. Sets `context.ticket`. The same call asking again finds its ticket."""
        ...

    def park(self, context: Context, checkpoint: Mapping[str, Any]) -> Any:
        """Keep what is needed to go on later, encrypted; returns the ticket."""
        ...


@dataclass(frozen=True, slots=True)
class Detection:
    """A span of personal data in a text: `text[start:end]`, its entity (`EMAIL`) and a score in 0..1."""

    start: int
    end: int
    entity: str
    score: float = 1.0


class Detector(Protocol):
    """Finds personal data. Pure and thread-safe; never returns overlapping spans of the same entity."""

    name: str

    @property
    def entities(self) -> frozenset[str]:
        """What it can really find, probed and not merely claimed."""
        ...

    def find(self, text: str) -> list[Detection]: ...


class Vault(Protocol):
    """Keeps which token stands for which value, per tenant and conversation. Raises StateError when it cannot."""

    blocking: bool  # True: calls wait for the world, and async drivers run them in a thread

    def mint(
        self, tenant: str, conversation: str, values: Sequence[tuple[str, str]], *, subject: str | None = None
    ) -> list[str]:
        """The tokens for `(entity, value)` pairs, in order; the same value always gets the same token.

        `subject`: whose data new values are, so that their erasure finds them.
        """
        ...

    def known(self, tenant: str, conversation: str) -> Mapping[str, tuple[str, str]]:
        """token -> (entity, value), everything this conversation knows."""
        ...

    def forget(self, tenant: str, conversation: str) -> int:
        """Destroy what a conversation knows; returns how many values."""
        ...


class KeyProvider(Protocol):
    """Where the keys of a durable state come from. They never lie beside it. All keys are 32 bytes.

    Keys that wrap data keys have epochs: when the old one is destroyed, backups made under it cannot be read any more.
    Raises StateError when a key cannot be had.
    """

    def names(self) -> bytes:
        """The key for digests that name rows; it is the same for the life of the state."""
        ...

    def current(self) -> int:
        """The newest epoch, 1 or more."""
        ...

    def key(self, epoch: int) -> bytes:
        """The key that wraps the data keys of an epoch."""
        ...


@runtime_checkable
class RotatingKeys(KeyProvider, Protocol):
    """A key source that can make and destroy epochs itself."""

    def advance(self) -> int:
        """Make a new epoch; returns its number."""
        ...

    def retire(self, epoch: int) -> None:
        """Destroy an old epoch."""
        ...


class Consents(Protocol):
    """Answers whether a purpose may use this subject's data with this recipient, now."""

    blocking: bool

    def check(self, facts: Facts, recipient: str, jurisdiction: str, now: float) -> str | None:
        """None when it may; else the reason why not, without content."""
        ...


class Ledger(Protocol):
    """The decision log. An intent is accepted before the first byte leaves, an outcome closes it."""

    blocking: bool

    def intend(self, record: Mapping[str, Any]) -> str: ...
    def conclude(self, entry: str, record: Mapping[str, Any]) -> Any:
        """Close an intent; returns a receipt, or None when the log gives none."""
        ...


class Certificates(Protocol):
    """Says whether a valid fitness certificate covers a target for a purpose."""

    blocking: bool

    def valid(self, purpose: str, target: str, now: float) -> bool: ...


class HaltSwitch(Protocol):
    """The kill switch. `reason` is None while calls may run."""

    def reason(self, facts: Facts, target: str | None) -> str | None: ...


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """What is known about the host behind a target. Facts belong to the host; unknown is the strictest.

    Attributes:
        name: of the target, as routes and records show it; `provider`: which codec speaks to it.
        vendor: whose host it is (`openai`, `aws`); empty when it is nobody's that is known.
        boundary: `own` when the data does not leave the organisation's machines, else `external`.
        capabilities: from `tools json_schema images files reasoning stream usage seed embeddings`.
        context_tokens: size of the window, None when unknown.
    """

    name: str
    provider: str
    boundary: Literal["own", "external"] = "external"
    region: str | None = None
    jurisdiction: str | None = None
    retention_days: int | None = None
    capabilities: frozenset[str] = frozenset()
    context_tokens: int | None = None
    dated: bool = False
    price: Any = None
    vendor: str = ""


@dataclass(frozen=True, slots=True)
class Eligibility:
    """One reason why a target may not take a call: the control that says so, and why."""

    control: str
    why: str


class Eligible(Protocol):
    """Asked by the route for each target: consent, residency, fitness, capability each implement it.

    Returns the reasons why not, as values, or as a flow that looks them up.
    """

    def __call__(
        self, context: Context, request: Request, target: TargetFacts
    ) -> Iterable[Eligibility] | Generator[Any, Any, Iterable[Eligibility]]: ...


class Cells(Protocol):
    """Small values by key, each changed by one pure function at a time: breakers, budgets, drift windows, pins."""

    blocking: bool

    def update(self, key: str, change: Callable[[Any], tuple[Any, Any]]) -> Any:
        """Apply `change` to the value of `key` (None at first): it returns the new value and the result handed back."""
        ...


@dataclass(frozen=True, slots=True)
class Price:
    """USD per million tokens."""

    input: float
    output: float
    cached: float | None = None
    source: str = field(default="", compare=False)
