"""Evidence: a named owner, and a record of every call, begun before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from psf_runtime.errors import ApprovalPending, Blocked, PsfError, StateError
from psf_runtime.flow.effects import Flow, call_once, now
from psf_runtime.flow.outcomes import Stopped
from psf_runtime.flow.protocols import Attempt, StrategyBase
from psf_runtime.guards.accountability.records import Record, intent_record, outcome_record
from psf_runtime.ports import Ledger
from psf_runtime.types.context import Context
from psf_runtime.types.domain import Domain
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response
from psf_runtime.types.rules import Mode, Purpose
from psf_runtime.types.verdict import Finding

LOG = "accountability.log"
OWNER = "accountability.owner"
INTENT = "accountability.intent"
CONCLUDED = "accountability.concluded"
RECEIPT = "accountability.receipt"


class Evidence(StrategyBase):
    """Writes an intent before anything inside runs, and an outcome however the call ends. The outermost layer.

    When the log does not take the intent, the call is stopped with StateError and nothing is sent; when it does not
    take the outcome of an answer, StateError too. When it does not take the outcome of a call that failed anyway, the
    call's own error goes on and the note `outcome_not_recorded` is left: the intent stays an orphan. A call that is
    cancelled, or whose stream is dropped, must not write while it closes: it leaves the note `cancelled`, and whoever
    drives it calls `conclude_cancelled`.

    The intent's id is in `context.shared["accountability.intent"]`, a receipt in `"accountability.receipt"`.
    Records hold no content; subject and user are keyed digests. Not there yet: the release, the parent of a chained
    call, and the money spent.

    Domain 08, accountability. Implements `accountability.log` and `accountability.owner`.

    Args:
        ledger: takes the records; receipts must be plain JSON.
        purposes: name -> purpose; its owner becomes `context.owner`.
        policy_digest: of the policy in force.
        mode_owner: `enforce`: a call without a named owner is Blocked before anything inside runs, on record.
            `observe`: the finding `none`.
        key: for the digests of subject and user.
    """

    name = LOG
    domain = Domain.ACCOUNTABILITY
    outside_of = ("resilience.halt", "privacy.consent", "oversight.triggers", "privacy.tokens")

    def __init__(
        self,
        *,
        ledger: Ledger,
        purposes: Mapping[str, Purpose],
        policy_digest: str,
        key: bytes,
        mode_owner: Mode = "observe",
    ) -> None:
        self.ledger = ledger
        self.purposes = dict(purposes)
        self.policy_digest = policy_digest
        self.mode_owner = mode_owner
        self._key = key

    def run(self, context: Context, request: Request, attempt: Attempt) -> Flow[Response]:
        """Intent, everything inside, outcome."""
        purpose = self.purposes.get(context.facts.purpose or "")
        context.owner = (purpose.owner if purpose is not None else None) or None
        yield from self._intend(context)
        try:
            self._check_owner(context)
            response = yield from attempt(request)
        except Exception as error:
            yield from self._conclude_failed(context, error)
            raise
        except BaseException:
            context.note("cancelled", LOG, "run")
            raise
        yield from self._conclude(context, response.finish, "")
        return response

    def _check_owner(self, context: Context) -> None:
        if context.owner is not None:
            return
        if self.mode_owner == "observe":
            context.findings.append(Finding(OWNER, "none", observed=True))
            return
        declared = context.facts.purpose in self.purposes
        raise Blocked(
            "nothing was sent: nobody is named as owner of this call.",
            control=OWNER,
            why="its purpose has no owner" if declared else "it names no declared purpose",
            change='[purposes.NAME] owner = "dana@acme.example", and purpose="NAME" with the call',
        )

    def _intend(self, context: Context) -> Flow[None]:
        at = yield from now()
        record = intent_record(context, owner=context.owner, policy=self.policy_digest, key=self._key, at=at)
        context.shared[INTENT] = yield from self._write("intent", self.ledger.intend, record)

    def _conclude(self, context: Context, outcome: str, control: str) -> Flow[None]:
        at = yield from now()
        record = outcome_record(context, outcome=outcome, control=control, at=at)
        receipt = yield from self._write("outcome", self.ledger.conclude, context.shared[INTENT], record)
        context.shared[CONCLUDED] = True
        if receipt is not None:
            context.shared[RECEIPT] = receipt

    def _conclude_failed(self, context: Context, error: Exception) -> Flow[None]:
        control = error.control if isinstance(error, PsfError) else ""
        try:
            yield from self._conclude(context, outcome_of(error), control)
        except Exception:
            context.note("outcome_not_recorded", LOG, "run")

    def _write(self, what: str, write: Callable[..., Any], *args: str | Record) -> Flow[Any]:
        try:
            return (yield from call_once(write, *args))
        except PsfError:
            raise
        except Exception as error:
            kind = type(error).__name__
        raise StateError(
            f"the decision log did not take the {what} of this call.",
            control=LOG,
            why=f"it failed with {kind}",
            change="mend the log; calls go on once it takes records again",
            failure_mode="FM30",
        )


def outcome_of(error: BaseException) -> str:
    """The word that records use for how a call failed."""
    if isinstance(error, ApprovalPending):
        return "pending"
    return "Blocked" if isinstance(error, Stopped) else type(error).__name__


def conclude_cancelled(ledger: Ledger, context: Context, *, at: float) -> bool:
    """Record that a call was cancelled or its stream dropped. For whoever drives the call, once it is closed.

    Does nothing when the call never began or has its outcome already. Never raises: when the log does not take it,
    the note `outcome_not_recorded` is left and the intent stays an orphan.

    Args:
        ledger: the log that took the intent.
        context: of the call.
        at: seconds since the epoch.

    Returns:
        Whether an outcome was recorded.
    """
    intent = context.shared.get(INTENT)
    if intent is None or context.shared.get(CONCLUDED):
        return False
    record = outcome_record(context, outcome="cancelled", control="", at=at)
    try:
        receipt = ledger.conclude(intent, record)
    except Exception:
        context.note("outcome_not_recorded", LOG, "cancelled")
        return False
    context.shared[CONCLUDED] = True
    if receipt is not None:
        context.shared[RECEIPT] = receipt
    return True
