"""What an answer says about itself: finish reason, usage, names, ids, timing. Only values of a known shape stay."""

from __future__ import annotations

import re
from typing import Any

from psf_runtime.providers.openai.differences import Differences
from psf_runtime.types.response import Response
from psf_runtime.types.response_head import NO_USAGE, FinishReason, Usage

_NAME = re.compile(r"[A-Za-z0-9._:/@+\-]{1,200}")
_WORD = re.compile(r"[A-Za-z0-9_.\-]{1,64}")
_HIGHEST_COUNT = 2**53
_TIMINGS = ("cache_n", "prompt_n", "prompt_ms", "predicted_n", "predicted_ms")
_BODY_KEYS = frozenset(
    {"choices", "created", "id", "model", "object", "system_fingerprint", "usage", "timings", "service_tier"}
)


def is_name(value: Any) -> bool:
    """Whether a value looks like a model's name or an id: no blanks, so no sentence passes for one."""
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def count(value: Any) -> int:
    """A token count, 0 when it is none."""
    if isinstance(value, bool) or not isinstance(value, int):
        return 0
    return value if 0 <= value < _HIGHEST_COUNT else 0


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


class Head:
    """Collects it while an answer arrives."""

    __slots__ = ("_differences", "_raw", "_usage", "dropped", "fingerprint", "model", "reason", "refused", "target")

    def __init__(self, differences: Differences, target: str) -> None:
        self._differences = differences
        self._raw: dict[str, Any] = {}
        self._usage = NO_USAGE
        self.target = target
        self.model = ""
        self.fingerprint = ""
        self.reason = ""  # the provider's own word for the end; empty until it came
        self.refused = False
        self.dropped: dict[str, int] = {}

    def drop(self, what: str) -> None:
        """Count a value that belongs to no declared channel."""
        self.dropped[what] = self.dropped.get(what, 0) + 1

    def names(self, body: dict[str, Any]) -> None:
        """The names and ids: taken from the first object that has them."""
        if not self.model and is_name(body.get("model")):
            self.model = body["model"]
        if not self.fingerprint and is_name(body.get("system_fingerprint")):
            self.fingerprint = body["system_fingerprint"]
        for key in ("id", "service_tier"):
            if key not in self._raw and is_name(body.get(key)):
                self._raw[key] = body[key]
        if "created" not in self._raw and count(body.get("created")):
            self._raw["created"] = body["created"]

    def numbers(self, body: dict[str, Any]) -> None:
        """Usage and timing, wherever they come: on their own, on the last chunk, or on every chunk (then the last)."""
        usage = body.get("usage")
        if usage is not None:
            self._usage = usage_from(usage)
        timings = body.get("timings")
        if isinstance(timings, dict):
            known = {key: timings[key] for key in _TIMINGS if _is_number(timings.get(key))}
            self._raw["timings"] = known
        for key in body.keys() - _BODY_KEYS:
            self.drop(key if _WORD.fullmatch(key) else "unknown")

    def finish(self, tools: bool) -> FinishReason:
        """The end in our words. `stop` after tool calls means `tool_calls`; a refusal is one whatever it is called."""
        if self.refused:
            return "refusal"
        reason = self._differences.finish.get(self.reason, "other") if self.reason else "stop"
        return "tool_calls" if tools and reason == "stop" else reason

    def build(self, tools: bool) -> Response:
        """The answer without its parts."""
        raw = dict(self._raw)
        if self.reason and _WORD.fullmatch(self.reason):
            raw["finish_reason"] = self.reason
        if self.dropped:
            raw["dropped"] = dict(self.dropped)
        return Response(
            finish=self.finish(tools),
            usage=self._usage,
            model=self.model,
            model_version=self.fingerprint,
            provider=self.target,
            raw=raw,
        )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
