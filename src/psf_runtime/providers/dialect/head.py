"""What an answer says about itself: finish reason, usage, names, ids. Only values of a known shape stay."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from psf_runtime.types.response import Response
from psf_runtime.types.response_head import NO_USAGE, FinishReason

_NAME = re.compile(r"[A-Za-z0-9._:/@+\-]{1,200}")
_WORD = re.compile(r"[A-Za-z0-9_.\-]{1,64}")
_HIGHEST_COUNT = 2**53


def is_name(value: Any) -> bool:
    """Whether a value looks like a model's name or an id: no blanks, so no sentence passes for one."""
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def count(value: Any) -> int:
    """A token count, 0 when it is none."""
    if isinstance(value, bool) or not isinstance(value, int):
        return 0
    return value if 0 <= value < _HIGHEST_COUNT else 0


class Head:
    """Collects it while an answer arrives.

    Args:
        words: the vendor's finish reasons in ours; others are `other`.
        target: name of the target.
    """

    __slots__ = ("_words", "dropped", "fingerprint", "model", "raw", "reason", "refused", "target", "usage")

    def __init__(self, words: Mapping[str, FinishReason], target: str) -> None:
        self._words = words
        self.raw: dict[str, Any] = {}
        self.usage = NO_USAGE
        self.target = target
        self.model = ""
        self.fingerprint = ""
        self.reason = ""  # the provider's own word for the end; empty until it came
        self.refused = False
        self.dropped: dict[str, int] = {}

    def drop(self, what: str) -> None:
        """Count a value that belongs to no declared channel."""
        self.dropped[what] = self.dropped.get(what, 0) + 1

    def name(self, model: Any) -> None:
        """What the vendor says answered: the first that looks like a name."""
        if not self.model and is_name(model):
            self.model = model

    def keep(self, key: str, value: Any) -> None:
        """An id or a word for `raw`: the first that looks like one."""
        if key not in self.raw and is_name(value):
            self.raw[key] = value

    def drop_unknown(self, body: dict[str, Any], known: frozenset[str]) -> None:
        """Count the fields of `body` that are not known."""
        for key in body.keys() - known:
            self.drop(key if _WORD.fullmatch(key) else "unknown")

    def finish(self, tools: bool) -> FinishReason:
        """The end in our words. `stop` after tool calls means `tool_calls`; a refusal is one whatever it is called."""
        if self.refused:
            return "refusal"
        reason = self._words.get(self.reason, "other") if self.reason else "stop"
        return "tool_calls" if tools and reason == "stop" else reason

    def build(self, tools: bool) -> Response:
        """The answer without its parts."""
        raw = dict(self.raw)
        if self.reason and _WORD.fullmatch(self.reason):
            raw["finish_reason"] = self.reason
        if self.dropped:
            raw["dropped"] = dict(self.dropped)
        return Response(
            finish=self.finish(tools),
            usage=self.usage,
            model=self.model,
            model_version=self.fingerprint,
            provider=self.target,
            raw=raw,
        )
