"""What a vendor wants back word for word (signed reasoning), with its place among the other parts of the turn."""

from __future__ import annotations

from typing import Any

import orjson

from psf_runtime.errors import ConfigError

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
    for done, (before, block) in enumerate(_opened(carried)):
        out.insert(min(before, len(blocks)) + done, block)
    return out


def _opened(carried: str) -> list[tuple[int, Json]]:
    """The blocks with their places. Raises ConfigError for a signature that no sender has opened."""
    try:
        blocks = orjson.loads(carried)
        if all(isinstance(before, int) and isinstance(block, dict) for before, block in blocks):
            return [(before, block) for before, block in blocks]
    except (ValueError, TypeError):
        pass
    raise ConfigError(
        "signed reasoning cannot be sent from here",
        why="its signature is sealed, and only the sender of its own target opens it",
        change="append answer.message as it came, and send it through a client",
    )
