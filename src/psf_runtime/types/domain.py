"""The eight domains of the Production Safety Framework."""

from __future__ import annotations

from enum import StrEnum


class Domain(StrEnum):
    """A domain, by the slug that code and folders use; `number` is its public number, 01 to 08."""

    PRIVACY = "privacy"
    FITNESS = "fitness"
    PORTABILITY = "portability"
    CONTRACTS = "contracts"
    OVERSIGHT = "oversight"
    OBSERVABILITY = "observability"
    RESILIENCE = "resilience"
    ACCOUNTABILITY = "accountability"

    @property
    def number(self) -> str:
        """The public number of the domain: `"01"` for privacy, `"08"` for accountability."""
        return f"{list(Domain).index(self) + 1:02d}"
