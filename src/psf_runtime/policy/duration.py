"""Durations as people write them in a policy: `30s`, `15m`, `4h`, `2d`, also joined as in `1h30m`."""

from __future__ import annotations

import re

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PIECE = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)\s*([smhd])")
EXAMPLE = '"30s", "15m", "4h" or "2d"'


def parse_duration(text: str) -> float:
    """The seconds that `text` means.

    Raises:
        ValueError: the text is not a duration, or means no time at all. The message does not repeat the text.
    """
    total = 0.0
    position = 0
    stripped = text.strip()
    while position < len(stripped):
        match = _PIECE.match(stripped, position)
        if match is None:
            raise ValueError(f"is not a duration such as {EXAMPLE}")
        total += float(match[1]) * _SECONDS[match[2]]
        position = match.end()
    if total <= 0:
        raise ValueError(f"is not a duration such as {EXAMPLE}")
    return total
