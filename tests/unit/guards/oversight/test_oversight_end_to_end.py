"""Evidence, Oversee and the desk on the real engine: an approved answer is handed out once, the model asked once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from psf_runtime.errors import ApprovalDenied, ApprovalPending
from psf_runtime.flow.compose import compose
from psf_runtime.flow.protocols import Layer
from psf_runtime.flow.sync import SyncDriver
from psf_runtime.flow.tape import Tape
from psf_runtime.flow.world import Journey, World
from psf_runtime.guards.accountability import Evidence, conclude_cancelled
from psf_runtime.guards.oversight import Oversee
from psf_runtime.ports import Source
from psf_runtime.stores.memory_ledger import MemoryLedger
from psf_runtime.stores.memory_tickets import MemoryTickets
from psf_runtime.types.chunks import Chunk, TextDelta, ToolCallDelta
from psf_runtime.types.context import Context
from psf_runtime.types.messages import Message, ToolCall
from psf_runtime.types.request import Facts, Request
from psf_runtime.types.response import Response
from psf_runtime.types.rules import Purpose, ToolRule

REQUEST = Request((Message.user("pay the bill"),))


class Canned:
    """A provider that proposes a payment, one piece after the other, and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def open(self, request: Request, *, stream: bool, left: float | None) -> Source:
        self.asked += 1
        return _Answer()

    async def aopen(self, request: Request, *, stream: bool, left: float | None) -> Source:
        return self.open(request, stream=stream, left=left)


class _Answer:
    def __init__(self) -> None:
        self.left: list[Chunk] = [TextDelta("I "), TextDelta("pay."), ToolCallDelta(0, "1", "pay", '{"amount": 5}')]

    def read(self, left: float | None) -> list[Chunk] | None:
        return [self.left.pop(0)] if self.left else None

    async def aread(self, left: float | None) -> list[Chunk] | None:
        return self.read(left)

    def close(self) -> None:
        self.left.clear()

    async def aclose(self) -> None:
        self.close()

    def head(self) -> Response:
        return Response(finish="tool_calls", model="m")


class Clock:
    def time(self) -> float:
        return 1_000.0

    monotonic = time

    def sleep(self, seconds: float) -> None:
        raise AssertionError("nobody waits here")

    async def asleep(self, seconds: float) -> None:
        raise AssertionError("nobody waits here")


class House:
    """One small pipeline and everything around it."""

    def __init__(self, *, mode: Any = "enforce") -> None:
        self.provider = Canned()
        self.ledger = MemoryLedger()
        self.desk = MemoryTickets(clock=Clock())
        purposes = {"bills": Purpose(owner="dana", autonomy="L2")}
        layers: Sequence[Layer] = (
            Evidence(ledger=self.ledger, purposes=purposes, policy_digest="p", key=b"k", mode_owner="enforce"),
            Oversee(tools={"pay": ToolRule(approval="always")}, purposes=purposes, mode=mode),
        )
        self.driver = SyncDriver(compose(layers), World(self.provider, reviewer=self.desk, clock=Clock()))

    def context(self, ticket: str | None = None, user: str = "u") -> Context:
        return Context("c1", facts=Facts(purpose="bills", user=user), ticket=ticket)

    def start(self) -> str:
        with pytest.raises(ApprovalPending) as info:
            self.driver.complete(Journey(self.context(), tape=Tape()), REQUEST)
        ticket: str = info.value.ticket.id
        return ticket

    def resume(self, ticket: str, user: str = "u") -> Response:
        parked = self.desk.checkpoint(ticket, tenant="default", user=user)
        return self.driver.complete(Journey(self.context(ticket, user), tape=Tape.from_data(parked["tape"])), REQUEST)

    @property
    def outcomes(self) -> list[str]:
        return [one.record["outcome"] for one in self.ledger.entries() if one.kind == "outcome"]


def test_an_approved_call_goes_on_without_asking_the_model_again() -> None:
    """Pending, pending again, approved, handed out, and never a second time; one intent carries all outcomes."""
    house = House()
    ticket = house.start()
    with pytest.raises(ApprovalPending):
        house.resume(ticket)
    house.desk.approve(ticket, by="lee")
    answer = house.resume(ticket)
    assert ("I pay.", (ToolCall("1", "pay", '{"amount": 5}'),)) == (answer.text, answer.tool_calls)
    with pytest.raises(ApprovalDenied) as info:
        house.resume(ticket)
    assert (info.value.reason_code, house.provider.asked) == ("already_consumed", 1)
    assert house.outcomes == ["pending", "pending", "tool_calls"]
    assert sum(one.kind == "intent" for one in house.ledger.entries()) == 1
    assert (house.ledger.orphans(), house.ledger.verify()) == ((), None)


def test_an_edited_action_is_what_is_handed_out() -> None:
    """The person's arguments, not the model's."""
    house = House()
    ticket = house.start()
    house.desk.edit(ticket, [{"amount": 4}], by="lee")
    assert house.resume(ticket).tool_calls[0].arguments == {"amount": 4}


def test_a_rejected_call_ends_with_a_no_on_record() -> None:
    """Also when the caller still holds what was parked."""
    house = House()
    ticket = house.start()
    parked = house.desk.checkpoint(ticket, tenant="default", user="u")
    house.desk.reject(ticket, by="lee")
    with pytest.raises(ApprovalDenied) as info:
        house.driver.complete(Journey(house.context(ticket), tape=Tape.from_data(parked["tape"])), REQUEST)
    assert (info.value.reason_code, house.outcomes) == ("rejected", ["pending", "ApprovalDenied"])


def test_the_ticket_tells_which_triggers_fired_and_what_was_asked() -> None:
    """The person sees the resolved action; the ticket row does not show it."""
    house = House()
    ticket = house.desk.get(house.start())
    assert (ticket.kind, ticket.triggers, ticket.purpose) == ("authorisation", ("approval",), "bills")
    request, response = house.desk.contents(ticket.id)
    assert response is not None
    assert (request.messages[0].text, response.tool_calls[0].arguments) == ("pay the bill", {"amount": 5})


def test_a_stream_says_so_before_its_first_piece() -> None:
    """Nothing is delivered that a person has yet to see."""
    house = House()
    delivered: list[Any] = []
    with (
        pytest.raises(ApprovalPending),
        house.driver.stream(Journey(house.context(), tape=Tape()), REQUEST) as stream,
    ):
        delivered.extend(stream)
    assert delivered == []


def test_a_stream_that_is_left_early_is_on_record_as_cancelled() -> None:
    """The driver's closing writes nothing; the client concludes it afterwards."""
    house = House(mode="observe")
    context = house.context()
    with house.driver.stream(Journey(context, tape=Tape()), REQUEST) as stream:
        assert TextDelta("I ") == next(stream)
    assert (house.outcomes, len(house.ledger.orphans())) == ([], 1)
    assert conclude_cancelled(house.ledger, context, at=1_001.0)
    assert (house.outcomes, house.ledger.orphans()) == (["cancelled"], ())
