"""Residency: a purpose's data goes only to places that the purpose allows."""

from __future__ import annotations

from psf_runtime.ports import Eligibility, TargetFacts
from psf_runtime.types.consent_places import lies_within
from psf_runtime.types.rules import Purpose

CONTROL = "privacy.residency"


def outside(target: TargetFacts, purpose: Purpose | None) -> Eligibility | None:
    """Why the target lies outside of where the purpose may go, or None. One in an unknown place always does.

    The route passes such a target over and asks the next one; when none is left, nothing is sent.
    """
    if purpose is None or not purpose.jurisdictions or lies_within(target.jurisdiction, purpose.jurisdictions):
        return None
    where = "is in an unknown place" if target.jurisdiction is None else f"is in {target.jurisdiction}"
    return Eligibility(CONTROL, f"the target {where}; the purpose allows {', '.join(purpose.jurisdictions)}")
