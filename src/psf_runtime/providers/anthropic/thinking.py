"""Thinking: how a call asks for it, and what goes with it."""

from __future__ import annotations

from typing import Any

from psf_runtime.errors import ConfigError
from psf_runtime.providers.anthropic.differences import EFFORTS, Differences
from psf_runtime.providers.dialect.writing import Json
from psf_runtime.types.request import Limits

_SMALLEST_BUDGET = 1024
_DISPLAYS = ("summarized", "omitted")


def put_thinking(limits: Limits, extra: dict[str, Any], body: Json, differences: Differences) -> bool:
    """The fields that ask for thinking; takes its settings out of `extra`. Returns whether the model thinks."""
    if limits.reasoning_effort is not None:
        for name, value in _effort(limits.reasoning_effort, differences).items():
            body[name] = dict(value)
    effort = extra.pop("effort", None)
    if effort is not None:
        if effort not in EFFORTS:
            raise _wrong("extra field 'effort' is not known", "it must be " + ", ".join(EFFORTS))
        body.setdefault("output_config", {})["effort"] = effort
    budget = extra.pop("thinking_budget", None)
    if budget is not None:
        body["thinking"] = {"type": "enabled", "budget_tokens": budget}
    thinks: bool = body.get("thinking", {}).get("type", "disabled") != "disabled"
    display = extra.pop("thinking_display", None)
    if display is not None:
        if display not in _DISPLAYS or not thinks:
            raise _wrong("extra field 'thinking_display' cannot be used", "it is summarized or omitted, with thinking")
        body["thinking"]["display"] = display
    return thinks


def check_thinking(body: Json, differences: Differences) -> None:
    """Raises ConfigError for settings that the server refuses while the model thinks."""
    if not differences.strict_thinking:
        return
    for name in ("temperature", "top_k"):
        if name in body:
            raise _wrong(f"{name} cannot be set while the model thinks", "the vendor refuses the two together")
    if body.get("top_p", 1.0) < 0.95:
        raise _wrong("top_p must be 0.95 or more while the model thinks", "the vendor refuses less")
    if body.get("tool_choice", {}).get("type") in ("any", "tool"):
        raise _wrong("a tool cannot be forced while the model thinks", "the vendor takes auto and none only")
    budget = body["thinking"].get("budget_tokens")
    if budget is not None and not _SMALLEST_BUDGET <= budget < body["max_tokens"]:
        raise _wrong(
            "extra field 'thinking_budget' is out of range",
            f"it must be {_SMALLEST_BUDGET} or more, and less than max_tokens",
        )


def _effort(effort: str, differences: Differences) -> Any:
    fields = differences.efforts.get(effort)
    if fields is None:
        raise _wrong(
            "the reasoning effort is not one that this target knows",
            "it must be one of " + ", ".join(differences.efforts),
        )
    return fields


def _wrong(what: str, why: str) -> ConfigError:
    return ConfigError(what, why=why, change="change it, leave it out, or leave reasoning_effort out")
