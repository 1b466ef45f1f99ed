"""The order in which chunks come out, when a server sends the pieces of several items in turns."""

from __future__ import annotations

from psf_runtime.providers.responses.received import Item
from psf_runtime.types.chunks import Chunk


class Lane:
    """While a message is open, what belongs to later items waits: texts are joined in the order they come out.

    Only a message with an index holds others up. A tool call does not, for its pieces say where they belong, and
    reasoning does not, for some servers close it at the end of the answer.
    """

    __slots__ = ("_open", "_waiting")

    def __init__(self) -> None:
        self._open: Item | None = None
        self._waiting: dict[Item, list[Chunk]] = {}

    def begin(self, item: Item) -> None:
        """A new item: it waits, goes on at once, or holds up those after it."""
        if self._open is not None:
            self._waiting[item] = []
        elif item.kind == "message" and item.index is not None:
            self._open = item

    def put(self, item: Item, chunk: Chunk, out: list[Chunk]) -> None:
        """A piece of this item."""
        waiting = self._waiting.get(item) if self._waiting else None
        (out if waiting is None else waiting).append(chunk)

    def close(self, item: Item, out: list[Chunk]) -> None:
        """The item is complete: what it held up comes out, up to the next message that is not."""
        item.done = True
        if item is not self._open:
            return
        self._open = None
        for later in self._in_order():
            out.extend(self._waiting.pop(later))
            if later.kind == "message" and later.index is not None and not later.done:
                self._open = later
                return

    def flush(self, out: list[Chunk]) -> None:
        """The answer is complete: all comes out."""
        self._open = None
        for later in self._in_order():
            out.extend(self._waiting.pop(later))

    def _in_order(self) -> list[Item]:
        """As the server numbered them; items without a number come last, as they came."""
        return sorted(self._waiting, key=lambda item: (item.index is None, item.index or 0))
