"""A small validator for the part of JSON Schema that models are given. Nothing is fetched from anywhere."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from psf_runtime.errors import ConfigError

Violation = tuple[str, str]  # (path, kind), never a value

_TYPES = frozenset(("object", "array", "string", "number", "integer", "boolean", "null"))
_NOTES = frozenset(
    (
        *("$schema", "$id", "$comment", "$defs", "definitions", "title", "description", "default", "examples"),
        *("format", "deprecated", "readOnly", "writeOnly", "discriminator"),
    )
)
_CHECKED = frozenset(
    (
        *("type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref"),
        *("properties", "required", "additionalProperties", "minProperties", "maxProperties"),
        *("items", "prefixItems", "minItems", "maxItems", "uniqueItems"),
        *("minLength", "maxLength", "pattern"),
        *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    )
)
_NESTED_REPEAT = re.compile(r"\([^()]*[*+}][^()]*\)\s*(?:[*+]|\{\d*,)")
_MOST_LEVELS = 64
_LONGEST_PATTERN = 512
_LONGEST_MATCHED = 10_000
_MOST_VIOLATIONS = 50


def compile_schema(schema: Mapping[str, Any], *, what: str = "the schema") -> Validator:
    """A validator. Raises ConfigError for a keyword it does not know, a `$ref` that is not local, a hostile pattern."""
    _check_schema(schema, what)
    return Validator(schema)


def _check_schema(schema: Mapping[str, Any], what: str) -> None:
    stack: list[tuple[Any, int]] = [(schema, 1)]
    while stack:
        part, depth = stack.pop()
        if isinstance(part, bool):
            continue
        if not isinstance(part, Mapping):
            raise _wrong(f"{what} holds {type(part).__name__} where a schema must stand", "write a JSON schema object")
        if depth > _MOST_LEVELS:
            raise _wrong(f"{what} is nested deeper than {_MOST_LEVELS} levels", "make it flatter")
        for keyword in part:
            if keyword not in _NOTES and keyword not in _CHECKED:
                raise _wrong(f"{what} uses {keyword!r}, which is not supported", f"say it without {keyword!r}")
        _check_type(part, what)
        _check_pattern(part, what)
        if "$ref" in part:
            _resolve(schema, part["$ref"], what)
        stack.extend((child, depth + 1) for child in children(part))


def _check_type(part: Mapping[str, Any], what: str) -> None:
    named = part.get("type", ())
    for name in (named,) if isinstance(named, str) else named:
        if name not in _TYPES:
            raise _wrong(f"{what} names a type that JSON does not have", f"use one of {', '.join(sorted(_TYPES))}")


def _check_pattern(part: Mapping[str, Any], what: str) -> None:
    pattern = part.get("pattern")
    if pattern is None:
        return
    if not isinstance(pattern, str) or len(pattern) > _LONGEST_PATTERN or _NESTED_REPEAT.search(pattern):
        raise _wrong(f"{what} holds a pattern that is too long or repeats a repetition", "write a simpler pattern")
    try:
        re.compile(pattern)
    except re.error:
        raise _wrong(f"{what} holds a pattern that is no regular expression", "mend the pattern") from None


def _wrong(what: str, change: str) -> ConfigError:
    return ConfigError(what, control="contracts.output", change=change)


def children(part: Mapping[str, Any]) -> Iterator[Any]:
    """The schemas directly inside a schema."""
    for keyword in ("properties", "$defs", "definitions"):
        yield from part.get(keyword, {}).values()
    for keyword in ("anyOf", "oneOf", "allOf", "prefixItems"):
        yield from part.get(keyword, ())
    for keyword in ("items", "additionalProperties"):
        if keyword in part:
            yield part[keyword]


def _resolve(root: Mapping[str, Any], reference: Any, what: str = "the schema") -> Any:
    """The schema that a local `$ref` (`#/$defs/Name`) names."""
    if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")):
        raise _wrong(f"{what} refers to another document, and nothing is fetched", "put the definition under $defs")
    found: Any = root
    for step in reference.split("/")[1:]:
        step = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, Mapping) or step not in found:
            raise _wrong(f"{what} refers to a definition that is not there", "add it under $defs")
        found = found[step]
    return found


def property_names(schema: Mapping[str, Any]) -> frozenset[str]:
    """Every property name that the schema itself writes: only these may be shown in paths."""
    names: set[str] = set()
    stack: list[Any] = [schema]
    while stack:
        part = stack.pop()
        if isinstance(part, Mapping):
            names.update(part.get("properties", {}))
            stack.extend(children(part))
    return frozenset(names)


class Validator:
    """Checks JSON values against one schema."""

    __slots__ = ("_root",)

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._root = schema

    def errors(self, value: Any) -> list[Violation]:
        """(path, kind) of what is wrong, at most fifty. Keys that the schema does not name are shown as `*`."""
        found: list[Violation] = []
        for violation in self._check(self._root, value, "", 0):
            found.append(violation)
            if len(found) >= _MOST_VIOLATIONS:
                break
        return found

    def _check(self, schema: Any, value: Any, path: str, depth: int) -> Iterator[Violation]:
        if schema is True:
            return
        if schema is False:
            yield path, "not_allowed"
            return
        if depth > _MOST_LEVELS:
            yield path, "too_deep"
            return
        if "$ref" in schema:
            yield from self._check(_resolve(self._root, schema["$ref"]), value, path, depth + 1)
        if "type" in schema and not _has_type(value, schema["type"]):
            yield path, f"not_{_type_name(schema['type'])}"
            return
        if "const" in schema and not _same(value, schema["const"]):
            yield path, "const"
        if "enum" in schema and not any(_same(value, choice) for choice in schema["enum"]):
            yield path, "enum"
        yield from self._check_choices(schema, value, path, depth)
        if isinstance(value, str):
            yield from _check_string(schema, value, path)
        elif isinstance(value, Mapping):
            yield from self._check_object(schema, value, path, depth)
        elif isinstance(value, list):
            yield from self._check_array(schema, value, path, depth)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            yield from _check_number(schema, value, path)

    def _fits(self, schema: Any, value: Any, depth: int) -> bool:
        return next(self._check(schema, value, "", depth), None) is None

    def _check_choices(self, schema: Mapping[str, Any], value: Any, path: str, depth: int) -> Iterator[Violation]:
        for part in schema.get("allOf", ()):
            yield from self._check(part, value, path, depth + 1)
        if "anyOf" in schema and not any(self._fits(part, value, depth + 1) for part in schema["anyOf"]):
            yield path, "any_of"
        if "oneOf" in schema and sum(self._fits(part, value, depth + 1) for part in schema["oneOf"]) != 1:
            yield path, "one_of"

    def _check_object(
        self, schema: Mapping[str, Any], value: Mapping[str, Any], path: str, depth: int
    ) -> Iterator[Violation]:
        properties = schema.get("properties", {})
        for name in schema.get("required", ()):
            if name not in value:
                yield _join(path, name), "missing"
        others = schema.get("additionalProperties", True)
        for key, item in value.items():
            if key in properties:
                yield from self._check(properties[key], item, _join(path, key), depth + 1)
            elif others is False:
                yield _join(path, "*"), "extra"
            else:
                yield from self._check(others, item, _join(path, "*"), depth + 1)
        if len(value) < schema.get("minProperties", 0):
            yield path, "min_properties"
        if len(value) > schema.get("maxProperties", math.inf):
            yield path, "max_properties"

    def _check_array(self, schema: Mapping[str, Any], value: list[Any], path: str, depth: int) -> Iterator[Violation]:
        if len(value) < schema.get("minItems", 0):
            yield path, "min_items"
        if len(value) > schema.get("maxItems", math.inf):
            yield path, "max_items"
        first = schema.get("prefixItems", ())
        rest = schema.get("items", True)
        for index, item in enumerate(value):
            part = first[index] if index < len(first) else rest
            yield from self._check(part, item, _join(path, str(index)), depth + 1)
        if schema.get("uniqueItems"):
            seen = {json.dumps(item, sort_keys=True) for item in value}
            if len(seen) < len(value):
                yield path, "unique_items"


def _check_string(schema: Mapping[str, Any], value: str, path: str) -> Iterator[Violation]:
    if len(value) < schema.get("minLength", 0):
        yield path, "min_length"
    if len(value) > schema.get("maxLength", math.inf):
        yield path, "max_length"
    pattern = schema.get("pattern")
    # A string too long to be matched in bounded time does not fit.
    if pattern is not None and (len(value) > _LONGEST_MATCHED or re.search(pattern, value) is None):
        yield path, "pattern"


def _check_number(schema: Mapping[str, Any], value: float, path: str) -> Iterator[Violation]:
    if value < schema.get("minimum", -math.inf):
        yield path, "minimum"
    if value > schema.get("maximum", math.inf):
        yield path, "maximum"
    if value <= schema.get("exclusiveMinimum", -math.inf):
        yield path, "exclusive_minimum"
    if value >= schema.get("exclusiveMaximum", math.inf):
        yield path, "exclusive_maximum"
    step = schema.get("multipleOf")
    if step and abs(value / step - round(value / step)) > 1e-9:
        yield path, "multiple_of"


def _has_type(value: Any, wanted: Any) -> bool:
    return any(_is(value, name) for name in ((wanted,) if isinstance(wanted, str) else wanted))


def _is(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    if isinstance(value, int):
        return name in ("integer", "number")
    if isinstance(value, float):
        return name == "number" or (name == "integer" and value.is_integer())
    names = {"object": Mapping, "array": list, "string": str}
    return value is None if name == "null" else name in names and isinstance(value, names[name])


def _type_name(wanted: Any) -> str:
    return wanted if isinstance(wanted, str) else "_or_".join(wanted)


def _same(left: Any, right: Any) -> bool:
    return (
        type(left) is type(right) and bool(left == right)
        if isinstance(left, bool) or isinstance(right, bool)
        else bool(left == right)
    )


def _join(path: str, step: str) -> str:
    return f"{path}.{step}" if path else step
