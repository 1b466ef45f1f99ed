"""Names, ids, usage and timing as chat completions carry them."""

from __future__ import annotations

from typing import Any

from psf_runtime.providers.dialect.head import Head, count, is_name
from psf_runtime.types.response_head import NO_USAGE, Usage

_TIMINGS = ("cache_n", "prompt_n", "prompt_ms", "predicted_n", "predicted_ms")
_BODY_KEYS = frozenset(
    {"choices", "created", "id", "model", "object", "system_fingerprint", "usage", "timings", "service_tier"}
)


def usage_from(value: Any) -> Usage:
    """Token counts as the provider reported them."""
    if not isinstance(value, dict):
        return NO_USAGE
    asked = value.get("prompt_tokens_details")
    answered = value.get("completion_tokens_details")
    cached = asked.get("cached_tokens") if isinstance(asked, dict) else value.get("prompt_cache_hit_tokens")
    thought = answered.get("reasoning_tokens") if isinstance(answered, dict) else None
    return Usage(
        input_tokens=count(value.get("prompt_tokens")),
        output_tokens=count(value.get("completion_tokens")),
        cached_tokens=count(cached),
        reasoning_tokens=count(thought),
        reported=True,
    )


def note_names(head: Head, body: dict[str, Any]) -> None:
    """The names and ids: taken from the first object that has them."""
    head.name(body.get("model"))
    if not head.fingerprint and is_name(body.get("system_fingerprint")):
        head.fingerprint = body["system_fingerprint"]
    head.keep("id", body.get("id"))
    head.keep("service_tier", body.get("service_tier"))
    if "created" not in head.raw and count(body.get("created")):
        head.raw["created"] = body["created"]


def note_numbers(head: Head, body: dict[str, Any]) -> None:
    """Usage and timing, wherever they come: on their own, on the last chunk, or on every chunk (then the last)."""
    usage = body.get("usage")
    if usage is not None:
        head.usage = usage_from(usage)
    timings = body.get("timings")
    if isinstance(timings, dict):
        head.raw["timings"] = {key: timings[key] for key in _TIMINGS if _is_number(timings.get(key))}
    head.drop_unknown(body, _BODY_KEYS)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
