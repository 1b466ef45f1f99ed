"""The way back: the request that a client of Converse sent, read from an allow-list of fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psf_runtime.providers.bedrock.extras import checked
from psf_runtime.providers.bedrock.tables import EFFORTS, NEVER, PROVIDER
from psf_runtime.providers.bedrock.turns import messages_from_json, system_from_json
from psf_runtime.providers.dialect.decoding import loads
from psf_runtime.providers.dialect.extra import ExtraKind
from psf_runtime.providers.dialect.reading import integer, json_object, number, refused, text, texts, tool
from psf_runtime.types.request import Limits, OutputSchema, Request, Tool

_HANDLED = frozenset({"messages", "system", "inferenceConfig", "toolConfig", "outputConfig"})
_LIMITS = frozenset({"maxTokens", "temperature", "topP", "stopSequences"})


def decode_request(body: bytes, model_fields: Mapping[str, ExtraKind]) -> Request:
    """The request in this body; the model stands in the path. Raises ConfigError, which never shows a value."""
    fields = json_object(body)
    del body
    rest = {name: value for name, value in fields.items() if name not in _HANDLED and value is not None}
    for name in rest:
        if name in NEVER:
            raise refused(name, NEVER[name])
    extra = checked(rest, model_fields)
    tools, choice = _tools(fields.get("toolConfig"))
    output, effort = _output(fields.get("outputConfig"))
    return Request(
        messages=system_from_json(fields.get("system")) + messages_from_json(fields.get("messages")),
        tools=tools,
        tool_choice=choice,
        output=output,
        limits=_limits(fields.get("inferenceConfig"), effort),
        extra={PROVIDER: extra} if extra else {},
    )


def _object(value: Any, where: str, known: frozenset[str]) -> dict[str, Any]:
    """An object without unknown members; an empty one when it is missing."""
    if value is None:
        return {}
    if not isinstance(value, dict) or value.keys() - known:
        raise refused(where, "it must be an object with: " + ", ".join(sorted(known)))
    return value


def _limits(value: Any, effort: str | None) -> Limits:
    fields = _object(value, "inferenceConfig", _LIMITS)
    return Limits(
        max_tokens=integer(fields.get("maxTokens"), "maxTokens"),
        temperature=number(fields.get("temperature"), "temperature"),
        top_p=number(fields.get("topP"), "topP"),
        stop=texts(fields.get("stopSequences"), "stopSequences"),
        reasoning_effort=effort,
    )


def _tools(value: Any) -> tuple[tuple[Tool, ...], str | None]:
    fields = _object(value, "toolConfig", frozenset({"tools", "toolChoice"}))
    items = fields.get("tools", [])
    if not isinstance(items, list):
        raise refused("toolConfig.tools", "it must be a list")
    tools = tuple(_tool(item, f"toolConfig.tools[{at}]") for at, item in enumerate(items))
    return tools, _choice(fields.get("toolChoice"))


def _tool(value: Any, where: str) -> Tool:
    """One tool of the application. A tool that the service runs itself is a recipient that nobody agreed to."""
    spec = value.get("toolSpec") if isinstance(value, dict) and len(value) == 1 else None
    if not isinstance(spec, dict) or spec.keys() - {"name", "description", "inputSchema", "strict"}:
        raise refused(where, "only tools of kind toolSpec are known, with name, description, inputSchema and strict")
    schema = spec.get("inputSchema")
    if not isinstance(schema, dict) or schema.keys() != {"json"}:
        raise refused(f"{where}.inputSchema", "it must hold json")
    return tool(spec.get("name"), spec.get("description"), schema["json"], where)


def _choice(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, dict) and len(value) == 1:
        ((kind, inner),) = value.items()
        if kind in ("auto", "any") and inner == {}:
            return "auto" if kind == "auto" else "required"
        if kind == "tool" and isinstance(inner, dict) and isinstance(inner.get("name"), str):
            return str(inner["name"])
    raise refused("toolConfig.toolChoice", "it must be auto, any or one tool")


def _output(value: Any) -> tuple[OutputSchema | None, str | None]:
    fields = _object(value, "outputConfig", frozenset({"textFormat", "effort"}))
    effort = fields.get("effort")
    if effort is not None and effort not in EFFORTS:
        raise refused("outputConfig.effort", "it must be one of: " + ", ".join(EFFORTS))
    form = fields.get("textFormat")
    if form is None:
        return None, effort
    structure = form.get("structure") if isinstance(form, dict) and form.get("type") == "json_schema" else None
    wanted = structure.get("jsonSchema") if isinstance(structure, dict) else None
    if not isinstance(wanted, dict) or wanted.keys() - {"schema", "name"}:
        raise refused("outputConfig.textFormat", "it must be a json_schema with schema and name")
    schema = loads(text(wanted.get("schema"), "outputConfig.textFormat.schema"))
    if not isinstance(schema, dict):
        raise refused("outputConfig.textFormat.schema", "it must be a text that holds a JSON schema")
    return OutputSchema(text(wanted.get("name"), "outputConfig.textFormat.name") or "answer", schema), effort
