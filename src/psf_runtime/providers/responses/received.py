"""The items of an answer while they arrive: which one does an event belong to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from psf_runtime.errors import ProviderError
from psf_runtime.providers.dialect.toolcalls import bad_response

Kind = Literal["message", "reasoning", "function_call", "other"]
_KINDS: Mapping[str, Kind] = {"function_call": "function_call", "message": "message", "reasoning": "reasoning"}
_HIGHEST_INDEX = 1024


class Item:
    """One item.

    Attributes:
        kind: what it is; `other` is what was never asked for, and is dropped.
        index: its place in the answer as the server says it; None when it says none.
        number: its place among the tool calls.
        announced: the server has opened it, and did not begin with a piece of it.
        part: the content part that an event without an index belongs to.
        seen: the parts of which something has arrived; what is sent once more as a whole is not taken twice.
        counted: what of which part is counted as dropped already.
        named: the name of the tool call has come.
        wrote: it brought text.
        done: the server has closed it.
        block: what goes back to the server word for word, if it signed it.
    """

    __slots__ = (
        "announced",
        "block",
        "counted",
        "done",
        "index",
        "kind",
        "named",
        "number",
        "part",
        "seen",
        "wrote",
    )

    def __init__(self, kind: Kind, index: int | None, number: int) -> None:
        self.kind = kind
        self.index = index
        self.number = number
        self.announced = False
        self.part = -1
        self.seen: set[tuple[str, int]] = set()
        self.counted: set[tuple[str, int]] = set()
        self.named = False
        self.wrote = False
        self.done = False
        self.block: dict[str, Any] | None = None

    def first_time(self, what: str, part: int) -> bool:
        """Whether `what` is counted for this part for the first time."""
        key = (what, part)
        if key in self.counted:
            return False
        self.counted.add(key)
        return True


class Items:
    """All of them. An event names its item by `output_index`; some servers by `item_id` alone, some by neither."""

    __slots__ = ("_by_id", "_by_key", "_calls", "_latest", "_target", "all")

    def __init__(self, target: str) -> None:
        self._target = target
        self.all: list[Item] = []
        self._by_key: dict[int | str, Item] = {}
        self._by_id: dict[str, Item] = {}
        self._latest: dict[Kind, Item] = {}
        self._calls = 0

    def opened(self, event: dict[str, Any], body: dict[str, Any]) -> tuple[Item, bool]:
        """The item that a server announces, and whether it is new: a piece of it may have come before."""
        index = self.place(event.get("output_index"))
        item_id = _id_of(body.get("id"))
        key = index if index is not None else item_id
        kind = kind_of(body)
        for early in (self._by_id.get(item_id), self._by_key.get(key)):
            if early is not None and not early.announced and early.kind == kind:
                early.announced = True
                return early, False
        item = self._add(kind, index, key, item_id)
        item.announced = True
        return item, True

    def of(self, event: dict[str, Any], kind: Kind, item_id: Any) -> tuple[Item, bool]:
        """The item that an event belongs to, and whether it is new: some servers do not announce theirs."""
        index = self.place(event.get("output_index"))
        item_id = _id_of(item_id)
        key = index if index is not None else item_id
        found = self._by_key.get(key)
        if found is not None and found.kind == kind:
            return found, False
        latest = self._latest.get(kind)
        if latest is not None and not latest.done and (index is None or found is not None):
            return latest, False
        return self._add(kind, index, key, item_id), True

    def pairs(self, output: list[Any]) -> list[tuple[Item | None, dict[str, Any]]]:
        """The items of a finished answer beside those that have arrived: by id, then by order among their kind."""
        if len(output) > _HIGHEST_INDEX:
            raise self._too_many()
        bodies = [body for body in output if isinstance(body, dict)]
        known: list[Item | None] = []
        for body in bodies:
            same = self._by_id.get(_id_of(body.get("id")))
            # Some servers give all items one id: it counts for the first of them.
            fits = same is not None and same.kind == kind_of(body) and same not in known
            known.append(same if fits else None)
        rest: dict[Kind, list[Item]] = {}
        for seen in self.all:
            if seen not in known:
                rest.setdefault(seen.kind, []).append(seen)
        pairs: list[tuple[Item | None, dict[str, Any]]] = []
        for body, item in zip(bodies, known, strict=True):
            others = rest.get(kind_of(body), [])
            pairs.append((others.pop(0) if item is None and others else item, body))
        return pairs

    def in_order(self) -> list[Item]:
        """By place where the server says it, else as they came."""
        return sorted(self.all, key=lambda item: (item.index is None, item.index or 0))

    def place(self, index: Any) -> int | None:
        """An index within bounds, or None when there is none. Raises ProviderError."""
        if index is None:
            return None
        if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index <= _HIGHEST_INDEX:
            raise bad_response("an index of the answer is out of range", target=self._target)
        return index

    def _too_many(self) -> ProviderError:
        return bad_response("the answer holds too many items", target=self._target)

    def _add(self, kind: Kind, index: int | None, key: int | str, item_id: str) -> Item:
        if len(self.all) > _HIGHEST_INDEX:
            raise self._too_many()
        item = Item(kind, index, self._calls)
        self._calls += kind == "function_call"
        self.all.append(item)
        self._latest[kind] = item
        if key != "":
            self._by_key[key] = item
        if item_id:
            self._by_id.setdefault(item_id, item)
        return item


def kind_of(body: dict[str, Any]) -> Kind:
    """What an item is; whatever was never asked for is `other`."""
    kind = body.get("type")
    return _KINDS.get(kind, "other") if isinstance(kind, str) else "other"


def _id_of(value: Any) -> str:
    """The id, or "" when there is none."""
    return value if isinstance(value, str) else ""
