"""A request as the bytes of a Responses call: an allow-list of fields, written anew each time."""

from __future__ import annotations

from typing import Any

from psf_runtime.errors import ConfigError
from psf_runtime.providers.base import Wire
from psf_runtime.providers.dialect.extra import checked_extra
from psf_runtime.providers.dialect.writing import Json, parameters_of, post
from psf_runtime.providers.responses.differences import PLACES, SIGNED, Differences
from psf_runtime.providers.responses.items import items_from_messages
from psf_runtime.types.request import Limits, OutputSchema, Request, Tool

PATH = "/responses"
_TOOL_CHOICES = frozenset({"auto", "none", "required"})


def encode_request(request: Request, *, model: str, stream: bool, differences: Differences) -> Wire:
    """The whole call. Raises ConfigError for what has no place on this wire."""
    body: Json = {"model": model, "input": items_from_messages(request.messages, differences)}
    if request.tools:
        body["tools"] = [_tool(tool) for tool in request.tools]
        if request.tool_choice is not None:
            body["tool_choice"] = _tool_choice(request.tool_choice)
    if request.output is not None:
        body["text"] = {"format": _output(request.output)}
    _limits(request.limits, body)
    extra = request.extra.get(differences.provider)
    if extra:
        _place(checked_extra(extra, differences.extra, differences.provider), body)
    if differences.asks_for_signature(model):
        body["include"] = [SIGNED]
    # Whatever else was asked for: left out, the vendor keeps the answer, and its id opens it to every user of the key.
    body["store"] = False
    if stream:
        body["stream"] = True
    return post(PATH, body, accept="text/event-stream" if stream else "application/json")


def _tool(tool: Tool) -> Json:
    """One function. `strict` is said because this dialect takes silence for yes, and then changes the schema."""
    parameters = parameters_of(tool)
    value: Json = {
        "type": "function",
        "name": tool.name,
        "parameters": {"type": "object", "properties": {}} if parameters is None else parameters,
        "strict": False,
    }
    if tool.description:
        value["description"] = tool.description
    return value


def _tool_choice(choice: str) -> str | Json:
    return choice if choice in _TOOL_CHOICES else {"type": "function", "name": choice}


def _output(output: OutputSchema) -> Json:
    return {"type": "json_schema", "name": output.name, "schema": output.schema, "strict": output.strict}


def _limits(limits: Limits, body: Json) -> None:
    for name, given in (("stop", bool(limits.stop)), ("seed", limits.seed is not None)):
        if given:
            raise ConfigError(
                f"{name!r} has no place on this wire",
                why=f"Responses has no field for it, and an answer without {name} would not be what was asked for",
                change=f"leave {name} out, or use chat completions",
            )
    if limits.max_tokens is not None:
        body["max_output_tokens"] = limits.max_tokens
    if limits.temperature is not None:
        body["temperature"] = limits.temperature
    if limits.top_p is not None:
        body["top_p"] = limits.top_p
    if limits.reasoning_effort is not None:
        body["reasoning"] = {"effort": limits.reasoning_effort}


def _place(fields: dict[str, Any], body: Json) -> None:
    for name, value in fields.items():
        if name in PLACES:
            outer, inner = PLACES[name]
            body.setdefault(outer, {})[inner] = value
        else:
            body[name] = value
