"""The nearest right spelling of a name with a slip in it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def hint(name: str, known: Iterable[str]) -> str:
    """A few words that help on: what was probably meant, or that nothing looks like it."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else "nothing known looks like it"
