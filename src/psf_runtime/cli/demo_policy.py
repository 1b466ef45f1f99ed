"""The policy of `psf demo`: what an application declares, so that most controls have something to go by."""

from __future__ import annotations

from psf_runtime.policy.policy import Policy
from psf_runtime.policy.settings import Oversight
from psf_runtime.types.rules import Purpose, ToolRule

REVIEWER = "lee@acme.example"
OWNER = "dana@acme.example"


def demo_policy() -> Policy:
    """The standard preset with three purposes, a reviewer, and one tool that needs approval."""
    return Policy.standard(
        purposes={
            "support": Purpose(owner=OWNER, lawful_basis="contract", tools=["find_customer"]),
            "orders": Purpose(owner=OWNER, lawful_basis="contract", tools=[]),
            "claims": Purpose(owner=OWNER, lawful_basis="contract", tools=["pay_out"]),
        },
        oversight=Oversight(reviewers={"claims-leads": [REVIEWER]}),
        tools={"pay_out": ToolRule(approval="always", irreversible=True, restore=["IBAN"])},
    )
