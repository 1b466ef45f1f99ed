"""Looking through a request: every leaf of it, what could not be looked into, and what is said about what was found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from psf_runtime.errors import Blocked
from psf_runtime.guards.privacy.actions import LITERAL
from psf_runtime.guards.privacy.edits import Edit, Leaf
from psf_runtime.guards.privacy.plan import Plan
from psf_runtime.guards.privacy.walk import rewrite_request
from psf_runtime.types.request import Request
from psf_runtime.types.verdict import Finding

_CONTROL = "privacy.tokens"
_SECRETS = frozenset({"SECRET", "URL_CREDENTIALS"})
_MOST = 4_000_000  # characters that are inspected; what is longer does not leave


@dataclass(frozen=True, slots=True, repr=False)
class Seen:
    """A request that was looked through: the plan, the request as it leaves unedited, findings, characters."""

    plan: Plan
    unedited: Request
    findings: tuple[Finding, ...]
    size: int


def collect(request: Request) -> tuple[list[Leaf], list[tuple[str, str]], Request]:
    """Every leaf of a request; what cannot be looked into: kind and place; and the request as it leaves unedited.

    Raises Blocked when there is more text than may be inspected.
    """
    leaves: list[Leaf] = []
    opaque: list[tuple[str, str]] = []

    def look(leaf: Leaf) -> Sequence[Edit]:
        if leaf.text:
            leaves.append(leaf)
        return ()

    unedited = rewrite_request(request, look, opaque=lambda kind, where: opaque.append((kind, where)))
    if sum(len(leaf.text) for leaf in leaves) > _MOST:
        raise Blocked(
            "nothing was sent: the request is too long to be inspected for personal data",
            control=_CONTROL,
            why=f"more than {_MOST:,} characters of text, files included",
            change="send less, or split it into several calls",
        )
    return leaves, opaque, unedited


def findings_of(
    plan: Plan, opaque: Sequence[tuple[str, str]], *, digest: Callable[[str, str], str]
) -> tuple[Finding, ...]:
    """What was found where, with digests in place of values; and what leaves without having been looked into."""
    found: list[Finding] = []
    for leaf, spans in zip(plan.leaves, plan.spans, strict=True):
        for span in spans:
            if span.entity in ("", LITERAL):
                continue
            control = "privacy.secrets" if span.entity in _SECRETS else _CONTROL
            value = leaf.text[span.start : span.end]
            found.append(
                Finding(control, span.entity, leaf.where, (span.start, span.end), digest(span.entity, value)[:16])
            )
    found += [Finding("privacy.media", kind, where, observed=True) for kind, where in opaque]
    return tuple(dict.fromkeys(found))
