"""What a desk keeps of a ticket, and the sealed things that go with it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from psf_runtime.errors import ApprovalDenied, Blocked, BudgetExceeded, ConfigError
from psf_runtime.ports import Question
from psf_runtime.stores.sealing import Place, Sealer
from psf_runtime.types.canonical import (
    canonical_bytes,
    from_canonical_bytes,
    request_from_data,
    request_to_data,
    response_from_data,
    response_to_data,
)
from psf_runtime.types.messages import Text, ToolCall
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response
from psf_runtime.types.ticket import Ticket, TicketState

CONTROL = "oversight.triggers"
DECIDED: Mapping[TicketState, Literal["approved", "edited", "answered"]] = {
    "approved": "approved",
    "edited": "edited",
    "answered": "answered",
}
ENDED: Mapping[TicketState, str] = {
    "rejected": "rejected",
    "expired": "expired",
    "superseded": "superseded",
    "consumed": "already_consumed",
}
_WORDS = {
    "rejected": "a person said no.",
    "expired": "nobody decided in time.",
    "superseded": "another ticket took its place.",
    "already_consumed": "the approved action has been handed out before.",
    "not_requester": "another user or tenant asked for it.",
    "action_digest_mismatch": "what would be handed out now is not what was asked about.",
    "unknown": "there is no such ticket.",
}
_UNSURE = frozenset(("low_confidence", "novel", "low_accuracy", "first_occurrence"))


@dataclass(slots=True, repr=False)
class Row:
    """One ticket with what belongs to it. `user`, `action` and `requester` are keyed digests.

    Attributes:
        user: who asked, as exactly as the application said it; `requester`: the same without regard to case.
        action: what is asked about. `once`: whether it may be handed out a single time.
        question, decision, checkpoint: sealed; gone when the answer is no.
        decided: the state it had before it was consumed; `holder`: the run of a call that consumed it.
    """

    ticket: Ticket
    call_id: str
    user: str
    requester: str
    action: str
    once: bool
    question: bytes | None
    decision: bytes | None = None
    checkpoint: bytes | None = None
    checkpoint_of: str = ""
    decided: TicketState = "open"
    holder: object = None

    @property
    def id(self) -> str:
        """The ticket's id."""
        return self.ticket.id

    @property
    def state(self) -> TicketState:
        """The ticket's state."""
        return self.ticket.state

    @property
    def owner(self) -> tuple[str, str]:
        """Tenant and user: whose ticket it is."""
        return self.ticket.tenant, self.user

    def place(self, what: str) -> Place:
        """Where a sealed thing of this ticket belongs."""
        return ("tickets", what, self.ticket.tenant, self.id)

    def forget_contents(self) -> None:
        """Drop everything that holds content."""
        self.question = self.decision = self.checkpoint = None


def denied(reason_code: str, ticket: Ticket | None = None) -> ApprovalDenied:
    """The error for a no, whatever its reason."""
    change = "ask again: a new call opens a new ticket" if reason_code in ("expired", "superseded", "rejected") else ""
    return ApprovalDenied(
        f"not approved: {_WORDS[reason_code]}",
        reason_code=reason_code,
        ticket=ticket,
        control=CONTROL if ticket is None else ticket.control,
        why="" if ticket is None else f"ticket {ticket.id} is {ticket.state}",
        change=change,
    )


def over_quota(why: str) -> BudgetExceeded:
    """The error for one question too many."""
    return BudgetExceeded(
        "not approved: too many questions are open.",
        control=CONTROL,
        why=why,
        change="decide or reject open tickets, or narrow the triggers",
    )


def no_self_approval(ticket: Ticket) -> Blocked:
    """The error for a requester who decides their own ticket."""
    return Blocked(
        "the decision was not taken: who asked may not approve it.",
        control=ticket.control,
        why=f"the requester of ticket {ticket.id} and `by` are the same",
        change="let another person decide; rejecting your own ticket is allowed",
    )


def no_reviewer(ticket: Ticket) -> Blocked:
    """The error for a decision by somebody who is no reviewer."""
    return Blocked(
        "the decision was not taken: `by` is not among the reviewers.",
        control=ticket.control,
        why=f"the policy names who may decide ticket {ticket.id}",
        change="let one of oversight.reviewers decide, or add the person there",
    )


def not_open(ticket: Ticket) -> Blocked:
    """The error for a decision on a ticket that has one already."""
    if ticket.state in ENDED:
        return denied(ENDED[ticket.state], ticket)
    return Blocked(
        "the decision was not taken: the ticket is decided already.",
        control=ticket.control,
        why=f"ticket {ticket.id} is {ticket.state}",
    )


def kind_of(question: Question) -> str:
    """What is wanted of the person: to authorise an action, to look into a doubt, or to verify an answer."""
    if question.response is not None and question.response.tool_calls:
        return "authorisation"
    doubtful = question.response is None or not _UNSURE.isdisjoint(question.triggers)
    return "escalation" if doubtful else "verification"


def seal_question(sealer: Sealer, row: Row, question: Question) -> None:
    """Keep what is asked about, for the person who decides."""
    response = None if question.response is None else response_to_data(question.response)
    data = {"request": request_to_data(question.request), "response": response}
    row.question = sealer.seal(canonical_bytes(data), row.place("question"))


def open_question(sealer: Sealer, row: Row) -> tuple[Request, Response | None]:
    """What is asked about. Raises ApprovalDenied when it is gone, StateError when it does not belong here."""
    if row.question is None:
        raise denied(ENDED.get(row.state, "unknown"), row.ticket)
    data = from_canonical_bytes(sealer.open(row.question, row.place("question")))
    response = None if data["response"] is None else response_from_data(data["response"])
    return request_from_data(data["request"]), response


def seal_decision(sealer: Sealer, row: Row, response: Response) -> None:
    """Keep the answer that a person gave."""
    row.decision = sealer.seal(canonical_bytes(response_to_data(response)), row.place("decision"))


def open_decision(sealer: Sealer, row: Row) -> Response | None:
    """The answer that a person gave, if one was given."""
    if row.decision is None:
        return None
    return response_from_data(from_canonical_bytes(sealer.open(row.decision, row.place("decision"))))


def edited(response: Response | None, value: str | Sequence[Mapping[str, Any]]) -> Response:
    """The answer with another text, or with other arguments. Raises ConfigError when the value does not fit it."""
    if response is None:
        raise ConfigError("there is no answer to edit yet: approve, reject or answer", control=CONTROL)
    return _with_text(response, value) if isinstance(value, str) else _with_arguments(response, value)


def _with_text(response: Response, text: str) -> Response:
    if response.tool_calls:
        raise ConfigError(
            "this answer asks for tools: its arguments can be edited, not its text",
            control=CONTROL,
            change="give a list with one dict of arguments per tool call, or use answer(id, text)",
        )
    return response.replace(parts=(Text(text),) if text else ())


def _with_arguments(response: Response, arguments: Sequence[Mapping[str, Any]]) -> Response:
    if not response.tool_calls or len(arguments) != len(response.tool_calls):
        raise ConfigError(
            f"the answer has {len(response.tool_calls)} tool calls, the edit has arguments for {len(arguments)}",
            control=CONTROL,
            change="give one dict per tool call, in order; to change a text give a str",
        )
    texts = iter([_argument_text(one) for one in arguments])
    parts = tuple(
        ToolCall(part.id, part.name, next(texts)) if isinstance(part, ToolCall) else part for part in response.parts
    )
    return response.replace(parts=parts)


def _argument_text(arguments: Mapping[str, Any]) -> str:
    return json.dumps(from_canonical_bytes(canonical_bytes(arguments)), ensure_ascii=False)


def written_by_a_person(text: str, response: Response | None) -> Response:
    """A person's own answer, labelled as such. The tokens that the model used stay counted."""
    base = Response() if response is None else response
    return base.replace(
        parts=(Text(text),) if text else (),
        finish="stop",
        model="human",
        model_version="",
        raw={"answered_by": "human"},
    )
