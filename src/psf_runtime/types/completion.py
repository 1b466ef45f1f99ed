"""What `complete` returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Generic, TypeVar

from psf_runtime.types.decision import Decision
from psf_runtime.types.messages import Message, ToolCall
from psf_runtime.types.response_head import FinishReason, Usage

T = TypeVar("T")
_UNSET: Any = ...  # no JSON value, and itself again after pickle and copy


@dataclass(frozen=True, slots=True, repr=False)
class Completion(Generic[T]):
    """An answer, with every guard's consent.

    Attributes:
        text: the answer's text, personal data restored; `message` is the turn to append to your list.
        tool_calls: what the model asks you to run: `.id .name .arguments` (a dict, restored, valid).
        finish: `stop`, `length` or `tool_calls`.
        usage: tokens of all attempts; `cost`: USD, None when a price is unknown.
        model: what answered; `degraded`: True when it was a fallback or a safe value.
        decision: what the log keeps; `receipt`: proof of the log entry, None in memory.
        raw: the provider's ids, status and timing. The body is not in it: what no guard has seen does not reach you.
    """

    text: str
    message: Message
    finish: FinishReason
    usage: Usage
    model: str
    decision: Decision
    cost: Decimal | None = None
    degraded: bool = False
    receipt: Any = None
    raw: Mapping[str, Any] = field(default_factory=dict)
    parsed: Any = _UNSET

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The tool calls, in order."""
        return self.message.tool_calls

    @property
    def value(self) -> T:
        """The answer as the type you asked for; without `output=`, the text.

        Raises ValueError while tool calls are open: run the tools, append their results, ask again.
        """
        if self.parsed is not _UNSET:
            return self.parsed  # type: ignore[no-any-return]
        if self.tool_calls:
            raise ValueError(
                "there is no value yet: the model asked for tools; append call.result(...) for each and ask again"
            )
        return self.text  # type: ignore[return-value]

    def __repr__(self) -> str:
        return f"Completion({len(self.text)} characters, {len(self.tool_calls)} tool calls, finish={self.finish!r})"
