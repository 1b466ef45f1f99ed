"""Which target answers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.errors import (
    Blocked,
    BudgetExceeded,
    ConfigError,
    ConsentDenied,
    Halted,
    ModelRefused,
    NotEligible,
    ProviderError,
    RateLimitError,
    RoutesExhausted,
)
from psf_runtime.flow.effects import call, now
from psf_runtime.flow.outcomes import Stopped
from psf_runtime.guards.resilience import FunctionSwitch, Retry, Route
from psf_runtime.ports import Eligibility
from psf_runtime.types.context import AttemptOutcome
from psf_runtime.types.request import Stamp
from psf_runtime.types.verdict import Block, Reroute
from tests.unit.guards.playbook import Playbook, Step, answer, asking, context, drive, failing, target

A, B, C = target("a"), target("b"), target("c")
ALL = [A, B, C]


def refusing(*names: str, control: str = "fitness.certificate") -> Any:
    """An Eligible that says no to some targets."""

    def eligible(_context: Any, request: Any, candidate: Any) -> list[Eligibility]:
        assert candidate.name == request.model
        return [Eligibility(control, "no certificate")] if candidate.name in names else []

    return eligible


def test_the_first_target_answers():
    """One attempt, nothing degraded, an outcome in the route."""
    book = Playbook(Route(targets=ALL), [Step(answer(), seconds=0.1)])
    book.play()
    assert book.asked == ["a"]
    assert [AttemptOutcome("a", "ok", 100)] == book.context.route
    assert not book.context.degraded


def test_the_call_may_name_another_first_target():
    """request.model goes to the front; the rest stays as fallbacks, in order."""
    book = Playbook(Route(targets=ALL), [failing(), failing(), answer()])
    book.play(asking(model="b"))
    assert book.asked == ["b", "a", "c"]


def test_a_target_that_does_not_exist_is_an_error_of_the_code():
    """Nothing is sent, and the error lists the names there are."""
    with pytest.raises(ConfigError) as caught:
        Playbook(Route(targets=ALL)).play(asking(model="d"))
    assert caught.value.change == "one of: a, b, c"


def test_a_failure_moves_on_and_marks_the_answer():
    """The next target gets the call; the failure stands in the route with its status and time."""
    book = Playbook(Route(targets=ALL), [Step(failing(status=500), seconds=1.5), answer()])
    assert book.play().text == "hello"
    assert [AttemptOutcome("a", "ProviderError", 1500, 500), AttemptOutcome("b", "ok", 0)] == book.context.route
    assert book.context.degraded


@pytest.mark.parametrize("kind", ["content_filter", "bad_request", "deadline_exceeded", "nobody knows this kind"])
def test_some_errors_never_move_on(kind: str):
    """What one provider's filter declined, or called bad, is shown to no other model."""
    book = Playbook(Route(targets=ALL), [failing(kind)])
    with pytest.raises(ProviderError) as caught:
        book.play()
    assert (["a"], kind) == (book.asked, caught.value.kind)
    assert not isinstance(caught.value, RoutesExhausted)


@pytest.mark.parametrize("error", [ModelRefused("no"), Halted("off"), BudgetExceeded("spent"), Blocked("policy")])
def test_a_no_by_model_or_policy_never_moves_on(error: Blocked):
    """Only the world's failures do."""
    book = Playbook(Route(targets=ALL), [error])
    with pytest.raises(type(error)):
        book.play()
    assert book.asked == ["a"]


def test_nothing_moves_on_after_something_was_delivered():
    """The error of a broken stream goes to the caller as it is."""
    book = Playbook(Route(targets=ALL), [Step(failing("stream_interrupted"), commits=True)])
    with pytest.raises(ProviderError) as caught:
        book.play()
    assert caught.value.kind == "stream_interrupted"


def test_a_request_that_is_too_long_goes_only_to_a_larger_window():
    """A smaller, an equal and an unknown window are passed over."""
    windows = [
        target("small", context_tokens=8000),
        target("equal", context_tokens=8000),
        target("unknown"),
        target("large", context_tokens=32000),
    ]
    book = Playbook(Route(targets=windows), [failing("context_length"), answer()])
    book.play()
    assert book.asked == ["small", "large"]


def test_when_all_fail_there_is_one_error_per_target():
    """Failed, not eligible and failed again: a group that says so, and is a ProviderError."""
    limited = RateLimitError("limited", kind="rate_limited", target="c", retry_after=7.0, retry_safe=True)
    book = Playbook(Route(targets=ALL, eligible=[refusing("b")]), [failing(retry_after=9.0), limited])
    with pytest.raises(RoutesExhausted) as caught:
        book.play()
    error = caught.value
    assert error.what == "2 targets failed, 1 was not eligible; no chunk was delivered."
    assert [ProviderError, NotEligible, RateLimitError] == [type(one) for one in error.exceptions]
    assert [one.target for one in error.exceptions] == ["a", "b", "c"]  # type: ignore[attr-defined]
    assert (error.kind, error.retry_after, error.retry_safe) == ("rate_limited", 7.0, True)
    assert [one.__traceback__ for one in error.exceptions] == [None] * 3, "frames hold requests"


def test_one_target_means_its_own_error():
    """No group of one."""
    error = failing()
    with pytest.raises(ProviderError) as caught:
        Playbook(Route(targets=[A]), [error]).play()
    assert error is caught.value


def test_a_target_that_may_not_take_the_call_is_passed_over_and_recorded():
    """The decision names the control, the target and the outcome."""
    book = Playbook(Route(targets=ALL, eligible=[refusing("a")]), [answer()])
    book.play()
    assert book.asked == ["b"]
    assert AttemptOutcome("a", "NotEligible", 0) == book.context.route[0]
    assert [(finding.control, finding.kind, finding.where) for finding in book.context.findings] == [
        ("fitness.certificate", "target.not_eligible", "a")
    ]


def test_when_none_may_nothing_is_sent_and_all_reasons_are_told():
    """NotEligible with a line per target and every control."""
    route = Route(targets=[A, B], eligible=[refusing("a"), refusing("b", control="portability.capability")])
    book = Playbook(route)
    with pytest.raises(NotEligible) as caught:
        book.play()
    assert caught.value.why == "a: no certificate; b: no certificate"
    assert caught.value.control == "fitness.certificate, portability.capability"
    assert book.asked == []


def test_when_consent_alone_says_no_the_error_is_the_one_people_know():
    """ConsentDenied, not NotEligible."""
    with pytest.raises(ConsentDenied):
        Playbook(Route(targets=[A, B], eligible=[refusing("a", "b", control="privacy.consent")])).play()


def test_an_eligible_may_be_a_flow():
    """One that needs the time or a store returns its reasons from a generator."""

    def eligible(_context: Any, _request: Any, candidate: Any) -> Any:
        time = yield from now()
        return [Eligibility("fitness.certificate", "expired")] if candidate.name == "a" and time > 0 else []

    book = Playbook(Route(targets=ALL, eligible=[eligible]), [answer()])
    book.play()
    assert book.asked == ["b"]


def test_an_eligible_may_yield_its_reasons_between_effects():
    """Reasons that are yielded, effects in between, an error of an effect that it handles, and reasons at the end."""

    def broken() -> float:
        raise ValueError

    def eligible(_context: Any, _request: Any, _candidate: Any) -> Any:
        yield Eligibility("privacy.residency", "one")
        time = yield from now()
        yield Eligibility("privacy.residency", f"two at {time:.0f}")
        try:
            yield from call(broken)
        except ValueError:
            yield Eligibility("privacy.residency", "three")
        return [Eligibility("privacy.residency", "four")]

    with pytest.raises(NotEligible) as caught:
        Playbook(Route(targets=[A], eligible=[eligible])).play()
    assert caught.value.why == "one; two at 1000000; three; four"


def test_an_eligible_is_closed_with_the_call():
    """Its own clean-up runs when the call ends while it waits."""
    closed: list[bool] = []

    def eligible(_context: Any, _request: Any, _candidate: Any) -> Any:
        try:
            yield from now()
        finally:
            closed.append(True)

    book = Playbook(Route(targets=[A], eligible=[eligible]))
    flow = book.strategy.run(book.context, asking(), book)
    next(flow)
    flow.close()
    assert closed == [True]


def test_a_target_is_judged_when_its_turn_comes_and_not_before():
    """A fallback that is not needed is not asked about; one that is, is asked about after the failure."""
    judged: list[str] = []
    route = Route(targets=ALL, eligible=[lambda c, r, t: judged.append(t.name) or ()])
    Playbook(route, [failing(), answer()]).play()
    assert judged == ["a", "b"]


def test_a_refusal_from_inside_moves_on():
    """Consent withdrawn between the route's question and the send: the next target may still take it."""
    switch = FunctionSwitch(lambda facts, name: "maintenance" if name == "a" else None)
    retry = Retry(targets=ALL, switch=switch)
    book = Playbook(Route(targets=ALL), [answer()])
    inner = book.__call__

    class Nested:
        committed = False

        def __call__(self, request: Any) -> Any:
            return retry.run(book.context, request, Inner())

    class Inner:
        committed = False

        def __call__(self, request: Any) -> Any:
            return inner(request)

    drive(book.strategy.run(book.context, asking(), Nested()), book)
    assert book.asked == ["b"]
    assert [(one.target, one.outcome) for one in book.context.route] == [("a", "Halted"), ("b", "ok")]


def test_when_all_are_refused_from_inside_it_is_still_a_no_of_the_policy():
    """Not a ProviderError: nothing was sent."""

    def refusal(name: str) -> Blocked:
        error = NotEligible("no", control="portability.pin", why="undated")
        error.target = name  # type: ignore[attr-defined]
        return error

    with pytest.raises(NotEligible) as caught:
        Playbook(Route(targets=[A, B]), [refusal("a"), refusal("b")]).play()
    assert caught.value.why == "a: undated; b: undated"


def test_a_reroute_verdict_asks_the_next_target():
    """A guard inside is not content with the answer: another target is asked."""
    book = Playbook(Route(targets=ALL), [Stopped(Reroute("too vague"), "my_guard"), answer()])
    assert book.play().text == "hello"
    assert book.asked == ["a", "b"]


def test_a_reroute_that_nobody_is_left_for_stays_a_verdict():
    """All targets answered and none was good enough: a no, by the guard that said it."""
    verdicts = [Stopped(Reroute("too vague"), "my_guard") for _ in range(2)]
    with pytest.raises(Stopped) as caught:
        Playbook(Route(targets=[A, B]), verdicts).play()
    assert verdicts[1] is caught.value


def test_a_reroute_beside_failures_is_one_of_the_errors():
    """The group holds a plain Blocked that names the guard, without frames."""
    with pytest.raises(RoutesExhausted) as caught:
        Playbook(Route(targets=[A, B]), [Stopped(Reroute("vague"), "my_guard"), failing()]).play()
    assert [Blocked, ProviderError] == [type(one) for one in caught.value.exceptions]


def test_a_block_verdict_does_not_move_on():
    """What a guard blocks is blocked for every target."""
    book = Playbook(Route(targets=ALL), [Stopped(Block("no"), "my_guard")])
    with pytest.raises(Stopped):
        book.play()
    assert book.asked == ["a"]


def test_the_calls_attempts_bound_the_fallbacks():
    """Targets that are not asked for lack of attempts are named in the error."""
    book = Playbook(Route(targets=ALL), [failing(), failing()], context=context(attempts_left=2))
    with pytest.raises(RoutesExhausted) as caught:
        book.play()
    assert caught.value.what == "2 targets failed, 1 was not asked; no chunk was delivered."
    assert caught.value.exceptions[2].target == "c"  # type: ignore[attr-defined]


def test_attempts_used_up_by_others_say_so():
    """The first target may not, the second cannot any more: the budget is what is told."""
    book = Playbook(Route(targets=[A, B], eligible=[refusing("a")]), context=context(attempts_left=0))
    with pytest.raises(BudgetExceeded):
        book.play()


def test_a_purpose_has_its_own_plan():
    """Its targets, in its order; another one is not eligible even when the call names it."""
    route = Route(targets=ALL, plans={"claims": ["c", "a"]})
    book = Playbook(route, [failing(), answer()], context=context(purpose="claims"))
    book.play()
    assert book.asked == ["c", "a"]
    book = Playbook(route, [answer()], context=context(purpose="claims"))
    book.play(asking(model="b"))
    assert book.asked == ["c"]
    assert [(one.control, one.where) for one in book.context.findings] == [("resilience.route", "b")]


@pytest.mark.parametrize(
    "wrong",
    [{"targets": []}, {"targets": [A, A]}, {"targets": [A], "plans": {"x": ["b"]}}],
    ids=["none", "twice", "plan"],
)
def test_senseless_routes_are_refused(wrong: dict[str, Any]):
    """No target, two of one name, or a plan for one that does not exist."""
    with pytest.raises(ConfigError):
        Route(**wrong)


def stamped(**profile: str) -> Stamp:
    return Stamp(profile, lambda data: None)


def test_what_was_prepared_for_our_own_machine_never_goes_to_a_stricter_target():
    """The local target allows e-mail; when it dies, the foreign one that requires tokens is not asked."""
    local, abroad = target("local", boundary="own"), target("abroad")
    required = {"local": {"EMAIL": "allow"}, "abroad": {"EMAIL": "token"}}
    book = Playbook(Route(targets=[local, abroad], required_profile=required), [failing()])
    with pytest.raises(RoutesExhausted) as caught:
        book.play(asking(stamp=stamped(EMAIL="allow")))
    assert book.asked == ["local"]
    assert caught.value.exceptions[1].control == "privacy.tokens"  # type: ignore[attr-defined]


def test_what_was_prepared_strictly_may_go_anywhere():
    """Tokens satisfy a target that requires tokens, and one that requires nothing."""
    required = {"a": {"EMAIL": "token"}, "b": {}}
    book = Playbook(Route(targets=[A, B], required_profile=required), [failing(), answer()])
    book.play(asking(stamp=stamped(EMAIL="token")))
    assert book.asked == ["a", "b"]


@pytest.mark.parametrize(
    ("required", "stamp"),
    [
        ({"EMAIL": "token"}, None),
        ({"EMAIL": "mask"}, stamped(EMAIL="token")),
        ({"EMAIL": "a word nobody knows"}, stamped(EMAIL="mask")),
        ({"EMAIL": "token"}, stamped(EMAIL="a word nobody knows")),
        ({"EMAIL": "token", "IBAN": "token"}, stamped(EMAIL="token")),
        (None, stamped(EMAIL="block")),
    ],
)
def test_in_doubt_a_target_is_not_eligible(required: Any, stamp: Stamp | None):
    """No stamp, a laxer one, unknown words and a target without a profile all mean no."""
    profiles = {} if required is None else {"a": required}
    with pytest.raises(NotEligible):
        Playbook(Route(targets=[A], required_profile=profiles)).play(asking(stamp=stamp))


ACTIONS = ["allow", "token", "mask", "block"]
PROFILES = st.dictionaries(st.sampled_from(["EMAIL", "IBAN", "PHONE"]), st.sampled_from(ACTIONS))


@given(PROFILES, PROFILES)
@settings(max_examples=80, deadline=None)
def test_no_request_reaches_a_target_that_requires_more(done: dict[str, str], required: dict[str, str]):
    """For any two profiles the target is asked exactly when every required action was done at least as strictly."""
    enough = all(ACTIONS.index(done.get(entity, "allow")) >= ACTIONS.index(act) for entity, act in required.items())
    book = Playbook(Route(targets=[A], required_profile={"a": required}), [answer()] if enough else [])
    if enough:
        book.play(asking(stamp=stamped(**done)))
    else:
        with pytest.raises(NotEligible):
            book.play(asking(stamp=stamped(**done)))
    assert (["a"] if enough else []) == book.asked
