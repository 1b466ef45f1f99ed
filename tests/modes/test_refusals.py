"""Consent, certificates, retries, fallbacks, time, halt, money, and the end of a client, through the client."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest

from psf_runtime import Blocked, ConfigError, Policy, ProviderError, Purpose, facts
from psf_runtime.errors import (
    BudgetExceeded,
    ConsentDenied,
    Halted,
    NotEligible,
    ProviderTimeout,
    RateLimitError,
    RoutesExhausted,
    StateError,
    StreamInterrupted,
)
from psf_runtime.policy import Resilience
from psf_runtime.ports import Price
from psf_runtime.testing import ManualClock, MockProvider, fault
from tests.modes.clients import MODES, Mode, ask, assert_nothing_open, client_for, do, mock_call

modes = pytest.mark.parametrize("mode", MODES)
CONSENT = Policy.standard(
    purposes={"news": Purpose(owner="dana", lawful_basis="consent", safe_message="Not today.")},
)
WHO: dict[str, Any] = {"subject": "customer:42", "purpose": "news"}


@modes
def test_consent_is_needed_and_can_be_withdrawn(mode: Mode) -> None:
    """A purpose that rests on consent is denied without a record, goes with one, and is denied once withdrawn."""
    mock = MockProvider("a", "b")
    client = client_for(mode, mock, policy=CONSENT)

    denied = ask(mode, client, "hi", **WHO)
    assert isinstance(denied.error, ConsentDenied)
    assert "Not today." == denied.error.safe_message
    assert "customer:42" not in str(denied.error)
    assert mock.calls == ()

    do(mode, client.consents.grant, recipients=["mock"], **WHO)
    assert "a" == ask(mode, client, "hi", **WHO).value().text
    assert isinstance(ask(mode, client, "hi", purpose="news", subject="customer:43").error, ConsentDenied)
    assert isinstance(ask(mode, client, "hi", tenant="other", **WHO).error, ConsentDenied)
    assert 1 == do(mode, client.consents.withdraw, **WHO)
    last = ask(mode, client, "hi", **WHO)
    assert isinstance(last.error, ConsentDenied)
    assert len(mock.calls) == 1
    assert_nothing_open(last, mock)


@modes
def test_consent_withdrawn_while_waiting_to_retry(mode: Mode) -> None:
    """A consent withdrawn during a retry's wait stops the next attempt: not one more byte is sent."""

    class Withdrawing(ManualClock):
        client: Any = None

        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            self.client._core.state.consents.withdraw(subject=WHO["subject"], now=self.time())

    clock = Withdrawing()
    mock = MockProvider(fault.rate_limit(retry_after=2), "late", clock=clock)
    clock.client = client = client_for(mode, mock, policy=CONSENT)
    do(mode, client.consents.grant, recipients=["*"], **WHO)
    got = ask(mode, client, "hi", **WHO)

    assert [2.0] == clock.slept
    assert isinstance(got.error, ConsentDenied)
    assert len(mock.calls) == 1
    assert_nothing_open(got, mock)


@modes
def test_the_first_consent_record_turns_the_control_on(mode: Mode) -> None:
    """Consent is observed until the application keeps a first record; from then on it is enforced."""
    mock = MockProvider("a", "b")
    client = client_for(mode, mock)
    assert "a" == ask(mode, client, "hi").value().text
    do(mode, client.consents.grant, recipients=["*"], **WHO)

    assert isinstance(ask(mode, client, "hi").error, ConsentDenied)
    assert len(mock.calls) == 1


@modes
def test_certificate_gate(mode: Mode) -> None:
    """A purpose that requires a certificate is refused until the target has a valid one."""
    policy = Policy.standard(
        purposes={"p": Purpose(owner="dana", lawful_basis="contract", certificate="required")},
    )
    clock = ManualClock()
    mock = MockProvider("a", clock=clock)
    client = client_for(mode, mock, policy=policy)
    got = ask(mode, client, "hi", purpose="p")
    assert isinstance(got.error, NotEligible)
    assert "fitness.certificate" == got.error.control
    assert mock.calls == ()

    client._core.state.certificates.issue(
        purpose="p", target="mock", valid_until=clock.time() + 60, by="dana", evidence="report"
    )
    assert "a" == ask(mode, client, "hi", purpose="p").value().text
    clock.advance(61)
    assert isinstance(ask(mode, client, "hi", purpose="p").error, NotEligible)


@modes
def test_retry_waits_as_told_on_the_clock_of_the_mock(mode: Mode) -> None:
    """`MockProvider(clock=...)` is the client's clock too: Retry-After passes on it, in no time of ours."""
    clock = ManualClock()
    mock = MockProvider(fault.rate_limit(retry_after=7), "fine", clock=clock)
    got = ask(mode, client_for(mode, mock), "hi")

    assert "fine" == got.value().text
    assert [7.0] == clock.slept
    assert ["RateLimitError", "ok"] == [attempt.outcome for attempt in got.value().decision.route]
    assert_nothing_open(got, mock)


@modes
def test_what_is_left_after_retries(mode: Mode) -> None:
    """With one target the caller gets its own error; `.retry_after` and `.decision` say the rest."""
    clock = ManualClock()
    mock = MockProvider(*[fault.rate_limit(retry_after=1)] * 3, clock=clock)
    got = ask(mode, client_for(mode, mock), "hi")

    assert isinstance(got.error, RateLimitError)
    assert ("mock", 429, 1.0) == (got.error.target, got.error.status, got.error.retry_after)
    assert len(got.error.decision.route) == 3
    assert_nothing_open(got, mock)


@modes
def test_fallback_is_silent_and_complete(mode: Mode) -> None:
    """When the first target fails before anything was delivered, the next answers the whole call."""
    first = MockProvider(*[fault.server_error()] * 3, name="first", clock=ManualClock())
    second = MockProvider("from the second", name="second")
    got = ask(mode, client_for(mode, first, fallbacks=[second]), "hi")
    answer = got.value()

    assert ("from the second", "second", True) == (answer.text, answer.model, answer.degraded)
    assert answer.cost == 0
    if "stream" in mode:
        assert "from the second" == got.text
    assert_nothing_open(got, first, second)


@modes
def test_another_first_model_for_one_call(mode: Mode) -> None:
    """`model=` names another declared target for one call; a target that was not declared is ConfigError."""
    first, second = MockProvider("a", name="first"), MockProvider("b", name="second")
    client = client_for(mode, first, fallbacks=[second])

    assert "second" == ask(mode, client, "hi", model="second").value().model
    got = ask(mode, client, "hi", model="openai:gpt-4o@https://evil.example/v1")
    assert isinstance(got.error, ConfigError)
    assert "first, second" in str(got.error)
    assert len(first.calls) + len(second.calls) == 1


@modes
def test_all_routes_fail(mode: Mode) -> None:
    """RoutesExhausted is a ProviderError that holds one error per target and what is worth knowing for a retry."""
    clock = ManualClock()
    first = MockProvider(*[fault.rate_limit(retry_after=20)] * 3, name="first", clock=clock)
    second = MockProvider(*[fault.server_error()] * 3, name="second", clock=clock)
    got = ask(mode, client_for(mode, first, fallbacks=[second]), "hi")
    error = got.error

    assert isinstance(error, RoutesExhausted)
    assert isinstance(error, ProviderError)
    assert ["first", "second"] == [inner.target for inner in error.exceptions]  # type: ignore[attr-defined]
    assert 20.0 == error.retry_after
    assert "first" in str(error)
    assert "second" in str(error)
    assert_nothing_open(got, first, second)


@pytest.mark.parametrize("mode", ["stream", "async stream"])
def test_a_cut_stream_says_so(mode: Mode) -> None:
    """After the first piece there is no second try: the stream ends with StreamInterrupted and without a Finish."""
    first = MockProvider(["Dear ", "Jane", fault.cut()], name="first")
    second = MockProvider("x", name="second")
    got = ask(mode, client_for(mode, first, fallbacks=[second]), "hi")

    assert isinstance(got.error, StreamInterrupted)
    assert not got.finished
    assert "Dear Jane".startswith(got.text)
    assert second.calls == ()
    assert_nothing_open(got, first, second)


@modes
def test_the_time_of_a_whole_call(mode: Mode) -> None:
    """`timeout=` is for everything together; a wait that would reach it is not begun; the error is a TimeoutError."""
    clock = ManualClock()
    mock = MockProvider(fault.timeout(seconds=6), fault.timeout(seconds=6), "late", clock=clock)
    got = ask(mode, client_for(mode, mock), "hi", timeout=10)

    assert isinstance(got.error, ProviderTimeout)
    assert isinstance(got.error, TimeoutError)
    assert clock.monotonic() <= 10
    assert_nothing_open(got, mock)


@modes
def test_a_provider_that_falls_silent(mode: Mode) -> None:
    """A stream that stops is ended by the call's deadline; the connection is closed."""
    clock = ManualClock()
    mock = MockProvider(["Dear ", fault.stall()], clock=clock)
    got = ask(mode, client_for(mode, mock), "hi", timeout=5)

    assert isinstance(got.error, ProviderTimeout)
    assert not got.finished
    assert_nothing_open(got, mock)


@modes
def test_halt_before_a_call(mode: Mode, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the halt file exists, or PSF_HALT is set, nothing is sent; afterwards calls go on."""
    file = tmp_path / "halt"
    mock = MockProvider("a")
    policy = Policy.standard(resilience=Resilience(halt=f"file:{file}"))
    file.write_text("fire drill")
    assert isinstance(ask(mode, client_for(mode, mock, policy=policy), "hi").error, Halted)
    file.unlink()
    client = client_for(mode, mock, policy=policy)
    monkeypatch.setenv("PSF_HALT", "1")
    assert isinstance(ask(mode, client, "hi").error, Halted)
    assert mock.calls == ()
    monkeypatch.delenv("PSF_HALT")
    assert "a" == ask(mode, client, "hi").value().text


@pytest.mark.parametrize("mode", ["stream", "async stream"])
def test_halt_in_the_middle_of_a_stream(mode: Mode, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kill switch ends a running stream: Halted, no Finish, the connection closed."""
    monkeypatch.setenv("PSF_HALT", "")
    pieces = [f"piece {number} " for number in range(200)]
    mock = MockProvider(pieces)
    client = client_for(mode, mock)
    seen: list[str] = []

    def pull_the_switch(text: str) -> None:
        seen.append(text)
        if len(seen) == 1:
            monkeypatch.setenv("PSF_HALT", "1")

    async def aread() -> None:
        async with client.stream("hi") as stream:
            async for text in stream.text_stream:
                pull_the_switch(text)

    def read() -> None:
        with client.stream("hi") as stream:
            for text in stream.text_stream:
                pull_the_switch(text)

    with pytest.raises(Halted):
        do(mode, aread if mode == "async stream" else read)
    assert len("".join(seen)) < len("".join(pieces))
    assert mock.live == 0
    assert client._core.state.ledger.orphans() == ()


@modes
def test_a_budget_that_is_used_up(mode: Mode) -> None:
    """A purpose's budget stops calls once it is spent; BudgetExceeded says when it is filled again."""
    purpose = Purpose(owner="dana", lawful_basis="contract", budget="0.000001 USD/day")
    mock = MockProvider("word " * 400, "b", clock=ManualClock())
    mock.facts = replace(mock.facts, price=Price(1.0, 1000.0))
    client = client_for(mode, mock, policy=Policy.standard(purposes={"p": purpose}))
    first = ask(mode, client, "hi", purpose="p", max_tokens=5)
    second = ask(mode, client, "hi", purpose="p", max_tokens=5)
    errors = [got.error for got in (first, second) if got.error is not None]

    assert errors
    assert isinstance(errors[-1], BudgetExceeded)
    assert errors[-1].retry_after is not None
    assert len(mock.calls) <= 1
    assert_nothing_open(second, mock)


@pytest.mark.parametrize("mode", ["complete", "async complete"])
def test_idempotency_keys(mode: Mode) -> None:
    """One key, content and user: the model is asked once. Other content is refused; another user gets their own."""
    mock = MockProvider('{"a": [1]}', '{"a": [2]}', '{"a": [3]}')
    client = client_for(mode, mock)
    schema = {"type": "object", "properties": {"a": {"type": "array", "items": {"type": "integer"}}}}

    def keyed(text: str = "pay", **rest: Any) -> Any:
        return ask(mode, client, text, output=schema, idempotency_key="k1", **rest)

    first = keyed(user="a").value()
    first.value["a"].append(99)
    with facts() as block:
        again = keyed(user="a").value()
    assert {"a": [1]} == again.value
    assert [first.decision.call_id] == [decision.call_id for decision in block.decisions]
    assert {"a": [2]} == keyed(user="b").value().value
    assert {"a": [3]} == keyed(user="a", tenant="t").value().value
    assert isinstance(keyed("pay twice", user="a").error, ConfigError)
    assert len(mock.calls) == 3


@pytest.mark.parametrize("mode", ["complete", "async complete"])
def test_a_failed_call_frees_its_idempotency_key(mode: Mode) -> None:
    """A key whose call failed may be used again; so may one whose call was cancelled."""

    def interrupt(request: Any) -> str:
        raise KeyboardInterrupt

    mock = MockProvider(fault.content_filter(), interrupt, "b")
    client = client_for(mode, mock)
    assert isinstance(ask(mode, client, "x", idempotency_key="k").error, Blocked)
    with pytest.raises(KeyboardInterrupt):
        do(mode, client.complete, "x", idempotency_key="k")
    assert "b" == ask(mode, client, "x", idempotency_key="k").value().text
    assert client._core.state.ledger.orphans() == ()


def test_a_key_whose_call_is_under_way_is_not_joined() -> None:
    """A second call with a key in use is StateError: it never waits for, nor gets, half an answer."""
    asked, go_on = threading.Event(), threading.Event()

    def slow(request: Any) -> str:
        asked.set()
        go_on.wait(5)
        return "slow"

    client = client_for("complete", MockProvider(slow))
    results: list[Any] = []
    worker = threading.Thread(target=lambda: results.append(client.complete("x", idempotency_key="k").text))
    worker.start()
    asked.wait(5)
    with pytest.raises(StateError, match="under way"):
        client.complete("x", idempotency_key="k")
    go_on.set()
    worker.join(5)
    assert ["slow"] == results
    assert "slow" == client.complete("x", idempotency_key="k").text


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("mode", ["async complete", "async stream"])
def test_a_cancelled_task(mode: Mode, backend: str) -> None:
    """A cancelled call closes its connection, is written down as cancelled, and leaves no orphan."""
    mock = MockProvider(["Dear ", fault.stall()])
    client = client_for(mode, mock)

    async def cancelled() -> bool:
        with anyio.move_on_after(0.05) as scope:
            if mode == "async complete":
                await client.complete("hi")
            else:
                async with client.stream("hi") as stream:
                    async for _ in stream:
                        pass
        return scope.cancelled_caught

    with facts() as block:
        assert anyio.run(cancelled, backend=backend)
    assert mock.live == 0
    ledger = client._core.state.ledger
    assert ledger.orphans() == ()
    assert "cancelled" == ledger.entries()[-1].record["outcome"]
    if backend == "asyncio":
        assert ["cancelled"] == [decision.outcome for decision in block.decisions]


@modes
def test_a_closed_client(mode: Mode) -> None:
    """After `close` every method is a ConfigError that says so; nothing is sent."""
    mock = MockProvider("x")
    client = client_for(mode, mock)
    do(mode, client.close)

    assert isinstance(ask(mode, client, "hi").error, ConfigError)
    for method, args in ((client.preview, ("hi",)), (client.resume, ("t1",))):
        with pytest.raises(ConfigError, match="closed"):
            do(mode, method, *args)
    assert mock.calls == ()


@modes
def test_the_end_user_gets_the_purposes_words(mode: Mode) -> None:
    """A block carries the purpose's safe message, the control's domain and the decision."""
    purpose = Purpose(owner="dana", lawful_basis="contract", safe_message="We will call you.")
    policy = Policy.standard(purposes={"p": purpose})
    _, got = mock_call(mode, fault.content_filter(), policy=policy, purpose="p")

    assert isinstance(got.error, Blocked)
    assert "We will call you." == got.error.safe_message
    assert got.error.decision.call_id == got.error.call_id
    assert got.error.decision.blocked_by == got.error.control
