"""Work on stores that belongs to no call: done here, or in a thread where a store waits for the world."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from psf_runtime.client.border import crossed
from psf_runtime.client.result import Result


async def crossed_apart(work: Callable[[], Any], *, blocking: bool) -> Result:
    """As `crossed`; `blocking`: in a thread, so that the event loop goes on."""
    if not blocking:
        return crossed(work)
    import anyio.to_thread

    return await anyio.to_thread.run_sync(partial(crossed, work))
