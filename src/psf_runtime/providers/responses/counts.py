"""Names, ids, usage and the end of an answer, as a response object carries them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psf_runtime.providers.dialect.head import Head, count
from psf_runtime.types.response_head import NO_USAGE, FinishReason, Usage

FINISH: Mapping[str, FinishReason] = {
    "completed": "stop",
    "content_filter": "content_filter",
    "incomplete": "other",
    "max_output_tokens": "length",
    "max_tokens": "length",
}

_LATEST = 2**53
# What an answer repeats of its request, or says in a place that is read elsewhere: known, and not kept.
_KNOWN = frozenset(
    {
        "background",
        "completed_at",
        "conversation",
        "created_at",
        "error",
        "frequency_penalty",
        "id",
        "incomplete_details",
        "instructions",
        "max_output_tokens",
        "max_tool_calls",
        "metadata",
        "model",
        "object",
        "output",
        "parallel_tool_calls",
        "presence_penalty",
        "previous_response_id",
        "prompt_cache_key",
        "prompt_cache_retention",
        "reasoning",
        "safety_identifier",
        "service_tier",
        "status",
        "store",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "truncation",
        "usage",
        "user",
    }
)


def usage_from(value: Any) -> Usage:
    """Token counts as the provider reported them."""
    if not isinstance(value, dict):
        return NO_USAGE
    asked = value.get("input_tokens_details")
    answered = value.get("output_tokens_details")
    return Usage(
        input_tokens=count(value.get("input_tokens")),
        output_tokens=count(value.get("output_tokens")),
        cached_tokens=count(asked.get("cached_tokens")) if isinstance(asked, dict) else 0,
        reasoning_tokens=count(answered.get("reasoning_tokens")) if isinstance(answered, dict) else 0,
        reported=True,
    )


def note_names(head: Head, response: dict[str, Any]) -> None:
    """The names and ids: taken from the first object that has them."""
    head.name(response.get("model"))
    head.keep("id", response.get("id"))
    head.keep("service_tier", response.get("service_tier"))
    created = response.get("created_at")
    # Some servers send seconds with a fraction. A number without end is no time.
    if "created" not in head.raw and isinstance(created, int | float) and 0 < created < _LATEST:
        head.raw["created"] = int(created)


def note_end(head: Head, response: dict[str, Any], status: str) -> None:
    """Usage, and why the answer ended: a reason to call it incomplete counts whatever the status says."""
    if response.get("usage") is not None:
        head.usage = usage_from(response["usage"])
    head.reason = status
    details = response.get("incomplete_details")
    reason = details.get("reason") if isinstance(details, dict) else None
    if isinstance(reason, str) and FINISH.get(reason, "stop") != "stop":
        head.reason = reason
    head.drop_unknown({key: value for key, value in response.items() if value}, _KNOWN)
