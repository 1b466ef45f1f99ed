"""A request as the bytes of a chat completion call: an allow-list of fields, written anew each time."""

from __future__ import annotations

from psf_runtime.errors import ConfigError
from psf_runtime.providers.base import Wire
from psf_runtime.providers.dialect.extra import checked_extra
from psf_runtime.providers.dialect.writing import Json, parameters_of, post
from psf_runtime.providers.openai.differences import Differences
from psf_runtime.providers.openai.messages import messages_to_json
from psf_runtime.types.request import Limits, OutputSchema, Request, Tool

PATH = "/chat/completions"
_TOOL_CHOICES = frozenset({"auto", "none", "required"})


def encode_request(
    request: Request, *, model: str, stream: bool, differences: Differences, path: str = PATH, cut: tuple[str, ...] = ()
) -> Wire:
    """The whole call, to `path`. Raises ConfigError for what has no place on this wire.

    `cut` names the stop texts that the decoder will cut out of the answer.
    """
    if differences.stop_in_text and set(request.limits.stop) - set(cut):
        raise ConfigError(
            f"stop= is not followed by this '{differences.provider}:' server",
            why="it leaves the stop text in its answer, and nothing here was told to cut it out",
            change="leave stop= out, or use another target for this call",
        )
    body: Json = {"model": model, "messages": messages_to_json(request.messages, differences)}
    # A server that does not follow `none` is not shown the tools at all: that comes to the same.
    hidden = request.tool_choice == "none" and "none" not in differences.tool_choices
    if request.tools and not hidden:
        body["tools"] = [_tool(tool) for tool in request.tools]
        if request.tool_choice is not None:
            body["tool_choice"] = _tool_choice(request.tool_choice, differences)
    if request.output is not None:
        body["response_format"] = _output(request.output)
    _limits(request.limits, body, differences)
    body.update(differences.always)
    extra = request.extra.get(differences.provider)
    if extra:
        if "n" in extra:
            raise one_answer_only()
        body.update(checked_extra(extra, differences.extra, differences.provider))
    if stream:
        body["stream"] = True
        if differences.stream_usage:
            body["stream_options"] = {"include_usage": True}
    accept = "text/event-stream" if stream else "application/json"
    return post(path, body, accept=accept)


def one_answer_only() -> ConfigError:
    """The error for `n`: each answer would have to run the whole chain."""
    return ConfigError(
        "n cannot be set: a call has one answer",
        why="further answers would pass by the guards",
        change="leave n out, and make one call for each answer that you want",
    )


def _tool(tool: Tool) -> Json:
    function: Json = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    parameters = parameters_of(tool)
    if parameters is not None:
        function["parameters"] = parameters
    return {"type": "function", "function": function}


def _tool_choice(choice: str, differences: Differences) -> str | Json:
    wanted = choice if choice in _TOOL_CHOICES else "named"
    if wanted != "auto" and wanted not in differences.tool_choices:
        raise ConfigError(
            f"tool_choice={'a name' if wanted == 'named' else repr(wanted)} is not followed by this "
            f"'{differences.provider}:' server",
            why="it ignores the field, and the model decides",
            change='leave it at "auto", or use another target for this call',
        )
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
        body[differences.seed] = limits.seed
    if limits.reasoning_effort is not None:
        body["reasoning_effort"] = limits.reasoning_effort
