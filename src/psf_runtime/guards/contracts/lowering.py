"""From the schema an application wants to the one a model is given: what a token cannot meet is left out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psf_runtime.guards.contracts.raising import NUMBERS, may_be_personal, types_of

# A token such as EMAIL_M2T9AX4K stands where a value will be: it has no format, and a length of its own.
_STRING_LIMITS = ("format", "pattern", "maxLength", "minLength")
_NUMBER_LIMITS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_NAME = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Loss:
    """One constraint that the model is not told: where it stands, and its keyword."""

    path: str
    keyword: str


@dataclass(frozen=True, slots=True)
class Lowered:
    """The schema for the model, what it lost, whether it was wrapped in an object, and why it is not strict."""

    schema: Mapping[str, Any]
    losses: tuple[Loss, ...]
    wrapped: bool
    loose: tuple[str, ...]


def lower(schema: Mapping[str, Any]) -> Lowered:
    """The schema as it goes to a model.

    A root that is no object is wrapped as `{"value": ...}`, for vendors that need an object. Objects that do not say
    whether they are open are closed: an answer that fits the closed one fits the open one.
    """
    losses: list[Loss] = []
    loose: list[str] = []
    lowered = _lower(schema, "", losses=losses, loose=loose)
    wrapped = not is_object(schema)
    if wrapped:
        definitions = {key: lowered.pop(key) for key in ("$defs", "definitions") if key in lowered}
        lowered = {
            "type": "object",
            "properties": {"value": lowered},
            "required": ["value"],
            "additionalProperties": False,
            **definitions,
        }
    return Lowered(lowered, tuple(losses), wrapped, tuple(loose))


def is_object(schema: Mapping[str, Any]) -> bool:
    """Whether the root of a schema is surely an object; a local reference is followed."""
    seen = 0
    while "$ref" in schema and seen < 8:
        name = str(schema["$ref"]).rpartition("/")[2]
        target = schema.get("$defs", {}).get(name) or schema.get("definitions", {}).get(name)
        if target is None:
            return False
        schema, seen = {**target, "$defs": schema.get("$defs", {})}, seen + 1
    return schema.get("type") == "object" or "properties" in schema


def _lower(schema: Any, path: str, *, losses: list[Loss], loose: list[str], name: str = "") -> Any:
    """The schema for what stands at `path`, in a property called `name`."""
    if not isinstance(schema, Mapping):
        return schema
    as_text = may_be_personal(name) and not types_of(schema).isdisjoint(NUMBERS)
    out: dict[str, Any] = {}
    for keyword, value in schema.items():
        if keyword in _STRING_LIMITS or (keyword == "const" and _is_number(value)):
            losses.append(Loss(path or "(root)", keyword))
        elif as_text and (keyword == "type" or keyword in _NUMBER_LIMITS or keyword == "enum"):
            losses.append(Loss(path or "(root)", keyword))
            if keyword == "type":
                out["type"] = _text_for_numbers(value)
        elif keyword in ("properties", "$defs", "definitions"):
            shown = keyword == "properties"
            out[keyword] = {
                key: _lower(part, _join(path, key) if shown else key, losses=losses, loose=loose, name=key)
                for key, part in value.items()
            }
        elif keyword in ("anyOf", "oneOf", "allOf", "prefixItems"):
            out[keyword] = [_lower(part, path, losses=losses, loose=loose, name=name) for part in value]
        elif keyword in ("items", "additionalProperties"):
            inner = name if keyword == "items" else ""
            out[keyword] = _lower(value, _join(path, "*"), losses=losses, loose=loose, name=inner)
        elif keyword != "default":
            out[keyword] = value
    if "properties" in out:
        out.setdefault("additionalProperties", False)
        if set(out["properties"]) - set(out.get("required", ())):
            loose.append(f"{path or '(root)'}: not every field is required")
    if out.get("additionalProperties", False) is not False:
        loose.append(f"{path or '(root)'}: other keys are allowed")
    return out


def _text_for_numbers(kind: Any) -> Any:
    """The type of a leaf that may be a token: text where a number was asked for, and whatever else it may be."""
    if isinstance(kind, str):
        return "string"
    return list(dict.fromkeys("string" if one in NUMBERS else one for one in kind))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _join(path: str, step: str) -> str:
    return f"{path}.{step}" if path else step


def schema_name(title: str) -> str:
    """A name that every vendor takes: letters, digits, `_` and `-`, at most 64."""
    return _NAME.sub("_", title).strip("_")[:64] or "answer"
