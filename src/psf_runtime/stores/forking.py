"""What a store in memory does when its process forks: the child gets its own, and never its parent's."""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class StartsAnew(Protocol):
    """A store that can be made ready for a forked child."""

    def start_anew(self) -> None:
        """Called in the child, before any other code of it runs: new locks, and nothing that belongs to the parent."""
        ...


def start_anew_after_fork(store: StartsAnew) -> None:
    """Have `store.start_anew()` called in every forked child, for as long as the store lives."""
    reference = weakref.ref(store)

    def in_child() -> None:
        living = reference()
        if living is not None:
            living.start_anew()

    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=in_child)
