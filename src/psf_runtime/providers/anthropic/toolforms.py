"""Tools, tool choices and the arguments of calls in the forms of this dialect."""

from __future__ import annotations

from typing import Any

import orjson

from psf_runtime.errors import ConfigError
from psf_runtime.providers.anthropic.differences import Differences
from psf_runtime.providers.dialect.decoding import loads
from psf_runtime.providers.dialect.writing import Json, parameters_of
from psf_runtime.types.request import Request, Tool

_CHOICES = {"auto": "auto", "none": "none", "required": "any"}
# The vendor's advice for arguments that are no JSON: hand them back under this key.
_INVALID = "INVALID_JSON"


def input_of(arguments: str) -> Any:
    """The arguments as the object that this dialect wants; text that is no JSON object comes wrapped in one.

    A model may write arguments that do not parse. The turn goes back with them all the same, so that the error which
    answers it makes sense to the model.
    """
    if isinstance(loads(arguments or "{}"), dict):
        return orjson.Fragment(arguments or "{}")  # the text itself: large numbers and repeated keys stay as they are
    return {_INVALID: arguments}


def put_tools(request: Request, body: Json, differences: Differences, *, single: bool) -> None:
    """The fields `tools` and `tool_choice`. `single`: the model may ask for one call at a time only."""
    tools, choice = request.tools, request.tool_choice
    if not tools:
        return
    kind = None if choice is None else _CHOICES.get(choice, "tool")
    known = differences.tool_choices
    if kind == "none" and kind not in known:
        return  # the surest way to forbid tools is to name none
    if kind == "tool" and kind not in known:
        tools = tuple(tool for tool in tools if tool.name == choice)
        kind = "any"
    if kind in ("any", "tool") and not any(choice in ("required", tool.name) for tool in tools):
        raise ConfigError(
            "tool_choice names a tool that the call does not have",
            why="it must be auto, none, required or the name of one of its tools",
            change="add the tool to tools=, or change tool_choice=",
        )
    body["tools"] = [_tool(tool) for tool in tools]
    if kind is None and not single:
        return
    value: Json = {"type": kind or "auto"}
    if kind == "tool":
        value["name"] = choice
    if single and kind != "none":
        value["disable_parallel_tool_use"] = True
    body["tool_choice"] = value


def _tool(tool: Tool) -> Json:
    value: Json = {"name": tool.name}
    if tool.description:
        value["description"] = tool.description
    parameters = parameters_of(tool)
    if parameters is None:
        value["input_schema"] = {"type": "object", "properties": {}}
        return value
    kind = parameters.get("type", "object")
    if kind != "object":
        raise ConfigError(
            "a tool's parameters must be a JSON schema of type object",
            why="in this dialect the arguments of a call are always an object",
            change="wrap the value: {'type': 'object', 'properties': {'value': ...}}",
        )
    value["input_schema"] = parameters if "type" in parameters else {"type": "object", **parameters}
    return value
