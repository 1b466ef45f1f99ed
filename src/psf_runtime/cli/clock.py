"""The day of today, in one place."""

from __future__ import annotations

from datetime import UTC, date, datetime


def today() -> date:
    """Today in UTC, as clients count days."""
    return datetime.now(UTC).date()
