"""Domain 08, accountability: who answers for a call, what is on record, and what may go wrong."""

from psf_runtime.guards.accountability.controls import Control, control, controls
from psf_runtime.guards.accountability.evidence import Evidence, conclude_cancelled
from psf_runtime.guards.accountability.failure_modes import FailureMode, failure_mode, failure_modes
from psf_runtime.guards.accountability.waivers import active, check_waivers, expiring

__all__ = [
    "Control",
    "Evidence",
    "FailureMode",
    "active",
    "check_waivers",
    "conclude_cancelled",
    "control",
    "controls",
    "expiring",
    "failure_mode",
    "failure_modes",
]
