"""What a call comes to: a Completion with its Decision, or the public error, which carries the Decision too."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from psf_runtime.client.ambient import remember
from psf_runtime.client.border import public_error
from psf_runtime.client.calls import Call
from psf_runtime.client.embedding import vectors_of
from psf_runtime.errors import ApprovalPending, Blocked, GuardError, PsfError
from psf_runtime.flow.outcomes import Stopped
from psf_runtime.guards.accountability.evidence import conclude_cancelled
from psf_runtime.guards.resilience.price import cost_of, price_of
from psf_runtime.policy.policy import Policy
from psf_runtime.policy.state import State
from psf_runtime.ports import Clock, TargetFacts
from psf_runtime.types.completion import Completion
from psf_runtime.types.decision import Decision
from psf_runtime.types.embeddings import Embeddings
from psf_runtime.types.messages import Message, Reasoning
from psf_runtime.types.response import Response

VALUE = "contracts.output.value"
RECEIPT = "accountability.receipt"


class Outcomes:
    """Turns the end of a call into what its caller sees."""

    def __init__(self, policy: Policy, state: State, clock: Clock, targets: Sequence[TargetFacts]) -> None:
        self._policy = policy
        self._label = policy.label  # worked out once: it digests the whole policy
        self._state = state
        self._clock = clock
        self._prices = {target.name: price_of(target.price) for target in targets}

    def answered(self, call: Call, response: Response) -> Completion[Any] | Embeddings:
        """What the caller of a call gets that every guard agreed to: a completion, or vectors."""
        if call.request.operation == "embed":
            return self._embedded(call, response)
        return self.completed(call, response)

    def completed(self, call: Call, response: Response) -> Completion[Any]:
        """The completion of a call that every guard agreed to."""
        decision = self.decide(call, response.finish)
        remember(call.block, decision)
        shared = call.context.shared
        parsed = {"parsed": shared[VALUE]} if VALUE in shared else {}
        return Completion(
            text=response.text,
            message=_message(response),
            finish=response.finish,
            usage=call.context.usage,
            model=response.provider or response.model,
            decision=decision,
            cost=decision.cost,
            degraded=call.context.degraded,
            receipt=shared.get(RECEIPT),
            raw=dict(response.raw),
            **parsed,
        )

    def _embedded(self, call: Call, response: Response) -> Embeddings:
        vectors = vectors_of(response, len(call.request.messages))
        decision = self.decide(call, response.finish)
        remember(call.block, decision)
        return Embeddings(
            vectors=vectors,
            usage=call.context.usage,
            model=response.provider or response.model,
            decision=decision,
            cost=decision.cost,
            degraded=call.context.degraded,
            receipt=call.context.shared.get(RECEIPT),
            raw=dict(response.raw),
        )

    def failed(self, call: Call | None, error: BaseException) -> PsfError:
        """The public error of a call that did not go through."""
        decision = None
        purpose = None
        if call is not None:
            decision = self.decide(call, _name(error), blocked_by=_blocker(error))
            purpose = self._policy.purposes.get(call.context.facts.purpose or "")
            remember(call.block, decision)
        return public_error(
            error,
            call_id="" if call is None else call.context.call_id,
            decision=decision,
            source_of=self._policy.source_of,
            purpose=purpose,
        )

    def cancelled(self, call: Call | None) -> None:
        """A call that was cancelled or left early: the log says so, as far as it can still be told."""
        if call is not None:
            conclude_cancelled(self._state.ledger, call.context, at=self._clock.time())
            remember(call.block, self.decide(call, "cancelled"))

    def decide(self, call: Call, outcome: str, *, blocked_by: str | None = None) -> Decision:
        """What the log keeps of the call."""
        context = call.context
        return Decision(
            call_id=context.call_id,
            operation=call.request.operation,
            outcome=outcome,
            purpose=context.facts.purpose,
            owner=context.owner,
            policy=self._label,
            route=tuple(context.route),
            findings=tuple(context.findings),
            tokens=dict(context.tokens),
            ticket=context.ticket,
            blocked_by=blocked_by,
            usage=context.usage,
            cost=self._cost(call),
            ms=round((self._clock.monotonic() - call.started) * 1000),
            notes=tuple(context.notes),
        )

    def _cost(self, call: Call) -> Decimal | None:
        """USD of all attempts, when one target answered and its price is known; else unknown.

        Targets that failed before they answered have reported no tokens, so they do not count.
        """
        targets = {attempt.target for attempt in call.context.route if attempt.outcome == "ok"}
        if len(targets) != 1:
            return None
        return cost_of(call.context.usage, self._prices.get(next(iter(targets))))


def _message(response: Response) -> Message:
    """The turn to append: with a handle, its first part stands for reasoning that nobody but the vendor reads."""
    signed = (Reasoning("", response.handle),) if response.handle else ()
    return Message("assistant", (*signed, *response.parts))


def _name(error: BaseException) -> str:
    """The name of the class that the caller catches."""
    if not isinstance(error, PsfError):
        return GuardError.__name__
    return Blocked.__name__ if isinstance(error, Stopped) else type(error).__name__


def _blocker(error: BaseException) -> str | None:
    if isinstance(error, Blocked | ApprovalPending):
        return error.control or None
    return None
