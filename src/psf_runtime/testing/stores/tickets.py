"""The laws of tickets: one question, one ticket; an approval is for that action, that user, and once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from psf_runtime.errors import ApprovalDenied
from psf_runtime.ports import Question
from psf_runtime.testing.stores.common import MARKER, hides_content, refused
from psf_runtime.types.context import Context
from psf_runtime.types.messages import Message, ToolCall
from psf_runtime.types.request import Facts, Request
from psf_runtime.types.response import Response

_YEAR = 366 * 86_400.0
_REQUEST = Request((Message.user(f"pay {MARKER}"),), model="m")
_ACTION = Response((ToolCall("c1", "pay_out", f'{{"to": "{MARKER}"}}'),), finish="tool_calls")


def check_tickets(make: Callable[[], Any], clock: Any = None) -> None:
    """Run all of them, each on an empty desk. With the clock of the desk, deadlines too."""
    for law in (one_ticket, approving, rejecting, strangers, parking):
        law(make())
    if clock is not None:
        deadlines(make(), clock)


def _context(user: str = "agent", tenant: str = "t", call_id: str = "call1") -> Context:
    return Context(call_id, Facts(tenant=tenant, user=user), None, attempts_left=5)


def _question(digest: str = "d1", response: Response | None = _ACTION) -> Question:
    return Question("oversight.tools", "an irreversible tool", digest, _REQUEST, response, ("irreversible",))


def one_ticket(desk: Any) -> None:
    """An open question has no answer; asking again finds the same ticket, and the desk shows nothing of it."""
    context = _context()
    assert desk.ask(context, _question()) is None, "an open question has an answer"
    ticket = context.ticket
    assert ticket, "the call does not know its ticket"
    assert desk.ask(context, _question()) is None, "an open question has an answer"
    assert context.ticket == ticket, "the same call asking again has another ticket"
    assert [one.id for one in desk.list(state="open")] == [ticket], "one question has several tickets"
    assert MARKER not in repr(desk.get(ticket)), "a ticket shows content"
    hides_content(desk)


def approving(desk: Any) -> None:
    """A yes is handed out once, to the call that asked, and covers no other action."""
    context = _context()
    desk.ask(context, _question())
    desk.approve(context.ticket, by="lee", reason="checked")
    answer = desk.ask(context, _question())
    assert answer is not None, "a decided question has no answer"
    assert (answer.kind, answer.by) == ("approved", "lee"), "the answer does not say what was decided, or by whom"
    later = _context(call_id="call2")
    later.ticket = context.ticket
    refused("an approval that was used", lambda: desk.ask(later, _question()), ApprovalDenied)
    refused("to decide twice", lambda: desk.approve(context.ticket, by="kim"))


def rejecting(desk: Any) -> None:
    """A no is an ApprovalDenied that says so."""
    context = _context()
    desk.ask(context, _question())
    desk.reject(context.ticket, by="lee", reason="wrong amount")
    error = refused("a rejected question", lambda: desk.ask(context, _question()), ApprovalDenied)
    assert getattr(error, "reason_code", "") == "rejected", "a no does not say that somebody said no"


def strangers(desk: Any) -> None:
    """Nobody has another's answer, and nobody approves their own question."""
    context = _context()
    desk.ask(context, _question())
    refused("to approve one's own question", lambda: desk.approve(context.ticket, by="agent"))
    desk.approve(context.ticket, by="lee", reason="checked")
    for other in (_context(user="other"), _context(tenant="u")):
        other.ticket = context.ticket
        refused("another's ticket", lambda other=other: desk.ask(other, _question()), ApprovalDenied)  # type: ignore[misc]
    unknown = _context()
    unknown.ticket = "no-such-ticket"
    refused("a ticket that never was", lambda: desk.ask(unknown, _question()), ApprovalDenied)


def parking(desk: Any) -> None:
    """What is parked comes back as it was, to its requester only."""
    context = _context()
    desk.ask(context, _question())
    desk.park(context, {"step": 3, "text": MARKER})
    parked = desk.checkpoint(context.ticket, tenant="t", user="agent")
    assert parked == {"step": 3, "text": MARKER}, "what was parked comes back changed"
    refused("another's checkpoint", lambda: desk.checkpoint(context.ticket, tenant="t", user="other"), ApprovalDenied)
    hides_content(desk)


def deadlines(desk: Any, clock: Any) -> None:
    """After the deadline the answer is no."""
    context = _context()
    desk.ask(context, _question())
    clock.advance(_YEAR)
    error = refused("a question whose time is over", lambda: desk.ask(context, _question()), ApprovalDenied)
    assert getattr(error, "reason_code", "") == "expired", "a question whose time is over was not ended by time"
