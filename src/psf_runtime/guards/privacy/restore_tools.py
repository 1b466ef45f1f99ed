"""Restoring values in tool arguments, by what the tool is allowed to see.

A restored argument is a disclosure to whoever the tool talks to. So only a field whose whole value is one token is
restored; for a tool that sends data out, or once the request holds a stranger's words, only entities that the tool's
rule lists. Longer texts and URLs keep their tokens.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from psf_runtime.guards.privacy.actions import LITERAL
from psf_runtime.guards.privacy.edits import Edit, apply
from psf_runtime.guards.privacy.invented import Invented
from psf_runtime.guards.privacy.token_search import find
from psf_runtime.guards.privacy.tokens import Token
from psf_runtime.guards.privacy.walk_json import parse_container
from psf_runtime.types.messages import Reasoning, ToolCall, ToolResult
from psf_runtime.types.request import Request
from psf_runtime.types.rules import ToolRule

_NO_RULE = ToolRule()


def holds_untrusted(request: Request, tools: Mapping[str, ToolRule]) -> bool:
    """Whether a stranger's words are in the request; results of tools declared `trusted` are not."""
    for message in request.messages:
        for part in message.parts:
            if isinstance(part, ToolCall | Reasoning) or not part.provenance.is_untrusted:
                continue
            trusted = isinstance(part, ToolResult) and tools.get(part.name, _NO_RULE).trusted
            if not trusted:
                return True
    return False


class ToolRestorer:
    """Restores the complete arguments of tool calls."""

    def __init__(
        self,
        table: Mapping[str, Token],
        *,
        tools: Mapping[str, ToolRule],
        untrusted: bool,
        counts: Counter[str],
        invented: Invented | None = None,
    ) -> None:
        self._table = table
        self._tools = tools
        self._untrusted = untrusted
        self._counts = counts
        self._invented = invented

    def restore(self, name: str, arguments: str) -> str:
        """The arguments as valid JSON with what the tool may see; text that is no JSON object stays as it is."""
        parsed = parse_container(arguments) if self._table or self._invented else None
        if parsed is None:
            return arguments
        rule = self._tools.get(name, _NO_RULE)
        new = self._walk(parsed[0], rule)
        return arguments if new == parsed[0] else json.dumps(new, ensure_ascii=False)

    def _may_see(self, rule: ToolRule, entity: str) -> bool:
        if entity == LITERAL:
            return True
        if rule.restore is not None:
            return entity in rule.restore
        return not rule.egress and not self._untrusted

    def _walk(self, value: Any, rule: ToolRule) -> Any:
        if isinstance(value, str):
            return self._string(value, rule)
        if isinstance(value, list):
            return [self._walk(item, rule) for item in value]
        if isinstance(value, dict):
            return {self._string(key, rule): self._walk(item, rule) for key, item in value.items()}
        return value

    def _string(self, text: str, rule: ToolRule) -> str:
        out: list[str] = []
        place = 0
        for hit in find(text, self._table):
            token = hit.token
            whole = hit.start == 0 and hit.end == len(text)
            if (whole or token.entity == LITERAL) and self._may_see(rule, token.entity):
                self._counts[f"restored.{token.entity}"] += 1
                out += [self._without_inventions(text[place : hit.start]), token.value]
                place = hit.end
            else:
                self._counts[f"unrestored.{token.entity}"] += 1
        return "".join([*out, self._without_inventions(text[place:])])

    def _without_inventions(self, text: str) -> str:
        """The text with type words for invented tokens, where the policy wants that."""
        if self._invented is None:
            return text
        edits = [
            Edit(*span, self._invented.instead(text[slice(*span)])) for span in self._invented.find(text, self._table)
        ]
        return apply(text, edits)
