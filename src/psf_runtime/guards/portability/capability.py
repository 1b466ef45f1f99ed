"""What a request needs, and whether a target can do it. Nothing is dropped in silence."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from psf_runtime.ports import Eligibility, TargetFacts
from psf_runtime.types.context import Context
from psf_runtime.types.media import File, Image
from psf_runtime.types.messages import Text, ToolCall, ToolResult
from psf_runtime.types.request import Request
from psf_runtime.types.verdict import Finding

CONTROL = "portability.capability"
_TEXTS = {Text}
Support = Literal["native", "emulated", "refused"]

_WORDS = {
    "embeddings": "the call asks for vectors",
    "tools": "the call declares tools, or holds tool calls",
    "json_schema": "the contract needs native JSON schema",
    "images": "a message holds an image",
    "files": "a message holds a file",
    "seed": "the call sets a seed",
    "reasoning": "the call sets reasoning_effort",
}


def needs_of(request: Request) -> list[str]:
    """The capabilities that the request needs, in a fixed order."""
    parts: set[type] = set()
    for message in request.messages:
        parts.update(map(type, message.parts))
    limits = request.limits
    bare = not request.tools and request.output is None and request.operation == "chat"
    if bare and limits.seed is None and limits.reasoning_effort is None and parts <= _TEXTS:
        return []  # as most requests: nothing but text
    needed = {
        "embeddings": request.operation == "embed",
        "tools": bool(request.tools) or bool(parts & {ToolCall, ToolResult}),
        "json_schema": request.output is not None,
        "images": Image in parts,
        "files": File in parts,
        "seed": limits.seed is not None,
        "reasoning": limits.reasoning_effort is not None,
    }
    return [name for name, need in needed.items() if need]


def assess(request: Request, target: TargetFacts, *, emulated: frozenset[str] = frozenset()) -> dict[str, Support]:
    """For each capability that the request needs: `native`, `emulated` or `refused` at this target."""
    verdicts: dict[str, Support] = {}
    for need in needs_of(request):
        if need in target.capabilities:
            verdicts[need] = "native"
        else:
            verdicts[need] = "emulated" if need in emulated else "refused"
    return verdicts


class Capability:
    """Says whether a target can do what the call needs: natively, by emulation, or not at all.

    What the target cannot do is a reason why it may not take the call; it is never left out of the request. What is
    emulated becomes a finding, once per call and target. A target of which nothing is declared can do text only.

    Args:
        emulated: capabilities that the provider's codec can stand in for, for example `{"json_schema"}` when it asks
            for JSON in words; what comes back is checked against the contract in any case.

    Still to come: the schema compiler's loss report per target, and limits such as the number of images.
    Source: PSF domain 03.
    """

    name = CONTROL
    blocking = False

    def __init__(self, *, emulated: Iterable[str] = ()) -> None:
        self._emulated = frozenset(emulated)

    def __call__(self, context: Context, request: Request, target: TargetFacts) -> list[Eligibility]:
        """The reasons why the target may not take the call; none when it may."""
        verdicts = assess(request, target, emulated=self._emulated)
        reasons = [Eligibility(CONTROL, _WORDS[need]) for need, support in verdicts.items() if support == "refused"]
        if not reasons:
            for need, support in verdicts.items():
                finding = Finding(CONTROL, f"{need}.emulated", target.name)
                if support == "emulated" and finding not in context.findings:
                    context.findings.append(finding)
        return reasons
