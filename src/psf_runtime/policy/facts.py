"""Which declared fact turns a control of the kind `fact` from observing to enforcing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from psf_runtime.policy.frozen import FrozenTable
from psf_runtime.policy.values import PolicyValues


def has_budget(values: PolicyValues) -> bool:
    """Whether any budget is set."""
    return bool(values.resilience.budget) or any(purpose.budget for purpose in values.purposes.values())


def _purpose(values: PolicyValues) -> str | None:
    return next((f"purposes.{name}" for name in values.purposes), None)


def _region(values: PolicyValues) -> str | None:
    for name, purpose in values.purposes.items():
        if purpose.jurisdictions:
            return f"purposes.{name}"
    for name, target in values.targets.items():
        if target.region or target.jurisdiction:
            return f"targets.{name}"
    return None


def _certificate(values: PolicyValues) -> str | None:
    needing = (f"purposes.{name}" for name, purpose in values.purposes.items() if purpose.certificate == "required")
    return next(needing, None)


def _owner(values: PolicyValues) -> str | None:
    return next((f"purposes.{name}" for name, purpose in values.purposes.items() if purpose.owner), None)


def _grave_tool(values: PolicyValues) -> str | None:
    grave = (f"tools.{name}" for name, rule in values.tools.items() if rule.irreversible or rule.approval == "always")
    return next(grave, None)


def _autonomy(values: PolicyValues) -> str | None:
    return next((f"purposes.{name}" for name, purpose in values.purposes.items() if purpose.autonomy), None)


def _triggers(values: PolicyValues) -> str | None:
    if values.oversight.reviewers:
        return "oversight.reviewers"
    asking = (
        f"purposes.{name}"
        for name, purpose in values.purposes.items()
        if purpose.triggers or purpose.autonomy == "L0"  # at L0 a person approves everything
    )
    trigger = next(asking, None)
    return trigger or _grave_tool(values)


# each returns the name of the first such fact (`purposes.support`), or None
FACTS: Mapping[str, Callable[[PolicyValues], str | None]] = FrozenTable(
    {
        "privacy.consent": _purpose,
        "privacy.residency": _region,
        "fitness.certificate": _certificate,
        "oversight.autonomy": _autonomy,
        "oversight.triggers": _triggers,
        "accountability.owner": _owner,
    }
)
