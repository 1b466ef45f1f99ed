"""A mock provider behind a real socket on this machine, in the dialects that clients speak."""

from psf_runtime.testing.server.http import MockServer

__all__ = ["MockServer"]
