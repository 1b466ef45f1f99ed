"""Tickets in memory: the desk where questions wait for a person."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from psf_runtime.errors import ConfigError, StateError
from psf_runtime.ports import Answer, Clock, Question
from psf_runtime.stores import ticket_rows as rows
from psf_runtime.stores.forking import start_anew_after_fork
from psf_runtime.stores.sealing import Sealer
from psf_runtime.stores.ticket_rows import DECIDED, ENDED, Row
from psf_runtime.types.canonical import canonical_bytes, from_canonical_bytes
from psf_runtime.types.context import Context
from psf_runtime.types.request import Facts, Request
from psf_runtime.types.response import Response
from psf_runtime.types.ticket import Ticket, TicketState

_CLOCK_SLACK = 5.0  # seconds a clock may go back before open tickets are closed
_USED = "oversight.used"  # in context.shared: tickets whose answers this run of the call has been given
_CallKey = tuple[str, str, str, str, str]  # tenant, user, call, control, action


class MemoryTickets:
    """Tickets for the life of this process; the port `Reviewer`, and what people decide through.

    An approval holds for one exact action, of one user of one tenant. An answer with tool calls (and a request that
    had to be approved) is handed out once; an answer without may be read again. Nobody approves their own question.
    After the deadline the answer is no, and so it is when the clock goes back more than 5 s. The library takes the
    application's word for who `by` is. A forked child begins with no tickets.

    Not there yet: a quorum, claiming, links to a page, a limit on how long an approval may wait to be used; and an
    edited answer is not checked again by the guards below oversight.

    Args:
        clock: for creation and deadlines.
        deadline_seconds: how long people have; `quota`: how many questions of one user may be open at once.
        capacity: how many tickets are kept; ended ones go first, then decided ones, open ones never.
        sealer: encrypts what holds content; a fresh key when None.
        reviewers: who may decide; empty means anybody whom the application names.
    """

    blocking = False

    def __init__(
        self,
        *,
        clock: Clock,
        deadline_seconds: float = 4 * 3600,
        quota: int = 100,
        capacity: int = 10_000,
        sealer: Sealer | None = None,
        reviewers: Collection[str] = (),
    ) -> None:
        if not (0 < deadline_seconds < math.inf) or quota < 1 or capacity < 1:
            raise ConfigError("deadline, quota and capacity of tickets must be above zero", control=rows.CONTROL)
        self._clock = clock
        self._deadline_seconds = deadline_seconds
        self._quota = quota
        self._capacity = capacity
        self._sealer = sealer or Sealer()
        self._reviewers = frozenset(person.strip().casefold() for person in reviewers)
        self.start_anew()
        start_anew_after_fork(self)

    def start_anew(self) -> None:
        """Empty, with a lock of its own; also what a forked child begins with."""
        # Invariant: under the lock, every id in `_calls` and `_open` is in `_rows`; `_open` holds exactly the rows
        # whose state is "open"; rows change only under the lock; `_latest` is the clock's latest reading.
        self._lock = threading.Lock()
        self._rows: dict[str, Row] = {}
        self._open: dict[str, Row] = {}
        self._calls: dict[_CallKey, str] = {}
        self._latest = -math.inf
        self._count = 0

    # ---- the side of the call

    def ask(self, context: Context, question: Question) -> Answer | None:
        """The person's answer, or None while the question is open. Sets `context.ticket`.

        Raises ApprovalDenied (with `reason_code`) when the answer is no, BudgetExceeded when the user has too many
        open questions.
        """
        owner = self._owner(context.facts)
        action = self._sealer.digest("action", question.digest)
        with self._lock:
            now = self._tick()
            row = self._find(context, question, owner, action)
            if row is None:
                row = self._same_question(question, owner, action) or self._new(context, question, owner, action, now)
                self._calls[(*owner, context.call_id, question.control, action)] = row.id
            context.ticket = row.id
            if row.action != action:
                raise rows.denied("action_digest_mismatch", row.ticket)
            if row.state == "open":
                self._give_back(context)
                return None
            return self._take(context, row)

    def park(self, context: Context, checkpoint: Mapping[str, Any]) -> Ticket:
        """Keep what is needed to go on later, sealed. Raises ConfigError when it is not plain JSON."""
        data = canonical_bytes(checkpoint)
        with self._lock:
            row = self._requested(context.ticket or "", self._owner(context.facts))
            if row.checkpoint is None or row.checkpoint_of == context.call_id:
                row.checkpoint = self._sealer.seal(data, row.place("checkpoint"))
                row.checkpoint_of = context.call_id
            return row.ticket

    def checkpoint(self, ticket_id: str, *, tenant: str, user: str | None) -> dict[str, Any]:
        """What was parked, for the requester only. Raises ApprovalDenied: `not_requester`, `unknown`, or the no."""
        with self._lock:
            self._tick()
            row = self._requested(ticket_id, self._owner(Facts(tenant=tenant, user=user)))
            if row.state in ENDED:
                raise rows.denied(ENDED[row.state], row.ticket)
            if row.checkpoint is None:
                raise StateError("the call of this ticket was not parked", control=row.ticket.control)
            data: dict[str, Any] = from_canonical_bytes(self._sealer.open(row.checkpoint, row.place("checkpoint")))
            return data

    # ---- the side of the people

    def get(self, ticket_id: str) -> Ticket:
        """The ticket. Raises ApprovalDenied (`unknown`) when there is none."""
        with self._lock:
            self._tick()
            return self._row(ticket_id).ticket

    def list(self, *, state: TicketState | None = None, tenant: str | None = None) -> tuple[Ticket, ...]:
        """Tickets, oldest first."""
        with self._lock:
            self._tick()
            tickets = [row.ticket for row in self._rows.values()]
        return tuple(
            ticket
            for ticket in tickets
            if (state is None or ticket.state == state) and (tenant is None or ticket.tenant == tenant)
        )

    def contents(self, ticket_id: str) -> tuple[Request, Response | None]:
        """What was asked and what the model answered, restored: for the person who decides, and nobody else."""
        with self._lock:
            self._tick()
            return rows.open_question(self._sealer, self._row(ticket_id))

    def approve(self, ticket_id: str, *, by: str, reason: str = "") -> Ticket:
        """Yes, to exactly this action."""
        with self._lock:
            row = self._decidable(ticket_id, by)
            rows.open_question(self._sealer, row)  # what nobody can read may only be rejected
            return self._decide(row, "approved", by, reason)

    def reject(self, ticket_id: str, *, by: str, reason: str = "") -> Ticket:
        """No. The requester may reject their own ticket."""
        with self._lock:
            row = self._decidable(ticket_id, by, own=True)
            row.forget_contents()
            return self._decide(row, "rejected", by, reason)

    def edit(self, ticket_id: str, value: str | Sequence[Mapping[str, Any]], *, by: str, reason: str = "") -> Ticket:
        """Yes, with changes: another text, or one dict of arguments per tool call, in order."""
        with self._lock:
            row = self._decidable(ticket_id, by)
            _, response = rows.open_question(self._sealer, row)
            rows.seal_decision(self._sealer, row, rows.edited(response, value))
            return self._decide(row, "edited", by, reason)

    def answer(self, ticket_id: str, text: str, *, by: str, reason: str = "") -> Ticket:
        """A person's own text instead of the model's answer; it is labelled as such, and no tool is called."""
        with self._lock:
            row = self._decidable(ticket_id, by)
            _, response = rows.open_question(self._sealer, row)
            rows.seal_decision(self._sealer, row, rows.written_by_a_person(text, response))
            row.once = False
            return self._decide(row, "answered", by, reason)

    # ---- under the lock

    def _owner(self, facts: Facts) -> tuple[str, str]:
        return facts.tenant, self._sealer.digest("user", facts.tenant, *_user(facts.user))

    def _row(self, ticket_id: str) -> Row:
        row = self._rows.get(ticket_id)
        if row is None:
            raise rows.denied("unknown")
        return row

    def _requested(self, ticket_id: str, owner: tuple[str, str]) -> Row:
        row = self._row(ticket_id)
        if row.owner != owner:
            raise rows.denied("not_requester")
        return row

    def _find(self, context: Context, question: Question, owner: tuple[str, str], action: str) -> Row | None:
        """The ticket of exactly this question of this call, or the one the call was resumed with."""
        known = self._calls.get((*owner, context.call_id, question.control, action))
        if context.ticket is None:
            return None if known is None else self._rows[known]
        row = self._requested(context.ticket, owner)
        if known is not None:
            return self._rows[known]
        # A call that was given this ticket's answer, and asks about something else now, asks anew.
        is_new = row.ticket.control != question.control or row.id in context.shared.get(_USED, ())
        return None if is_new else row

    def _same_question(self, question: Question, owner: tuple[str, str], action: str) -> Row | None:
        for row in self._open.values():
            if row.owner == owner and row.action == action and row.ticket.control == question.control:
                return row
        return None

    def _new(self, context: Context, question: Question, owner: tuple[str, str], action: str, now: float) -> Row:
        mine = [row for row in self._open.values() if row.owner == owner]
        for row in mine:
            if row.call_id == context.call_id and row.ticket.control == question.control:
                self._end(row, "superseded")
        if sum(row.state == "open" for row in mine) >= self._quota:
            raise rows.over_quota(f"this user has {self._quota} open tickets, which is the limit")
        self._make_room()
        ticket = Ticket(
            id=self._next_id(now),
            kind=rows.kind_of(question),
            state="open",
            control=question.control,
            reason=question.reason,
            triggers=question.triggers,
            created=now,
            deadline=now + self._deadline_seconds,
            tenant=owner[0],
            purpose=context.facts.purpose,
        )
        once = question.response is None or bool(question.response.tool_calls)
        requester = self._requester(owner[0], context.facts.user)
        row = Row(ticket, context.call_id, owner[1], requester, action, once, question=None)
        rows.seal_question(self._sealer, row, question)
        self._rows[row.id] = self._open[row.id] = row
        return row

    def _requester(self, tenant: str, user: str | None) -> str:
        """To compare with `by`: spelling in another case does not make another person."""
        return self._sealer.digest("person", tenant, *_user(None if user is None else user.strip().casefold()))

    def _next_id(self, now: float) -> str:
        """Sorts by time of creation; the random end keeps two desks apart."""
        self._count += 1
        return f"t{max(0, int(now * 1000)):012x}{self._count % 0x1000000:06x}{os.urandom(4).hex()}"

    def _make_room(self) -> None:
        if len(self._rows) < self._capacity:
            return
        closed = [row for row in self._rows.values() if row.state != "open"]
        if not closed:
            raise rows.over_quota(f"all {self._capacity} tickets that fit here are open")
        oldest = next((row for row in closed if row.state in ENDED), closed[0])
        del self._rows[oldest.id]
        for key in [key for key, ticket_id in self._calls.items() if ticket_id == oldest.id]:
            del self._calls[key]

    def _decidable(self, ticket_id: str, by: str, *, own: bool = False) -> Row:
        if not by.strip():
            raise ConfigError("a decision needs by=: who takes it", control=rows.CONTROL)
        self._tick()
        row = self._row(ticket_id)
        if row.state != "open":
            raise rows.not_open(row.ticket)
        own_question = row.requester == self._requester(row.ticket.tenant, by)
        if own_question and not own:
            raise rows.no_self_approval(row.ticket)
        if self._reviewers and not own_question and by.strip().casefold() not in self._reviewers:
            raise rows.no_reviewer(row.ticket)
        return row

    def _decide(self, row: Row, state: TicketState, by: str, reason: str) -> Ticket:
        row.ticket = replace(row.ticket, by=by, note=reason or None)
        self._set(row, state)
        row.decided = state
        return row.ticket

    def _set(self, row: Row, state: TicketState) -> None:
        row.ticket = replace(row.ticket, state=state)
        self._open.pop(row.id, None)

    def _end(self, row: Row, state: TicketState) -> None:
        self._set(row, state)
        row.forget_contents()

    def _tick(self) -> float:
        """The time now, with every ticket closed whose time is over."""
        now = self._clock.time()
        went_back = now < self._latest - _CLOCK_SLACK
        self._latest = now if went_back else max(now, self._latest)
        for row in [row for row in self._open.values() if went_back or now >= row.ticket.deadline]:
            self._end(row, "expired")
        return now

    def _take(self, context: Context, row: Row) -> Answer:
        """The answer of a decided ticket. What holds for once is used up, with all that this run was given before."""
        run: list[str] = context.shared.setdefault(_USED, [])
        if row.state in ENDED and row.holder is not run:
            raise rows.denied(ENDED[row.state], row.ticket)
        if row.id not in run:
            run.append(row.id)
        for ticket_id in run:
            self._use_up(self._row(ticket_id), run)
        return Answer(DECIDED[row.decided], by=row.ticket.by or "", response=rows.open_decision(self._sealer, row))

    def _use_up(self, row: Row, run: object) -> None:
        if not row.once or row.holder is run:
            return
        if row.state not in DECIDED:
            raise rows.denied(ENDED[row.state], row.ticket)
        self._set(row, "consumed")
        row.holder = run

    def _give_back(self, context: Context) -> None:
        """This run is about to wait for another person: what it was given before has not been handed out."""
        run = context.shared.get(_USED, ())
        for row in [self._rows[one] for one in run if one in self._rows]:
            if row.holder is run:
                self._set(row, row.decided)
                row.holder = None


def _user(user: str | None) -> tuple[str, ...]:
    """No user is another digest than a user with an empty name."""
    return () if user is None else (user,)
