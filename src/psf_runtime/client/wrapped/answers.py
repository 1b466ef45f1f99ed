"""Answers in the shape that an SDK expects: a completion, or an error that it raises once as its own type."""

from __future__ import annotations

from typing import Any

import orjson

from psf_runtime import errors
from psf_runtime.client.border import crossed
from psf_runtime.errors import ProviderError, PsfError, RoutesExhausted
from psf_runtime.providers.openai.serve import encode_response
from psf_runtime.types.completion import Completion
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


def error_body(error: PsfError) -> bytes:
    """The error object: our public text, which holds no content."""
    code = type(error).__name__
    return orjson.dumps({"error": {"message": str(error), "type": "psf_runtime", "param": None, "code": code}})


def error_event(error: PsfError) -> bytes:
    """The event that ends a stream with an error."""
    return b"data: " + error_body(error) + b"\n\n"


def error_response(module: Any, request: Any, error: PsfError) -> Any:
    """A synthetic response that no SDK asks again."""
    headers = {"content-type": "application/json", "x-should-retry": "false"}
    retry_after = getattr(error, "retry_after", None)
    if retry_after is not None:
        headers["retry-after"] = f"{retry_after:.0f}"
    return module.Response(
        status_of(error),
        headers=headers,
        content=error_body(error),
        request=request,
        extensions={DECISION: error.decision},
    )


def whole_response(module: Any, request: Any, completion: Completion[Any], *, model: str, created: int) -> Any:
    """A chat completion, built from the parts that every guard agreed to."""
    body = encode_response(response_of(completion, model), id=answer_id(completion), created=created)
    headers = {"content-type": "application/json", "x-request-id": completion.decision.call_id}
    return module.Response(
        200, headers=headers, content=body, request=request, extensions={DECISION: completion.decision}
    )


def response_of(completion: Completion[Any], model: str) -> Response:
    """The completion as a response of the model that the SDK asked for."""
    parts: Any = completion.message.parts
    return Response(parts, completion.finish, completion.usage, model)


def answer_id(completion: Completion[Any]) -> str:
    """An id in the vendor's form that leads to the record."""
    return f"chatcmpl-{completion.decision.call_id}"
