"""The border: where an internal outcome becomes the public exception.

An exception that crosses it is made fresh: no cause, no context, no inner frames. What happened inside, with its
locals full of prompts, stays inside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from psf_runtime.client.result import Result
from psf_runtime.errors import Blocked, GuardError, PsfError, RoutesExhausted
from psf_runtime.flow.outcomes import Stopped, guard_failed
from psf_runtime.types.decision import Decision
from psf_runtime.types.rules import Purpose


def public_error(
    error: BaseException,
    *,
    call_id: str,
    decision: Decision | None,
    source_of: Callable[[str], str],
    purpose: Purpose | None,
) -> PsfError:
    """What the caller catches for `error`."""
    known = _known(error)
    if known.control and not known.source:
        known.source = source_of(known.control)
    known.call_id = call_id
    known.decision = decision
    if isinstance(known, Blocked) and purpose is not None and purpose.safe_message:
        known.safe_message = purpose.safe_message
    return known


def _known(error: BaseException) -> PsfError:
    """The error as one of ours, fresh; a bug of ours is named by class and place, never by its text."""
    if isinstance(error, Stopped):
        return error.public()
    if isinstance(error, RoutesExhausted):
        twin = RoutesExhausted(error.what, [_known(inner) for inner in error.exceptions])
        vars(twin).update({name: value for name, value in vars(error).items() if name != "__notes__"})
        return twin
    if isinstance(error, PsfError):
        return error.fresh()
    failed = guard_failed("psf_runtime", "engine", error)
    return GuardError(failed.what, layer="psf_runtime", hook="engine", why=failed.why, change="please report this")


def crossed(work: Callable[[], Any]) -> Result:
    """The outcome of work that belongs to no call (building a client, deciding a ticket), its error made public."""
    try:
        return Result(work())
    except Exception as error:
        return Result(error=public_error(error, call_id="", decision=None, source_of=lambda _: "", purpose=None))


def bare(error: BaseException) -> BaseException:
    """A cancellation, or a key pressed, without the inner frames and errors it has come through."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


def decision_of(error: BaseException) -> Decision | None:
    """The decision behind an exception, ours or an SDK's, or None when it has nothing to do with us."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        decision = getattr(current, "decision", None)
        if isinstance(decision, Decision):
            return decision
        for name in ("response", "request"):  # an SDK's error in mid-stream has the request only
            decision = _carried(current, name)
            if decision is not None:
                return decision
        current = current.__cause__ or current.__context__
    return None


def _carried(error: BaseException, name: str) -> Decision | None:
    """The decision that rides on an HTTP response or request of an error."""
    try:
        extensions = getattr(getattr(error, name, None), "extensions", None)
    except RuntimeError:  # httpx raises it for an error that has no request
        return None
    found = extensions.get("psf_runtime.decision") if isinstance(extensions, Mapping) else None
    return found if isinstance(found, Decision) else None
