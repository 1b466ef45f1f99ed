"""Plain JSON values, and one byte string per value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import orjson

from psf_runtime.errors import ConfigError, StateError

_SIMPLE = frozenset((str, bool, type(None)))
_EXACT = 2**53


def canonical_bytes(data: Any) -> bytes:
    """One byte string per JSON value: sorted keys, no spaces, UTF-8 (lone surrogates kept).

    Raises ConfigError for what JSON cannot hold: NaN, infinity, keys that are not strings, other objects.
    """
    try:
        if _same_in_orjson(data):
            try:
                # A copy of the right size: what orjson returns keeps the 4 KB it was written into, and records
                # are kept for long (measured: 9 KB a call without the copy, which takes 0.1 us).
                return bytes(memoryview(orjson.dumps(data, option=orjson.OPT_SORT_KEYS)))
            except orjson.JSONEncodeError:  # lone surrogates, or deeper than orjson goes
                pass
        text = json.dumps(plain(data), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except RecursionError:
        raise _not_plain("a value nested too deeply") from None
    return text.encode("utf-8", "surrogatepass")


def _same_in_orjson(value: Any) -> bool:
    """Whether orjson writes the same bytes as json does.

    Not for what json alone knows: very large numbers, subclasses, other mappings. Measured: a tenth of the time, and
    a fiftieth for long texts; every record and digest of a call goes through here.
    """
    kind = type(value)
    if kind is dict:
        for key, item in value.items():
            if type(key) is not str:
                return False
            kind = type(item)
            if not (kind in _SIMPLE or (kind is int and -_EXACT <= item <= _EXACT) or _same_in_orjson(item)):
                return False
        return True
    if kind is list or kind is tuple:
        for item in value:  # noqa: SIM110  # a generator for all(...) costs as much as ten items
            if not (type(item) in _SIMPLE or _same_in_orjson(item)):
                return False
        return True
    if kind is int:
        return bool(-_EXACT <= value <= _EXACT)
    if kind is float:
        # The two write exponents differently, and other signs for what is no number.
        return bool(value == 0.0 or 1e-3 <= abs(value) <= 1e15)
    return kind in _SIMPLE


def from_canonical_bytes(data: bytes) -> Any:
    """The value behind `canonical_bytes`. Raises StateError when the bytes are something else."""
    try:
        return json.loads(data.decode("utf-8", "surrogatepass"))
    except (ValueError, RecursionError):
        raise unreadable("the bytes are not JSON") from None


def plain(value: Any) -> Any:
    """The value as dicts, lists and scalars that JSON holds without loss. Raises ConfigError otherwise."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            raise _not_plain("a number that is not finite")
        return value
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise _not_plain("a key that is not a string")
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    raise _not_plain(f"a value of type {type(value).__name__}")


def _not_plain(what: str) -> ConfigError:
    return ConfigError(
        f"{what} cannot be kept as JSON",
        why="requests and answers are kept, and digested, as JSON",
        change="give plain dicts, lists, strings and finite numbers (a tool's parameters as a JSON schema)",
    )


def unreadable(why: str) -> StateError:
    """The error for stored data that is not what it should be."""
    return StateError(
        "a stored request or answer cannot be read",
        why=why,
        change="it was written by another version, or changed: start the call again",
    )
