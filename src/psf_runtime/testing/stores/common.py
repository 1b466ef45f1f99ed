"""What the laws of all stores share: values to look for, threads, and errors that must be typed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from psf_runtime.errors import PsfError

MARKER = "PSF_PLANTED_MARKER"  # content of a check: no `repr` and no error may show it
THREADS = 8


def at_once(work: Callable[[int], Any]) -> list[Any]:
    """What `work` returns for 0 to 7, called in as many threads that all begin together."""
    barrier = threading.Barrier(THREADS)

    def one(number: int) -> Any:
        barrier.wait(10)
        return work(number)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(one, range(THREADS)))


def hides_content(store: Any) -> None:
    """The store's `repr` shows nothing that it keeps."""
    assert MARKER not in repr(store), "its repr shows what it keeps"


def says_whether_it_waits(store: Any) -> None:
    """Drivers run a store that waits for the world in a thread, so it has to say whether it does."""
    assert isinstance(getattr(store, "blocking", None), bool), (
        "it does not say whether it waits: blocking = True or False"
    )


def refused(what: str, call: Callable[[], Any], kind: type[PsfError] = PsfError) -> PsfError:
    """The typed error of a call that must not work. It holds no content."""
    try:
        call()
    except Exception as error:
        raised = error
    else:
        raise AssertionError(f"{what}: it is accepted")
    assert isinstance(raised, kind), f"{what}: {type(raised).__name__} is no {kind.__name__}"
    assert MARKER not in str(raised), f"{what}: the error holds content"
    return raised
