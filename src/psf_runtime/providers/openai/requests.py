"""The way back: the request that a client of this dialect sent, read from an allow-list of fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psf_runtime.providers.dialect.extra import checked_extra
from psf_runtime.providers.dialect.reading import integer, json_object, number, refused, text, texts, tool
from psf_runtime.providers.openai.differences import Differences
from psf_runtime.providers.openai.encode import one_answer_only
from psf_runtime.providers.openai.turns import messages_from_json
from psf_runtime.types.request import Limits, OutputSchema, Request, Tool

# Fields that lead to a memory, a recipient or an answer that no guard would see.
_NEVER: Mapping[str, str] = {
    "audio": "an answer as sound cannot be screened",
    "conversation": "a vendor's memory is not bound to your user",
    "functions": "this is the old way: use tools",
    "function_call": "this is the old way: use tool_choice",
    "metadata": "it is kept by the vendor with the stored answer",
    "modalities": "an answer as sound cannot be screened",
    "prediction": "a text in this field is not screened",
    "previous_response_id": "a vendor's memory is not bound to your user",
    "prompt_cache_key": "a vendor's memory is not bound to your user",
    "web_search_options": "a hosted tool is a recipient that nobody agreed to",
}
_HANDLED = frozenset(
    {
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "model",
        "reasoning_effort",
        "response_format",
        "seed",
        "stop",
        "stream",
        "stream_options",
        "temperature",
        "tool_choice",
        "tools",
        "top_p",
    }
)


def decode_request(body: bytes, differences: Differences) -> Request:
    """The request in this body. Raises ConfigError, which names the field and never its value."""
    fields = json_object(body)
    del body
    extra = _extra(fields, differences)
    return Request(
        messages=messages_from_json(fields.get("messages")),
        model=text(fields.get("model"), "model"),
        tools=_tools(fields.get("tools")),
        tool_choice=_tool_choice(fields.get("tool_choice")),
        output=_output(fields.get("response_format")),
        limits=_limits(fields),
        extra={differences.provider: extra} if extra else {},
    )


def asks_for_stream(body: bytes) -> tuple[bool, bool]:
    """Whether the client asked for a stream, and for the usage at its end."""
    fields = json_object(body)
    options = fields.get("stream_options")
    usage = isinstance(options, dict) and options.get("include_usage") is True
    return fields.get("stream") is True, usage


def _extra(fields: dict[str, Any], differences: Differences) -> dict[str, Any]:
    """What is left after the fields we know; each must be declared. `n` and `store` may only say what we do anyway."""
    rest = {}
    for name, value in fields.items():
        if name in _HANDLED or value is None:
            continue
        if name in _NEVER:
            raise refused(name, _NEVER[name])
        if name == "n":
            if value != 1:
                raise one_answer_only()
        elif name in ("store", "logprobs"):
            if value is not False:
                raise refused(name, "it must be false: its content would pass by the guards")
        else:
            rest[name] = value
    return checked_extra(rest, differences.extra, differences.provider)


def _tools(value: Any) -> tuple[Tool, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise refused("tools", "it must be a list")
    return tuple(_tool(item, f"tools[{number}]") for number, item in enumerate(value))


def _tool(value: Any, where: str) -> Tool:
    if not isinstance(value, dict) or value.get("type") != "function":
        raise refused(where, "only tools of type function are known")
    function = value.get("function")
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise refused(where, "it needs a function with a name")
    if function.keys() - {"name", "description", "parameters", "strict"}:
        raise refused(f"{where}.function", "it has an unknown field")
    return tool(function["name"], function.get("description"), function.get("parameters"), f"{where}.function")


def _tool_choice(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    function = value.get("function") if isinstance(value, dict) else None
    if isinstance(function, dict) and isinstance(function.get("name"), str):
        return str(function["name"])
    raise refused("tool_choice", "it must be auto, none, required or one function")


def _output(value: Any) -> OutputSchema | None:
    if value is None:
        return None
    kind = value.get("type") if isinstance(value, dict) else None
    if kind == "text":
        return None
    wanted = value.get("json_schema") if kind == "json_schema" else None
    if not isinstance(wanted, dict) or not isinstance(wanted.get("schema"), dict):
        raise refused("response_format", "only text and json_schema are known")
    name = wanted.get("name")
    return OutputSchema(
        name=name if isinstance(name, str) else "answer",
        schema=wanted["schema"],
        strict=wanted.get("strict") is True,
    )


def _limits(fields: dict[str, Any]) -> Limits:
    most = fields.get("max_completion_tokens")
    if most is None:
        most = fields.get("max_tokens")
    effort = fields.get("reasoning_effort")
    if effort is not None and not isinstance(effort, str):
        raise refused("reasoning_effort", "it must be text")
    return Limits(
        max_tokens=integer(most, "max_tokens"),
        temperature=number(fields.get("temperature"), "temperature"),
        top_p=number(fields.get("top_p"), "top_p"),
        stop=texts(fields.get("stop"), "stop"),
        seed=integer(fields.get("seed"), "seed"),
        reasoning_effort=effort,
    )
