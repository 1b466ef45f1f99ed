"""The way back: the request that a client of this dialect sent, read from an allow-list of fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psf_runtime.providers.anthropic.caching import markers_of
from psf_runtime.providers.anthropic.differences import Differences
from psf_runtime.providers.anthropic.turns import messages_from_json, system_from_json
from psf_runtime.providers.dialect.extra import checked_extra
from psf_runtime.providers.dialect.reading import integer, json_object, number, refused, text, texts, tool
from psf_runtime.providers.dialect.writing import Json
from psf_runtime.types.request import Limits, OutputSchema, Request, Tool

# Fields that lead to a memory, a recipient or an answer that no guard would see.
_NEVER: Mapping[str, str] = {
    "container": "a vendor's machine with files is not bound to your user",
    "context_management": "the vendor would cut the conversation where no guard sees it",
    "diagnostics": "an earlier answer's id is not bound to your user",
    "fallbacks": "another model is a recipient that nobody agreed to",
    "mcp_servers": "a hosted tool is a recipient that nobody agreed to",
    "n": "more than one answer is refused until each can be screened",
    "user_profile_id": "a vendor's profile is not bound to your user",
    "workspace_id": "the key decides the workspace",
}
_HANDLED = frozenset(
    {
        "cache_control",
        "max_tokens",
        "messages",
        "metadata",
        "model",
        "output_config",
        "stop_sequences",
        "stream",
        "system",
        "temperature",
        "thinking",
        "tool_choice",
        "tools",
        "top_p",
    }
)
_TOOL_FIELDS = frozenset({"type", "name", "description", "input_schema", "cache_control", "strict"})
_CHOICES = {"auto": "auto", "any": "required", "none": "none"}


def decode_request(body: bytes, differences: Differences) -> Request:
    """The request in this body. Raises ConfigError, which names the field and never its value.

    `cache_control` becomes the setting `cache` where its place has a meaning, else it is dropped: it is a hint. What a
    tool says about `strict` is dropped too: arguments are for the application to check.
    """
    fields = json_object(body)
    del body
    extra = _rest(fields)
    effort = _thinking(fields.get("thinking"), fields.get("output_config"), extra)
    choice = _tool_choice(fields.get("tool_choice"), extra)
    _user(fields.get("metadata"), extra)
    cache = markers_of(fields)
    if cache and "cache" in differences.extra:
        extra["cache"] = cache
    checked = checked_extra(extra, differences.extra, differences.provider)
    return Request(
        messages=system_from_json(fields.get("system")) + messages_from_json(fields.get("messages")),
        model=text(fields.get("model"), "model"),
        tools=_tools(fields.get("tools")),
        tool_choice=choice,
        output=_output(fields.get("output_config")),
        limits=Limits(
            max_tokens=integer(fields.get("max_tokens"), "max_tokens"),
            temperature=number(fields.get("temperature"), "temperature"),
            top_p=number(fields.get("top_p"), "top_p"),
            stop=texts(fields.get("stop_sequences"), "stop_sequences"),
            reasoning_effort=effort,
        ),
        extra={differences.provider: checked} if checked else {},
    )


def asks_for_stream(body: bytes) -> tuple[bool, bool]:
    """Whether the client asked for a stream, and for the usage at its end: this dialect always says it."""
    return json_object(body).get("stream") is True, True


def _rest(fields: Json) -> Json:
    """What is left after the fields we know; each must be declared."""
    rest: Json = {}
    for name, value in fields.items():
        if name in _HANDLED or value is None:
            continue
        if name in _NEVER:
            raise refused(name, _NEVER[name])
        if name in ("betas", "cache", "disable_parallel_tool_use", "effort", "thinking_budget", "thinking_display"):
            raise refused(name, "it is no field of this dialect")  # our own names for other fields
        rest[name] = value
    return rest


def _thinking(thinking: Any, config: Any, extra: Json) -> str | None:
    """The reasoning effort that the client asked for; a budget, or an effort without thinking, goes to `extra`."""
    config = _object(config, "output_config")
    if config.keys() - {"effort", "format"}:
        raise refused("output_config", "it has an unknown field")
    effort = text(config.get("effort"), "output_config.effort") or None
    thinking = _object(thinking, "thinking")
    if thinking.keys() - {"type", "budget_tokens", "display"}:
        raise refused("thinking", "it has an unknown field")
    if thinking.get("display") is not None:
        extra["thinking_display"] = thinking["display"]
    kind = thinking.get("type")
    if kind == "adaptive":
        return effort or "high"  # what the vendor takes when nothing is said
    if effort is not None:
        extra["effort"] = effort
    if kind == "enabled":
        extra["thinking_budget"] = integer(thinking.get("budget_tokens"), "thinking.budget_tokens")
    elif kind == "disabled":
        return "none"
    elif thinking:
        raise refused("thinking.type", "only adaptive, enabled and disabled are known")
    return None


def _object(value: Any, field: str) -> Json:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise refused(field, "it must be an object")
    return value


def _user(metadata: Any, extra: Json) -> None:
    """The client's own id of its user, only when it is a word."""
    metadata = _object(metadata, "metadata")
    if metadata.keys() - {"user_id"}:
        raise refused("metadata", "only user_id is known")
    if metadata.get("user_id") is not None:
        extra["user_id"] = metadata["user_id"]


def _tools(value: Any) -> tuple[Tool, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise refused("tools", "it must be a list")
    return tuple(_tool(item, f"tools[{number}]") for number, item in enumerate(value))


def _tool(value: Any, where: str) -> Tool:
    if not isinstance(value, dict) or value.get("type") not in (None, "custom"):
        raise refused(where, "a hosted tool is a recipient that nobody agreed to; only tools of type custom are known")
    if value.keys() - _TOOL_FIELDS:
        raise refused(where, "it has an unknown field")
    return tool(value.get("name"), value.get("description"), value.get("input_schema"), where)


def _tool_choice(value: Any, extra: Json) -> str | None:
    value = _object(value, "tool_choice")
    if not value:
        return None
    if value.keys() - {"type", "name", "disable_parallel_tool_use"}:
        raise refused("tool_choice", "it has an unknown field")
    if value.get("disable_parallel_tool_use") is not None:
        extra["disable_parallel_tool_use"] = value["disable_parallel_tool_use"]
    kind, name = value.get("type"), value.get("name")
    if kind == "tool" and isinstance(name, str) and name:
        return name
    if isinstance(kind, str) and kind in _CHOICES:
        return _CHOICES[kind]
    raise refused("tool_choice", "it must be auto, any, none or one tool by name")


def _output(config: Any) -> OutputSchema | None:
    wanted = None if config is None else config.get("format")
    if wanted is None:
        return None
    if (
        not isinstance(wanted, dict)
        or wanted.get("type") != "json_schema"
        or not isinstance(wanted.get("schema"), dict)
    ):
        raise refused("output_config.format", "only json_schema is known")
    if wanted.keys() - {"type", "schema"}:
        raise refused("output_config.format", "it has an unknown field")
    return OutputSchema("answer", wanted["schema"])
