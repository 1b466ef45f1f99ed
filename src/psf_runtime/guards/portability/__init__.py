"""Domain 03, portability: what a target can do, and whether the model that answers is the one that was asked for."""

from psf_runtime.guards.portability.capability import Capability, assess
from psf_runtime.guards.portability.pin import Pin

__all__ = ["Capability", "Pin", "assess"]
