"""What a mock provider can be told to answer: texts, tool calls, and the faults of real providers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from psf_runtime.errors import ConfigError, ProviderError, ProviderTimeout, StreamInterrupted
from psf_runtime.providers.errors import provider_error
from psf_runtime.providers.mock.near import hint
from psf_runtime.providers.mock.quirks import Quirk, quirk_named
from psf_runtime.types.response_head import FinishReason

# A reply is a str, a list of str (each one delta), call(...), fault..., a dict or a model instance (sent as JSON),
# a Path (the text of that file), Reasoning(...), an exception to raise, a list that mixes these, or a function of the
# request that returns one.
Reply = Any


@dataclass(frozen=True, slots=True, repr=False)
class CallReply:
    """A tool call that the model makes. Write it as `call("pay_out", amount=40)`."""

    name: str
    arguments: Mapping[str, Any]

    def __repr__(self) -> str:
        return f"call({self.name!r}, {len(self.arguments)} arguments)"


def call(name: str, /, **arguments: Any) -> CallReply:
    """A reply in which the model asks for the tool `name` with these arguments (anything that JSON can hold)."""
    return CallReply(name, arguments)


@dataclass(frozen=True, slots=True)
class ErrorFault:
    """The provider fails here: before the answer when it stands first, else in the middle of it.

    `after` counts the deltas of the answer that still arrive; None means: all that stand before the fault.
    """

    name: str
    make: Callable[[], ProviderError]
    after: int | None = None
    at_once: bool = False  # the provider answers with an error status, so there is no stream at all
    seconds: float = 0.0  # how long it takes until the error comes
    status: int | None = None  # of the answer, where there is one
    retry_after: float | None = None  # seconds that the provider asks its caller to wait


@dataclass(frozen=True, slots=True)
class StallFault:
    """The provider stops sending and keeps the connection open."""

    name: str = "stall"
    after: int | None = None


@dataclass(frozen=True, slots=True)
class MarkFault:
    """The answer is complete but says something unusual about itself, or takes its time."""

    name: str
    finish: FinishReason | None = None
    usage: bool = True
    pause: float = 0.0  # seconds before each delta
    text: str = "This is the answer of the mock provider."  # when the fault is the whole reply


Fault = ErrorFault | StallFault | MarkFault | Quirk
Ending = ErrorFault | StallFault | Quirk | Exception  # what ends an answer before its time
FaultName = Literal[
    "bad_line", "content_filter", "cut", "empty", "length", "no_usage", "overloaded", "quirk",
    "rate_limit", "refusal", "server_error", "slow", "stall", "timeout",
]  # fmt: skip


def _broken(what: str, why: str, *, cut: bool = False) -> ProviderError:
    """An answer that began with status 200 and went wrong."""
    return (StreamInterrupted if cut else ProviderError)(
        what,
        kind="stream_interrupted" if cut else "bad_response",
        status=200,
        retry_safe=cut,
        why=why,
        change="call again, or add a fallback",
    )


def _bad_line() -> ProviderError:
    return _broken("the provider sent a line that is not JSON", "the stream cannot be read any further")


def _cut() -> ProviderError:
    return _broken("the connection closed before the answer was finished", "the provider stopped sending", cut=True)


def _empty() -> ProviderError:
    return _broken("the provider answered with nothing", "the status was 200 and the body was empty")


def _status(status: int, wait: float | None = None) -> Callable[[], ProviderError]:
    """What a real provider's answer with this status becomes."""
    headers = {} if wait is None else {"retry-after": f"{wait:.3f}"}
    return lambda: provider_error(status, headers)


def _timeout() -> ProviderError:
    return ProviderTimeout("the provider did not answer in time", kind="timeout", retry_safe=True)


class Faults:
    """The ways in which real providers fail, as replies. Write them as `fault.rate_limit(retry_after=2)`.

    Alone, a fault is the whole reply. In a list it happens where it stands: `["Dear ", "Ja", fault.cut()]`.
    """

    def rate_limit(self, *, retry_after: float | None = None) -> ErrorFault:
        """429. `retry_after`: seconds to wait, as the provider would say."""
        return ErrorFault("rate_limit", _status(429, retry_after), at_once=True, status=429, retry_after=retry_after)

    def server_error(self, *, status: int = 500) -> ErrorFault:
        """A 5xx answer."""
        if not 500 <= status <= 599:
            raise ConfigError(
                f"a server error cannot have status {status}", change="give one from 500 to 599, or another fault"
            )
        return ErrorFault("server_error", _status(status), at_once=True, status=status)

    def overloaded(self) -> ErrorFault:
        """503: the provider has no capacity now."""
        return ErrorFault("overloaded", _status(503), at_once=True, status=503)

    def timeout(self, *, seconds: float = 0.0) -> ErrorFault:
        """No answer at all; the attempt gives up after `seconds`, which pass on the provider's clock."""
        return ErrorFault("timeout", _timeout, at_once=True, seconds=seconds)

    def stall(self, *, after: int | None = None) -> StallFault:
        """Silence after so many deltas, until the time that is left is over: then ProviderTimeout."""
        return StallFault("stall", after)

    def cut(self, *, after: int | None = None) -> ErrorFault:
        """The connection closes after so many deltas."""
        return ErrorFault("cut", _cut, after)

    def bad_line(self, *, after: int | None = None) -> ErrorFault:
        """A line that is not JSON after so many deltas."""
        return ErrorFault("bad_line", _bad_line, after)

    def empty(self) -> ErrorFault:
        """Status 200 and not one byte of an answer."""
        return ErrorFault("empty", _empty, 0)

    def no_usage(self) -> MarkFault:
        """A good answer without token counts."""
        return MarkFault("no_usage", usage=False)

    def refusal(self) -> MarkFault:
        """The model declines, in the field made for it; its excuse is not a text of the answer."""
        return MarkFault("refusal", "refusal", text="")

    def content_filter(self) -> MarkFault:
        """The vendor's filter ended the answer."""
        return MarkFault("content_filter", "content_filter", text="")

    def length(self) -> MarkFault:
        """The answer stops because the limit of tokens is reached."""
        return MarkFault("length", "length", text="This answer is longer than the lim")

    def slow(self, *, seconds: float = 1.0) -> MarkFault:
        """A good answer that takes its time: so many seconds before each delta, on the provider's clock."""
        if seconds < 0:
            raise ConfigError("seconds of fault.slow cannot be below 0", change="fault.slow(seconds=0.5)")
        return MarkFault("slow", pause=seconds)

    def quirk(self, name: str) -> Quirk:
        """What one kind of server does unlike the others, byte for byte, as `fault.quirk("vllm.reasoning")`.

        The bytes go through the codec for that server, so that what a caller gets is what a caller of the real server
        would get. All names: `psf_runtime.testing.QUIRKS`. Raises ConfigError for a name that is none of them.
        """
        return quirk_named(name)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> NoReturn:
            known = FaultName.__args__
            raise AttributeError(f"there is no fault {name!r}; {hint(name, known)}; known: {', '.join(known)}")


fault = Faults()


def check_chunks(chunks: int | None) -> None:
    """Raises ConfigError for a number of characters per delta that cannot be."""
    if chunks is not None and chunks < 1:
        raise ConfigError("chunks must be at least 1", change="chunks=1 sends one character per delta")
