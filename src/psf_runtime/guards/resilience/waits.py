"""How long to wait before the same target is asked again: full jitter, and what the provider asked for.

The random number is an argument, so a wait is a plain value that a test can state and a replay repeats.
Source: exponential backoff with full jitter (M. Brooker, "Exponential Backoff And Jitter", AWS, 2015).
"""

from __future__ import annotations

from dataclasses import dataclass

from psf_runtime.errors import ProviderError
from psf_runtime.guards.resilience.error_actions import action_for


@dataclass(frozen=True, slots=True)
class Waits:
    """Settings of the waits, in seconds.

    Attributes:
        retries: how often the same target is asked again, after the first time.
        base: ceiling of the first wait; each further ceiling is twice as high, up to `cap`.
        longest: a provider that asks for a longer wait than this is given up.
    """

    retries: int = 2
    base: float = 0.5
    cap: float = 8.0
    longest: float = 60.0


def may_retry(waits: Waits, error: ProviderError, failures: int) -> bool:
    """Whether the same target may be asked again after its `failures`-th failure."""
    return failures <= waits.retries and error.retry_safe is True and action_for(error.kind).retry


def wait_before(waits: Waits, error: ProviderError, failures: int, fraction: float) -> float | None:
    """Seconds to wait; None when the provider asks for more than is worth waiting for. `fraction` is in 0..1."""
    ceiling = min(waits.cap, waits.base * 2.0 ** min(failures - 1, 30))
    wait = ceiling * fraction
    asked = error.retry_after
    if asked is None:
        return wait
    return None if asked > waits.longest else max(wait, asked)
