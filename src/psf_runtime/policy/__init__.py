"""Which controls act on a call, in which mode, and with which rules."""

from psf_runtime.policy.policy import Policy
from psf_runtime.policy.settings import (
    Accountability,
    Contracts,
    Fitness,
    Observability,
    Oversight,
    Portability,
    Privacy,
    Resilience,
)
from psf_runtime.types.rules import Purpose, ToolRule, Waiver
from psf_runtime.types.target import Target

__all__ = [
    "Accountability",
    "Contracts",
    "Fitness",
    "Observability",
    "Oversight",
    "Policy",
    "Portability",
    "Privacy",
    "Purpose",
    "Resilience",
    "Target",
    "ToolRule",
    "Waiver",
]
