"""Cassettes: what a real model answered, once, with tokens in place of personal data, to be played back in tests."""

from psf_runtime.testing.cassettes.player import CassetteProvider
from psf_runtime.testing.cassettes.recorder import RecordingProvider

__all__ = ["CassetteProvider", "RecordingProvider"]
