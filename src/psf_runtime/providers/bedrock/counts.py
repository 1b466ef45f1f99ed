"""Usage, timing and names as Converse carries them."""

from __future__ import annotations

from typing import Any

from psf_runtime.providers.dialect.head import Head, count
from psf_runtime.types.response_head import NO_USAGE, Usage


def usage_from(value: Any) -> Usage:
    """Token counts as the service reported them.

    Its `inputTokens` leave out what was read from or written to a cache; ours are all the input.
    """
    if not isinstance(value, dict):
        return NO_USAGE
    read = count(value.get("cacheReadInputTokens"))
    written = count(value.get("cacheWriteInputTokens"))
    return Usage(
        input_tokens=count(value.get("inputTokens")) + read + written,
        output_tokens=count(value.get("outputTokens")),
        cached_tokens=read,
        reported=True,
    )


def note_end(head: Head, body: dict[str, Any]) -> None:
    """What stands beside an answer: usage, time, tier. A trace repeats content: only a router's choice stays."""
    if body.get("usage") is not None:
        head.usage = usage_from(body["usage"])
    metrics = body.get("metrics")
    if isinstance(metrics, dict) and count(metrics.get("latencyMs")):
        head.raw["latency_ms"] = metrics["latencyMs"]
    for field, member, key in (("serviceTier", "type", "service_tier"), ("performanceConfig", "latency", "latency")):
        value = body.get(field)
        if isinstance(value, dict):
            head.keep(key, value.get(member))
    trace = body.get("trace")
    if isinstance(trace, dict):
        router = trace.get("promptRouter")
        if isinstance(router, dict):
            head.name(router.get("invokedModelId"))
        if trace.keys() - {"promptRouter"}:
            head.drop("trace")
