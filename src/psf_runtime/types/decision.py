"""What the log keeps of a call, and what the caller sees of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from psf_runtime.types.context import AttemptOutcome
from psf_runtime.types.request import Operation
from psf_runtime.types.response_head import NO_USAGE, Usage
from psf_runtime.types.verdict import Finding


@dataclass(frozen=True, slots=True)
class Decision:
    """One call, decided. Holds no content.

    Attributes:
        operation: what was asked for: an answer (`chat`) or vectors (`embed`).
        outcome: how the call ended: the finish reason, or the name of the error.
        route: every attempt in order: target, outcome, milliseconds.
        tokens: how many values of each entity went out as tokens.
        observed: what observing controls would have stopped: `(control, why)`.
        blocked_by: name of the control that stopped the call, or None.
        cost: USD; None when a price is unknown, never 0.
    """

    call_id: str
    operation: Operation = "chat"
    outcome: str = ""
    purpose: str | None = None
    owner: str | None = None
    policy: str = ""
    release: str | None = None
    route: tuple[AttemptOutcome, ...] = ()
    findings: tuple[Finding, ...] = ()
    tokens: Mapping[str, int] = field(default_factory=dict)
    ticket: str | None = None
    blocked_by: str | None = None
    usage: Usage = NO_USAGE
    cost: Decimal | None = None
    ms: int = 0
    notes: tuple[Any, ...] = ()

    @property
    def observed(self) -> tuple[Finding, ...]:
        """Findings of controls that only observe."""
        return tuple(finding for finding in self.findings if finding.observed)

    def to_dict(self) -> dict[str, Any]:
        """The log record: plain JSON values."""
        return {
            "call_id": self.call_id,
            "operation": self.operation,
            "outcome": self.outcome,
            "purpose": self.purpose,
            "owner": self.owner,
            "policy": self.policy,
            "release": self.release,
            "route": [{"target": a.target, "outcome": a.outcome, "ms": a.ms, "status": a.status} for a in self.route],
            "findings": [
                {"control": f.control, "kind": f.kind, "where": f.where, "count": f.count, "observed": f.observed}
                for f in self.findings
            ],
            "tokens": dict(self.tokens),
            "ticket": self.ticket,
            "blocked_by": self.blocked_by,
            "usage": {
                "input_tokens": self.usage.input_tokens,
                "output_tokens": self.usage.output_tokens,
                "cached_tokens": self.usage.cached_tokens,
                "reasoning_tokens": self.usage.reasoning_tokens,
                "reported": self.usage.reported,
            },
            "cost": None if self.cost is None else str(self.cost),
            "ms": self.ms,
            "notes": [{"kind": n.kind, "layer": n.layer, "hook": n.hook} for n in self.notes],
        }

    def __str__(self) -> str:
        target = self.route[-1].target if self.route else "no target"
        cost = "cost unknown" if self.cost is None else f"{self.cost:.2f} USD"
        facts = (f"call {self.call_id[:8]}", target, self.outcome, f"{self.ms} ms", str(self.usage), cost)
        lines = ["  ".join((*facts, f"policy {self.policy}"))]
        if self.tokens:
            counts = ", ".join(f"{entity} {count}" for entity, count in sorted(self.tokens.items()))
            back = " (restored to you)" if self.operation == "chat" else ""
            lines.append(f"  sent as tokens  {counts}{back}")
        enforced = _summary(f for f in self.findings if not f.observed and f.control != "privacy.tokens")
        if enforced:
            lines.append(f"  found           {enforced}")
        observed = self.observed
        if observed:
            lines.append(f"  observed        {_summary(observed)}      (psf explain {observed[0].control})")
        if self.blocked_by:
            lines.append(f"  blocked by      {self.blocked_by}")
        if self.ticket:
            lines.append(f"  ticket          {self.ticket}")
        return "\n".join(lines)


def _summary(findings: Any) -> str:
    """`control: kind` pairs, each once, in order of appearance."""
    seen: dict[str, int] = {}
    for finding in findings:
        key = f"{finding.control}: {finding.kind}"
        seen[key] = seen.get(key, 0) + finding.count
    return " · ".join(key if count == 1 else f"{key} ({count})" for key, count in seen.items())
