"""The pieces of an answer while it streams.

Only text, reasoning and tool deltas travel through the guards (`Chunk`); usage and finish ride on the Response
and are appended for the caller after every verdict. Slots without frozen: a chunk is made per token, and a frozen
dataclass costs twice as much to build.
"""

from __future__ import annotations

from dataclasses import dataclass

from psf_runtime.types.response_head import FinishReason, Usage


@dataclass(slots=True, repr=False)
class TextDelta:
    """A piece of the answer's text."""

    text: str

    def __repr__(self) -> str:
        return f"TextDelta({len(self.text)} characters)"


@dataclass(slots=True, repr=False)
class ReasoningDelta:
    """A piece of what the model thought."""

    text: str

    def __repr__(self) -> str:
        return f"ReasoningDelta({len(self.text)} characters)"


@dataclass(slots=True, repr=False)
class ToolCallDelta:
    """A piece of a tool call: `arguments` is JSON text, cut anywhere; `id` and `name` come with the first piece."""

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""

    def __repr__(self) -> str:
        return f"ToolCallDelta({self.index}, {self.name!r}, {len(self.arguments)} characters)"


@dataclass(slots=True)
class UsageDelta:
    """The token counts of the call, all attempts."""

    usage: Usage


@dataclass(slots=True)
class Finish:
    """The end of the stream: after this every guard has agreed."""

    reason: FinishReason


@dataclass(slots=True)
class Restart:
    """What was delivered so far is void: another target begins anew. Only when the policy allows it."""


Chunk = TextDelta | ReasoningDelta | ToolCallDelta
StreamEvent = Chunk | UsageDelta | Finish | Restart
DELTAS = frozenset((TextDelta, ReasoningDelta, ToolCallDelta))
