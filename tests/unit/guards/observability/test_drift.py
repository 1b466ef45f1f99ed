"""Has a signal's mean risen?"""

from __future__ import annotations

import random
from typing import Any

import pytest

from psf_runtime.errors import ConfigError
from psf_runtime.guards.observability.drift import Drift, DriftRules, DriftState, Evidence, bets_against, watch
from psf_runtime.stores.cells import MemoryCells
from psf_runtime.types.context import AttemptOutcome
from tests.unit.guards.playbook import Playbook, Step, answer, asking, context

RULES = DriftRules()


def stream(state: DriftState, count: int, *, refusals: float = 0.0, scale: float = 1.0, seed: int = 1) -> Any:
    """Feed so many answers; returns the state and, per signal, when it first alarmed."""
    draw = random.Random(seed)
    alarms: dict[str, int] = {}
    for n in range(count):
        state, signals = watch(
            state,
            RULES,
            refused=draw.random() < refusals,
            length=100 * draw.random() * scale,
            seconds=draw.random() * scale,
        )
        for signal in signals:
            alarms.setdefault(signal, n)
    return state, alarms


def test_steady_answers_raise_no_alarm():
    """Five thousand answers as usual, refusals below the tolerated rate."""
    _, alarms = stream(DriftState(), 6000, refusals=0.02)
    assert alarms == {}


def test_more_refusals_are_noticed_soon():
    """From 2 to 30 in a hundred: within sixty answers."""
    state, _ = stream(DriftState(), 600, refusals=0.02)
    _, alarms = stream(state, 60, refusals=0.3)
    assert list(alarms) == ["drift.refusals"]


def test_longer_and_slower_answers_are_noticed():
    """Twice as long and as slow: both signals, refusals quiet."""
    state, before = stream(DriftState(), 600)
    _, alarms = stream(state, 60, scale=2.0)
    assert ({}, {"drift.length", "drift.latency"}) == (before, set(alarms))


def test_an_alarm_begins_anew_and_the_usual_stays_what_it_was():
    """A lasting shift is told again and again, never absorbed."""
    state, _ = stream(DriftState(), 300)
    limits = (state.longest, state.latest)
    for _ in range(3):
        state, alarms = stream(state, 60, scale=3.0)
        assert "drift.length" in alarms
    assert limits == (state.longest, state.latest)


def test_evidence_never_turns_negative_and_grows_with_surprises_only():
    """The bets are small enough that a loss is not ruin."""
    for tolerated in (0.01, 0.05, 0.1, 0.5):
        bets = bets_against(tolerated)
        quiet = Evidence()
        for _ in range(200):
            quiet = quiet.after(0.0, tolerated, bets)
            assert min(quiet.against) > 0
        loud = quiet.after(1.0, tolerated, bets)
        assert loud.mean > quiet.mean > quiet.after(0.0, tolerated, bets).mean - 1


def test_the_state_stays_small():
    """After the baseline nothing grows."""
    state, _ = stream(DriftState(), 201)
    assert (state.lengths, state.times) == ((), ())


@pytest.mark.parametrize(("mode", "observed"), [("observe", True), ("enforce", False)])
def test_an_alarm_is_a_finding_on_the_call_that_tipped_it(mode: Any, observed: bool):
    """The call goes on in either mode; the finding names the signal and the target."""
    drift = Drift(cells=MemoryCells(), rules=RULES, mode=mode)
    found = []
    for n in range(60):
        call = context(user=f"u{n}")

        def arrive(call: Any = call) -> None:
            call.route.append(AttemptOutcome("a", "ok", 1))

        response = answer(finish="refusal" if n > 20 else "stop")
        book = Playbook(drift, [Step(response, seconds=1.0, meanwhile=arrive)], context=call)
        assert response is book.play(asking())
        found += call.findings
    assert {("observability.drift", "drift.refusals", "a", observed)} == {
        (one.control, one.kind, one.where, one.observed) for one in found
    }


@pytest.mark.parametrize("wrong", [{"baseline": 99}, {"alpha": 0.0}, {"refusal_rate": 1.0}, {"tail_rate": -0.1}])
def test_senseless_settings_are_refused(wrong: dict[str, Any]):
    """A baseline too small to tell what is usual, or a rate that is none."""
    with pytest.raises(ConfigError):
        DriftRules(**wrong)


def test_targets_are_watched_apart():
    """What is usual for one says nothing about another."""
    cells = MemoryCells()
    drift = Drift(cells=cells, rules=RULES)
    for name in ("a", "b"):
        Playbook(drift, [answer()]).play(asking(model=name))
    lengths = [cells.update(f"drift:{name}", lambda state: (state, state.lengths)) for name in ("a", "b")]
    assert lengths == [(5.0,), (5.0,)]
