"""Domain 08, accountability: who answers for a call, what is on record, and what may go wrong."""

from psf_runtime.guards.accountability.controls import Control, control, controls
from psf_runtime.guards.accountability.evidence import Evidence, conclude_cancelled
from psf_runtime.guards.accountability.failure_modes import FailureMode, failure_mode, failure_modes

__all__ = [
    "Control",
    "Evidence",
    "FailureMode",
    "conclude_cancelled",
    "control",
    "controls",
    "failure_mode",
    "failure_modes",
]
