"""Ids of calls: sortable by time, unique in and across processes (RFC 9562, version 7, without dashes)."""

from __future__ import annotations

from collections.abc import Callable


def new_call_id(seconds: float, random: Callable[[int], bytes]) -> str:
    """32 hexadecimal digits: 12 of milliseconds, then version, variant and 74 random bits."""
    drawn = int.from_bytes(random(10), "big")
    high = (int(seconds * 1000) & ((1 << 48) - 1)) << 16 | 0x7000 | (drawn >> 68 & 0x0FFF)
    low = 0x8000_0000_0000_0000 | drawn & ((1 << 62) - 1)
    return f"{high:016x}{low:016x}"
