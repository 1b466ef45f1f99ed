"""The policy of `psf demo`: what an application declares, so that most controls have something to go by."""

from __future__ import annotations

from collections.abc import Mapping

from psf_runtime.policy.policy import Policy
from psf_runtime.policy.settings import Oversight
from psf_runtime.types.rules import Purpose, ToolRule
from psf_runtime.types.target import Target

REVIEWER = "lee@acme.example"
OWNER = "dana@acme.example"


def demo_policy(targets: Mapping[str, Target]) -> Policy:
    """The standard preset with three purposes, a reviewer, and one tool that needs approval."""
    return Policy.standard(
        targets=targets,
        purposes={
            "support": Purpose(owner=OWNER, lawful_basis="contract", tools=["find_customer"], autonomy="L2"),
            "orders": Purpose(owner=OWNER, lawful_basis="contract", tools=[], autonomy="L2"),
            "claims": Purpose(owner=OWNER, lawful_basis="contract", tools=["pay_out"], autonomy="L1"),
        },
        oversight=Oversight(reviewers={"claims-leads": [REVIEWER]}),
        tools={
            "find_customer": ToolRule(approval="never"),
            "pay_out": ToolRule(approval="always", irreversible=True, restore=["IBAN"]),
        },
    )
