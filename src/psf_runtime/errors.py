"""Every error that psf_runtime raises.

    PsfError
    ├── ConfigError(ValueError)     your code or settings; nothing was sent
    ├── Blocked                     policy said no
    │   ├── ConsentDenied · NotEligible · ContractViolation · ModelRefused
    │   └── ApprovalDenied · Halted · BudgetExceeded
    ├── ApprovalPending             not a no: a pause
    ├── ProviderError               the world failed
    │   ├── AuthenticationError · RateLimitError · ContextLengthError
    │   ├── ProviderTimeout(TimeoutError) · StreamInterrupted
    │   └── RoutesExhausted(ExceptionGroup)
    ├── GuardError                  a guard crashed; the call stopped
    └── StateError                  vault, consents, tickets or log unreachable, locked, corrupt

A message says what happened, which control and who set it, why, and what to change. It never holds content.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Problem = tuple[str, str, str]  # what is wrong with which setting, and what to change


class PsfError(Exception):
    """The root of all errors here.

    Attributes:
        what: one sentence, no content.
        control: name of the control that spoke (`privacy.consent`), if one did; `source`: who set it (`psf.toml:5`).
        why, change: the reason, and what to change.
        failure_mode: id in the failure-mode catalogue (`psf explain FM07`).
        call_id: of the call, once there is one.
        decision: what the log keeps of the call, once there is one.
    """

    failure_mode = ""

    def __init__(
        self,
        what: str = "",
        *,
        control: str = "",
        source: str = "",
        why: str = "",
        change: str = "",
        failure_mode: str = "",
    ) -> None:
        super().__init__(what)
        self.what = what
        self.control = control
        self.source = source
        self.why = why
        self.change = change
        self.failure_mode = failure_mode or type(self).failure_mode
        self.call_id = ""
        self.decision: Any = None
        self.layer = ""

    def rows(self) -> list[tuple[str, str]]:
        """The labelled lines below the first sentence."""
        control = self.control
        if control and self.source:
            control = f"{control}, enforced by {self.source}"
        rows = [("control", control), ("why", self.why), ("change", self.change)]
        return [(label, text) for label, text in rows if text]

    def __str__(self) -> str:
        lines = [self.what] + [f"  {label:<7}  {text}" for label, text in self.rows()]
        tail = " ".join(part for part in (self.failure_mode, f"call {self.call_id}" if self.call_id else "") if part)
        if tail:
            lines[-1] = f"{lines[-1]}  {tail}" if len(lines) == 1 else f"{lines[-1]}       {tail}"
        return "\n".join(lines)

    def fresh(self) -> PsfError:
        """A new exception that says the same, without cause, context, frames or notes: what may cross the border."""
        cls = type(self)
        twin = cls.__new__(cls, *self.args)
        twin.args = self.args
        twin.__dict__.update({key: value for key, value in self.__dict__.items() if key != "__notes__"})
        return twin

    def __reduce__(self) -> Any:
        return _rebuild, (type(self), self.args, {k: v for k, v in self.__dict__.items() if k != "__notes__"})


def _rebuild(cls: type[PsfError], args: tuple[Any, ...], state: dict[str, Any]) -> PsfError:
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class ConfigError(PsfError, ValueError):
    """Your code or your settings: nothing was sent. `problems` lists everything that is wrong, not only the first."""

    failure_mode = ""

    def __init__(self, what: str = "", *, problems: Sequence[Problem] = (), **rest: Any) -> None:
        super().__init__(what, **rest)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        text = super().__str__()
        if not self.problems:
            return text
        width = max(len(name) for name, _, _ in self.problems)
        wide = max(len(wrong) for _, wrong, _ in self.problems)
        rows = [f"  {name:<{width}}   {wrong:<{wide}}   change: {change}" for name, wrong, change in self.problems]
        return "\n".join([text, *rows])


class Blocked(PsfError):
    """The policy said no.

    Attributes:
        domain: slug of the domain whose control said no.
        findings: the evidence, without content.
        safe_message: what the purpose's owner wrote for the end user, or a neutral sentence.
        target: name of the one target it is about, if it is about one.
    """

    def __init__(self, what: str = "", *, findings: Sequence[Any] = (), target: str = "", **rest: Any) -> None:
        super().__init__(what, **rest)
        self.findings = tuple(findings)
        self.target = target
        self.safe_message = "This request cannot be answered."

    @property
    def domain(self) -> str:
        """The domain of the control, from its name; empty for a guard of your own."""
        head, dot, _ = self.control.partition(".")
        return head if dot else ""


class ConsentDenied(Blocked):
    """No lawful basis, or no valid consent, for this purpose, subject and recipient."""

    failure_mode = "FM07"


class NotEligible(Blocked):
    """No target may take this call."""

    failure_mode = "FM26"


class ContractViolation(Blocked):
    """The answer does not fit the contract. `errors` holds (path, kind) pairs, never values."""

    failure_mode = "FM16"

    def __init__(self, what: str = "", *, errors: Sequence[tuple[str, str]] = (), **rest: Any) -> None:
        super().__init__(what, **rest)
        self.errors = tuple(errors)


class ModelRefused(Blocked):
    """The model, or its vendor's filter, declined to answer, and said so."""

    failure_mode = "FM17"


class ApprovalDenied(Blocked):
    """A person said no, or the ticket ended: `reason_code` is `rejected`, `expired`, `superseded`, `already_consumed`,
    `not_requester`, `action_digest_mismatch` or `unknown`."""

    failure_mode = "FM28"

    def __init__(self, what: str = "", *, reason_code: str = "rejected", ticket: Any = None, **rest: Any) -> None:
        super().__init__(what, **rest)
        self.reason_code = reason_code
        self.ticket = ticket


class Halted(Blocked):
    """The kill switch is on."""

    failure_mode = "FM34"


class BudgetExceeded(Blocked):
    """The budget of the purpose or the call is used up. `retry_after`: seconds until it is filled again, if known."""

    failure_mode = "FM15"

    def __init__(self, what: str = "", *, retry_after: float | None = None, **rest: Any) -> None:
        super().__init__(what, **rest)
        self.retry_after = retry_after


class ApprovalPending(PsfError):
    """Not a no: a person has to decide first. `ticket` says which; call `client.resume(ticket)` later."""

    def __init__(self, what: str = "", *, ticket: Any = None, **rest: Any) -> None:
        super().__init__(what, **rest)
        self.ticket = ticket


class ProviderError(PsfError):
    """The provider, or the way to it, failed.

    Attributes:
        kind: one of a closed set: `connection timeout server_error overloaded rate_limited quota_exhausted auth
            not_found model_retired context_length content_filter bad_request bad_response stream_interrupted
            deadline_exceeded`; the last one is the call's own time, used up.
        target: name of the target.
        status: HTTP status, if there was one.
        retry_safe: whether the same call may be sent again; None when it cannot be known.
        retry_after: seconds the provider asked us to wait.
    """

    failure_mode = "FM22"

    def __init__(
        self,
        what: str = "",
        *,
        kind: str = "server_error",
        target: str = "",
        status: int | None = None,
        retry_safe: bool | None = None,
        retry_after: float | None = None,
        **rest: Any,
    ) -> None:
        super().__init__(what, **rest)
        self.kind = kind
        self.target = target
        self.status = status
        self.retry_safe = retry_safe
        self.retry_after = retry_after


class AuthenticationError(ProviderError):
    """The provider did not accept the key."""


class RateLimitError(ProviderError):
    """Too many calls, or a used-up quota (`kind == "quota_exhausted"`: waiting does not help)."""

    failure_mode = "FM23"


class ContextLengthError(ProviderError):
    """The request is longer than the model's window."""


class ProviderTimeout(ProviderError, TimeoutError):
    """No answer in time: a phase of one attempt, or the deadline of the whole call."""

    failure_mode = "FM24"


class StreamInterrupted(ProviderError):
    """The stream ended before the provider said it was finished."""

    failure_mode = "FM25"


class RoutesExhausted(ProviderError, ExceptionGroup[Exception]):
    """Every target failed or was not eligible. `.exceptions` holds one error per target."""

    def __new__(cls, what: str = "", exceptions: Sequence[Exception] = (), **_rest: Any) -> RoutesExhausted:
        """An exception group is made in one step."""
        return ExceptionGroup.__new__(cls, what, list(exceptions) or [ProviderError("no target was tried")])

    def __init__(self, what: str = "", exceptions: Sequence[Exception] = (), **rest: Any) -> None:
        super().__init__(what, **rest)
        self.args = (what, list(self.exceptions))  # what a copy, fresh or pickled, is made of

    def derive(self, excs: Sequence[Exception]) -> RoutesExhausted:  # type: ignore[override]
        """A group of the same kind over other errors; used by `except*`."""
        return RoutesExhausted(self.what, excs, kind=self.kind)

    def rows(self) -> list[tuple[str, str]]:
        """One line per target."""
        return [
            (getattr(e, "target", "") or "-", f"{type(e).__name__}: {getattr(e, 'what', '')}") for e in self.exceptions
        ]


class GuardError(PsfError):
    """A guard crashed or hung; the call stopped. Names the layer, the hook and the class of the error, not its text."""

    failure_mode = "FM27"

    def __init__(self, what: str = "", *, layer: str = "", hook: str = "", **rest: Any) -> None:
        super().__init__(what, **rest)
        self.layer = layer
        self.hook = hook


class StateError(PsfError):
    """A store is unreachable, locked or corrupt: nothing was sent, or nothing was delivered."""

    failure_mode = "FM30"


class TapeDiverged(StateError):
    """Replaying a recorded call asked for something else than what the tape holds: the layers changed."""

    failure_mode = "FM31"
