"""Signed thinking while an answer arrives: kept word for word, with its place among the other parts."""

from __future__ import annotations

from psf_runtime.providers.dialect.carrying import Carrying
from psf_runtime.providers.dialect.writing import Json


class Signed:
    """Collects it.

    A place is counted in runs of text and tool calls. Thinking between two texts is placed before the run that they
    form, for on its way back, with the thinking withheld, the run is one text; and thinking may not stand last.
    """

    __slots__ = ("_in_text", "_parts", "_placed", "_waiting")

    def __init__(self) -> None:
        self._parts = 0
        self._in_text = False  # the last part is a text, and its run may go on
        self._placed: list[tuple[int, Json]] = []
        self._waiting: list[Json] = []  # thinking that nothing came after yet

    def begin(self, block: Json) -> Json:
        """A thinking block begins here; what it holds may be added to it until `dump`."""
        self._waiting.append(block)
        return block

    def text(self) -> None:
        """A piece of text came."""
        if not self._in_text:
            self._settle(self._parts)
            self._parts += 1
            self._in_text = True
        elif self._waiting:
            self._settle(self._parts - 1)

    def call(self) -> None:
        """A tool call began."""
        self._settle(self._parts)
        self._parts += 1
        self._in_text = False

    def dump(self) -> bytes:
        """All that is signed, for `Decoder.carried`."""
        self._settle(self._parts)
        carrying = Carrying()
        for before, block in self._placed:
            if block.get("signature") or block.get("data"):
                carrying.add(before, block)
        return carrying.dump()

    def _settle(self, before: int) -> None:
        for block in self._waiting:
            self._placed.append((before, block))
        self._waiting = []
