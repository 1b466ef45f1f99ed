"""Names, ids and usage as this dialect carries them."""

from __future__ import annotations

from typing import Any

from psf_runtime.providers.dialect.head import Head, count
from psf_runtime.types.response_head import Usage

_MESSAGE = frozenset({"content", "id", "model", "role", "stop_reason", "stop_sequence", "type", "usage"})
_DELTA = frozenset({"stop_reason", "stop_sequence"})
_COUNTS = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens")


class Counts:
    """Token counts while an answer arrives. What comes later is the sum so far, not one more portion."""

    __slots__ = ("_seen", "_thought")

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}
        self._thought = 0

    def note(self, head: Head, usage: Any) -> None:
        """Take over the counts in `usage`; a count that is missing keeps its earlier value."""
        if not isinstance(usage, dict):
            return
        for name in _COUNTS:
            if usage.get(name) is not None:
                self._seen[name] = count(usage[name])
        details = usage.get("output_tokens_details")
        if isinstance(details, dict):
            self._thought = count(details.get("thinking_tokens"))
        head.keep("service_tier", usage.get("service_tier"))
        written = self._seen.get("cache_creation_input_tokens", 0)
        if written:
            head.raw["cache_creation_tokens"] = written
        head.usage = self._total()

    def _total(self) -> Usage:
        """On this wire `input_tokens` leaves out what was read from the cache or written to it; ours does not."""
        seen = self._seen
        cached = seen.get("cache_read_input_tokens", 0)
        return Usage(
            input_tokens=seen.get("input_tokens", 0) + cached + seen.get("cache_creation_input_tokens", 0),
            output_tokens=seen.get("output_tokens", 0),
            cached_tokens=cached,
            reasoning_tokens=self._thought,
            reported="input_tokens" in seen,  # a stream that lost its beginning never says it
        )


def note_message(head: Head, message: dict[str, Any]) -> None:
    """The names and the end in a message object."""
    head.name(message.get("model"))
    head.keep("id", message.get("id"))
    note_end(head, message)
    head.drop_unknown({key: value for key, value in message.items() if value is not None}, _MESSAGE)


def note_delta(head: Head, delta: dict[str, Any]) -> None:
    """The end in a `message_delta`."""
    note_end(head, delta)
    head.drop_unknown({key: value for key, value in delta.items() if value is not None}, _DELTA)


def note_end(head: Head, holder: dict[str, Any]) -> None:
    """The stop reason. Which stop text was met repeats the request: it is dropped."""
    reason = holder.get("stop_reason")
    if isinstance(reason, str) and reason:
        head.reason = reason
    if holder.get("stop_sequence") is not None:
        head.drop("stop_sequence")
