"""The kill switch."""

from __future__ import annotations

import os
from typing import Any

import pytest

from psf_runtime.errors import Halted
from psf_runtime.flow.compose import compose
from psf_runtime.flow.effects import Open, Pull
from psf_runtime.guards.resilience import AnySwitch, EnvironmentSwitch, FunctionSwitch, Halt, HaltWatch
from psf_runtime.types.chunks import TextDelta
from psf_runtime.types.request import Facts
from psf_runtime.types.response import Response
from tests.unit.guards.playbook import asking, context

FACTS = Facts()


class Source:
    """Three chunks, one at a time."""

    def __init__(self) -> None:
        self.closed = False

    def head(self) -> Response:
        return Response()


def run_stream(layers: list[Any], before_chunk: dict[int, Any]) -> tuple[list[str], list[str]]:
    """Drive the real engine by hand; returns what was delivered and the effects, `before_chunk` runs in between."""
    delivered: list[str] = []
    effects: list[str] = []
    flow = compose(layers)(context(), asking(model="a"), lambda chunk: delivered.append(chunk.text))  # type: ignore[arg-type]
    sent: Any = None
    pulls = 0
    try:
        while True:
            effect = flow.send(sent)
            effects.append(type(effect).__name__)
            match effect:
                case Open():
                    sent = Source()
                case Pull():
                    pulls += 1
                    before_chunk.get(pulls, lambda: None)()
                    sent = [TextDelta(f"chunk {pulls}")] if pulls <= 3 else None
    except StopIteration:
        return delivered, effects
    except Halted:
        return [*delivered, "HALTED"], effects


@pytest.mark.parametrize("layer", [Halt, HaltWatch])
def test_a_switch_turned_on_in_mid_stream_stops_the_stream(layer: Any):
    """What came before stays delivered, the next chunk does not come, no further one is asked for."""
    state = {"on": False}
    switch = FunctionSwitch(lambda facts, target: state["on"])
    delivered, effects = run_stream([layer(switch=switch)], {2: lambda: state.update(on=True)})
    assert delivered == ["chunk 1", "HALTED"]
    assert effects == ["Open", "Pull", "Pull"]


def test_nothing_is_sent_while_the_switch_is_on():
    """No effect at all: the error comes before the provider is opened."""
    delivered, effects = run_stream([Halt(switch=FunctionSwitch(lambda facts, target: "incident 7"))], {})
    assert (delivered, effects) == (["HALTED"], [])


def test_a_switch_that_is_off_changes_nothing():
    """All chunks, in order."""
    off = EnvironmentSwitch({})
    delivered, _ = run_stream([Halt(switch=off), HaltWatch(switch=off)], {})
    assert delivered == ["chunk 1", "chunk 2", "chunk 3"]


def test_the_watch_asks_about_the_target_that_is_running():
    """A switch for one target stops its stream."""
    asked: list[str | None] = []

    def function(_facts: Facts, target: str | None) -> None:
        asked.append(target)

    run_stream([HaltWatch(switch=FunctionSwitch(function))], {})
    assert {"a"} == set(asked)


def test_the_error_says_why_and_what_to_do():
    """Control, reason, failure mode; whether anything had been sent."""
    session = Halt(switch=EnvironmentSwitch({"PSF_HALT": "1"})).open(context())
    with pytest.raises(Halted) as before:
        session.on_request(asking())
    with pytest.raises(Halted) as during:
        session.on_chunk(TextDelta("x"))
    assert (
        before.value.control,
        before.value.why,
        before.value.failure_mode,
    ) == ("resilience.halt", "PSF_HALT is set", "FM34")
    assert (
        before.value.what,
        during.value.what,
    ) == ("nothing was sent: the kill switch is on.", "the call was stopped: the kill switch is on.")


@pytest.mark.parametrize(
    ("value", "on"),
    [
        ("1", True),
        ("true", True),
        ("yse", True),
        ("0", False),
        ("", False),
        ("  ", False),
        ("No", False),
        ("off", False),
    ],
)
def test_the_environment_is_read_each_time_and_a_misspelt_value_means_on(value: str, on: bool):
    """The mapping is live."""
    environment: dict[str, str] = {}
    switch = EnvironmentSwitch(environment)
    assert switch.reason(FACTS, None) is None
    environment["PSF_HALT"] = value
    assert on is (switch.reason(FACTS, None) is not None)


def test_the_real_environment_is_live_too(monkeypatch: pytest.MonkeyPatch):
    """A change made by this process shows at once, in both directions."""
    switch = EnvironmentSwitch(os.environ)
    monkeypatch.delenv("PSF_HALT", raising=False)
    assert switch.reason(FACTS, None) is None
    monkeypatch.setenv("PSF_HALT", "1")
    assert switch.reason(FACTS, None) == "PSF_HALT is set"
    monkeypatch.setenv("PSF_HALT", "0")
    assert switch.reason(FACTS, None) is None
    monkeypatch.delenv("PSF_HALT")
    assert switch.reason(FACTS, None) is None


def boom() -> Any:
    raise RuntimeError("card 4111 1111 1111 1111")


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (lambda: None, None),
        (lambda: False, None),
        (lambda: True, "the application's halt switch is on"),
        (lambda: "", "the application's halt switch is on"),
        (lambda: 0, "the application's halt switch is on"),
        (lambda: "incident 7", "incident 7"),
        (boom, "the application's halt switch raised RuntimeError, which counts as on"),
    ],
)
def test_a_function_that_is_not_clearly_off_is_on(said: Any, reason: str | None):
    """An exception stops calls, and its text goes nowhere."""
    assert reason == FunctionSwitch(lambda facts, target: said()).reason(FACTS, None)


def test_any_of_several_switches_is_enough():
    """The first reason is told."""
    on, off = EnvironmentSwitch({"PSF_HALT": "1"}), EnvironmentSwitch({})
    assert AnySwitch([off, on]).reason(FACTS, None) == "PSF_HALT is set"
    assert AnySwitch([off, off]).reason(FACTS, None) is None
