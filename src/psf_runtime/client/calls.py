"""One call while it is on its way: what was asked, with which engine, and what is needed to begin it again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from psf_runtime.client.ambient import facts
from psf_runtime.errors import ConfigError
from psf_runtime.flow.world import Journey
from psf_runtime.guards.contracts.contract import Contract
from psf_runtime.policy.policy import Policy
from psf_runtime.types.canonical import canonical_bytes, request_to_data
from psf_runtime.types.context import Context
from psf_runtime.types.request import Request


@dataclass(slots=True, repr=False)
class Call:
    """A prepared call.

    Attributes:
        driver: the engine it goes through; `started`: on the monotonic clock.
        block: the `with facts(...)` around it, which is told the decision.
        idempotency: where its answer will be kept; `answer`: one that was kept already.
    """

    request: Request
    context: Context
    journey: Journey
    contract: Contract[Any] | None
    driver: Any
    started: float
    block: facts | None = None
    idempotency: Any = None
    answer: Any = None

    def __repr__(self) -> str:
        return f"Call({self.context.call_id[:8]})"


def original_of(
    request: Request, *, call_id: str, policy: Policy, contract: Contract[Any] | None
) -> Callable[[], dict[str, Any]]:
    """Makes what is sealed with the tape when the call is parked: enough to begin it again.

    It holds the request and not the Call, which holds it: such a circle would keep everything that the call has
    touched, its answer included, until the garbage collector comes by (measured: 130 objects and 20 us a call).
    """

    def original() -> dict[str, Any]:
        return {
            "request": request_to_data(request),
            "call_id": call_id,
            "policy": policy.digest,
            "contract": contract_digest(contract),
        }

    return original


def contract_digest(contract: Contract[Any] | None) -> str:
    """Stands for the shape that an answer must have; empty without a contract."""
    if contract is None:
        return ""
    try:
        return hashlib.sha256(canonical_bytes(dict(contract.schema().schema))).hexdigest()
    except ConfigError:
        return contract.schema().name
