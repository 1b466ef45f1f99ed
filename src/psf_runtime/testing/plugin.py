"""The pytest plugin: fixtures that every test of an application can use. More of the kit is still to come."""

from __future__ import annotations

import pytest

from psf_runtime.testing.clock import ManualClock


@pytest.fixture
def psf_clock() -> ManualClock:
    """A clock that no test waits for: `psf_clock.advance(60)` drives retries, deadlines and expiries."""
    return ManualClock()
