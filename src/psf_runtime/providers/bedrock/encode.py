"""A request as the bytes of a Converse call: an allow-list of fields, written anew each time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote, unquote

from psf_runtime.errors import ConfigError
from psf_runtime.providers.base import Wire
from psf_runtime.providers.bedrock.extras import checked
from psf_runtime.providers.bedrock.messages import checked_name, holds_tool_blocks, system_blocks, turns
from psf_runtime.providers.bedrock.tables import EFFORTS, PROVIDER
from psf_runtime.providers.dialect.extra import ExtraKind
from psf_runtime.providers.dialect.reading import refused
from psf_runtime.providers.dialect.writing import Json, dump, parameters_of, post
from psf_runtime.types.request import Limits, OutputSchema, Request, Tool

EVENT_TYPE = "application/vnd.amazon.eventstream"
_MODEL = re.compile(r"[A-Za-z0-9_.:/-]{1,2048}")
_MOST_STOPS = 2500
_OPERATIONS = {"converse": False, "converse-stream": True}


def encode_request(request: Request, *, model: str, stream: bool, model_fields: Mapping[str, ExtraKind]) -> Wire:
    """The whole call. Raises ConfigError for what has no place on this wire."""
    conversation = turns(request.messages)
    body: Json = {"messages": conversation}
    system = system_blocks(request.messages)
    if system:
        body["system"] = system
    limits = _limits(request.limits)
    if limits:
        body["inferenceConfig"] = limits
    tools = _tools(request, conversation)
    if tools:
        body["toolConfig"] = tools
    output = _output(request.output, request.limits.reasoning_effort)
    if output:
        body["outputConfig"] = output
    extra = request.extra.get(PROVIDER)
    if extra:
        body.update(checked(extra, model_fields))
    return post(path_of(model, stream=stream), body, accept=EVENT_TYPE if stream else "application/json")


def path_of(model: str, *, stream: bool) -> str:
    """Where the call goes: the model's id or ARN, escaped once. Raises ConfigError for what is neither."""
    if not _MODEL.fullmatch(model):
        raise ConfigError(
            "this is no model id that Bedrock could know",
            why="an id or ARN has letters, digits and the signs _ . : / - only",
            change="write bedrock:<model id>, an inference profile's id, or an ARN",
        )
    if ":prompt/" in model:
        raise ConfigError(
            "a stored prompt cannot be called as a model",
            why="its text is kept by the vendor, where no guard sees it",
            change="name the model, and send the prompt's text in the messages",
        )
    return f"/model/{quote(model, safe='-_.~')}/{'converse-stream' if stream else 'converse'}"


def model_of(path: str) -> tuple[str, bool]:
    """The model that a client's path names, and whether it asks for a stream. Raises ConfigError for other paths."""
    pieces = path.split("/")
    if len(pieces) == 4 and pieces[:2] == ["", "model"] and pieces[3] in _OPERATIONS:
        model = unquote(pieces[2])
        path_of(model, stream=False)
        return model, _OPERATIONS[pieces[3]]
    raise refused("path", "only Converse and ConverseStream are served")


def _limits(limits: Limits) -> Json:
    out: Json = {}
    if limits.seed is not None:
        raise _no_place("seed", "Converse has no seed", "leave it out")
    if limits.max_tokens is not None:
        if limits.max_tokens < 1:
            raise _no_place("max_tokens", "it must be at least 1", "raise it, or leave it out")
        out["maxTokens"] = limits.max_tokens
    for name, field, value in (("temperature", "temperature", limits.temperature), ("top_p", "topP", limits.top_p)):
        if value is None:
            continue
        if not 0 <= value <= 1:
            raise _no_place(name, "Bedrock takes 0 to 1, where others go to 2", f"give a {name} between 0 and 1")
        out[field] = value
    if limits.stop:
        if len(limits.stop) > _MOST_STOPS or not all(limits.stop):
            raise _no_place("stop", f"there may be {_MOST_STOPS} stop texts, none of them empty", "give fewer")
        out["stopSequences"] = list(limits.stop)
    return out


def _tools(request: Request, conversation: list[Json]) -> Json:
    """The tools and the choice among them.

    `none` has no word here. Without tools the model cannot call any, which says the same, unless the conversation
    holds calls or results already: then the service wants the tools declared.
    """
    declared = bool(request.tools) and request.tool_choice != "none"
    if not declared:
        if holds_tool_blocks(conversation):
            raise ConfigError(
                "the conversation holds tool calls, and Bedrock wants their tools declared",
                why="there is no tool_choice 'none'" if request.tools else "the request has no tools",
                change="give the tools with tool_choice 'auto', or leave the calls and results out of the history",
            )
        return {}
    config: Json = {"tools": [_tool(tool) for tool in request.tools]}
    if request.tool_choice is not None:
        config["toolChoice"] = _choice(request.tool_choice)
    return config


def _choice(choice: str) -> Json:
    if choice in ("auto", "required"):
        return {"auto" if choice == "auto" else "any": {}}
    return {"tool": {"name": checked_name(choice)}}


def _tool(tool: Tool) -> Json:
    parameters = parameters_of(tool)
    spec: Json = {"name": checked_name(tool.name)}
    if tool.description:
        spec["description"] = tool.description
    spec["inputSchema"] = {"json": {"type": "object", "properties": {}} if parameters is None else parameters}
    return {"toolSpec": spec}


def _output(output: OutputSchema | None, effort: str | None) -> Json:
    """The form of the answer. The schema travels as a text that holds JSON."""
    config: Json = {}
    if output is not None:
        schema = {"name": output.name, "schema": dump(dict(output.schema)).decode("utf-8")}
        config["textFormat"] = {"type": "json_schema", "structure": {"jsonSchema": schema}}
    if effort is not None:
        if effort not in EFFORTS:
            raise _no_place("reasoning_effort", "Bedrock knows: " + ", ".join(EFFORTS), "take one of these")
        config["effort"] = effort
    return config


def _no_place(name: str, why: str, change: str) -> ConfigError:
    return ConfigError(f"this value of {name} has no place in a call to Bedrock", why=why, change=change)
