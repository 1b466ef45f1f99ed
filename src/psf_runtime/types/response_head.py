"""What a response says about itself besides its parts: why it ended and what it used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

FinishReason = Literal["stop", "length", "tool_calls", "content_filter", "refusal", "other"]


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts. `reported` is False when the provider sent none: then the zeros mean "unknown"."""

    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    reported: bool = False

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_tokens + other.cached_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
            self.reported or other.reported,
        )

    def __str__(self) -> str:
        return f"{self.input_tokens}+{self.output_tokens} tokens" if self.reported else "tokens not reported"


NO_USAGE = Usage()
