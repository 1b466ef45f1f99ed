"""`client.preview(...)`: what a provider would receive. Nothing is sent, nothing is stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psf_runtime.flow.effects import Flow
from psf_runtime.flow.leaf import Emit
from psf_runtime.types.context import Context
from psf_runtime.types.messages import Text, ToolResult
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response
from psf_runtime.types.verdict import Finding


@dataclass(frozen=True, slots=True, repr=False)
class Preview:
    """What would leave, with tokens in place of personal data.

    Attributes:
        text: the texts of all messages, as the provider would read them.
        wire: the exact body that would be sent to the first target; empty for a mock.
        findings: what was found, without content.
        targets: names of the targets in the order in which they would be asked.
    """

    text: str
    wire: str
    findings: tuple[Finding, ...]
    targets: tuple[str, ...]
    tokens: dict[str, int]

    def __repr__(self) -> str:
        return f"Preview({len(self.text)} characters, {len(self.findings)} findings)"


class Reached(BaseException):
    """The request has come through every layer above the wire."""

    def __init__(self, request: Request) -> None:
        super().__init__()
        self.request = request


def stop_above_the_wire(context: Context, request: Request, emit: Emit | None) -> Flow[Response]:
    """A leaf that sends nothing."""
    yield from ()
    raise Reached(request)


def preview_of(request: Request, context: Context, codec: Any, targets: tuple[str, ...]) -> Preview:
    """The preview of a request as it would leave."""
    texts = [part.text for message in request.messages for part in message.parts if isinstance(part, Text | ToolResult)]
    wire = "" if codec is None else codec.encode(request, stream=False).body.decode("utf-8", errors="replace")
    return Preview("\n".join(texts), wire, tuple(context.findings), targets, dict(context.tokens))
