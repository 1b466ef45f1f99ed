"""The real clock. Only drivers look at it."""

from __future__ import annotations

import time


class SystemClock:
    """Time as the operating system tells it, in seconds."""

    def monotonic(self) -> float:
        """A clock that never goes back."""
        return time.monotonic()

    def time(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    async def asleep(self, seconds: float) -> None:
        """Wait, letting other tasks run."""
        import anyio  # only an async driver waits here; `import psf_runtime` must not pay for it

        await anyio.sleep(seconds)
