"""How a call leaves the flow other than by returning: the engine's own exceptions."""

from __future__ import annotations

import os
from types import TracebackType

from psf_runtime.errors import Blocked, GuardError
from psf_runtime.types.verdict import Block, Escalate, Reask, Reroute, Verdict

_WORDS = {Block: "blocked it", Reask: "asked for another answer", Reroute: "asked for another target"}


class Stopped(Blocked):
    """A verdict on its way outward, to the nearest enclosing strategy that handles it, else to the caller.

    Attributes:
        verdict: the Block, Reask or Reroute; `layer`: who said it.
    """

    def __init__(self, verdict: Verdict, layer: str) -> None:
        reason = _reason(verdict)
        super().__init__(f"the call was stopped: {layer} {_WORDS.get(type(verdict), 'stopped it')}", why=reason)
        self.verdict = verdict
        self.layer = layer
        self.control = layer
        self.findings = tuple(verdict.findings)

    def public(self) -> Blocked:
        """What a caller catches: the same, as a plain Blocked."""
        error = Blocked(self.what, control=self.control, why=self.why, findings=self.findings)
        error.layer = self.layer
        return error

    def __reduce__(self) -> tuple[type[Stopped], tuple[Verdict, str]]:
        return type(self), (self.verdict, self.layer)


def _reason(verdict: Verdict) -> str:
    match verdict:
        case Block(reason=reason) | Escalate(reason=reason):
            return reason
        case Reroute(why=why):
            return why
        case _:
            return ""


class Abort(BaseException):
    """An outer layer's error crossing the strategies inside it.

    A BaseException, so that an inner `except Exception` cannot catch what is not its own; the attempt that owns the
    emission unwraps it.
    """

    def __init__(self, error: BaseException, owner: object) -> None:
        super().__init__()
        self.error = error
        self.owner = owner


def guard_failed(layer: str, hook: str, cause: BaseException) -> GuardError:
    """The error for a guard that raised: names the layer, the hook, the class of the error and where it was raised."""
    where = _innermost(cause.__traceback__)
    return GuardError(
        f"guard {layer!r} failed in {hook} with {type(cause).__name__}; the call was stopped",
        layer=layer,
        hook=hook,
        control=layer,
        why=f"raised at {where}" if where else "",
        change="mend the guard, or declare on_error='allow' if the call may go on without it",
    )


def guard_answered(layer: str, hook: str, answer: object, wanted: str) -> GuardError:
    """The error for a guard that returned something that its hook may not return."""
    return GuardError(
        f"guard {layer!r} returned {type(answer).__name__} from {hook}; the call was stopped",
        layer=layer,
        hook=hook,
        control=layer,
        change=f"return {wanted}",
    )


def guard_timed_out(layer: str, seconds: float) -> GuardError:
    """The error for an offloaded guard that did not come back."""
    return GuardError(
        f"guard {layer!r} did not come back within {seconds:g} s; the call was stopped",
        layer=layer,
        hook="offload",
        control=layer,
        change="make the guard faster, or give it a longer timeout",
    )


def _innermost(trace: TracebackType | None) -> str:
    if trace is None:
        return ""
    while trace.tb_next is not None:
        trace = trace.tb_next
    code = trace.tb_frame.f_code
    return f"{os.path.basename(code.co_filename)}:{trace.tb_lineno} in {code.co_name}"
