"""A ticket: one question to a person, bound to one exact action."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

TicketState = Literal["open", "approved", "rejected", "edited", "answered", "expired", "superseded", "consumed"]


@dataclass(frozen=True, slots=True)
class Ticket:
    """What can be said about a ticket without content. An id is a name, not a capability.

    Attributes:
        kind: what is asked for: `verification`, `authorisation` or `escalation`.
        control: which control asks; `reason` and `triggers`: why.
        created, deadline: seconds since the epoch; after the deadline the answer is no.
        by: who decided, as the application vouched; `note`: the reason they gave.
        url: the reviewer's page, when a console runs.
    """

    id: str
    kind: str
    state: TicketState
    control: str
    reason: str
    triggers: tuple[str, ...]
    created: float
    deadline: float
    tenant: str = "default"
    purpose: str | None = None
    by: str | None = None
    note: str | None = None
    url: str | None = None
