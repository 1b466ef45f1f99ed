"""What a vendor wants back word for word (signed reasoning), with its place among the other parts of the turn."""

from __future__ import annotations

from typing import Any

import orjson

Json = dict[str, Any]


class Carrying:
    """Collects it while an answer arrives."""

    __slots__ = ("_blocks",)

    def __init__(self) -> None:
        self._blocks: list[tuple[int, Json]] = []

    def add(self, before: int, block: Json) -> None:
        """Keep `block`, which came after `before` parts of the other kinds."""
        self._blocks.append((before, block))

    def dump(self) -> bytes:
        """All of it, for `Decoder.carried`; empty when there is nothing."""
        return orjson.dumps(self._blocks) if self._blocks else b""


def put_back(blocks: list[Json], carried: str) -> list[Json]:
    """The turn's blocks with what was carried in its places. `carried` is text that `Carrying.dump` made."""
    out = list(blocks)
    for done, (before, block) in enumerate(orjson.loads(carried)):
        out.insert(min(before, len(blocks)) + done, block)
    return out
