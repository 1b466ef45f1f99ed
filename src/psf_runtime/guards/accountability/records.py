"""What the decision log keeps of a call: names, counts, times and keyed digests. Never content."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from typing import Any

from psf_runtime.types.context import Context
from psf_runtime.types.request import Facts

Record = dict[str, Any]


def intent_record(context: Context, *, owner: str | None, policy: str, key: bytes, at: float) -> Record:
    """What is known before anything runs. `at`: seconds since the epoch, a claim of this machine's clock."""
    facts = context.facts
    return {
        "call_id": context.call_id,
        "at": at,
        "tenant": facts.tenant,
        "purpose": facts.purpose,
        "owner": owner,
        "policy": policy,
        "subject": _person(facts, facts.subject, key),
        "user": _person(facts, facts.user, key),
        "ticket": context.ticket,
    }


def outcome_record(context: Context, *, outcome: str, control: str, at: float) -> Record:
    """What became of the call. `outcome`: the finish reason, `pending`, `cancelled`, or the name of the error."""
    usage = context.usage
    return {
        "call_id": context.call_id,
        "at": at,
        "outcome": outcome,
        "control": control,
        "owner": context.owner,
        "ticket": context.ticket,
        "route": [
            {"target": one.target, "outcome": one.outcome, "ms": one.ms, "status": one.status} for one in context.route
        ],
        "findings": _counts((f"{one.control}: {one.kind}", one.count) for one in context.findings if not one.observed),
        "observed": _counts((f"{one.control}: {one.kind}", one.count) for one in context.findings if one.observed),
        "notes": _counts((f"{one.layer}: {one.kind}", 1) for one in context.notes),
        "tokens": dict(context.tokens),
        "usage": {
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "cached_tokens": usage.cached_tokens,
            "reasoning_tokens": usage.reasoning_tokens,
            "reported": usage.reported,
        },
        "degraded": context.degraded,
    }


def _person(facts: Facts, value: str | None, key: bytes) -> str | None:
    """A digest per tenant: the same person at two tenants cannot be matched."""
    if value is None:
        return None
    tenant_key = hmac.new(key, b"person " + facts.tenant.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
    return hmac.new(tenant_key, value.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:32]


def _counts(pairs: Iterable[tuple[str, int]]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name, count in pairs:
        counts[name] = counts.get(name, 0) + count
    return counts
