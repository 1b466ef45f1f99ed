"""Consent per recipient, up to the moment the bytes leave, in all four ways of calling; and what stays on record."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from psf_runtime import ApprovalPending, Client, Policy, Purpose, Tool, ToolRule
from psf_runtime.errors import ConsentDenied, NotEligible, RoutesExhausted, StateError
from psf_runtime.testing import ManualClock, MockProvider, call, fault
from psf_runtime.types.consent import UseLink
from tests.modes.clients import MODES, Mode, ask, assert_nothing_open, client_for, do

modes = pytest.mark.parametrize("mode", MODES)
POLICY = Policy.standard(
    purposes={
        "news": Purpose(owner="dana", lawful_basis="consent"),
        "news.weekly": Purpose(owner="dana", lawful_basis="consent"),
        "support": Purpose(owner="dana", lawful_basis="contract", jurisdictions=["EU"]),
    }
)
WHO: dict[str, Any] = {"subject": "customer:42", "purpose": "news"}
EMAIL = "jane.doe@example.com"


def mock_in(place: str, *replies: Any, name: str = "mock", clock: ManualClock | None = None) -> MockProvider:
    """A mock that counts as somebody else's, in a jurisdiction."""
    mock = MockProvider(*replies, name=name, clock=clock)
    mock.facts = replace(mock.facts, jurisdiction=place, boundary="external", retention_days=30)
    return mock


def uses_of(client: Any, subject: str = "customer:42", tenant: str = "default") -> tuple[UseLink, ...]:
    uses: tuple[UseLink, ...] = client._core.state.consents.uses_of(subject=subject, tenant=tenant)
    return uses


class Acting(ManualClock):
    """A clock on which something happens whenever somebody waits."""

    act: Any = None

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if self.act is not None:
            self.act()


@modes
def test_a_call_leaves_a_use_that_names_its_recipient_and_its_tokens(mode: Mode) -> None:
    """One link: the consent it rests on, what was found, the ids of the tokens on the wire, and no value."""
    mock = MockProvider("done")
    client = client_for(mode, mock, policy=POLICY)
    do(mode, client.consents.grant, recipients=["mock"], **WHO)
    got = ask(mode, client, f"Write to {EMAIL}", **WHO)

    assert got.value().text == "done"
    (use,) = uses_of(client)
    (link,) = client._core.state.consents.links(subject="customer:42")
    assert (use.recipient, use.decision, use.categories) == ("mock", "mask", ("EMAIL",))
    assert use.consents == (link.digest,)
    assert use.call_id == got.value().decision.call_id
    assert use.token_ids[0] in mock.calls[0].request.messages[0].text
    assert EMAIL not in repr(use)
    assert_nothing_open(got, mock)


@modes
def test_withdrawn_between_two_attempts(mode: Mode) -> None:
    """A withdrawal counts before the next attempt of a call under way: one request, one use, one refusal."""
    clock = Acting()
    mock = MockProvider(fault.rate_limit(retry_after=2), "late", clock=clock)
    client = client_for(mode, mock, policy=POLICY)
    do(mode, client.consents.grant, recipients=["*"], **WHO)
    clock.act = lambda: client._core.state.consents.withdraw(subject="customer:42", now=clock.time())
    got = ask(mode, client, "hi", **WHO)

    assert isinstance(got.error, ConsentDenied)
    assert "withdrawn" in got.error.why
    assert len(mock.calls) == 1
    assert [(use.decision, use.recipient) for use in uses_of(client)] == [("allow", "mock"), ("block", "mock")]
    assert_nothing_open(got, mock)


@modes
def test_a_consent_that_runs_out_during_a_call(mode: Mode) -> None:
    """At the second it expires nothing more leaves, though the call began in time."""
    clock = ManualClock()
    mock = MockProvider(fault.rate_limit(retry_after=2), "late", clock=clock)
    client = client_for(mode, mock, policy=POLICY)
    do(mode, client.consents.grant, recipients=["*"], expires=clock.time() + 1, **WHO)
    got = ask(mode, client, "hi", **WHO)

    assert isinstance(got.error, ConsentDenied)
    assert "expired" in got.error.why
    assert len(mock.calls) == 1


@modes
def test_restricted_between_two_attempts(mode: Mode) -> None:
    """A restriction stops a call under way too, on any basis."""
    clock = Acting()
    mock = mock_in("EU", fault.rate_limit(retry_after=2), "late", clock=clock)
    client = client_for(mode, mock, policy=POLICY)
    clock.act = lambda: client._core.state.consents.restrict(subject="customer:42", now=clock.time())
    got = ask(mode, client, "hi", subject="customer:42", purpose="support")

    assert isinstance(got.error, ConsentDenied)
    assert len(mock.calls) == 1


@modes
def test_fallback_goes_only_to_whom_the_subject_agreed(mode: Mode) -> None:
    """The second has no consent and gets nothing; the third has it and answers."""
    first = MockProvider(*[fault.server_error()] * 3, name="first", clock=ManualClock())
    second, third = MockProvider("never", name="second"), MockProvider("third", name="third")
    client = client_for(mode, first, fallbacks=[second, third], policy=POLICY)
    do(mode, client.consents.grant, recipients=["first", "third"], **WHO)
    got = ask(mode, client, "hi", **WHO)

    assert got.value().text == "third"
    assert second.calls == ()
    assert [(use.recipient, use.decision) for use in uses_of(client)] == [
        *[("first", "allow")] * 3,
        ("second", "block"),
        ("third", "allow"),
    ]
    assert_nothing_open(got, first, second, third)


@modes
def test_fallback_without_any_consent_left(mode: Mode) -> None:
    """When only a recipient without consent is left, it gets nothing, and the error says both."""
    first = MockProvider(*[fault.server_error()] * 3, name="first", clock=ManualClock())
    second = MockProvider("never", name="second")
    client = client_for(mode, first, fallbacks=[second], policy=POLICY)
    do(mode, client.consents.grant, recipients=["first"], **WHO)
    got = ask(mode, client, "hi", **WHO)

    assert isinstance(got.error, RoutesExhausted)
    assert [type(error).__name__ for error in got.error.exceptions] == ["ProviderError", "ConsentDenied"]
    assert second.calls == ()


@modes
def test_no_recipient_with_consent(mode: Mode) -> None:
    """Consent for somebody else: ConsentDenied with control, why and change, and nothing was sent to anybody."""
    mocks = [MockProvider("never", name=name) for name in ("first", "second")]
    client = client_for(mode, mocks[0], fallbacks=mocks[1:], policy=POLICY)
    do(mode, client.consents.grant, recipients=["third"], **WHO)
    got = ask(mode, client, f"Write to {EMAIL}", **WHO)

    assert isinstance(got.error, ConsentDenied)
    assert got.error.control == "privacy.consent"
    assert "does not cover this recipient" in got.error.why
    assert got.error.change
    assert all(word not in str(got.error) for word in ("customer", EMAIL))
    assert [mock.calls for mock in mocks] == [(), ()]


@modes
def test_data_that_was_found_must_be_agreed_to(mode: Mode) -> None:
    """A consent for telephone numbers lets no e-mail address go: it is asked again once the request was looked at."""
    mock = MockProvider("a", "b")
    client = client_for(mode, mock, policy=POLICY)
    do(mode, client.consents.grant, recipients=["*"], categories=["PHONE"], **WHO)

    denied = ask(mode, client, f"Write to {EMAIL}", **WHO)
    assert isinstance(denied.error, ConsentDenied)
    assert "does not cover EMAIL" in denied.error.why
    assert mock.calls == ()
    assert ask(mode, client, "Call +1 202 555 0143", **WHO).value().text == "a"


@modes
def test_a_consent_covers_the_purposes_below_its_own(mode: Mode) -> None:
    """`news` covers `news.weekly`, until that part is withdrawn."""
    mock = MockProvider("a", "b")
    client = client_for(mode, mock, policy=POLICY)
    do(mode, client.consents.grant, recipients=["*"], **WHO)
    weekly = {"subject": "customer:42", "purpose": "news.weekly"}

    assert ask(mode, client, "hi", **weekly).value().text == "a"
    assert do(mode, client.consents.withdraw, **weekly) == 1
    assert isinstance(ask(mode, client, "hi", **weekly).error, ConsentDenied)
    assert ask(mode, client, "hi", **WHO).value().text == "b"


@modes
def test_residency_reroutes_or_blocks(mode: Mode) -> None:
    """A purpose that stays in the EU passes the American target over; with no other target nothing is sent."""
    american, german = mock_in("US", "never", name="american"), mock_in("DE", "hallo", name="german")
    client = client_for(mode, american, fallbacks=[german], policy=POLICY)
    got = ask(mode, client, "hi", subject="customer:42", purpose="support")

    assert got.value().text == "hallo"
    assert american.calls == ()
    assert [(use.recipient, use.decision, use.jurisdiction) for use in uses_of(client)] == [
        ("american", "block", "US"),
        ("german", "allow", "DE"),
    ]
    alone = mock_in("US", "never")
    blocked = ask(mode, client_for(mode, alone, policy=POLICY), "hi", purpose="support")
    assert isinstance(blocked.error, NotEligible)
    assert blocked.error.control == "privacy.residency"
    assert alone.calls == ()


@modes
@pytest.mark.parametrize("touch", ["edit", "remove", "double"])
def test_a_chain_that_was_touched_stops_its_subject_alone(mode: Mode, touch: str) -> None:
    """StateError, and nothing was sent; another subject's calls go on."""
    mock = MockProvider("fine")
    client = client_for(mode, mock, policy=POLICY)
    do(mode, client.consents.grant, recipients=["*"], **WHO)
    rows = next(iter(client._core.state.consents._storage._rows.values()))
    do(mode, client.consents.grant, subject="customer:43", purpose="news", recipients=["*"])
    match touch:
        case "edit":
            rows[0] = rows[0].replace(b'"*"', b'"x"')
        case "remove":
            rows.clear()
        case _:
            rows.append(rows[0])
    got = ask(mode, client, "hi", **WHO)

    assert isinstance(got.error, StateError)
    assert mock.calls == ()
    assert ask(mode, client, "hi", subject="customer:43", purpose="news").value().text == "fine"


@modes
def test_two_tenants_share_nothing(mode: Mode) -> None:
    """The same subject of another tenant has no consent, no uses and no restriction."""
    mock = MockProvider("a", "b")
    client = client_for(mode, mock, policy=POLICY)
    do(mode, client.consents.grant, recipients=["*"], tenant="acme", **WHO)

    assert ask(mode, client, "hi", tenant="acme", **WHO).value().text == "a"
    assert isinstance(ask(mode, client, "hi", tenant="globex", **WHO).error, ConsentDenied)
    do(mode, client.subjects.restrict, "customer:42", tenant="globex")
    assert ask(mode, client, "hi", tenant="acme", **WHO).value().text == "b"
    assert len(uses_of(client, tenant="acme")) == 2
    assert [use.decision for use in uses_of(client, tenant="globex")] == ["block"]


@modes
def test_withdrawn_while_a_person_decides(mode: Mode) -> None:
    """What was approved is not handed out once the consent is gone; the model is not asked again."""
    tool = Tool("pay", "Pays.", {"type": "object", "properties": {"amount": {"type": "number"}}})
    policy = POLICY.replace(tools={"pay": ToolRule(approval="always")})
    mock = MockProvider(call("pay", amount=40))
    client = client_for(mode, mock, policy=policy)
    do(mode, client.consents.grant, recipients=["*"], **WHO)
    got = ask(mode, client, "pay", tools=[tool], **WHO)
    assert isinstance(got.error, ApprovalPending), got.error
    ticket = got.error.ticket.id
    do(mode, client.tickets.approve, ticket, by="lee", reason="checked")
    do(mode, client.consents.withdraw, **WHO)

    with pytest.raises(ConsentDenied):
        do(mode, client.resume, ticket)
    assert len(mock.calls) == 1
    assert [use.decision for use in uses_of(client)] == ["allow", "block"]


@modes
def test_a_preview_leaves_no_use(mode: Mode) -> None:
    """Looking is no use, whether it would be allowed or not."""
    client = client_for(mode, MockProvider(), policy=POLICY)
    do(mode, client.consents.grant, subject="customer:43", purpose="news", recipients=["*"])

    with pytest.raises(ConsentDenied):
        do(mode, client.preview, "hi", **WHO)
    do(mode, client.preview, "hi", subject="customer:43", purpose="news")
    assert uses_of(client) == uses_of(client, "customer:43") == ()


def test_many_threads_make_one_chain() -> None:
    """Uses of one subject from several threads are all kept, and the chain holds."""
    client = Client(MockProvider(strict=False), policy=POLICY)
    client.consents.grant(recipients=["*"], **WHO)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: client.complete(f"hi {number}", **WHO), range(24)))

    assert len({use.call_id for use in uses_of(client)}) == 24
