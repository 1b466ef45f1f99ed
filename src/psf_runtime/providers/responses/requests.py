"""The way back: the request that a client of this dialect sent, read from an allow-list of fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psf_runtime.providers.dialect.extra import checked_extra
from psf_runtime.providers.dialect.reading import integer, json_object, number, refused, text, tool
from psf_runtime.providers.responses.differences import PLACES, SIGNED, Differences
from psf_runtime.providers.responses.turns import messages_from_input
from psf_runtime.types.messages import Message
from psf_runtime.types.request import Limits, OutputSchema, Request, Tool

_MEMORY = "a vendor's memory is not bound to your user"
_UNSCREENED = "what it stands for is not screened"
# Fields that lead to a memory, a recipient or an answer that no guard would see.
_NEVER: Mapping[str, str] = {
    "background_options": "an answer that is fetched later passes by the guards",
    "context_management": "the vendor would rewrite the conversation, and no guard would see how",
    "conversation": _MEMORY,
    "max_tool_calls": "a hosted tool is a recipient that nobody agreed to",
    "metadata": "it is kept by the vendor with the stored answer",
    "moderation": "its findings hold text that is not screened",
    "previous_response_id": _MEMORY,
    "prompt": f"a stored prompt: {_UNSCREENED}, and {_MEMORY}",
    "prompt_cache_key": _MEMORY,
    "prompt_cache_options": _MEMORY,
    "prompt_cache_retention": _MEMORY,
    "safety_identifier": "it names your user to the vendor",
    "user": "it names your user to the vendor",
}
# Fields that may only say what is done anyway.
_ONLY: Mapping[str, tuple[tuple[Any, ...], str]] = {
    "background": ((False,), "an answer that is fetched later passes by the guards"),
    "include": (([], [SIGNED]), f"only {SIGNED} is known: the rest would pass by the guards"),
    "store": ((False,), f"it must be false: {_MEMORY}"),
    "top_logprobs": ((0,), "they hold text that no guard has seen"),
    "truncation": (("disabled",), "the vendor would leave out turns in silence"),
}
_HANDLED = frozenset(
    {
        "input",
        "instructions",
        "max_output_tokens",
        "model",
        "reasoning",
        "stream",
        "stream_options",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_p",
    }
)
_INNER: Mapping[str, tuple[str, ...]] = {"reasoning": ("effort", "summary"), "text": ("format", "verbosity")}
_TOOL_CHOICES = ("auto", "none", "required")


def decode_request(body: bytes, differences: Differences) -> Request:
    """The request in this body. Raises ConfigError, which names the field and never its value."""
    fields = json_object(body)
    del body
    extra = _extra(fields, differences)
    return Request(
        messages=_instructions(fields) + messages_from_input(fields.get("input")),
        model=text(fields.get("model"), "model"),
        tools=_tools(fields.get("tools")),
        tool_choice=_tool_choice(fields.get("tool_choice")),
        output=_output(_inner(fields, "text").get("format")),
        limits=_limits(fields),
        extra={differences.provider: extra} if extra else {},
    )


def asks_for_stream(body: bytes) -> tuple[bool, bool]:
    """Whether the client asked for a stream, and for the usage at its end: this dialect always has it there."""
    return json_object(body).get("stream") is True, True


def _instructions(fields: dict[str, Any]) -> tuple[Message, ...]:
    """They stand before everything else, as a message of the role that says so."""
    instructions = text(fields.get("instructions"), "instructions")
    return (Message.system(instructions),) if instructions else ()


def _extra(fields: dict[str, Any], differences: Differences) -> dict[str, Any]:
    """What is left after the fields we know; each must be declared."""
    rest = {}
    for name, value in fields.items():
        if name in _HANDLED or value is None:
            continue
        if name in _NEVER:
            raise refused(name, _NEVER[name])
        if name in PLACES:
            raise refused(name, "it has its place inside another field")
        if name in _ONLY:
            allowed, why = _ONLY[name]
            if value not in allowed:
                raise refused(name, why)
        else:
            rest[name] = value
    for name, (outer, inner) in PLACES.items():
        value = _inner(fields, outer).get(inner)
        if value is not None:
            rest[name] = value
    return checked_extra(rest, differences.extra, differences.provider)


def _inner(fields: dict[str, Any], outer: str) -> dict[str, Any]:
    """The fields inside a field, none of them unknown."""
    value = fields.get(outer)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise refused(outer, "it must be an object")
    known = _INNER[outer]
    if any(value[name] is not None for name in value.keys() - set(known)):
        raise refused(outer, f"known inside it: {', '.join(known)}")
    return value


def _tools(value: Any) -> tuple[Tool, ...]:
    if value is None:
        return ()
    if not isinstance(value, list):
        raise refused("tools", "it must be a list")
    return tuple(_tool(item, f"tools[{place}]") for place, item in enumerate(value))


def _tool(value: Any, where: str) -> Tool:
    """A function. Its `strict` is not taken over: the arguments are checked against the schema here."""
    if not isinstance(value, dict) or value.get("type") != "function":
        raise refused(where, "only functions are known: a hosted tool is a recipient that nobody agreed to")
    unknown = value.keys() - {"type", "name", "description", "parameters", "strict"}
    if any(value[name] is not None for name in unknown):
        raise refused(where, "it has an unknown field")
    return tool(value.get("name"), value.get("description"), value.get("parameters"), where)


def _tool_choice(value: Any) -> str | None:
    if value is None or value in _TOOL_CHOICES:
        return value if isinstance(value, str) else None
    if isinstance(value, dict) and value.get("type") == "function" and value.keys() == {"type", "name"}:
        return text(value["name"], "tool_choice")
    raise refused("tool_choice", "it must be auto, none, required or one function")


def _output(value: Any) -> OutputSchema | None:
    kind = value.get("type") if isinstance(value, dict) else None
    if value is None or kind == "text":
        return None
    if kind != "json_schema" or not isinstance(value.get("schema"), dict):
        raise refused("text.format", "only text and json_schema are known")
    if value.keys() - {"type", "name", "schema", "strict"}:
        raise refused("text.format", "it has an unknown field")
    name = value.get("name")
    return OutputSchema(
        name=name if isinstance(name, str) else "answer",
        schema=value["schema"],
        strict=value.get("strict") is True,
    )


def _limits(fields: dict[str, Any]) -> Limits:
    effort = _inner(fields, "reasoning").get("effort")
    if effort is not None and not isinstance(effort, str):
        raise refused("reasoning.effort", "it must be text")
    return Limits(
        max_tokens=integer(fields.get("max_output_tokens"), "max_output_tokens"),
        temperature=number(fields.get("temperature"), "temperature"),
        top_p=number(fields.get("top_p"), "top_p"),
        reasoning_effort=effort,
    )
