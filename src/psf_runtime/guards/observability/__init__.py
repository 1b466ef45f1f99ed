"""Domain 06, observability: one record without content per inference, and drift detectors over it."""

from psf_runtime.guards.observability.digests import Digests
from psf_runtime.guards.observability.drift import Drift, DriftRules
from psf_runtime.guards.observability.inference import InferenceRecord
from psf_runtime.guards.observability.record import Record, RecordSink

__all__ = ["Digests", "Drift", "DriftRules", "InferenceRecord", "Record", "RecordSink"]
