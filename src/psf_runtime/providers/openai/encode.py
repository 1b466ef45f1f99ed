"""A request as the bytes of a chat completion call: an allow-list of fields, written anew each time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

from psf_runtime.errors import ConfigError
from psf_runtime.providers.base import Wire
from psf_runtime.providers.openai.differences import Differences, ExtraKind
from psf_runtime.providers.openai.messages import Json, messages_to_json
from psf_runtime.types.request import Limits, OutputSchema, Request, Tool

PATH = "/chat/completions"
_WORD = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_TOOL_CHOICES = frozenset({"auto", "none", "required"})


def encode_request(request: Request, *, model: str, stream: bool, differences: Differences) -> Wire:
    """The whole call. Raises ConfigError for what has no place on this wire."""
    body: Json = {"model": model, "messages": messages_to_json(request.messages, differences)}
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
        if request.tool_choice is not None:
            body["tool_choice"] = _tool_choice(request.tool_choice)
    if request.output is not None:
        body["response_format"] = _output(request.output)
    _limits(request.limits, body, differences)
    body.update(differences.always)
    extra = request.extra.get(differences.provider)
    if extra:
        body.update(checked_extra(extra, differences))
    if stream:
        body["stream"] = True
        body["stream_options"] = {"include_usage": True}
    accept = "text/event-stream" if stream else "application/json"
    headers = (("content-type", "application/json"), ("accept", accept))
    return Wire("POST", PATH, headers, _dump(body))


def _dump(body: Json) -> bytes:
    try:
        return orjson.dumps(body, default=_plain, option=orjson.OPT_PASSTHROUGH_DATACLASS)
    except TypeError:
        pass  # raised below, without the error whose text may name a value
    raise ConfigError(
        "the request holds something that JSON cannot",
        why="a schema or a setting has a value that is no text, number, list or mapping, or a broken character",
        change="look at the parameters of the tools, the output schema and extra",
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError


def _tool(tool: Tool) -> Json:
    function: Json = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    if tool.parameters is not None:
        if not isinstance(tool.parameters, Mapping):
            raise ConfigError(
                "a tool's parameters are not a JSON schema",
                why=f"on the wire they must be a mapping, not {type(tool.parameters).__name__}",
                change="give the tool to complete(tools=...), which makes the schema",
            )
        function["parameters"] = tool.parameters
    return {"type": "function", "function": function}


def _tool_choice(choice: str) -> str | Json:
    if choice in _TOOL_CHOICES:
        return choice
    return {"type": "function", "function": {"name": choice}}


def _output(output: OutputSchema) -> Json:
    schema = {"name": output.name, "schema": output.schema, "strict": output.strict}
    return {"type": "json_schema", "json_schema": schema}


def _limits(limits: Limits, body: Json, differences: Differences) -> None:
    if limits.max_tokens is not None:
        body[differences.max_tokens] = limits.max_tokens
    if limits.temperature is not None:
        body["temperature"] = limits.temperature
    if limits.top_p is not None:
        body["top_p"] = limits.top_p
    if limits.stop:
        body["stop"] = list(limits.stop)
    if limits.seed is not None:
        body["seed"] = limits.seed
    if limits.reasoning_effort is not None:
        body["reasoning_effort"] = limits.reasoning_effort


def checked_extra(extra: Mapping[str, Any], differences: Differences) -> Json:
    """The fields of `extra` for this provider, each on its allow-list and of its kind. Raises ConfigError."""
    fields: Json = {}
    for name, value in extra.items():
        kind = differences.extra.get(name)
        if kind is None:
            raise _undeclared(name, differences)
        if not _fits(value, kind):
            raise ConfigError(
                f"extra field {name!r} for {differences.provider!r} has the wrong kind of value",
                why=f"it must be: {kind}",
                change=f"give {name} a value of that kind, or leave it out",
            )
        fields[name] = value
    return fields


def _undeclared(name: str, differences: Differences) -> ConfigError:
    shown = name if _WORD.fullmatch(name) else "(unnamed)"
    return ConfigError(
        f"extra field {shown!r} is not declared for {differences.provider!r}",
        why="only declared fields leave; known: " + ", ".join(sorted(differences.extra)),
        change=f"leave it out, or declare it: Differences(provider={differences.provider!r}, "
        f"extra={{..., {shown!r}: 'word'}})",
    )


def _fits(value: Any, kind: ExtraKind) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "word":
        return isinstance(value, str) and _WORD.fullmatch(value) is not None
    if kind == "number":
        return number
    if kind == "integer":
        return number and isinstance(value, int)
    if kind == "boolean":
        return isinstance(value, bool)
    if not isinstance(value, Mapping):
        return False
    if kind == "numbers":
        return all(_fits(key, "word") and _fits(item, "number") for key, item in value.items())
    return all(_fits(key, "word") and _is_setting(item) for key, item in value.items())


def _is_setting(value: Any) -> bool:
    return any(_fits(value, kind) for kind in ("word", "number", "boolean"))
