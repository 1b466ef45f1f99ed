"""`client.tickets`: what people decide, through code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from psf_runtime.client.border import crossed
from psf_runtime.client.result import Result
from psf_runtime.stores.memory_tickets import MemoryTickets
from psf_runtime.types.ticket import Ticket, TicketState


def _ticket(result: Result) -> Ticket:
    ticket: Ticket = result.unwrap()
    return ticket


class Tickets:
    """Human approval through code. The record notes that the application vouched for `by`."""

    def __init__(self, desk: MemoryTickets) -> None:
        self._desk = desk

    def get(self, ticket_id: str) -> Ticket:
        """The ticket. Raises ApprovalDenied (`unknown`) when there is none."""
        return _ticket(crossed(partial(self._desk.get, ticket_id)))

    def list(self, *, state: TicketState | None = None, tenant: str | None = None) -> tuple[Ticket, ...]:
        """Tickets, oldest first."""
        return self._desk.list(state=state, tenant=tenant)

    def approve(self, ticket_id: str, *, by: str, reason: str = "") -> Ticket:
        """Yes, to exactly this action."""
        return _ticket(crossed(partial(self._desk.approve, ticket_id, by=by, reason=reason)))

    def reject(self, ticket_id: str, *, by: str, reason: str = "") -> Ticket:
        """No."""
        return _ticket(crossed(partial(self._desk.reject, ticket_id, by=by, reason=reason)))

    def edit(self, ticket_id: str, value: str | Sequence[Mapping[str, Any]], *, by: str, reason: str = "") -> Ticket:
        """Yes, with changes: another text, or one dict of arguments per tool call, in order."""
        result = crossed(partial(self._desk.edit, ticket_id, value, by=by, reason=reason))
        del value
        return _ticket(result)

    def answer(self, ticket_id: str, text: str, *, by: str, reason: str = "") -> Ticket:
        """A person's own text instead of the model's answer."""
        result = crossed(partial(self._desk.answer, ticket_id, text, by=by, reason=reason))
        del text
        return _ticket(result)


class AsyncTickets:
    """Human approval through code, with `await` in front."""

    def __init__(self, desk: MemoryTickets) -> None:
        self._tickets = Tickets(desk)

    async def get(self, ticket_id: str) -> Ticket:
        """The ticket."""
        return self._tickets.get(ticket_id)

    async def list(self, *, state: TicketState | None = None, tenant: str | None = None) -> tuple[Ticket, ...]:
        """Tickets, oldest first."""
        return self._tickets.list(state=state, tenant=tenant)

    async def approve(self, ticket_id: str, *, by: str, reason: str = "") -> Ticket:
        """Yes, to exactly this action."""
        return self._tickets.approve(ticket_id, by=by, reason=reason)

    async def reject(self, ticket_id: str, *, by: str, reason: str = "") -> Ticket:
        """No."""
        return self._tickets.reject(ticket_id, by=by, reason=reason)

    async def edit(
        self, ticket_id: str, value: str | Sequence[Mapping[str, Any]], *, by: str, reason: str = ""
    ) -> Ticket:
        """Yes, with changes."""
        result = crossed(partial(self._tickets.edit, ticket_id, value, by=by, reason=reason))
        del value
        return _ticket(result)

    async def answer(self, ticket_id: str, text: str, *, by: str, reason: str = "") -> Ticket:
        """A person's own text instead of the model's answer."""
        result = crossed(partial(self._tickets.answer, ticket_id, text, by=by, reason=reason))
        del text
        return _ticket(result)
