"""What an application declares about its purposes, tools and exceptions: the rules that guards read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

Mode = Literal["enforce", "observe"]
LawfulBasis = Literal[
    "consent", "contract", "legal_obligation", "vital_interests", "public_task", "legitimate_interests"
]
Autonomy = Literal["L0", "L1", "L2", "L3", "L4"]
Approval = Literal["never", "triggers", "always"]
Trigger = Literal[
    "irreversible",
    "rights",
    "legal",
    "low_confidence",
    "novel",
    "value_above",
    "low_accuracy",
    "first_occurrence",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Purpose:
    """Why calls are made: the one place where an application meets all eight domains.

    Attributes:
        owner: a named person; alerts go there.
        lawful_basis: of the processing; `consent` needs a valid consent record per subject.
        jurisdictions: where the data may go; empty means anywhere.
        targets: names of the targets that may serve it, in order; empty means all.
        certificate: `required` when a target must hold a fitness certificate for this purpose.
        tools: names of the tools that may be called; None means all that the call declares.
        autonomy: L0 (a person approves everything) to L4.
        triggers: which triggers open a ticket.
        budget: for example `"200 USD/day"`.
        safe_message: what an end user may be told when a call is blocked.
        retention_days: how long records are kept.
    """

    owner: str | None = None
    lawful_basis: LawfulBasis | None = None
    jurisdictions: Sequence[str] = ()
    targets: Sequence[str] = ()
    certificate: Literal["required", "optional"] = "optional"
    tools: Sequence[str] | None = None
    autonomy: Autonomy | None = None
    triggers: Sequence[Trigger] = ()
    budget: str | None = None
    safe_message: str | None = None
    retention_days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolRule:
    """What a tool may do; it stands in the policy, so who writes the call cannot weaken it.

    Attributes:
        approval: when a person must agree before the call is handed out.
        restore: entities this tool may see in clear; None means: fields that are one whole token.
        egress: the tool sends data out (mail, web): nothing is restored for it unless `restore` lists it.
        irreversible: what it does cannot be undone; needs a reviewer.
        trusted: its results are the application's own words, not a stranger's.
    """

    approval: Approval = "triggers"
    restore: Sequence[str] | None = None
    egress: bool = False
    irreversible: bool = False
    trusted: bool = False


@dataclass(frozen=True, slots=True)
class Waiver:
    """An exception from one control, by a named person, until a date, with a reason and something in its place."""

    control: str
    approver: str
    reason: str
    expires: date
    compensating_control: str

    def holds_on(self, day: date) -> bool:
        """Whether the waiver is still in force; on its last day it is."""
        return day <= self.expires
