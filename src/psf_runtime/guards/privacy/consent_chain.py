"""What the consent guard asks a chain, and what it writes into it: pure, from one request and one target."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from psf_runtime.guards.privacy.edits import Edit, Leaf
from psf_runtime.guards.privacy.tokens import shaped
from psf_runtime.guards.privacy.walk import rewrite_request
from psf_runtime.ports import TargetFacts
from psf_runtime.types.consent import ConsentAnswer, ConsentQuestion, UseDecision, UseLink
from psf_runtime.types.context import Context
from psf_runtime.types.request import Request

_FOUND_BY = frozenset({"privacy.tokens", "privacy.secrets", "privacy.special"})
_MOST_TOKENS = 1_000  # ids in one use link


class Chains(Protocol):
    """The consents of subjects, as the guard needs them. Raises StateError when a chain does not hold."""

    @property
    def blocking(self) -> bool:
        """Whether its calls wait for the world."""
        ...

    def ask(self, tenant: str, subject: str, question: ConsentQuestion | None) -> ConsentAnswer:
        """Whether a call may go on; without a question, only whether the subject's data is restricted."""
        ...

    def record_use(self, tenant: str, subject: str, use: UseLink, conversation: str, now: float) -> str:
        """Write down what a call does with a subject's data; returns the digest of the link."""
        ...


def categories_in(context: Context) -> frozenset[str]:
    """The entities that were found in the call so far, whatever becomes of them."""
    found = {finding.kind for finding in context.findings if finding.control in _FOUND_BY and finding.kind.isupper()}
    return frozenset(found | context.tokens.keys())


def question_for(context: Context, request: Request, target: TargetFacts | None, now: float) -> ConsentQuestion:
    """The question for one recipient; without a target, for any."""
    facts = request.facts
    if target is None:
        return ConsentQuestion(purpose=facts.purpose, now=now, consent=facts.consent)
    # A provider's name stands for its own hosts and for the application's: others only speak its dialect.
    spoken = target.provider if target.vendor or target.boundary == "own" else ""
    names = dict.fromkeys(name for name in (target.name, target.vendor, spoken) if name)
    return ConsentQuestion(
        purpose=facts.purpose,
        now=now,
        recipients=tuple(names),
        jurisdiction=target.jurisdiction,
        region=target.region,
        categories=categories_in(context),
        consent=facts.consent,
    )


def use_for(
    context: Context, request: Request, target: TargetFacts | None, answer: ConsentAnswer, *, why: str, blocked: bool
) -> UseLink:
    """What this call does with the subject's data, for one recipient."""
    categories = categories_in(context)
    return UseLink(
        call_id=context.call_id,
        purpose=request.facts.purpose,
        recipient="" if target is None else target.name,
        decision="block" if blocked else _decision(context, request, categories),
        reason=why,
        observed=bool(why) and not blocked,
        jurisdiction=None if target is None else target.jurisdiction,
        region=None if target is None else target.region,
        consents=() if blocked else answer.links,
        categories=tuple(sorted(categories)),
        token_ids=() if blocked else _token_ids(context, request),
    )


def _decision(context: Context, request: Request, categories: frozenset[str]) -> UseDecision:
    if context.ticket is not None:
        return "escalate"
    profile = {} if request.stamp is None else request.stamp.profile
    return "mask" if any(profile.get(entity) != "allow" for entity in categories) else "allow"


def _token_ids(context: Context, request: Request) -> tuple[str, ...]:
    """The tokens that stand in the request as it leaves; whatever a person typed in that shape is one itself by now."""
    if not context.tokens:
        return ()
    found: dict[str, None] = {}

    def look(leaf: Leaf) -> Sequence[Edit]:
        if len(found) < _MOST_TOKENS:
            found.update((match.group(), None) for match in shaped(leaf.text))
        return ()

    rewrite_request(request, look)
    return tuple(found)[:_MOST_TOKENS]
