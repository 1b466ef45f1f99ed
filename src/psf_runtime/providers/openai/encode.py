"""A request as the bytes of a chat completion call: an allow-list of fields, written anew each time."""

from __future__ import annotations

from psf_runtime.providers.base import Wire
from psf_runtime.providers.dialect.extra import checked_extra
from psf_runtime.providers.dialect.writing import Json, parameters_of, post
from psf_runtime.providers.openai.differences import Differences
from psf_runtime.providers.openai.messages import messages_to_json
from psf_runtime.types.request import Limits, OutputSchema, Request, Tool

PATH = "/chat/completions"
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
        body.update(checked_extra(extra, differences.extra, differences.provider))
    if stream:
        body["stream"] = True
        body["stream_options"] = {"include_usage": True}
    accept = "text/event-stream" if stream else "application/json"
    return post(PATH, body, accept=accept)


def _tool(tool: Tool) -> Json:
    function: Json = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    parameters = parameters_of(tool)
    if parameters is not None:
        function["parameters"] = parameters
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
