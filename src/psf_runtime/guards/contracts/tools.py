"""What a model may ask the application to run: declared tools, valid arguments, allowed for the purpose."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from psf_runtime.errors import Blocked
from psf_runtime.flow.protocols import ChunkResult, GuardBase, Session
from psf_runtime.guards.contracts.schema import Validator, compile_schema
from psf_runtime.guards.contracts.texts import depth_of_json
from psf_runtime.types.chunks import Chunk, ToolCallDelta
from psf_runtime.types.context import Context
from psf_runtime.types.domain import Domain
from psf_runtime.types.messages import ToolCall
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response
from psf_runtime.types.rules import Mode, Purpose
from psf_runtime.types.verdict import ALLOW, Finding, Reask, Verdict

_MOST_CALLS = 128
_MOST_CHARACTERS = 1_000_000
_MOST_LEVELS = 64


class ToolSession(Session):
    """Holds tool calls, and what follows them, until all of them have been checked."""

    def __init__(self, guard: ScreenTools, context: Context) -> None:
        self._guard = guard
        self._context = context
        self._validators: dict[str, Validator] = {}
        self._held: list[Chunk] = []
        self._characters = 0
        self._calls: frozenset[int] = frozenset()

    def on_request(self, request: Request) -> Request:
        """Compile the schemas, so that a wrong one is an error before anything is sent."""
        for tool in request.tools:
            schema = tool.parameters if isinstance(tool.parameters, Mapping) else {"type": "object"}
            self._validators[tool.name] = compile_schema(schema, what=f"the schema of tool {tool.name!r}")
        return request

    def on_chunk(self, chunk: Chunk) -> ChunkResult:
        """A piece of a tool call waits for the whole; what comes after it waits too, so that the order stays."""
        if isinstance(chunk, ToolCallDelta):
            self._calls |= {chunk.index}
            self._characters += len(chunk.arguments)
            if len(self._calls) > _MOST_CALLS or self._characters > _MOST_CHARACTERS:
                raise _blocked(
                    "the model wrote too many or too long tool calls.", "limits of one answer", "ask for less"
                )
        elif not self._held:
            return chunk
        self._held.append(chunk)
        return None

    def on_end(self) -> tuple[Chunk, ...]:
        """What was held; it goes on once `on_response` has agreed."""
        held, self._held = tuple(self._held), []
        return held

    def on_response(self, response: Response) -> Verdict:
        """Every call: declared, allowed, valid."""
        if response.finish == "length" and response.tool_calls:
            return self._verdict([Finding("contracts.tools", "truncated", "tool_calls", observed=self._observed)])
        faults: list[Finding] = []
        for place, call in enumerate(response.tool_calls):
            self._check_name(call, place)
            for path, kind in self._argument_errors(call):
                where = f"tool_calls[{place}]" + (f".{path}" if path else "")
                faults.append(Finding("contracts.tools", kind, where, observed=self._observed))
        return self._verdict(faults)

    @property
    def _observed(self) -> bool:
        return self._guard.mode == "observe"

    def _verdict(self, faults: list[Finding]) -> Verdict:
        if not faults:
            return ALLOW
        if self._observed:
            self._context.findings.extend(faults)
            return ALLOW
        lines = [f"- {finding.where}: {finding.kind}" for finding in faults[:20]]
        head = "The arguments of your tool calls do not fit the schemas. Call again with corrected arguments. Faults:"
        return Reask("\n".join([head, *lines]), tuple(faults))

    def _check_name(self, call: ToolCall, place: int) -> None:
        kind = self._wrong_name(call.name)
        if not kind:
            return
        finding = Finding("contracts.tools", kind, f"tool_calls[{place}]", observed=self._observed)
        if self._observed:
            self._context.findings.append(finding)
            return
        # An undeclared name was made up by the model and may be anything: it is not shown.
        shown = repr(call.name) if call.name in self._validators else "a tool that this call does not declare"
        raise _blocked(
            f"the model asked for {shown}.",
            _REASONS[kind],
            "list the tool in tools= and under the purpose, if it may be called",
            finding,
        )

    def _wrong_name(self, name: str) -> str:
        if name not in self._validators:
            return "tool.undeclared"
        purpose = self._guard.purposes.get(self._context.facts.purpose or "")
        allowed = None if purpose is None else purpose.tools
        if allowed is None:
            return "tool.no_list" if self._guard.require_list else ""
        return "" if name in allowed else "tool.forbidden"

    def _argument_errors(self, call: ToolCall) -> list[tuple[str, str]]:
        validator = self._validators.get(call.name)
        if validator is None:
            return []  # only when observing: there is no schema to check against
        if depth_of_json(call.args) > _MOST_LEVELS:
            return [("", "too_deep")]
        try:
            arguments: Any = json.loads(call.args or "{}")
        except ValueError:
            return [("", "not_json")]
        return validator.errors(arguments) if isinstance(arguments, dict) else [("", "not_object")]


_REASONS = {
    "tool.undeclared": "this call does not declare it",
    "tool.forbidden": "the purpose does not allow it",
    "tool.no_list": "the purpose has no list of tools, and one is required",
}


def _blocked(what: str, why: str, change: str, *findings: Finding) -> Blocked:
    return Blocked(what, control="contracts.tools", why=why, change=change, failure_mode="FM06", findings=findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenTools(GuardBase):
    """Tool calls come out only when they name a declared tool, fit its schema and are allowed for the purpose.

    Arguments that do not fit ask the model again, with paths and kinds only; an undeclared or forbidden tool stops the
    call. A stream holds a tool call, and what follows it, until all of them are checked.

    Limits on how often a tool may be called in one conversation are still to come. Source: framework domain 04.

    Attributes:
        purposes: by name; `Purpose.tools` lists what may be called, None allows all that the call declares.
        require_list: a purpose without a list allows nothing.
    """

    name = "contracts.tools"
    domain = Domain.CONTRACTS
    session = ToolSession
    outside_of = ("privacy.tokens",)

    mode: Mode = "enforce"
    purposes: Mapping[str, Purpose] = field(default_factory=dict)
    require_list: bool = False

    def open(self, context: Context) -> Session:
        """A session for one attempt."""
        return ToolSession(self, context)
