"""A request as the bytes of a messages call: an allow-list of fields, written anew each time."""

from __future__ import annotations

from typing import Any

from psf_runtime.errors import ConfigError
from psf_runtime.providers.anthropic.caching import put_markers
from psf_runtime.providers.anthropic.differences import Differences
from psf_runtime.providers.anthropic.messages import messages_to_json, system_to_json
from psf_runtime.providers.anthropic.thinking import check_thinking, put_thinking
from psf_runtime.providers.anthropic.toolforms import put_tools
from psf_runtime.providers.base import Wire
from psf_runtime.providers.dialect.extra import checked_extra
from psf_runtime.providers.dialect.writing import Json, post
from psf_runtime.types.request import Limits, Request

PATH = "/v1/messages"


def encode_request(request: Request, *, model: str, stream: bool, differences: Differences) -> Wire:
    """The whole call. Raises ConfigError for what has no place on this wire."""
    extra = checked_extra(request.extra.get(differences.provider) or {}, differences.extra, differences.provider)
    betas = extra.pop("betas", None)
    cache = extra.pop("cache", None)
    user_id = extra.pop("user_id", None)
    single = extra.pop("disable_parallel_tool_use", False)
    body: Json = {"model": model, "messages": messages_to_json(request.messages, differences)}
    system = system_to_json(request.messages, differences)
    if system:
        body["system"] = system
    put_tools(request, body, differences, single=single)
    thinks = put_thinking(request.limits, extra, body, differences)
    _limits(request.limits, body, differences, thinks=thinks)
    _output(request, body, differences)
    body.update(extra)
    if thinks:
        check_thinking(body, differences)
    if user_id is not None:
        body["metadata"] = {"user_id": user_id}
    if cache is not None:
        put_markers(body, dict(cache))
    if stream:
        body["stream"] = True
    accept = "text/event-stream" if stream else "application/json"
    return post(PATH, body, accept=accept, headers=_headers(betas, differences))


def _headers(betas: Any, differences: Differences) -> tuple[tuple[str, str], ...]:
    headers = [("anthropic-version", differences.version)]
    if betas:
        if not differences.betas.issuperset(betas):
            raise ConfigError(
                "extra field 'betas' names one that is not declared",
                why="known: " + (", ".join(sorted(differences.betas)) or "none for this target"),
                change="leave it out; one that opens hosted tools, stored files or a memory is never declared",
            )
        headers.append(("anthropic-beta", ",".join(betas)))
    return tuple(headers)


def _limits(limits: Limits, body: Json, differences: Differences, *, thinks: bool) -> None:
    if limits.seed is not None:
        raise ConfigError(
            "this dialect has no seed",
            why="the server would leave it out without a word, and answers would not repeat",
            change="leave seed out, or use another target",
        )
    usual = differences.thinking_max_tokens if thinks else differences.max_tokens
    body["max_tokens"] = usual if limits.max_tokens is None else limits.max_tokens
    temperature = limits.temperature
    if temperature is not None:
        if not 0 <= temperature <= differences.temperature:
            raise ConfigError(
                f"the temperature must lie between 0 and {differences.temperature:g} for this target",
                why="other vendors take up to 2; it is never changed for you",
                change="give one in that range, or leave it out",
            )
        body["temperature"] = temperature
    if limits.top_p is not None:
        body["top_p"] = limits.top_p
    if limits.stop:
        body["stop_sequences"] = list(limits.stop)


def _output(request: Request, body: Json, differences: Differences) -> None:
    if request.output is None:
        return
    if not differences.structured:
        raise ConfigError(
            "the server behind this target follows no JSON schema in this dialect",
            why="it leaves the schema out without a word",
            change="use its chat completions dialect for this call, or another target",
        )
    schema = {"type": "json_schema", "schema": request.output.schema}
    body.setdefault("output_config", {})["format"] = schema
