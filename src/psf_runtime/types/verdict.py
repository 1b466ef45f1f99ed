"""What a guard says: verdicts are values, matched exhaustively; findings are evidence without content."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a control noticed. Never the text itself.

    Attributes:
        control: the control that noticed it (`privacy.tokens`).
        kind: what it is, from the control's own closed list (`EMAIL`, `injection.override`).
        where: which part of the request or response (`messages[2].parts[0]`).
        span: start and end in characters, in that part.
        digest: keyed digest of the value, to tell equal ones apart.
        count: how many times.
        observed: True when the control only observes and let the call go on.
    """

    control: str
    kind: str
    where: str = ""
    span: tuple[int, int] | None = None
    digest: str = ""
    count: int = 1
    observed: bool = False


@dataclass(frozen=True, slots=True)
class Allow:
    """Go on."""

    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class Rewrite:
    """Go on with `value` instead: a str for `@guard` functions, a Request or a Response for guards."""

    value: Any
    findings: tuple[Finding, ...] = ()

    def __repr__(self) -> str:
        return f"Rewrite({type(self.value).__name__})"


@dataclass(frozen=True, slots=True)
class Block:
    """Stop. `reason` is printed in the error: words about the rule, never about the content."""

    reason: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Reask:
    """Ask the model again, with `feedback` (which must hold no personal data: it goes to the model)."""

    feedback: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Escalate:
    """Ask a person. Approval continues with the same response."""

    reason: str
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Reroute:
    """Ask the next target instead."""

    why: str
    findings: tuple[Finding, ...] = ()


Verdict = Allow | Rewrite | Block | Reask | Escalate | Reroute
ALLOW = Allow()
VERDICTS = frozenset((Allow, Rewrite, Block, Reask, Escalate, Reroute))
