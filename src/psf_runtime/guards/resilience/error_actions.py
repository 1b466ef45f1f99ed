"""What may be done after each kind of provider error. The table is data: read it, it is the behaviour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal


@dataclass(frozen=True, slots=True)
class Action:
    """What one kind of error allows.

    Attributes:
        retry: the same target may be asked again.
        fallback: another target may be asked: `yes`, `no`, or only one with a `larger_window`.
        breaker: `count` as a failure of the target, `cool` it as long as it asks for, or `neutral`.
    """

    retry: bool
    fallback: Literal["yes", "no", "larger_window"]
    breaker: Literal["count", "cool", "neutral"]


_WORLD_FAILED = Action(retry=True, fallback="yes", breaker="count")
_OUR_ACCOUNT = Action(retry=False, fallback="yes", breaker="neutral")
_STOP = Action(retry=False, fallback="no", breaker="neutral")

ERROR_ACTIONS: Mapping[str, Action] = MappingProxyType(
    {
        "connection": _WORLD_FAILED,
        "timeout": _WORLD_FAILED,
        "server_error": _WORLD_FAILED,
        "overloaded": _WORLD_FAILED,
        "bad_response": _WORLD_FAILED,
        "stream_interrupted": _WORLD_FAILED,
        "rate_limited": Action(retry=True, fallback="yes", breaker="cool"),
        "quota_exhausted": _OUR_ACCOUNT,
        "auth": _OUR_ACCOUNT,
        "not_found": _OUR_ACCOUNT,
        "model_retired": _OUR_ACCOUNT,
        "context_length": Action(retry=False, fallback="larger_window", breaker="neutral"),
        # Asking a laxer model what the first one's filter declined would be a way round a safety control.
        "content_filter": _STOP,
        "bad_request": _STOP,
        "deadline_exceeded": _STOP,
    }
)


def action_for(kind: str) -> Action:
    """What an error of this kind allows; a kind that is not in the table allows nothing."""
    return ERROR_ACTIONS.get(kind, _STOP)
