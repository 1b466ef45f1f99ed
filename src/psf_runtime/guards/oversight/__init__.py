"""Domain 05, oversight: when a person decides, and on exactly what."""

from psf_runtime.guards.oversight.oversee import Oversee

__all__ = ["Oversee"]
