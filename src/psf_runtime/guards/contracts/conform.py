"""The output contract around a call: check, ask again, and say what became of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from psf_runtime.errors import ContractViolation
from psf_runtime.flow.effects import Flow, ask
from psf_runtime.flow.outcomes import Stopped
from psf_runtime.flow.protocols import Attempt, StrategyBase
from psf_runtime.guards.contracts.contract import Checked, Contract, Violations
from psf_runtime.guards.contracts.invented import RESTORED, FindEntities, Sources, invented
from psf_runtime.ports import Question
from psf_runtime.types.context import Context
from psf_runtime.types.domain import Domain
from psf_runtime.types.messages import Message, Text
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response
from psf_runtime.types.verdict import Finding, Reask

CONTRACT = "contracts.output"
VALUE = "contracts.output.value"
_TOLD_AT_MOST = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Conform(StrategyBase):
    """Holds an answer to its contract, and asks the model again when it does not fit.

    The contract of a call is `context.shared["contracts.output"]` (a Contract, or nothing); the checked value goes to
    `context.shared["contracts.output.value"]`. A re-ask sends the model its own answer and lines of (path, kind); what
    guards inside ask for (`Reask`) is sent the same way. Once a part of the answer has left there is no re-ask: a
    contract that does not hold is a ContractViolation. A truncated answer never fits. While tool calls are open
    nothing is checked.

    A contract that sends each kind of fault to another model is still to come. Source: framework domain 04.

    Attributes:
        max_reasks: for what inner guards ask for when the call has no contract.
        find_entities: finds personal data in a text, as (entity, begin, end). With it, an e-mail address, telephone
            number, IBAN or card number that fills a field of an answer must come from the request.
    """

    name = "contracts.output"
    domain = Domain.CONTRACTS
    outside_of = ("contracts.tools", "contracts.links", "privacy.tokens")

    max_reasks: int = 1
    find_entities: FindEntities | None = None

    def run(self, context: Context, request: Request, attempt: Attempt) -> Flow[Response]:
        """Attempt, check, ask again."""
        if request.operation == "embed":  # no text to hold to a contract, and a re-ask would be one text more
            return (yield from attempt(request))
        contract: Contract[Any] | None = context.shared.get(CONTRACT)
        context.shared.pop(VALUE, None)
        if contract is not None:
            request = request.replace(output=contract.schema())
        asked = request  # what the model answers to a re-ask is no source for what it says next
        reasks = self.max_reasks if contract is None else contract.max_reasks
        for last in (*(False for _ in range(reasks)), True):
            try:
                response = yield from attempt(request)
            except Stopped as stopped:
                request = self._after_stop(context, request, attempt, stopped, last)
                continue
            if contract is None or response.tool_calls:
                return response
            result = self._checked(context, contract, asked, response)
            if isinstance(result, Checked):
                return self._accept(context, response, result)
            self._report(context, result)
            if attempt.committed:
                raise _violation(result, "a part of the answer had already been delivered")
            if last:
                return (yield from self._fail(context, contract, request, response, result))
            request = request.add(Message.assistant(response.text), Message.user(feedback(result)))
        raise AssertionError("the last attempt returns or raises")

    def _after_stop(
        self, context: Context, request: Request, attempt: Attempt, stopped: Stopped, last: bool
    ) -> Request:
        """The next request when a guard inside wants another answer; else its verdict goes on outward."""
        verdict = stopped.verdict
        if not isinstance(verdict, Reask):
            raise stopped
        context.findings.extend(verdict.findings)
        if attempt.committed or last:
            errors = tuple((finding.where, finding.kind) for finding in verdict.findings)
            why = "a part of the answer had already been delivered" if attempt.committed else "asked again in vain"
            raise ContractViolation(
                f"the answer does not fit: {stopped.layer} wanted another one.",
                control=stopped.layer,
                why=why,
                change="loosen the rule, or choose a model that follows it",
                errors=errors,
                findings=verdict.findings,
            )
        return request.add(Message.user(verdict.feedback))

    def _accept(self, context: Context, response: Response, checked: Checked[Any]) -> Response:
        if checked.repaired:
            context.findings.append(Finding(CONTRACT, "output.repaired", "response"))
        context.shared[VALUE] = checked.value
        return response

    def _checked(
        self, context: Context, contract: Contract[Any], asked: Request, response: Response
    ) -> Checked[Any] | Violations:
        """The value, or what is wrong with it: that it does not fit, or that parts of it come from nowhere."""
        result = _check(contract, response)
        if isinstance(result, Violations) or self.find_entities is None or contract.allow_invented:
            return result
        sources = Sources(asked, context.shared.get(RESTORED))
        faults: list[tuple[str, str]] = []
        for steps, entity, fills in invented(contract.data(response.text)[0], sources, self.find_entities):
            path, kind = contract.path(steps), f"invented_{entity.lower()}"
            if fills:
                faults.append((path, kind))
            else:
                context.findings.append(Finding(CONTRACT, kind, path, observed=True))
        return Violations("semantic", tuple(faults)) if faults else result

    def _report(self, context: Context, result: Violations) -> None:
        for path, kind in result.errors:
            context.findings.append(Finding(CONTRACT, f"{result.layer}: {kind}", path))

    def _fail(
        self, context: Context, contract: Contract[Any], request: Request, response: Response, result: Violations
    ) -> Flow[Response]:
        """Re-asks are spent and nothing was delivered: raise, ask a person, or take the safe value."""
        error = _violation(result, "asked again in vain" if contract.max_reasks else "no re-ask is allowed")
        if contract.on_fail == "raise":
            try:
                raise error
            finally:
                del error  # its traceback holds this frame: a circle that only the garbage collector could free
        if contract.on_fail == "escalate":
            return (yield from self._escalate(context, contract, request, response, error))
        value = contract.on_fail(error)
        context.shared[VALUE] = value
        context.degraded = True
        return response.replace(parts=(Text(contract.dump(value)),), finish="stop")

    def _escalate(
        self,
        context: Context,
        contract: Contract[Any],
        request: Request,
        response: Response,
        error: ContractViolation,
    ) -> Flow[Response]:
        """A person edits or answers; what they wrote is held to the contract too. Approval alone mends nothing."""
        digest = hashlib.sha256(f"{context.call_id}\n{response.text}".encode("utf-8", "replace")).hexdigest()
        reason = "the answer does not fit its contract"
        answer = yield from ask(Question(CONTRACT, reason, digest, request, response, ("contract",)))
        if answer.response is None:
            raise error
        result = _check(contract, answer.response)
        if isinstance(result, Violations):
            raise _violation(result, "the reviewer's answer does not fit either")
        return self._accept(context, answer.response, result)


def _check(contract: Contract[Any], response: Response) -> Checked[Any] | Violations:
    if response.finish == "length":
        return Violations("structure", (("", "truncated"),))
    return contract.check(response.text)


def feedback(result: Violations) -> str:
    """What the model is told: where and what kind, never a value."""
    lines = [f"- {path or 'the whole answer'}: {kind}" for path, kind in result.errors[:_TOLD_AT_MOST]]
    return "\n".join(
        ["Your answer does not fit what was asked for. Answer again with the corrected JSON only. Faults:", *lines]
    )


def _violation(result: Violations, why: str) -> ContractViolation:
    count = len(result.errors)
    return ContractViolation(
        f"the answer does not fit its contract ({result.layer}, {count} fault{'s' if count > 1 else ''}).",
        control=CONTRACT,
        why=why,
        change="see .errors for paths and kinds; loosen the contract, raise max_tokens or max_reasks, or set on_fail",
        errors=result.errors,
    )
