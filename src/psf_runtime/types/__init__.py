"""The values that everything here is made of: frozen, slotted, without content in their repr."""

from psf_runtime.types.chunks import (
    Chunk,
    Finish,
    ReasoningDelta,
    Restart,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    UsageDelta,
)
from psf_runtime.types.completion import Completion
from psf_runtime.types.context import AttemptOutcome, Context, Note
from psf_runtime.types.decision import Decision
from psf_runtime.types.domain import Domain
from psf_runtime.types.embeddings import Embeddings
from psf_runtime.types.media import File, Image
from psf_runtime.types.messages import Message, Part, Reasoning, Text, ToolCall, ToolResult, untrusted
from psf_runtime.types.provenance import Provenance
from psf_runtime.types.request import Facts, Limits, OutputSchema, Request, Tool
from psf_runtime.types.response import Response
from psf_runtime.types.response_head import FinishReason, Usage
from psf_runtime.types.rules import Purpose, ToolRule, Waiver
from psf_runtime.types.target import Target
from psf_runtime.types.ticket import Ticket
from psf_runtime.types.verdict import Allow, Block, Escalate, Finding, Reask, Reroute, Rewrite, Verdict

__all__ = [
    "Allow",
    "AttemptOutcome",
    "Block",
    "Chunk",
    "Completion",
    "Context",
    "Decision",
    "Domain",
    "Embeddings",
    "Escalate",
    "Facts",
    "File",
    "Finding",
    "Finish",
    "FinishReason",
    "Image",
    "Limits",
    "Message",
    "Note",
    "OutputSchema",
    "Part",
    "Provenance",
    "Purpose",
    "Reask",
    "Reasoning",
    "ReasoningDelta",
    "Request",
    "Reroute",
    "Response",
    "Restart",
    "Rewrite",
    "StreamEvent",
    "Target",
    "Text",
    "TextDelta",
    "Ticket",
    "Tool",
    "ToolCall",
    "ToolCallDelta",
    "ToolResult",
    "ToolRule",
    "Usage",
    "UsageDelta",
    "Verdict",
    "Waiver",
    "untrusted",
]
