"""Jurisdictions and what they lie in. One table; a place that it does not know lies in itself alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping

# Source: members of the European Union (2020 on) and of the European Economic Area.
_EU = (
    *("AT", "BE", "BG", "HR", "CY", "CZ", "DK", "EE", "FI", "FR", "DE", "GR", "HU", "IE"),
    *("IT", "LV", "LT", "LU", "MT", "NL", "PL", "PT", "RO", "SK", "SI", "ES", "SE"),
)
_LIES_IN: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(_EU, ("EU", "EEA")),
    **dict.fromkeys(("IS", "LI", "NO"), ("EEA",)),
    "EU": ("EEA",),
}


def lies_within(place: str | None, allowed: Collection[str]) -> bool:
    """Whether all of a place lies in what is allowed. `A+B` is either of two places; an unknown one (None) never does.

    `DE` lies within `EU`, and `EU` within `EEA`; `EEA+CH` lies within `EEA` and `CH` together, but not within `EU`.
    """
    if not place:
        return False
    if place in allowed:
        return True
    return all(part in allowed or not _lies_in(part).isdisjoint(allowed) for part in place.split("+"))


def _lies_in(place: str) -> frozenset[str]:
    """The larger places that a place lies in."""
    return frozenset(_LIES_IN.get(place, ()))
