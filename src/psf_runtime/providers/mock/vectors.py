"""Vectors of a mock provider: made of the words of a text, so that equal words make texts alike."""

from __future__ import annotations

import hashlib
import math
import operator
import re
import struct
from collections.abc import Sequence
from typing import Any, TypeGuard

from psf_runtime.errors import ConfigError
from psf_runtime.providers.mock.answer import Script
from psf_runtime.providers.mock.replies import Ending, ErrorFault, MarkFault, Reply, StallFault
from psf_runtime.types.request import Request
from psf_runtime.types.response import Vector

DIMENSIONS = 256  # when the call does not say
_MIDDLE = 32_767.5  # of the numbers of 16 bits, so that they lie around 0
_WORD = re.compile(r"\w+")


def vector_of(text: str, dimensions: int = DIMENSIONS) -> Vector:
    """The vector of a text: the sum of its words' vectors, of length 1. The same on every machine and in every run."""
    words = _WORD.findall(text.casefold()) or [text]
    total: list[float] = [-_MIDDLE * len(words)] * dimensions
    for word in words:
        total = list(map(operator.add, total, _numbers(word, dimensions)))
    length = math.sqrt(math.fsum(number * number for number in total)) or 1.0
    return tuple(number / length for number in total)


def _numbers(word: str, dimensions: int) -> tuple[int, ...]:
    """Numbers of 16 bits that follow from the word."""
    data = hashlib.shake_256(word.encode("utf-8", "surrogatepass")).digest(2 * dimensions)
    return struct.unpack(f">{dimensions}H", data)


def is_ending(reply: Reply) -> TypeGuard[Ending]:
    """Whether a reply is a failure, which an embed call meets like any other."""
    return isinstance(reply, ErrorFault | StallFault | Exception)


def embedding_script(reply: Reply | None, request: Request) -> Script:
    """The script for an embed call.

    `reply` is None (the vectors of the texts), a failure, a mark such as `fault.no_usage()`, or the vectors themselves
    as lists of numbers. Raises ConfigError for anything else.
    """
    if callable(reply) and not isinstance(reply, type):
        reply = reply(request)
    if isinstance(reply, Script):
        return reply
    if is_ending(reply):
        return Script(ending=reply, at_once=not isinstance(reply, StallFault))
    if isinstance(reply, MarkFault):
        marked = embedding_script(None, request)
        marked.usage = reply.usage
        marked.finish = reply.finish or marked.finish
        return marked
    if reply is None:
        dimensions = request.limits.dimensions or DIMENSIONS
        return Script(vectors=tuple(vector_of(message.text, dimensions) for message in request.messages))
    return Script(vectors=tuple(_given(row) for row in _rows(reply)))


def _rows(reply: Any) -> Sequence[Any]:
    if isinstance(reply, list | tuple) and reply and all(isinstance(row, list | tuple) for row in reply):
        return reply
    raise ConfigError(
        f"a mock reply to an embed call cannot be of type {type(reply).__name__}",
        change="reply with lists of numbers, one per text, or fault...; without a reply it makes vectors by itself",
    )


def _given(row: Sequence[Any]) -> Vector:
    return tuple(float(number) for number in row)
