"""Asking one target: retries, waits, late checks, breaker."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.errors import (
    ConfigError,
    ConsentDenied,
    ContractViolation,
    Halted,
    NotEligible,
    ProviderError,
    ProviderTimeout,
)
from psf_runtime.flow.effects import now
from psf_runtime.guards.resilience import BreakerRules, FunctionSwitch, Retry
from psf_runtime.ports import Eligibility
from psf_runtime.stores.cells import MemoryCells
from tests.unit.guards.playbook import Playbook, Step, answer, asking, context, drive, failing, target

A, B = target("a"), target("b")
TO_A = asking(model="a")


def outcomes(book: Playbook) -> list[tuple[str, str, int]]:
    return [(one.target, one.outcome, one.ms) for one in book.context.route]


def test_a_good_answer_passes_unchanged_and_is_recorded():
    """One send, one outcome, no wait, the very same response."""
    response = answer()
    book = Playbook(Retry(targets=[A]), [Step(response, seconds=0.25)])
    assert response is book.play(TO_A)
    assert outcomes(book) == [("a", "ok", 250)]
    assert book.slept == []


def test_safe_errors_are_tried_again_with_full_jitter():
    """Ceilings double: 0.5, 1.0; half of each at fraction 0.5."""
    book = Playbook(Retry(targets=[A]), [failing(status=503), failing("connection"), answer()])
    assert book.play(TO_A).text == "hello"
    assert book.slept == [0.25, 0.5]
    assert [one.status for one in book.context.route] == [503, None, None]


def test_the_last_error_stands_when_retries_are_spent():
    """Two retries mean three sends, and the third error is the caller's."""
    last = failing("overloaded")
    book = Playbook(Retry(targets=[A]), [failing(), failing(), last])
    with pytest.raises(ProviderError) as caught:
        book.play(TO_A)
    assert last is caught.value
    assert len(book.asked) == 3


@pytest.mark.parametrize(
    "error",
    [
        failing(retry_safe=False),
        failing(retry_safe=None),
        failing("auth"),
        failing("bad_request"),
        failing("content_filter"),
        failing("context_length"),
        failing("quota_exhausted"),
        failing("a kind that nobody knows"),
    ],
    ids=lambda error: f"{error.kind}-{error.retry_safe}",
)
def test_what_is_not_safe_or_not_useful_is_sent_once(error: ProviderError):
    """No retry unless the provider's answer makes it safe and the kind makes it useful."""
    book = Playbook(Retry(targets=[A]), [error])
    with pytest.raises(ProviderError):
        book.play(TO_A)
    assert book.asked == ["a"]


def test_nothing_is_sent_again_after_something_was_delivered():
    """After the first delta the error stands."""
    book = Playbook(Retry(targets=[A]), [Step(failing("stream_interrupted"), commits=True)])
    with pytest.raises(ProviderError):
        book.play(TO_A)
    assert len(book.asked) == 1


def test_a_provider_that_asks_for_a_wait_gets_it():
    """retry_after is honoured when it is longer than the jitter."""
    book = Playbook(Retry(targets=[A]), [failing("rate_limited", retry_after=12.0), answer()])
    book.play(TO_A)
    assert book.slept == [12.0]


@pytest.mark.parametrize(("asked", "deadline"), [(61.0, None), (12.0, 110.0), (10.0, 110.0)])
def test_a_wait_that_is_too_long_is_given_up_at_once(asked: float, deadline: float | None):
    """Longer than a minute, or up to the deadline: no sleep, the error goes outward so that another can be asked."""
    book = Playbook(
        Retry(targets=[A]), [failing("rate_limited", retry_after=asked)], context=context(deadline=deadline)
    )
    with pytest.raises(ProviderError):
        book.play(TO_A)
    assert book.slept == []


def test_the_calls_attempts_bound_the_retries():
    """With one attempt left there is no second send, whatever the target's own retries."""
    book = Playbook(Retry(targets=[A], retries=9), [failing(), failing()], context=context(attempts_left=2))
    with pytest.raises(ProviderError):
        book.play(TO_A)
    assert len(book.asked) == 2


@given(st.floats(0, 0.999), st.integers(0, 4), st.floats(0, 4), st.floats(4, 9))
@settings(max_examples=60, deadline=None)
def test_no_wait_is_longer_than_its_ceiling(fraction: float, retries: int, base: float, cap: float):
    """Full jitter: the n-th wait is fraction * min(cap, base * 2**n), within the float's rounding."""
    errors: list[Any] = [failing() for _ in range(retries)]
    book = Playbook(
        Retry(targets=[A], retries=retries, base=base, cap=cap),
        [*errors, answer()],
        fraction=fraction,
        context=context(attempts_left=10),
    )
    book.play(TO_A)
    expected = [fraction * min(cap, base * 2**n) for n in range(retries)]
    assert expected == pytest.approx(book.slept, abs=1e-6)


def test_consent_that_is_withdrawn_during_the_wait_stops_the_next_send():
    """The late check runs after the last sleep, for the recipient really used: nothing more leaves."""
    withdrawn: list[Eligibility] = []
    asked_about: list[str] = []

    def consent(_context: Any, _request: Any, recipient: Any) -> list[Eligibility]:
        asked_about.append(recipient.name)
        return withdrawn

    def withdraw() -> None:
        withdrawn.append(Eligibility("privacy.consent", "the record was withdrawn"))

    book = Playbook(Retry(targets=[A], late_checks=[consent]), [Step(failing(), meanwhile=withdraw)])
    with pytest.raises(ConsentDenied) as caught:
        book.play(TO_A)
    assert (asked_about, book.asked) == (["a", "a"], ["a"])
    assert caught.value.why == "the record was withdrawn"
    assert caught.value.target == "a"  # type: ignore[attr-defined]


def test_a_late_check_may_be_a_flow():
    """A check that needs the time asks for it as an effect."""

    def check(_context: Any, _request: Any, _target: Any) -> Any:
        time = yield from now()
        return [Eligibility("fitness.certificate", f"expired at {time:.0f}")]

    book = Playbook(Retry(targets=[A], late_checks=[check]))
    with pytest.raises(NotEligible) as caught:
        book.play(TO_A)
    assert (caught.value.control, caught.value.why) == ("fitness.certificate", "expired at 1000000")
    assert book.asked == []


def test_a_target_that_is_not_listed_is_judged_by_the_strictest():
    """An unknown name gets facts with nothing declared, and the checks see them."""
    seen: list[Any] = []
    book = Playbook(Retry(targets=[A], late_checks=[lambda c, r, t: seen.append(t) or ()]), [answer()])
    book.play(asking(model="openai:x"))
    assert [(t.name, t.provider, t.boundary, t.jurisdiction) for t in seen] == [
        ("openai:x", "openai", "external", None)
    ]


def test_the_kill_switch_is_asked_before_every_send():
    """Switched on while the first attempt fails: the second is never sent."""
    state = {"on": False}
    switch = FunctionSwitch(lambda facts, target: state["on"])
    book = Playbook(Retry(targets=[A], switch=switch), [Step(failing(), meanwhile=lambda: state.update(on=True))])
    with pytest.raises(Halted) as caught:
        book.play(TO_A)
    assert len(book.asked) == 1
    assert caught.value.target == "", "a switch for everything is not about one target"


def test_a_kill_switch_for_one_target_says_which():
    """The route reads the name and asks another target."""
    switch = FunctionSwitch(lambda facts, target: "maintenance" if target == "a" else None)
    book = Playbook(Retry(targets=[A], switch=switch))
    with pytest.raises(Halted) as caught:
        book.play(TO_A)
    assert (caught.value.target, caught.value.why) == ("a", "maintenance")  # type: ignore[attr-defined]


def test_errors_that_are_not_the_providers_pass_and_are_recorded():
    """A guard inside that says no is no reason to send again."""
    book = Playbook(Retry(targets=[A, B], cells=MemoryCells()), [Step(ContractViolation("no"), seconds=0.5)])
    with pytest.raises(ContractViolation):
        book.play(TO_A)
    assert outcomes(book) == [("a", "ContractViolation", 500)]


def test_the_deadline_during_an_attempt_is_recorded_and_raised():
    """The driver's own time-out ends the call; the attempt still stands in the route."""
    late = ProviderTimeout("late", kind="deadline_exceeded", retry_safe=False)
    book = Playbook(Retry(targets=[A]), [Step(late, seconds=30)], context=context(deadline=120.0))
    with pytest.raises(ProviderTimeout):
        book.play(TO_A)
    assert outcomes(book) == [("a", "ProviderTimeout", 20000)]


@pytest.mark.parametrize("wrong", [{"retries": -1}, {"base": -1.0}, {"base": 9.0, "cap": 8.0}])
def test_senseless_settings_are_refused(wrong: dict[str, Any]):
    """Negative or contradictory settings are a ConfigError when the layer is made."""
    with pytest.raises(ConfigError):
        Retry(targets=[A], **wrong)


class Fleet:
    """Many calls through one Retry, each by its own user."""

    def __init__(self, *targets: Any, **rules: Any) -> None:
        self.cells = MemoryCells()
        self.retry = Retry(targets=targets, retries=0, cells=self.cells, rules=BreakerRules(**rules))
        self.clock = 100.0

    def call(self, user: str | None, outcome: Any, text: str = "hi", seconds: float = 0.0) -> str:
        book = Playbook(self.retry, [outcome], clock=self.clock, context=context(user=user))
        flow = self.retry.run(book.context, asking(text, model="a"), book)
        try:
            drive(flow, book)
            said = "ok"
        except ProviderError as error:
            said = "shut" if not book.asked else error.kind
        self.clock = book.clock + seconds
        return said


def test_a_target_that_fails_for_several_callers_is_left_alone():
    """Five failures in a row by two users open the breaker: the sixth call is not sent."""
    fleet = Fleet(A, B)
    for n in range(5):
        assert fleet.call(f"u{n % 2}", failing(), text=f"t{n}") == "server_error"
    assert fleet.call("u9", answer()) == "shut"


def test_one_caller_cannot_shut_a_target():
    """A thousand poison requests by one user leave the breaker closed for others."""
    fleet = Fleet(A, B)
    for n in range(1000):
        fleet.call("poison", failing(), text=f"t{n}")
    assert fleet.call("somebody else", answer()) == "ok"


def test_one_request_counts_once():
    """The same poison request sent by many users is the request's fault, not the target's."""
    fleet = Fleet(A, B)
    for n in range(50):
        fleet.call(f"u{n}", failing(), text="poison")
    assert fleet.call("u", answer()) == "ok"


def test_without_users_requests_are_told_apart():
    """An application that declares no user still gets a breaker."""
    fleet = Fleet(A, B)
    for n in range(5):
        fleet.call(None, failing(), text=f"t{n}")
    assert fleet.call(None, answer()) == "shut"


def test_half_open_lets_one_call_through():
    """After 10 s one trial call goes; when it succeeds, all go."""
    fleet = Fleet(A, B)
    for n in range(5):
        fleet.call(f"u{n}", failing(), text=f"t{n}")
    fleet.clock += 9.9
    assert fleet.call("u", answer()) == "shut"
    fleet.clock += 0.2
    assert fleet.call("u", answer()) == "ok"
    assert fleet.call("v", answer()) == "ok"


def test_the_only_target_is_never_shut_out():
    """With nobody else to ask, a failing target is still asked."""
    fleet = Fleet(A)
    for n in range(40):
        fleet.call(f"u{n}", failing(), text=f"t{n}")
    assert fleet.call("u", answer()) == "ok"


def test_a_rate_limit_cools_the_target_and_counts_as_no_failure():
    """Until retry_after has passed others do not ask; then the target is as good as before."""
    fleet = Fleet(A, B)
    assert fleet.call("u", failing("rate_limited", retry_after=5.0)) == "rate_limited"
    assert fleet.call("v", answer()) == "shut"
    fleet.clock += 5.0
    assert fleet.call("v", answer()) == "ok"


def test_a_guards_no_frees_the_place_of_the_trial_call():
    """A trial call that never reached the target does not keep the next one out."""
    fleet = Fleet(A, B)
    for n in range(5):
        fleet.call(f"u{n}", failing(), text=f"t{n}")
    fleet.clock += 11
    with pytest.raises(ContractViolation):
        fleet.call("u", ContractViolation("no"))
    assert fleet.call("u", answer()) == "ok"
