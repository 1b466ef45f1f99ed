"""Limits on what goes in, counted before anything parses, searches or digests it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psf_runtime.errors import Blocked
from psf_runtime.flow.protocols import GuardBase, Session
from psf_runtime.guards.contracts.texts import depth_of_json
from psf_runtime.types.context import Context
from psf_runtime.types.domain import Domain
from psf_runtime.types.media import File, Image
from psf_runtime.types.messages import Part, ToolCall
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response
from psf_runtime.types.rules import Mode
from psf_runtime.types.verdict import ALLOW, Finding, Verdict

_BYTES_PER_TOKEN = 5
_WORTH_COMPARING = 500  # tokens; nobody cuts a shorter request, and estimates of those are rough
_DATA_URL = 8_192  # a longer address is data, and counts as media


@dataclass(slots=True)
class _Sizes:
    """What was counted, and the first limit that was passed."""

    characters: int = 0
    bytes_of_text: int = 0
    media: int = 0
    parts: int = 0


class SizeSession(Session):
    """Counts, then lets the request pass unchanged or refuses it."""

    def __init__(self, guard: ScreenSize, context: Context) -> None:
        self._guard = guard
        self._context = context
        self._estimate = 0
        self._has_media = False

    def on_request(self, request: Request) -> Request:
        """Count, cheapest first."""
        guard = self._guard
        sizes = _Sizes()
        self._check("messages", len(request.messages), guard.max_messages)
        self._check("tools", len(request.tools), guard.max_tools)
        longest = 0  # bytes of one message
        for message in request.messages:
            before = sizes.bytes_of_text
            sizes.parts += len(message.parts)
            self._check("parts", sizes.parts, guard.max_parts)
            for part in message.parts:
                self._count_part(part, sizes)
            longest = max(longest, sizes.bytes_of_text - before)
        self._check("characters", sizes.characters, guard.max_characters)
        self._check("media bytes", sizes.media, guard.max_media_bytes)
        schemas = sum(self._schema(schema) for schema in _schemas(request))
        self._check("characters of schemas", schemas, guard.max_schema_characters)
        self._has_media = sizes.media > 0
        self._estimate = (sizes.bytes_of_text + schemas) // _BYTES_PER_TOKEN
        # Texts that are embedded have the window each for itself.
        self._check_window(request, longest // _BYTES_PER_TOKEN if request.operation == "embed" else self._estimate)
        return request

    def on_response(self, response: Response) -> Verdict:
        """A provider that counts far fewer input tokens than were sent has cut the request: say so."""
        usage = response.usage
        counted = usage.input_tokens + usage.cached_tokens
        long_enough = self._estimate >= _WORTH_COMPARING
        if usage.reported and long_enough and 0 < counted * 2 < self._estimate and not self._has_media:
            self._context.findings.append(Finding("contracts.size", "size.cut_by_provider", "request", observed=True))
        return ALLOW

    def _count_part(self, part: Part, sizes: _Sizes) -> None:
        if isinstance(part, Image | File):
            url = part.url or ""
            sizes.media += len(part.data or b"") + (len(url) if len(url) > _DATA_URL else 0)
            return
        text = part.args if isinstance(part, ToolCall) else part.text
        sizes.characters += len(text)
        self._check("characters", sizes.characters, self._guard.max_characters)
        sizes.bytes_of_text += len(text) if text.isascii() else len(text.encode("utf-8", "replace"))
        if isinstance(part, ToolCall):
            self._check("levels of tool arguments", depth_of_json(text), self._guard.max_depth)

    def _schema(self, schema: Mapping[str, Any]) -> int:
        """Characters of a schema, walked without recursion so that no depth can break the walk."""
        characters = 0
        stack: list[tuple[Any, int]] = [(schema, 1)]
        while stack:
            item, depth = stack.pop()
            self._check("levels of a schema", depth, self._guard.max_depth)
            characters += len(item) if isinstance(item, str) else 1
            self._check("characters of schemas", characters, self._guard.max_schema_characters)
            if isinstance(item, Mapping):
                characters += sum(len(str(key)) for key in item)
                stack.extend((value, depth + 1) for value in item.values())
            elif isinstance(item, list | tuple):
                stack.extend((value, depth + 1) for value in item)
        return characters

    def _check_window(self, request: Request, estimate: int) -> None:
        window = self._guard.context_tokens
        if window is None:
            return
        needed = estimate + (request.limits.max_tokens or 0)
        if needed > window:
            self._refuse(
                "tokens of the window",
                f"it needs at least {needed} tokens with the answer, and the window holds {window}",
                "send less, lower max_tokens, or choose a target with a larger window",
            )

    def _check(self, what: str, found: int, limit: int) -> None:
        if found > limit:
            name = _SETTING.get(what, "max_depth")
            self._refuse(what, f"more than {limit} {what}", f"send less, or raise {name} of contracts.size")

    def _refuse(self, what: str, why: str, change: str) -> None:
        observed = self._guard.mode == "observe"
        finding = Finding("contracts.size", f"size.{what.replace(' ', '_')}", "request", observed=observed)
        if observed:
            if finding not in self._context.findings:
                self._context.findings.append(finding)
            return
        raise Blocked(
            "nothing was sent: the request is too large.",
            control="contracts.size",
            why=why,
            change=change,
            failure_mode="FM03",
            findings=(finding,),
        )


_SETTING = {
    "messages": "max_messages",
    "tools": "max_tools",
    "parts": "max_parts",
    "characters": "max_characters",
    "media bytes": "max_media_bytes",
    "characters of schemas": "max_schema_characters",
}


def _schemas(request: Request) -> list[Mapping[str, Any]]:
    """Schemas and descriptions that travel with the messages."""
    schemas: list[Mapping[str, Any]] = [
        {"name": tool.name, "description": tool.description, "parameters": tool.parameters} for tool in request.tools
    ]
    if request.output is not None:
        schemas.append(request.output.schema)
    return schemas


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenSize(GuardBase):
    """Refuses requests that are too large, before anything else reads them, and those that cannot fit the window.

    Tokens are estimated as one per five UTF-8 bytes of text: fewer than real tokenisers make of prose in any common
    language, so that no request that fits is refused; a request a little over the window is still refused by the
    provider. A provider that reports less than half of that estimate has cut the request: that is a finding.

    Exact counts by each model's own tokeniser are still to come. Source: framework domain 04.

    Attributes:
        max_characters: of all texts together; `max_media_bytes`: of pictures and files together.
        max_schema_characters, max_depth: of each schema of a tool or of the answer; `max_depth` also of arguments.
        context_tokens: the smallest window among the targets; None when unknown.
    """

    name = "contracts.size"
    domain = Domain.CONTRACTS
    session = SizeSession
    outside_of = ("contracts.unicode", "contracts.injection", "privacy.tokens")

    mode: Mode = "enforce"
    max_messages: int = 5_000
    max_parts: int = 10_000
    max_tools: int = 256
    max_characters: int = 4_000_000
    max_media_bytes: int = 64_000_000
    max_schema_characters: int = 500_000
    max_depth: int = 64
    context_tokens: int | None = None

    def open(self, context: Context) -> Session:
        """A session for one attempt."""
        return SizeSession(self, context)
