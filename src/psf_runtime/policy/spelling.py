"""The nearest right spelling of a name that nobody knows."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that looks most like `name`, if one looks like it at all."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    close = difflib.get_close_matches(name.lower(), list(by_lower), n=1, cutoff=0.6)
    return by_lower[close[0]] if close else None


def choices(names: Iterable[str]) -> str:
    """Names as a sentence lists them: `"a" | "b"`."""
    return " | ".join(f'"{name}"' for name in names)
