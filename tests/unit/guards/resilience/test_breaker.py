"""The breaker's pure functions."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.guards.resilience import breaker
from psf_runtime.guards.resilience.breaker import CLOSED, BreakerRules, BreakerState

RULES = BreakerRules()


def opened(now: float = 0.0, rules: BreakerRules = RULES) -> BreakerState:
    state = CLOSED
    for n in range(rules.consecutive):
        state = breaker.failed(state, rules, now, f"caller {n}", n)
    return state


def test_a_success_between_failures_does_not_hide_them():
    """Three of four calls fail: no five in a row, yet the share opens it once there are twenty."""
    state = CLOSED
    for n in range(24):
        if n % 4 == 3:
            state = breaker.succeeded(state, RULES, float(n) / 10)
        else:
            state = breaker.failed(state, RULES, float(n) / 10, f"c{n % 3}", n)
    assert state.openings == 1


def test_few_failures_among_many_successes_leave_it_closed():
    """A tenth of the calls failing is below the share."""
    state = CLOSED
    for n in range(100):
        if n % 10 == 0:
            state = breaker.failed(state, RULES, n / 10, f"c{n}", n)
        else:
            state = breaker.succeeded(state, RULES, n / 10)
    assert state.openings == 0
    assert RULES.window_calls == len(state.seen)


def test_old_failures_are_forgotten():
    """Failures further apart than the window never add up."""
    state = CLOSED
    for n in range(20):
        state = breaker.failed(state, RULES, n * 31.0, f"c{n}", n)
    assert state.openings == 0


def test_only_one_of_twenty_waiting_calls_is_let_through():
    """Half-open admits one; the others are told to wait for it."""
    state = opened()
    admitted = 0
    for _ in range(20):
        state, wait = breaker.admit(state, RULES, 10.0)
        admitted += wait == 0.0
    assert admitted == 1


def test_a_trial_call_that_never_comes_back_gives_up_its_place():
    """After probe_for seconds another trial call may go."""
    state, _ = breaker.admit(opened(), RULES, 10.0)
    state, wait = breaker.admit(state, RULES, 10.0 + RULES.probe_for - 1)
    assert wait == 1.0
    _, wait = breaker.admit(state, RULES, 10.0 + RULES.probe_for)
    assert wait == 0.0


def test_each_opening_lasts_twice_as_long_up_to_the_cap():
    """10, 20, 40 ... 300 seconds."""
    state, now, lasts = opened(), 0.0, []
    for _ in range(7):
        lasts.append(state.open_until - now)
        now = state.open_until
        state, _ = breaker.admit(state, RULES, now)
        state = breaker.failed(state, RULES, now, "c", 1)
    assert lasts == [10, 20, 40, 80, 160, 300, 300]


def test_a_call_from_before_the_opening_changes_nothing():
    """Late results of calls that were already under way neither close nor prolong it."""
    state = opened()
    assert state == breaker.succeeded(state, RULES, 5.0)
    assert state == breaker.failed(state, RULES, 5.0, "c", 99)


def test_a_pause_that_was_asked_for_outlives_an_opening():
    """cool_until survives, and a shorter pause does not shorten a longer one."""
    state = breaker.cooled(breaker.cooled(CLOSED, 50.0), 20.0)
    assert (state, 50.0) == breaker.admit(state, RULES, 0.0)


EVENT = st.tuples(st.sampled_from(["ok", "fail", "admit", "free"]), st.floats(0, 20), st.integers(0, 5))


@given(st.lists(EVENT, max_size=60), st.integers(0, 3))
@settings(max_examples=80, deadline=None)
def test_one_caller_alone_never_opens_it(events: list[tuple[str, float, int]], caller: int):
    """Whatever one caller does, in any order and at any pace, the breaker admits everybody."""
    state, now = CLOSED, 0.0
    for what, pause, request in events:
        now += pause
        match what:
            case "ok":
                state = breaker.succeeded(state, RULES, now)
            case "fail":
                state = breaker.failed(state, RULES, now, f"c{caller}", request)
            case "free":
                state = breaker.let_go(state)
            case _:
                state, wait = breaker.admit(state, RULES, now)
                assert wait == 0.0
    assert state.openings == 0
