"""Going on with a parked call: the recorded answer goes through the layers again, and the person's decision with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psf_runtime.client.ambient import current_block
from psf_runtime.client.calls import Call, contract_digest
from psf_runtime.errors import ApprovalDenied, ConfigError, StateError
from psf_runtime.flow.tape import Tape
from psf_runtime.flow.world import Journey
from psf_runtime.guards.contracts.contract import Contract
from psf_runtime.types.canonical import canonical_bytes, request_from_data, request_to_data
from psf_runtime.types.request import Facts, Request

if TYPE_CHECKING:
    from psf_runtime.client.core import Core


def resumed_call(
    core: Core,
    ticket: str,
    contract: Contract[Any] | None,
    asker: Facts,
    timeout: float | None,
    *,
    asked: Request | None = None,
) -> Call:
    """The parked call, ready to run again. `asked`: what is being asked now, which must be what was asked then.

    Raises ApprovalDenied for another requester or another action, ConfigError for another contract, StateError when
    the policy has changed since.
    """
    checkpoint = core.state.tickets.checkpoint(ticket, tenant=asker.tenant, user=asker.user)
    original = checkpoint["original"]
    if original["policy"] != core.policy.digest:
        raise StateError(
            "the policy has changed since this call was parked",
            why="what was decided then may not hold under today's rules",
            change="resume it with the policy it was made under, or reject the ticket and ask again",
        )
    if asked is not None and canonical_bytes(request_to_data(asked)) != canonical_bytes(original["request"]):
        raise ApprovalDenied(
            "the ticket belongs to another request",
            control="oversight.triggers",
            reason_code="action_digest_mismatch",
            change="call again with exactly the arguments that led to the ticket",
        )
    if contract is not None and contract_digest(contract) != original["contract"]:
        raise ConfigError(
            "output= is not the contract of the call that waits",
            change="pass the same output= as in the first call, or leave it out and get plain JSON",
        )
    request = request_from_data(original["request"])
    if contract is None and request.output is not None:
        contract = Contract(dict(request.output.schema))
    context = core.new_context(request.facts, timeout, original["call_id"])
    context.ticket = ticket
    context.attempts_left = core.policy.resilience.attempts + 1
    context.shared["contracts.output"] = contract
    call = Call(
        request=request,
        context=context,
        journey=Journey(context, Tape.from_data(checkpoint["tape"])),
        contract=contract,
        driver=core.driver_for(request, request.facts),
        started=core.clock.monotonic(),
        block=current_block(),
    )
    call.journey.original = lambda: original
    return call
