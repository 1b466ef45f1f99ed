"""Answers in the shape that an SDK expects: a completion, or an error that it raises once as its own type."""

from __future__ import annotations

import time
from typing import Any

from psf_runtime import errors
from psf_runtime.client.border import crossed
from psf_runtime.client.wrapped.choices import joined
from psf_runtime.client.wrapped.dialects import CHAT, CONVERSE, Dialect, aws_name
from psf_runtime.client.wrapped.gateway import Asked
from psf_runtime.errors import ProviderError, PsfError, RoutesExhausted
from psf_runtime.types.completion import Completion
from psf_runtime.types.embeddings import Embeddings
from psf_runtime.types.messages import Reasoning
from psf_runtime.types.response import Response

DECISION = "psf_runtime.decision"  # key in `response.extensions`; `decision_of` looks there
_STATUS: tuple[tuple[type[PsfError], int], ...] = (
    (errors.BudgetExceeded, 429),
    (errors.Halted, 503),
    (errors.Blocked, 403),
    (errors.ApprovalPending, 409),
    (errors.StateError, 503),
    (errors.GuardError, 503),
    (errors.ConfigError, 400),
    (errors.ProviderTimeout, 504),
)


def public(error: Exception) -> PsfError:
    """The error as one of ours; a bug of ours is named by class and place, never by its text."""
    if isinstance(error, PsfError):
        return error

    def again() -> None:
        raise error

    return crossed(again).error or PsfError("the call failed")


def status_of(error: PsfError) -> int:
    """The HTTP status that makes an SDK raise the fitting type of its own."""
    if isinstance(error, RoutesExhausted):
        failed = [inner for inner in error.exceptions if isinstance(inner, ProviderError)]
        return status_of(failed[0]) if failed else 502
    for kind, status in _STATUS:
        if isinstance(error, kind):
            return status
    if isinstance(error, ProviderError) and error.status is not None and error.status >= 400:
        return error.status
    return 502


def error_response(module: Any, request: Any, error: PsfError, dialect: Dialect | None) -> Any:
    """A synthetic response that no SDK asks again. Its body is our public text, which holds no content."""
    status = status_of(error)
    spoken = dialect or CHAT
    headers = {"content-type": "application/json", "x-should-retry": "false"}
    if spoken is CONVERSE:
        headers["x-amzn-errortype"] = aws_name(status)
    retry_after = getattr(error, "retry_after", None)
    if retry_after is not None:
        headers["retry-after"] = f"{retry_after:.0f}"
    return module.Response(
        status,
        headers=headers,
        content=spoken.error(error, status),
        request=request,
        extensions={DECISION: error.decision},
    )


def whole_response(module: Any, request: Any, asked: Asked, outcomes: list[Any]) -> Any:
    """An answer in one piece, built from the parts that every guard agreed to. One outcome for each choice."""
    decision = outcomes[-1].decision
    headers = {"content-type": "application/json", "x-request-id": decision.call_id}
    body = joined([whole_body(asked, outcome) for outcome in outcomes])
    return module.Response(200, headers=headers, content=body, request=request, extensions={DECISION: decision})


def whole_body(asked: Asked, outcome: Completion[Any] | Embeddings) -> bytes:
    """The body of an answer in one piece."""
    codec: Any = asked.codec
    if isinstance(outcome, Embeddings):
        vectors = Response(usage=outcome.usage, model=asked.model, vectors=outcome.vectors)
        encoding = "base64" if asked.base64 else "float"
        body: bytes = codec.encode_response(vectors, id="", created=0, encoding=encoding)
        return body
    answer = response_of(outcome, asked)
    shown = asked.dialect is not CHAT  # its shape has no place for what the model thought
    made: bytes = codec.encode_response(
        answer, id=answer_id(asked.dialect, outcome.decision.call_id), created=int(time.time()), reasoning=shown
    )
    return made


def response_of(completion: Completion[Any], asked: Asked) -> Response:
    """The completion as a response of the model that the SDK asked for.

    Where a vendor signed what it thought, the first part holds the handle for it. Converse has a place for it there;
    in the other dialects it goes last.
    """
    parts: Any = completion.message.parts
    first = parts[0] if parts else None
    handle = first.signature if isinstance(first, Reasoning) else ""
    if handle and asked.dialect is not CONVERSE:
        parts = parts[1:]
    return Response(parts, completion.finish, completion.usage, asked.model, handle=handle)


def answer_id(dialect: Dialect, call_id: str) -> str:
    """An id in the vendor's form that leads to the record."""
    return f"{dialect.prefix}{call_id}"
