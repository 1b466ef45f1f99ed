"""Domain 02, fitness: a target serves a purpose when somebody has shown that it can."""

from psf_runtime.guards.fitness.gate import CertificateGate

__all__ = ["CertificateGate"]
