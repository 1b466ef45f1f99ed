"""The real clock. Only drivers look at it."""

from __future__ import annotations

import time


class SystemClock:
    """Time as the operating system tells it, in seconds."""

    monotonic = staticmethod(time.monotonic)  # a clock that never goes back
    time = staticmethod(time.time)  # seconds since the epoch

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    async def asleep(self, seconds: float) -> None:
        """Wait, letting other tasks run."""
        import anyio  # only an async driver waits here; `import psf_runtime` must not pay for it

        await anyio.sleep(seconds)
