"""Tool calls as they arrive: whose piece is this, and is it within bounds."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

from psf_runtime.errors import ProviderError
from psf_runtime.providers.base import Bounds
from psf_runtime.types.chunks import ToolCallDelta

_ID = re.compile(r"[A-Za-z0-9_.:\-]{1,128}")
_NAME = re.compile(r"[A-Za-z0-9_.:/\-]{1,128}")
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{\]}]', re.DOTALL)
_HIGHEST_INDEX = 1024


def bad_response(what: str, *, target: str = "", why: str = "") -> ProviderError:
    """The answer of a server that does not keep to its own dialect."""
    return ProviderError(
        f"{target or 'the target'}: {what}", kind="bad_response", target=target, retry_safe=False, why=why
    )


class _Slot:
    """One tool call while it grows."""

    __slots__ = ("given", "id", "name", "openers", "pieces")

    def __init__(self) -> None:
        self.given = ""  # the id as it came
        self.id = ""
        self.name = ""
        self.pieces: list[str] = []
        self.openers = 0


class ToolCalls:
    """Gives every piece of a tool call its number, 0, 1, 2 and so on in order of appearance.

    Servers leave out the index, send every call with index 0, repeat the id, or send the arguments as an object
    instead of text. The rules: an id that is new opens a call when a name comes with it; without an index, a name
    opens a call; everything else goes on with the call that its index, or the last piece, belongs to.
    """

    __slots__ = ("_bounds", "_by_index", "_last", "_target", "answer_id", "slots")

    def __init__(self, bounds: Bounds, target: str) -> None:
        self._bounds = bounds
        self._target = target
        self._by_index: dict[int, int] = {}
        self._last = -1
        self.slots: list[_Slot] = []
        self.answer_id = ""

    def piece(self, value: Any) -> ToolCallDelta:
        """The delta that one entry of `tool_calls` stands for. Raises ProviderError."""
        if not isinstance(value, dict):
            raise bad_response("a tool call is no object", target=self._target)
        function = value.get("function")
        if not isinstance(function, dict):
            function = {}
        return self.add(value.get("index"), value.get("id"), function)

    def add(self, index: Any, call_id: Any, function: dict[str, Any]) -> ToolCallDelta:
        """The delta for a piece with this index, id and `{"name", "arguments"}`, each of them perhaps missing."""
        given = call_id if isinstance(call_id, str) else ""
        name = function.get("name")
        if name and not (isinstance(name, str) and _NAME.fullmatch(name)):
            raise bad_response("the name of a tool call is no name", target=self._target)
        number = self._number(self._index(index), given, bool(name))
        slot = self.slots[number]
        self._last = number
        delta = ToolCallDelta(number, arguments=self._arguments(function.get("arguments"), slot))
        if not slot.id and (given or name):
            # An id that does not look like one is replaced: it would be a text that nobody looks at.
            slot.given = given
            slot.id = given if _ID.fullmatch(given) else f"call_{number}{self.answer_id}"
            delta.id = slot.id
        if name and not slot.name:
            slot.name = delta.name = name
        return delta

    def _index(self, index: Any) -> int | None:
        if index is None:
            return None
        if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index <= _HIGHEST_INDEX:
            raise bad_response("the index of a tool call is out of range", target=self._target)
        return index

    def _number(self, index: int | None, call_id: str, named: bool) -> int:
        if call_id:
            for number, slot in enumerate(self.slots):
                if slot.given == call_id and index in (None, *self._indices_of(number)):
                    return number
        if index is None:
            return self._last if self.slots and not named else self._open(None)
        known = self._by_index.get(index)
        if known is None:
            return self._open(index)
        if call_id and named and self.slots[known].name and self.slots[known].given != call_id:
            return self._open(index)
        return known

    def _indices_of(self, number: int) -> list[int]:
        return [index for index, owner in self._by_index.items() if owner == number]

    def _open(self, index: int | None) -> int:
        if len(self.slots) >= self._bounds.tool_calls:
            raise bad_response(
                "the answer holds too many tool calls",
                target=self._target,
                why=f"at most {self._bounds.tool_calls} are accepted",
            )
        self.slots.append(_Slot())
        number = len(self.slots) - 1
        if index is not None:
            self._by_index[index] = number
        return number

    def _arguments(self, value: Any, slot: _Slot) -> str:
        if value is None:
            return ""
        if isinstance(value, dict):
            value = object_text(value)
        if not isinstance(value, str):
            raise bad_response("the arguments of a tool call are neither text nor an object", target=self._target)
        if value:
            slot.pieces.append(value)
            slot.openers += value.count("[") + value.count("{")
        return value

    def finish(self) -> None:
        """Check what can only be seen on the whole: names, and how deep the arguments are nested."""
        for slot in self.slots:
            if not slot.name:
                raise bad_response("a tool call has no name", target=self._target)
            if slot.openers > self._bounds.depth and _depth("".join(slot.pieces)) > self._bounds.depth:
                raise bad_response(
                    "the arguments of a tool call are nested too deep",
                    target=self._target,
                    why=f"at most {self._bounds.depth} levels are accepted",
                )


def object_text(value: dict[str, Any]) -> str:
    """Arguments that came as an object, as text. The fast writer takes no whole number beyond 64 bits."""
    try:
        return orjson.dumps(value).decode("utf-8")
    except TypeError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _depth(text: str) -> int:
    """How deep brackets are nested in a JSON text, strings aside. Works on text that is no JSON, too."""
    deepest = level = 0
    for found in _STRING_OR_BRACKET.finditer(text):
        sign = found[0]
        if sign in "[{":
            level += 1
            deepest = max(deepest, level)
        elif sign in "]}":
            level -= 1
    return deepest


def id_suffix(answer_id: Any) -> str:
    """A few signs of the answer's id, so that ids we make up for tool calls differ from turn to turn."""
    if not isinstance(answer_id, str):
        return ""
    letters = "".join(sign for sign in answer_id[-8:] if sign.isascii() and sign.isalnum())
    return f"_{letters}" if letters else ""
