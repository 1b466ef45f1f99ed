"""From reasons why a target may not take a call to the one error that says so."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from types import GeneratorType
from typing import Any

from psf_runtime.errors import Blocked, ConsentDenied, Halted, NotEligible
from psf_runtime.flow.effects import Flow
from psf_runtime.ports import Eligibility, Eligible, TargetFacts
from psf_runtime.types.context import Context
from psf_runtime.types.request import Request

# When one control alone said no, the error that users know it by.
_ERRORS: dict[str, type[Blocked]] = {"privacy.consent": ConsentDenied, "resilience.halt": Halted}
Refusals = Sequence[tuple[str, Eligibility]]  # target's name, reason


def ask_eligible(
    eligible: Sequence[Eligible], context: Context, request: Request, target: TargetFacts
) -> Flow[list[Eligibility]]:
    """Every reason why `target` may not take the call; empty when it may.

    Each of `eligible` returns its reasons, or is a generator: it may yield reasons, and effects (the time, a store),
    and return further reasons at its end.
    """
    reasons: list[Eligibility] = []
    for ask in eligible:
        answer: Any = ask(context, request, target)
        if type(answer) is GeneratorType or isinstance(answer, Generator):  # the first is a tenth of the second
            try:
                first = answer.send(None)
            except StopIteration as end:  # the usual case: no reason, and nothing asked of the world
                reasons.extend(end.value or ())
                continue
            answer = yield from _Sieve(answer, reasons, first)
        reasons.extend(answer or ())
    return reasons


class _Sieve(Generator[Any, Any, Any]):
    """A generator's effects pass through; the reasons that it yields are kept."""

    def __init__(self, inner: Generator[Any, Any, Any], reasons: list[Eligibility], first: Any) -> None:
        self._inner = inner
        self._reasons = reasons
        self._first = first  # what the generator has yielded already

    def send(self, value: Any) -> Any:
        """Go on with the result of an effect, up to the next effect."""
        first, self._first = self._first, None
        if first is not None:
            return self._next_effect(first)
        return self._next_effect(self._inner.send(value))

    def throw(self, *error: Any) -> Any:
        """Go on with the error of an effect, up to the next effect."""
        return self._next_effect(self._inner.throw(*error))

    def close(self) -> None:
        """Close the generator."""
        self._inner.close()

    def _next_effect(self, item: Any) -> Any:
        while isinstance(item, Eligibility):
            self._reasons.append(item)
            item = self._inner.send(None)
        return item


def refusal(refusals: Refusals, *, target: str = "") -> Blocked:
    """The error that names all reasons. `target`: set on the error, for the route, when it is about one target only."""
    controls = list(dict.fromkeys(reason.control for _, reason in refusals))
    error_class = _ERRORS.get(controls[0], NotEligible) if len(controls) == 1 else NotEligible
    names = list(dict.fromkeys(name for name, _ in refusals))
    if len(names) == 1:
        what = f"nothing was sent: target '{names[0]}' may not take this call."
        why = "; ".join(reason.why for _, reason in refusals)
    else:
        what = f"nothing was sent: none of {len(names)} targets may take this call."
        why = "; ".join(f"{name}: {reason.why}" for name, reason in refusals)
    error = error_class(
        what,
        control=", ".join(controls),
        why=why,
        change="satisfy the control, or add a target that does",
    )
    if target:
        error.target = target
    return error


def refused_target(error: BaseException) -> str:
    """Name of the target that this error refuses, or "" when it is about the whole call."""
    return str(getattr(error, "target", "")) if isinstance(error, Blocked) else ""
