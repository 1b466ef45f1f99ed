"""Whether a value has the type that a setting declares: one checker for values from Python and from a file.

What it says about a wrong value never repeats the value: a key may have been pasted in the wrong place.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime
from types import MappingProxyType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from psf_runtime.policy.spelling import choices, nearest

Wrong = tuple[str, str]  # what is wrong, what to change

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,39}")
_PLAIN: Mapping[Any, str] = MappingProxyType(
    {str: "a text", bool: "true or false", int: "a whole number", float: "a number", date: "a date"}
)


def hints_of(cls: Any) -> Mapping[str, Any]:
    """The declared type of every field of a settings class."""
    hints = get_type_hints(cls)
    return {field.name: hints[field.name] for field in fields(cls)}


def wrong(value: Any, expected: Any) -> Wrong | None:
    """None when `value` is of the expected type, else what is wrong with it and what would be right."""
    if _fits(value, expected):
        return None
    values = _literals(expected)
    if values:
        hint = nearest(value, values) if isinstance(value, str) else None
        change = f'"{hint}"' if hint else choices(values)
        return f"must be one of {choices(values)}", change
    inside = _wrong_inside(value, expected)
    if inside:
        return inside
    if expected is date and isinstance(value, str):
        return "must be a date, not a text", "2027-03-31, without quotes (date(2027, 3, 31) in Python)"
    return f"must be {describe(expected)}", f"write {describe(expected)}"


def describe(expected: Any) -> str:
    """A type in words."""
    if expected in _PLAIN:
        return _PLAIN[expected]
    origin, arguments = get_origin(expected), get_args(expected)
    if origin is Literal:
        return f"one of {choices(arguments)}"
    if origin in (Union, UnionType):
        return " or ".join(describe(each) for each in arguments if each is not type(None))
    if origin is tuple:
        return f"a list of {len(arguments)} numbers"
    if origin is Sequence:
        return f"a list, each {describe(arguments[0])}"
    if origin is Mapping:
        return f"a table, each value {describe(arguments[1])}"
    return "a function" if origin is Callable else "another kind of value"


def _fits(value: Any, expected: Any) -> bool:
    origin, arguments = get_origin(expected), get_args(expected)
    if expected is Any:
        return True
    if expected is type(None):
        return value is None
    if origin is Literal:
        return isinstance(value, str) and value in arguments
    if origin in (Union, UnionType):
        return any(_fits(value, each) for each in arguments)
    if origin is tuple:
        return isinstance(value, tuple | list) and len(value) == len(arguments) and all(map(_fits, value, arguments))
    if origin is Sequence:
        return isinstance(value, tuple | list) and all(_fits(each, arguments[0]) for each in value)
    if origin is Mapping:
        return isinstance(value, Mapping) and all(
            isinstance(key, str) and _fits(each, arguments[1]) for key, each in value.items()
        )
    if origin is Callable:
        return callable(value)
    return _fits_plain(value, expected)


def _fits_plain(value: Any, expected: Any) -> bool:
    if expected is float:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if expected is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if expected is date:
        return isinstance(value, date) and not isinstance(value, datetime)
    return isinstance(value, expected)


def _literals(expected: Any) -> tuple[str, ...]:
    """The names that are allowed, when the type is a choice of names (or None)."""
    if get_origin(expected) is Literal:
        return get_args(expected)
    if get_origin(expected) in (Union, UnionType):
        inner = [each for each in get_args(expected) if each is not type(None)]
        return _literals(inner[0]) if len(inner) == 1 else ()
    return ()


def _wrong_inside(value: Any, expected: Any) -> Wrong | None:
    """What is wrong with one entry of a list or table that itself is one."""
    origin, arguments = get_origin(expected), get_args(expected)
    if origin is Sequence and isinstance(value, tuple | list):
        entries: list[tuple[str, Any]] = [(f"entry {number}", each) for number, each in enumerate(value, start=1)]
    elif origin is Mapping and isinstance(value, Mapping):
        entries = [(f"entry {plain(key)}", each) for key, each in value.items()]
    else:
        return None
    for label, each in entries:
        found = wrong(each, arguments[-1])
        if found:
            return f"{label} {found[0]}", found[1]
    return None


def plain(key: Any) -> str:
    """A key of a table as a message may show it: only if it looks like a name."""
    return key if isinstance(key, str) and _NAME.fullmatch(key) else "(a name not shown)"
