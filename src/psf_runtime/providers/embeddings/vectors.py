"""Vectors from the numbers of an answer: checked before anybody computes with them."""

from __future__ import annotations

import binascii
import contextlib
import math
import sys
from array import array
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from psf_runtime.errors import ProviderError
from psf_runtime.providers.dialect.toolcalls import bad_response
from psf_runtime.types.response import Vector

LONGEST = 32_768  # numbers in one vector; the longest in use have an eighth of that
MOST = 2_048  # vectors in one answer
_NUMBERS = frozenset({float, int})


@dataclass(frozen=True, slots=True)
class Expected:
    """What must come back: how many vectors, and how long; None where it is not known."""

    vectors: int | None = None
    dimensions: int | None = None


ANYTHING = Expected()


def vectors_from(values: Sequence[Any], expected: Expected, target: str) -> tuple[Vector, ...]:
    """The vectors, in the order given. Raises ProviderError of kind `bad_response` for anything that is none.

    Each value is a list of numbers, or the base64 of little-endian 32-bit floats.
    """
    wanted = expected.vectors
    if wanted is not None and len(values) != wanted:
        raise bad_response(
            "the answer does not hold one vector per text",
            target=target,
            why=f"{wanted} texts were sent and {len(values)} vectors came back",
        )
    if not values or len(values) > MOST:
        raise bad_response("the answer holds no vectors, or too many", target=target, why=f"1 to {MOST} are accepted")
    vectors = tuple(_vector(value, target) for value in values)
    lengths = {len(vector) for vector in vectors}
    if len(lengths) > 1:
        raise bad_response("the vectors of the answer have different lengths", target=target)
    length = lengths.pop()
    if expected.dimensions is not None and length != expected.dimensions:
        raise bad_response(
            "the vectors of the answer do not have the length that was asked for",
            target=target,
            why=f"dimensions={expected.dimensions} was asked for, and they have {length}",
        )
    return vectors


def in_order(items: Iterable[Any], target: str) -> list[Any]:
    """The `embedding` of each entry, in the order of their `index`; in the order given when none has one."""
    entries = list(items)
    if not all(isinstance(entry, dict) for entry in entries):
        raise bad_response("an entry of the answer is no object", target=target)
    indices = [entry.get("index") for entry in entries]
    if all(index is None for index in indices):
        return [entry.get("embedding") for entry in entries]
    places: list[Any] = [None] * len(entries)
    for entry, index in zip(entries, indices, strict=True):
        if type(index) is not int or not 0 <= index < len(entries) or places[index] is not None:
            raise bad_response(
                "the vectors of the answer are not numbered one by one",
                target=target,
                why="which text each belongs to cannot be known",
            )
        places[index] = entry.get("embedding") or ()
    return places


def _vector(value: Any, target: str) -> Vector:
    if isinstance(value, str):
        numbers = _from_base64(value, target)
    elif isinstance(value, list) and len(value) <= LONGEST and _NUMBERS.issuperset(map(type, value)):
        numbers = tuple(map(float, value))
    else:
        raise _no_vector(target)
    if not numbers:
        raise _no_vector(target)
    # One addition finds an infinity or a NaN; only large numbers, which may overflow, are then looked at one by one.
    if not math.isfinite(sum(numbers)) and not all(map(math.isfinite, numbers)):
        raise bad_response("a vector of the answer holds a number that is not finite", target=target)
    return numbers


def _from_base64(text: str, target: str) -> Vector:
    data = b""
    if len(text) <= LONGEST * 6:
        with contextlib.suppress(binascii.Error, ValueError):
            data = b64decode(text, validate=True)
    del text
    if not data or len(data) % 4 or len(data) > LONGEST * 4:
        raise _no_vector(target)
    numbers = array("f")
    numbers.frombytes(data)
    if sys.byteorder == "big":
        numbers.byteswap()
    return tuple(numbers)


def to_base64(vector: Vector) -> str:
    """The base64 of the vector as little-endian 32-bit floats."""
    numbers = array("f", vector)
    if sys.byteorder == "big":
        numbers.byteswap()
    return b64encode(numbers.tobytes()).decode("ascii")


def _no_vector(target: str) -> ProviderError:
    return bad_response(
        "an entry of the answer is no vector",
        target=target,
        why=f"a vector is 1 to {LONGEST} numbers, as a list or as base64 of 32-bit floats",
    )
