"""The error of a call that no target answered."""

from __future__ import annotations

from collections.abc import Sequence

from psf_runtime.errors import Blocked, BudgetExceeded, ProviderError, PsfError, RoutesExhausted
from psf_runtime.flow.outcomes import Stopped

Failure = tuple[str, PsfError]  # target's name, and why it did not answer


def not_tried(target: str) -> BudgetExceeded:
    """The error in place of a target that was not asked because the call's attempts are used up."""
    error = BudgetExceeded(
        f"target '{target}' was not asked: the attempts of this call are used up", control="resilience.limits"
    )
    error.target = target
    return error


def exhausted(failures: Sequence[Failure]) -> RoutesExhausted:
    """One error per target, each made anew so that none carries frames (and with them content) to the caller.

    `kind` and `retry_safe` are those of the last provider error; `retry_after` is the shortest that was asked for.
    """
    provider_errors = [error for _, error in failures if isinstance(error, ProviderError)]
    waits = [error.retry_after for error in provider_errors if error.retry_after is not None]
    last = provider_errors[-1] if provider_errors else None
    return RoutesExhausted(
        _what(failures),
        [_clean(target, error) for target, error in failures],
        kind=last.kind if last is not None else "server_error",
        retry_safe=last.retry_safe if last is not None else None,
        retry_after=min(waits, default=None),
        control="resilience.route",
    )


def _what(failures: Sequence[Failure]) -> str:
    """`2 targets failed, 1 was not eligible; no chunk was delivered.`"""
    failed = sum(isinstance(error, ProviderError) for _, error in failures)
    untried = sum(isinstance(error, BudgetExceeded) for _, error in failures)
    refused = len(failures) - failed - untried
    counts = [
        (failed, "1 target failed", f"{failed} targets failed"),
        (refused, "1 was not eligible", f"{refused} were not eligible"),
        (untried, "1 was not asked", f"{untried} were not asked"),
    ]
    words = ", ".join(one if count == 1 else many for count, one, many in counts if count)
    return f"{words}; no chunk was delivered."


def _clean(target: str, error: PsfError) -> PsfError:
    fresh: PsfError = error.public() if isinstance(error, Stopped) else error.fresh()
    if isinstance(fresh, ProviderError):
        fresh.target = fresh.target or target
    elif isinstance(fresh, Blocked):
        vars(fresh)["target"] = target
    return fresh
