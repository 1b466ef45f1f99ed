"""The small schema validator: what it checks, what it refuses, what it never shows."""

from __future__ import annotations

from typing import Any

import pytest

from psf_runtime.errors import ConfigError
from psf_runtime.guards.contracts.schema import compile_schema


@pytest.mark.parametrize(
    ("schema", "good", "bad", "violation"),
    [
        ({"type": "string"}, "a", 1, ("", "not_string")),
        ({"type": "integer"}, 2.0, 2.5, ("", "not_integer")),
        ({"type": "integer"}, 2, True, ("", "not_integer")),
        ({"type": "number"}, 1.5, "1", ("", "not_number")),
        ({"type": "boolean"}, False, 0, ("", "not_boolean")),
        ({"type": ["string", "null"]}, None, 1, ("", "not_string_or_null")),
        ({"const": 1}, 1, True, ("", "const")),
        ({"enum": ["a", 1]}, 1, "b", ("", "enum")),
        ({"minLength": 2, "maxLength": 3}, "ab", "a", ("", "min_length")),
        ({"maxLength": 3}, "ab", "abcd", ("", "max_length")),
        ({"pattern": "^a+$"}, "aa", "ab", ("", "pattern")),
        ({"pattern": "a"}, "a", "a" * 20_000, ("", "pattern")),
        ({"minimum": 1}, 1, 0, ("", "minimum")),
        ({"maximum": 1}, 1, 2, ("", "maximum")),
        ({"exclusiveMinimum": 1}, 2, 1, ("", "exclusive_minimum")),
        ({"exclusiveMaximum": 1}, 0, 1, ("", "exclusive_maximum")),
        ({"multipleOf": 0.1}, 0.3, 0.35, ("", "multiple_of")),
        ({"items": {"type": "string"}}, ["a"], ["a", 1], ("1", "not_string")),
        ({"prefixItems": [{"type": "string"}], "items": False}, ["a"], ["a", "b"], ("1", "not_allowed")),
        ({"type": "array", "minItems": 1}, [1], [], ("", "min_items")),
        ({"maxItems": 1}, [1], [1, 2], ("", "max_items")),
        ({"uniqueItems": True}, [1, 2], [1, 1], ("", "unique_items")),
        ({"properties": {"a": {"type": "string"}}}, {"a": "x"}, {"a": 1}, ("a", "not_string")),
        ({"required": ["a"]}, {"a": 1}, {}, ("a", "missing")),
        ({"additionalProperties": False}, {}, {"jane@x.example": 1}, ("*", "extra")),
        ({"additionalProperties": {"type": "null"}}, {"x": None}, {"jane": 1}, ("*", "not_null")),
        ({"minProperties": 1}, {"a": 1}, {}, ("", "min_properties")),
        ({"maxProperties": 1}, {"a": 1}, {"a": 1, "b": 1}, ("", "max_properties")),
        ({"anyOf": [{"type": "null"}, {"type": "string"}]}, None, 1, ("", "any_of")),
        ({"oneOf": [{"minimum": 1}, {"maximum": 3}]}, 0, 2, ("", "one_of")),
        ({"allOf": [{"minimum": 1}, {"maximum": 3}]}, 2, 4, ("", "maximum")),
        (
            {"$defs": {"N/m": {"type": "string"}}, "properties": {"a": {"$ref": "#/$defs/N~1m"}}},
            {"a": "x"},
            {"a": 1},
            ("a", "not_string"),
        ),
    ],
)
def test_each_keyword(schema: dict[str, Any], good: Any, bad: Any, violation: tuple[str, str]) -> None:
    """A good value has no errors; a bad one has its path and kind, and never a value or a key of its own."""
    validator = compile_schema(schema)
    assert validator.errors(good) == []
    assert violation in validator.errors(bad)


@pytest.mark.parametrize(
    ("schema", "word"),
    [
        ({"if": {}}, "'if'"),
        ({"properties": {"a": {"patternProperties": {}}}}, "'patternProperties'"),
        ({"$ref": "http://127.0.0.1:9/x"}, "nothing is fetched"),
        ({"$ref": "other.json#/x"}, "nothing is fetched"),
        ({"$ref": "#/$defs/X"}, "not there"),
        ({"pattern": "(a+)+$"}, "pattern"),
        ({"pattern": "("}, "regular expression"),
        ({"pattern": "a" * 600}, "pattern"),
        ({"type": "text"}, "type"),
        ({"items": [1]}, "list"),
    ],
)
def test_what_is_not_supported_is_refused(schema: dict[str, Any], word: str) -> None:
    """At compile time, naming the keyword; no reference is followed out of the document."""
    with pytest.raises(ConfigError, match=word.replace("(", r"\(")):
        compile_schema(schema)


def test_depth_is_bounded_both_ways() -> None:
    """A schema too deep is refused; a schema that refers to itself ends at 64 levels."""
    deep: dict[str, Any] = {}
    for _ in range(100):
        deep = {"items": deep}
    with pytest.raises(ConfigError, match="deeper"):
        compile_schema(deep)
    loop = compile_schema({"$defs": {"L": {"items": {"$ref": "#/$defs/L"}}}, "$ref": "#/$defs/L"})
    value: Any = []
    for _ in range(60):
        value = [value]
    assert loop.errors(value)[0][1] == "too_deep"
    assert loop.errors([[[]]]) == []
    endless = compile_schema({"$defs": {"L": {"$ref": "#/$defs/L"}}, "$ref": "#/$defs/L"})
    assert endless.errors(1) == [("", "too_deep")]


def test_violations_are_bounded() -> None:
    """An answer with a million faults lists fifty."""
    assert len(compile_schema({"items": {"type": "string"}}).errors([1] * 1_000)) == 50
