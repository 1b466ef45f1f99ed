"""Human approval through the client: the call is parked, a person decides, the model is not asked again."""

from __future__ import annotations

from typing import Any

import pytest

from psf_runtime import ApprovalPending, Blocked, ConfigError, Contract, Policy, Purpose, Tool, ToolRule, facts
from psf_runtime.errors import ApprovalDenied
from psf_runtime.testing import ManualClock, MockProvider, call
from tests.modes.clients import MODES, Got, Mode, ask, assert_nothing_open, client_for, do

EMAIL = "jane.doe@example.com"
PAY = Tool("pay", "Pays.", {"type": "object", "properties": {"to": {"type": "string"}, "amount": {"type": "number"}}})
POLICY = Policy.standard(tools={"pay": ToolRule(approval="always")})
BY: dict[str, Any] = {"by": "lee@acme.example", "reason": "checked"}
modes = pytest.mark.parametrize("mode", MODES)


def pays(request: Any) -> Any:
    token = next(word for word in request.messages[0].text.split() if word.startswith("EMAIL_"))
    return ["I pay.", call("pay", to=token, amount=40)]


class Parked:
    """One call that waits for a person."""

    def __init__(self, mode: Mode, *, policy: Policy = POLICY, clock: ManualClock | None = None, **rest: Any) -> None:
        self.mode = mode
        self.mock = MockProvider(pays, clock=clock)
        self.client = client_for(mode, self.mock, policy=policy)
        self.got: Got = ask(mode, self.client, f"pay {EMAIL} now", tools=[PAY], **rest)
        assert isinstance(self.got.error, ApprovalPending), self.got.error
        self.ticket = self.got.error.ticket.id

    def decide(self, verb: str, *args: Any) -> None:
        do(self.mode, getattr(self.client.tickets, verb), self.ticket, *args, **BY)

    def resume(self, **asker: Any) -> Any:
        return do(self.mode, self.client.resume, self.ticket, **asker)


@modes
def test_pending_delivers_nothing(mode: Mode) -> None:
    """The model has answered and nothing was handed out; the ticket is open and its text holds no content."""
    parked = Parked(mode)
    pending = parked.got.error

    assert parked.got.events == []
    assert isinstance(pending, ApprovalPending)
    assert not isinstance(pending, Blocked)
    assert "open" == pending.ticket.state
    assert parked.ticket == pending.decision.ticket
    assert "oversight.triggers" == pending.decision.blocked_by
    assert EMAIL not in f"{pending}{pending.ticket}"
    assert parked.mock.live == 0
    with pytest.raises(ApprovalPending):
        parked.resume()
    assert len(parked.mock.calls) == 1


@modes
def test_approved_tool_calls_are_handed_out_once(mode: Mode) -> None:
    """After approval, `resume` hands out the same calls, restored, with the model asked once; then never again."""
    parked = Parked(mode)
    parked.decide("approve")
    answer = parked.resume()

    assert {"to": EMAIL, "amount": 40} == answer.tool_calls[0].arguments
    assert "I pay." == answer.text
    assert len(parked.mock.calls) == 1
    assert parked.ticket == answer.decision.ticket
    assert "tool_calls" == answer.decision.outcome
    with pytest.raises(ApprovalDenied) as denied:
        parked.resume()
    assert "already_consumed" == denied.value.reason_code
    assert_nothing_open(parked.got, parked.mock)


@modes
def test_edited_answered_rejected(mode: Mode) -> None:
    """A person may change the arguments, answer in the model's place, or say no."""
    edited = Parked(mode)
    edited.decide("edit", [{"to": EMAIL, "amount": 10}])
    assert {"to": EMAIL, "amount": 10} == edited.resume().tool_calls[0].arguments

    answered = Parked(mode)
    answered.decide("answer", "We will call you.")
    assert ("We will call you.", ()) == (answered.resume().text, answered.resume().tool_calls)

    rejected = Parked(mode)
    rejected.decide("reject")
    with pytest.raises(ApprovalDenied) as denied:
        rejected.resume()
    assert "rejected" == denied.value.reason_code
    assert [1, 1, 1] == [len(parked.mock.calls) for parked in (edited, answered, rejected)]


@modes
def test_only_the_requester_may_resume(mode: Mode) -> None:
    """A ticket id is a name, not a capability: another tenant or user is denied, decided or not."""
    parked = Parked(mode, tenant="acme", user="jo")
    parked.decide("approve")
    for asker in ({"tenant": "evil", "user": "jo"}, {"tenant": "acme", "user": "eve"}, {"tenant": "acme"}, {}):
        with pytest.raises(ApprovalDenied) as denied:
            parked.resume(**asker)
        assert "not_requester" == denied.value.reason_code
    assert parked.resume(tenant="acme", user="jo").tool_calls


@modes
def test_unknown_tickets_and_deadlines(mode: Mode) -> None:
    """A ticket that nobody knows, or whose time is over, is denied; silence is never a yes."""
    clock = ManualClock()
    parked = Parked(mode, clock=clock)
    with pytest.raises(ApprovalDenied) as denied:
        do(mode, parked.client.resume, "t0")
    assert "unknown" == denied.value.reason_code
    clock.advance(5 * 3600)
    with pytest.raises(ApprovalDenied) as denied:
        parked.resume()
    assert "expired" == denied.value.reason_code


@modes
def test_wait_for_approval(mode: Mode) -> None:
    """With `wait_for_approval`, the call waits so many seconds for a person before it is parked."""

    class Impatient(ManualClock):
        """A person decides while the call sleeps."""

        client: Any = None

        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            desk = self.client._core.state.tickets
            if len(self.slept) == 3:
                desk.approve(desk.list()[0].id, by="lee")

    clock = Impatient()
    mock = MockProvider(pays, clock=clock)
    clock.client = client = client_for(mode, mock, policy=POLICY)
    got = ask(mode, client, f"pay {EMAIL} now", tools=[PAY], wait_for_approval=10)
    assert got.value().tool_calls[0].arguments["to"] == EMAIL
    assert len(clock.slept) == 3
    assert_nothing_open(got, mock)

    late = ManualClock()
    Parked(mode, clock=late, wait_for_approval=2)
    assert 2 <= sum(late.slept) < 3


@modes
def test_facts_ticket_returns_the_stored_answer(mode: Mode) -> None:
    """`with facts(ticket=...)` and the same call gives the approved answer; another call is denied."""
    parked = Parked(mode)
    parked.decide("approve")
    with facts(ticket=parked.ticket):
        other = ask(mode, parked.client, f"pay {EMAIL} twice", tools=[PAY])
        same = ask(mode, parked.client, f"pay {EMAIL} now", tools=[PAY])

    assert isinstance(other.error, ApprovalDenied)
    assert "action_digest_mismatch" == other.error.reason_code
    assert {"to": EMAIL, "amount": 40} == same.value().tool_calls[0].arguments
    assert len(parked.mock.calls) == 1
    assert_nothing_open(same, parked.mock)


@modes
def test_resume_checks_the_contract(mode: Mode) -> None:
    """`output=` must be the call's own; without it `.value` is plain JSON. Text answers may be read again."""
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    policy = Policy.standard(
        purposes={"p": Purpose(owner="dana", lawful_basis="contract", autonomy="L0")},
    )
    mock = MockProvider('{"a": 1}')
    client = client_for(mode, mock, policy=policy)
    got = ask(mode, client, "go", purpose="p", output=schema)
    assert isinstance(got.error, ApprovalPending), got.error
    ticket = got.error.ticket.id
    do(mode, client.tickets.approve, ticket, **BY)

    with pytest.raises(ConfigError, match="output="):
        do(mode, client.resume, ticket, output=Contract({"type": "object"}))
    assert {"a": 1} == do(mode, client.resume, ticket, output=schema).value
    assert {"a": 1} == do(mode, client.resume, ticket).value
    assert len(mock.calls) == 1
    assert_nothing_open(got, mock)


@modes
def test_decisions_in_code_are_checked(mode: Mode) -> None:
    """Nobody approves their own request; a decision needs a name; an edit must fit; the errors hold no content."""
    parked = Parked(mode, user="jo@acme.example")
    tickets = parked.client.tickets
    for verb, args, by in (
        ("approve", (), "JO@acme.example"),
        ("approve", (), " "),
        ("edit", ([{"to": "canary-7731"}, {}],), "lee"),
        ("edit", ("canary-7731",), "lee"),
    ):
        with pytest.raises((ConfigError, Blocked)) as caught:
            do(mode, getattr(tickets, verb), parked.ticket, *args, by=by)
        assert "canary-7731" not in str(caught.value)
        assert "open" == do(mode, tickets.get, parked.ticket).state
