"""The order of layers, and what a layer may declare: wrong ones are refused when the pipeline is folded."""

from __future__ import annotations

from typing import Any

import pytest

from psf_runtime.errors import ConfigError
from psf_runtime.flow.compose import compose
from psf_runtime.flow.protocols import GuardBase, Session, StrategyBase
from psf_runtime.testing.modes import run_in_mode
from psf_runtime.types.chunks import TextDelta


class Named(GuardBase):
    """A guard with a name and declarations, that looks at requests."""

    class session(Session):
        def on_request(self, request: Any) -> Any:
            return request

    def __init__(self, name: str, *, inside: tuple[str, ...] = (), outside: tuple[str, ...] = ()) -> None:
        self.name = name
        self.inside_of = inside
        self.outside_of = outside


class NamedStrategy(StrategyBase):
    """A strategy with a name and declarations."""

    def __init__(self, name: str, *, inside: tuple[str, ...] = (), outside: tuple[str, ...] = ()) -> None:
        self.name = name
        self.inside_of = inside
        self.outside_of = outside


def refused(layers: list[Any]) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        compose(layers)
    return caught.value


def test_a_wrong_order_prints_the_right_one() -> None:
    """A log outside the tokens, a gate inside the route: the error says what is wrong and prints the right order."""
    log = Named("log", inside=("tokens",))
    gate = NamedStrategy("gate", outside=("route",))
    error = refused([log, Named("tokens"), NamedStrategy("route"), gate])
    assert "the order of the layers is wrong" in str(error)
    assert error.change == "outermost first: tokens > log > gate > route"
    assert [problem[0] for problem in error.problems] == ["log", "gate"]
    assert compose([Named("tokens"), log, gate, NamedStrategy("route")]) is not None


def test_the_printed_order_is_the_nearest_and_is_accepted() -> None:
    """Layers without declarations stay where they were; the printed order, taken over, is right."""
    layers = {
        layer.name: layer for layer in (Named("a"), Named("b", inside=("d",)), Named("c"), Named("d"), Named("e"))
    }
    error = refused(list(layers.values()))
    order = error.change.removeprefix("outermost first: ").split(" > ")
    assert order == ["a", "c", "d", "b", "e"]
    compose([layers[name] for name in order])


def test_declarations_about_absent_layers_do_not_matter() -> None:
    """A layer that must stand inside of another one may stand anywhere when the other is absent."""
    compose([Named("log", inside=("tokens",), outside=("route",))])


@pytest.mark.parametrize("names", ["ab", "ba"])
def test_declarations_that_contradict_each_other_are_refused(names: str) -> None:
    """A cycle has no right order: the error says so instead of printing a wrong one."""
    layers = {"a": Named("a", inside=("b",)), "b": Named("b", inside=("a",))}
    error = refused([layers[name] for name in names])
    assert "contradict each other" in error.change
    assert " > " not in error.change


def test_two_layers_may_have_one_name() -> None:
    """Names need not be unique: two guards of one function both run, and declarations hold for each of them."""
    compose([Named("twin"), Named("twin")])
    log = Named("log", inside=("twin",))
    compose([Named("twin"), Named("twin"), log])
    assert refused([Named("twin"), log, Named("twin")]).change == "outermost first: twin > log"


@pytest.mark.parametrize("hook", ["on_chunk", "on_end"])
def test_a_guard_that_changes_a_stream_may_not_fail(hook: str) -> None:
    """on_error="allow" together with a hook that transforms chunks would let text through unseen."""

    class Soft(GuardBase):
        name = "soft"
        on_error = "allow"
        session = type("SoftSession", (Session,), {hook: lambda self, *_: ()})

    error = refused([Soft()])
    assert "a layer declares what it cannot keep" in str(error)
    assert error.problems[0][0] == "soft"


class NoSession(GuardBase):
    """A guard whose session is no Session."""

    name = "no_session"
    session = object  # type: ignore[assignment]


class Hidden(GuardBase):
    """A guard that opens a session which it does not declare."""

    name = "hidden"

    class other(Session):
        def on_request(self, request: Any) -> Any:
            return request

    def open(self, context: Any) -> Session:
        return self.other()


@pytest.mark.parametrize("layer", [NoSession(), Hidden()])
def test_a_missing_session_class_is_refused(layer: Any) -> None:
    """The engine reads the session class to know the hooks: without it, hooks would be skipped in silence."""
    assert refused([layer]).problems[0][0] == layer.name


def test_a_guard_that_opens_another_session_than_it_declares_stops_the_call() -> None:
    """What cannot be seen at construction stops the first call."""

    class Lying(Hidden):
        name = "lying"

        class session(Session):
            def on_response(self, response: Any) -> Any:
                raise AssertionError("never opened")

    outcome = run_in_mode("sync", [Lying()], lambda _: [[TextDelta("a")]])
    assert outcome.error is not None
    assert outcome.transport.requests == []


def test_every_problem_is_listed_at_once() -> None:
    """One error names all layers that are wrong, not only the first."""
    error = refused([Named("a", inside=("b",)), NoSession(), Named("b")])
    assert {problem[0] for problem in error.problems} == {"a", "no_session"}
