"""A clock that a test moves: nothing sleeps, and time passes all the same."""

from __future__ import annotations


class ManualClock:
    """Time stands still until somebody sleeps on it or `advance`s it.

    A sleep returns at once and moves the clock, so a retry that waits two seconds costs a test nothing.
    """

    def __init__(self, start: float = 1_700_000_000.0) -> None:
        self._now = start
        self._ticks = 0.0
        self.slept: list[float] = []

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._ticks += seconds

    def monotonic(self) -> float:
        """Seconds since the clock was made."""
        return self._ticks

    def time(self) -> float:
        """Seconds since the epoch."""
        return self._now + self._ticks

    def sleep(self, seconds: float) -> None:
        """Let so many seconds pass, at once."""
        self.slept.append(seconds)
        self.advance(seconds)

    async def asleep(self, seconds: float) -> None:
        """Let so many seconds pass, at once, after giving other tasks a turn."""
        import anyio.lowlevel

        await anyio.lowlevel.checkpoint()
        self.sleep(seconds)
