"""The shell of every decoder: bounded, and no received content in the frames of an error."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from typing import Any

import orjson

from psf_runtime.errors import ProviderError
from psf_runtime.providers.base import Bounds
from psf_runtime.providers.dialect.toolcalls import bad_response
from psf_runtime.types.chunks import Chunk


class AnswerDecoder(ABC):
    """Takes in the bytes of one answer. A dialect says in `_take` and `_finish` what they mean.

    Args:
        target: name of the target, for errors.
        bounds: how much is accepted.
    """

    __slots__ = ("_bounds", "_size", "_target")

    def __init__(self, target: str, bounds: Bounds) -> None:
        self._target = target
        self._bounds = bounds
        self._size = 0

    def feed(self, data: bytes) -> list[Chunk]:
        """The chunks that these bytes complete. Raises ProviderError."""
        out: list[Chunk] = []
        try:
            self._grow(len(data))
            self._take(data, out)
            return out
        except ProviderError as caught:
            problem = self._named(caught)
        # Raised out here, without what was received in the frame: a report that prints locals must not print it.
        del data, out
        raise problem

    def end(self) -> list[Chunk]:
        """What was still open. Raises StreamInterrupted when the answer is not complete."""
        out: list[Chunk] = []
        try:
            self._finish(out)
            return out
        except ProviderError as caught:
            problem = self._named(caught)
        del out
        raise problem

    def carried(self) -> bytes:
        """What must come back to the same target word for word (signed reasoning); empty when there is nothing."""
        return b""

    @abstractmethod
    def _take(self, data: bytes, out: list[Chunk]) -> None:
        """Take in bytes; the chunks that they complete go to `out`."""

    @abstractmethod
    def _finish(self, out: list[Chunk]) -> None:
        """The end of the bytes; the chunks that were still open go to `out`."""

    def _grow(self, size: int) -> None:
        self._size += size
        if self._size > self._bounds.answer_bytes:
            raise bad_response(
                "the answer is too large",
                target=self._target,
                why=f"at most {self._bounds.answer_bytes} bytes are accepted",
            )

    def _named(self, caught: ProviderError) -> ProviderError:
        """A fresh error with the target's name, which the layers below do not know."""
        problem: Any = caught.fresh()
        problem.target = problem.target or self._target
        error: ProviderError = problem
        return error


def loads(text: str | bytes) -> Any:
    """The JSON value, or None when it is none (or too deep: the parser has its own limit)."""
    try:
        return orjson.loads(text)
    except ValueError:
        return None


_LONG_NUMBER = re.compile(rb"[0-9]{19}")


def loads_exactly(text: bytes) -> Any:
    """As `loads`, but whole numbers keep all their digits: beyond 64 bits the fast parser makes them floats."""
    value = loads(text)
    if value is None or not _LONG_NUMBER.search(text):
        return value
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
