"""What follows from a verdict: go on, go on with something else, ask a person, or unwind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import GeneratorType
from typing import Any

from psf_runtime.errors import PsfError
from psf_runtime.flow.effects import Flow, ask
from psf_runtime.flow.outcomes import Stopped, guard_answered, guard_failed
from psf_runtime.flow.protocols import Guard, Session, name_of
from psf_runtime.ports import Question
from psf_runtime.types.canonical import action_digest
from psf_runtime.types.context import Context
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response, normal
from psf_runtime.types.verdict import ALLOW, VERDICTS, Allow, Escalate, Rewrite, Verdict


@dataclass(frozen=True, slots=True)
class Seat:
    """A guard in its frame: what the engine works out about it once, when the client is built."""

    guard: Guard
    name: str
    on_request: bool
    on_chunk: bool
    on_response: bool
    on_close: bool
    may_fail: bool  # on_error="allow"
    holds_all: bool
    open: Callable[[Context], Session]

    @classmethod
    def of(cls, guard: Guard) -> Seat:
        """Look at the session class: hooks that it does not override cost nothing."""
        session = guard.session
        return cls(
            guard=guard,
            name=name_of(guard),
            on_request=session.on_request is not Session.on_request,
            on_chunk=session.on_chunk is not Session.on_chunk or session.on_end is not Session.on_end,
            on_response=session.on_response is not Session.on_response,
            on_close=session.on_close is not Session.on_close,
            may_fail=guard.on_error == "allow",
            holds_all=guard.hold.kind == "all",
            open=guard.open,
        )

    @property
    def idle(self) -> bool:
        """Whether the guard has no hook at all."""
        return not (self.on_request or self.on_chunk or self.on_response or self.on_close)

    def failed(self, context: Context, hook: str, cause: Exception) -> None:
        """Stop the call for a guard that raised, or note it when the guard may fail."""
        if not self.may_fail:
            raise guard_failed(self.name, hook, cause) from cause
        context.note("guard_failed", self.name, hook)


def settle(
    context: Context, seat: Seat, hook: str, verdict: Verdict, request: Request, response: Response | None
) -> Flow[Any]:
    """None to go on unchanged, or the replacement. Raises Stopped for what unwinds."""
    if verdict.findings:
        context.findings.extend(verdict.findings)
    match verdict:
        case Allow():
            return None
        case Rewrite(value=value):
            return normal(value) if type(value) is Response else value
        case Escalate():
            return (yield from _escalate(seat, hook, verdict, request, response))
        case _:
            raise Stopped(verdict, seat.name)


def _escalate(
    seat: Seat, hook: str, verdict: Escalate, request: Request, response: Response | None
) -> Flow[Response | None]:
    if response is not None and not seat.holds_all:
        raise guard_answered(seat.name, hook, verdict, "Escalate only from a guard with hold=ALL")
    digest = action_digest(seat.name, request, response)
    triggers = tuple(dict.fromkeys(finding.kind for finding in verdict.findings))
    answer = yield from ask(Question(seat.name, verdict.reason, digest, request, response, triggers))
    return None if answer.response is None else normal(answer.response)


def verdict_of(context: Context, seat: Seat, session: Session, response: Response) -> Any:
    """What a guard says about the whole response: its verdict, or the flow of it. ALLOW when it failed and may fail."""
    try:
        return session.on_response(response)
    except PsfError:
        raise
    except Exception as error:
        return _forgive(context, seat, error)


def _forgive(context: Context, seat: Seat, error: Exception) -> Allow:
    """What a guard that raised counts as saying, when it may fail. Raises GuardError when it may not."""
    seat.failed(context, "on_response", error)
    return ALLOW


def respond(context: Context, seat: Seat, session: Session, request: Request, response: Response) -> Flow[Response]:
    """Ask a guard about the whole response, and settle its verdict."""
    verdict = verdict_of(context, seat, session, response)
    if verdict is ALLOW:
        return response
    return (yield from decide(context, seat, request, response, verdict))


def decide(context: Context, seat: Seat, request: Request, response: Response, verdict: Any) -> Flow[Response]:
    """What follows from a verdict on the whole response, or from the flow of it."""
    if type(verdict) is GeneratorType:
        try:
            verdict = yield from verdict
        except PsfError:
            raise
        except Exception as error:
            verdict = _forgive(context, seat, error)
    if type(verdict) is Allow and not verdict.findings:
        return response
    if type(verdict) not in VERDICTS:
        raise guard_answered(seat.name, "on_response", verdict, "a verdict: Allow() Rewrite(...) Block(...) ...")
    if type(verdict) is Rewrite and not seat.holds_all:
        raise guard_answered(seat.name, "on_response", verdict, "Rewrite only from a guard with hold=ALL")
    replacement = yield from settle(context, seat, "on_response", verdict, request, response)
    if replacement is None:
        return response
    if type(replacement) is not Response:
        raise guard_answered(seat.name, "on_response", replacement, "Rewrite(response)")
    return replacement
