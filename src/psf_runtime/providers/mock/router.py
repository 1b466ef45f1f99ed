"""Rules for a mock provider: which request gets which replies.

mock.on(text="refund", purpose="support").reply(fault.rate_limit(retry_after=2)).then(call("pay_out", amount=40))
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from psf_runtime.errors import ConfigError
from psf_runtime.providers.mock.replies import Reply, check_chunks
from psf_runtime.types.request import Request

# str: one of the values contains it; a pattern: it is found in one of them; a function: it says yes to one of them.
Matcher = str | re.Pattern[str] | Callable[[str], bool]


def _last_text(request: Request) -> list[str]:
    """The last message that a user wrote."""
    return [message.text for message in reversed(request.messages) if message.role == "user"][:1]


# What each keyword of `on(...)` looks at.
ASPECTS: dict[str, Callable[[Request], list[str]]] = {
    "text": _last_text,
    "tool_result": lambda request: [part.text for part in request.tool_results],
    "tool": lambda request: [tool.name for tool in request.tools],
    "model": lambda request: [request.model],
    "purpose": lambda request: [request.facts.purpose] if request.facts.purpose else [],
    "system": lambda request: [message.text for message in request.messages if message.role == "system"],
    "output": lambda request: [request.output.name] if request.output else [],
}


# Aspects that are names and no content: a difference may show them.
_NAMES = frozenset({"tool", "model", "purpose", "output"})


def _wanted(matcher: Matcher) -> str:
    """What a matcher asks for, in words. The words of a test are its author's own."""
    if isinstance(matcher, str):
        return f"a text with {matcher!r}"
    if isinstance(matcher, re.Pattern):
        return f"a match of {matcher.pattern!r}"
    return "what the function says yes to"


def _came(name: str, values: list[str]) -> str:
    """What the request has instead: names as they are, of texts only how long they are."""
    if not values:
        return "none"
    if name in _NAMES:
        return ", ".join(repr(value) for value in values)
    return ", ".join(f"{len(value)} characters without it" for value in values)


def _matches(matcher: Matcher, values: list[str]) -> bool:
    if isinstance(matcher, str):
        return any(matcher in value for value in values)
    if isinstance(matcher, re.Pattern):
        return any(matcher.search(value) for value in values)
    return any(matcher(value) for value in values)


@dataclass(slots=True, repr=False)
class Turn:
    """One reply of a rule: how often it is given (None: for ever), and how often it was."""

    reply: Reply
    chunks: int | None = None
    count: int | None = None
    given: int = 0

    @property
    def is_over(self) -> bool:
        """Whether it may not be given again."""
        return self.count is not None and self.given >= self.count


class Rule:
    """Replies for the requests that match. Made by `MockProvider.on(...)`.

    Each reply is given once, in order, and the last one for ever, unless `times` says how often.
    """

    def __init__(
        self, matchers: Mapping[str, Matcher], *, when: Callable[[Request], bool] | None, optional: bool
    ) -> None:
        self._matchers = matchers
        self._when = when
        self._turns: list[Turn] = []
        self.optional = optional

    def reply(self, reply: Reply, *, chunks: int | None = None) -> Rule:
        """The first thing to answer. `chunks`: characters per delta."""
        return self.then(reply, chunks=chunks)

    def then(self, reply: Reply, *, chunks: int | None = None) -> Rule:
        """What to answer next."""
        check_chunks(chunks)
        if self._turns and self._turns[-1].count is None:
            self._turns[-1].count = 1
        self._turns.append(Turn(reply, chunks))
        return self

    def times(self, count: int) -> Rule:
        """Give the reply before this word so many times; after the last reply the rule matches no more."""
        if not self._turns or count < 1:
            raise ConfigError(
                "times() follows a reply and takes a number from 1 on",
                change="write mock.on(...).reply(...).times(2)",
            )
        self._turns[-1].count = count
        return self

    def misses(self, request: Request) -> list[str]:
        """The keywords that do not match; when all do, why there is no reply all the same; empty: it has one."""
        names = [name for name, matcher in self._matchers.items() if not _matches(matcher, ASPECTS[name](request))]
        if self._when is not None and not self._when(request):
            names.append("when")
        if not names and not self._turns:
            names.append("has no reply")
        elif not names and self._turns[-1].is_over:
            names.append("used up")
        return names

    def differences(self, request: Request) -> list[str]:
        """What kept it from matching: per keyword, what was wanted and what came."""
        missed = self.misses(request)
        width = max(len(name) for name in missed)
        lines = []
        for name in missed:
            matcher = self._matchers.get(name)
            if matcher is None:
                lines.append("when= said no" if name == "when" else name)
                continue
            came = _came(name, ASPECTS[name](request))
            lines.append(f"{name:<{width}}  wanted {_wanted(matcher)}, came {came}")
        return lines

    def take(self) -> Turn:
        """The next reply."""
        turn = next(turn for turn in self._turns if not turn.is_over)
        turn.given += 1
        return turn

    @property
    def used(self) -> int:
        """How many requests it has answered."""
        return sum(turn.given for turn in self._turns)

    @property
    def is_finished(self) -> bool:
        """Whether every reply was given as often as it had to be."""
        return all(turn.given >= (turn.count or 1) for turn in self._turns)

    def __repr__(self) -> str:
        keywords = [*self._matchers, *(["when"] if self._when is not None else [])]
        return f"on({', '.join(keywords)})"


class Router:
    """All rules of one mock provider, in the order in which they were made."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []

    def add(self, rule: Rule) -> Rule:
        """Append a rule."""
        self.rules.append(rule)
        return rule

    def take(self, request: Request) -> Turn | None:
        """The reply of the first rule that matches."""
        for rule in self.rules:
            if not rule.misses(request):
                return rule.take()
        return None

    def differences(self, request: Request) -> list[str]:
        """Per rule, what kept it from matching. Never a text of the request."""
        lines: list[str] = []
        for number, rule in enumerate(self.rules, 1):
            first, *others = rule.differences(request)
            lines.append(f"rule {number} {rule!r}: {first}")
            lines += [f"  {other}" for other in others]
        return lines

    def unused(self) -> list[str]:
        """The rules that were not used, or not to their last reply."""
        return [
            f"rule {n} {rule!r}: used {rule.used} times"
            for n, rule in enumerate(self.rules, 1)
            if not rule.optional and not rule.is_finished
        ]


def describe(request: Request) -> dict[str, Any]:
    """A request without its content: what an error may say about it."""
    return {
        "messages": len(request.messages),
        "last": request.messages[-1].role if request.messages else "-",
        "model": request.model or "-",
        "tools": [tool.name for tool in request.tools],
        "purpose": request.facts.purpose or "-",
        "output": request.output.name if request.output else "-",
    }
