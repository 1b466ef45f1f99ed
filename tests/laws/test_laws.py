"""The laws of the engine, over random layers and random answers, in all four modes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from psf_runtime.errors import GuardError, ProviderError
from psf_runtime.flow.effects import Lane, offload
from psf_runtime.flow.outcomes import Stopped
from psf_runtime.flow.protocols import GuardBase, Session, StrategyBase
from psf_runtime.testing.check import check_guard
from psf_runtime.testing.generators import answers, batches
from psf_runtime.testing.laws import (
    STREAMS,
    check_cuts,
    check_fails_closed,
    check_fusing,
    check_guards_precede_spend,
    check_no_leak,
    check_one_attempt_delivered,
    check_one_path,
    check_sharing,
    check_transparent,
)
from psf_runtime.testing.modes import run_in_mode, run_in_modes
from psf_runtime.types.chunks import TextDelta
from psf_runtime.types.messages import Text
from psf_runtime.types.response import Response
from psf_runtime.types.verdict import Block
from tests.laws.layers import (
    POOL,
    Conform,
    Fallback,
    NoOp,
    Oversee,
    Raises,
    Refuses,
    Retry,
    ScreenWindow,
    Tokens,
    TokenStore,
    Upper,
    Watch,
    build,
)

few = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
pipelines = st.lists(st.sampled_from(list(POOL)), max_size=6)
WORDS = ("TKN0000Q", "TKN0001Q", "TKN", "T", "K", "TKN00", "0", "Q", "bad", "ba", "b", "a", " ", "é", '"', "{", "Hi ")
HOOKS = ["open", "on_request", "on_chunk", "on_end", "on_response", "on_close"]


def failing(body: list[Any], times: int) -> Any:
    """A provider that fails so many times before it answers."""
    count = 0

    def script(_: Any) -> Any:
        nonlocal count
        count += 1
        return [ProviderError("down")] if count <= times else body

    return script


@few
@given(pipelines, batches(WORDS), st.integers(0, 2))
def test_one_path(names: list[str], body: list[Any], failures: int) -> None:
    """Law 1: sync, async, whole and streamed agree, whatever the layers, the answer, and the failures before it."""
    check_one_path(lambda: build(names), lambda: failing(body, failures))


@few
@given(st.sampled_from(["tokens", "screen_window", "upper"]), answers(WORDS))
def test_cuts_do_not_matter(name: str, chunks: list[Any]) -> None:
    """Law 2: a guard's text and verdict are the same however the text was cut."""
    store = TokenStore()
    check_cuts(lambda: [Tokens(store)] if name == "tokens" else build([name]), chunks)


@few
@given(
    st.sampled_from(
        [
            ["screen_window"],
            ["screen_window", "noop"],
            ["screen_window", "tokens"],
            ["fallback", "screen_all"],
            ["screen_all"],
        ]
    ),
    answers(WORDS),
)
def test_no_leak(names: list[str], chunks: list[Any]) -> None:
    """Law 3: a stream never delivers the word that the same guards stop on the whole text."""
    check_no_leak(lambda: build(names), chunks, lambda text: "bad" in text)


@pytest.mark.parametrize("hook", HOOKS)
@pytest.mark.parametrize("around", [[], ["fallback"], ["conform"], ["retry", "tokens"]])
def test_a_guard_that_raises_stops_the_call(hook: str, around: list[str]) -> None:
    """Law 4: whichever hook raises, no mode finishes, and the error's text does not come out."""
    script = lambda: lambda _: [[TextDelta("a b c")]]
    check_fails_closed(lambda: [*build(around), Raises(hook)], hook=hook, script=script)
    for outcome in run_in_modes(lambda: [*build(around), Raises(hook)], script).values():
        assert "alice" not in str(outcome.error)


@pytest.mark.parametrize("hook", ["open", "on_request", "on_response", "on_close"])
def test_a_guard_that_may_fail_is_recorded(hook: str) -> None:
    """Law 4: `on_error="allow"` lets the call go on, and the failure is noted with its layer and hook."""
    for outcome in run_in_modes(lambda: [Raises(hook, soft=True)], lambda: lambda _: [[TextDelta("abc")]]).values():
        assert outcome.error is None
        assert outcome.response is not None
        assert outcome.response.text == "abc"
        assert [(note.layer, note.hook) for note in outcome.context.notes] == [("raises", hook)]


@few
@given(pipelines, st.integers(0, 6))
def test_guards_precede_spend(names: list[str], at: int) -> None:
    """Law 5: one guard that refuses the request, anywhere, and nothing is sent."""

    def layers() -> list[Any]:
        built = build(names)
        built.insert(min(at, len(built)), Refuses())
        return built

    check_guards_precede_spend(layers, lambda: lambda _: [[TextDelta("a")]])


@few
@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=4),
    st.sampled_from(
        [
            ["fallback"],
            ["retry"],
            ["fallback", "retry"],
            ["tokens", "fallback"],
            ["fallback", "tokens"],
            ["screen_window", "fallback", "retry"],
            ["screen_all", "fallback"],
            ["conform", "retry"],
        ]
    ),
)
def test_what_is_delivered_comes_from_one_attempt(fail_at: list[int], names: list[str]) -> None:
    """Law 8: attempt k dies after fail_at[k] pieces; pieces of two attempts never reach the caller."""

    def script() -> Any:
        number = -1

        def one(_: Any) -> Any:
            nonlocal number
            number += 1
            mark = TextDelta(chr(ord("A") + number) * 5)
            if number < len(fail_at):
                return [[mark]] * fail_at[number] + [ProviderError("cut")]
            return [[mark], [TextDelta("a")]]

        return one

    check_one_attempt_delivered(lambda: build(names), script, lambda text: set(text) - {"a"})


class Greedy(StrategyBase):
    """Swallows every exception and tries again."""

    name = "greedy"

    def run(self, context: Any, request: Any, attempt: Any) -> Any:
        for _ in range(3):
            try:
                return (yield from attempt(request))
            except Exception:
                pass
        return Response((Text("swallowed"),))


@pytest.mark.parametrize("mode", STREAMS)
def test_a_second_attempt_after_commit_is_refused(mode: Any) -> None:
    """Law 8: the engine refuses it even to a strategy that swallows every exception."""
    outcome = run_in_mode(mode, [Greedy()], lambda _: [[TextDelta("A")], ProviderError("cut")])
    assert isinstance(outcome.error, GuardError)
    assert outcome.text == "A"
    assert len(outcome.transport.requests) == 1


@pytest.mark.parametrize("mode", STREAMS)
def test_an_inner_strategy_cannot_swallow_an_outer_verdict(mode: Any) -> None:
    """An outer guard's block crosses strategies that catch everything."""
    outcome = run_in_mode(mode, [ScreenWindow(), Greedy(), Greedy()], lambda _: [[TextDelta("xxbad")]])
    assert isinstance(outcome.error, Stopped)
    assert outcome.error.layer == "screen_window"
    assert outcome.delivered == []
    assert len(outcome.transport.requests) == 1


@pytest.mark.parametrize("mode", STREAMS)
def test_a_strategy_returns_what_it_released(mode: Any) -> None:
    """A strategy that returns another response than it released is a GuardError, never a finish."""

    class Liar(StrategyBase):
        name = "liar"

        def run(self, context: Any, request: Any, attempt: Any) -> Any:
            yield from attempt(request)
            return Response((Text("other"),))

    outcome = run_in_mode(mode, [Liar()], lambda _: [[TextDelta("A")]])
    assert isinstance(outcome.error, GuardError)
    assert not outcome.finished


@few
@given(st.lists(answers(WORDS), min_size=1, max_size=3), pipelines)
def test_shared_layers_do_not_remember(bodies: list[Any], names: list[str]) -> None:
    """Law 9: the same layer objects answer call after call as fresh ones would."""
    check_sharing(build(names), [lambda _, body=body: [body] for body in bodies])


@few
@given(answers(WORDS), st.sampled_from([["w"], ["t"], ["w", "t"], ["w", "f", "t"], ["f", "w", "n"]]))
def test_transparent_layers(chunks: list[Any], names: list[str]) -> None:
    """Law 11: layers that have nothing to change leave the response equal, part order included."""
    pool: dict[str, Any] = {
        "w": lambda: ScreenWindow("zzzzzz"),
        "t": Tokens,
        "f": lambda: Fallback("m"),
        "n": NoOp,
    }
    from psf_runtime.types.messages import Message
    from psf_runtime.types.request import Request

    nothing = Request((Message.user("nothing personal"),))
    check_transparent(lambda: [pool[name]() for name in names], chunks, request=nothing)


@few
@given(pipelines, batches(WORDS))
def test_fusing_is_invisible(names: list[str], body: list[Any]) -> None:
    """Law 12: fused into one frame or not, the same comes out."""
    guards = [name for name in names if hasattr(POOL[name](), "open")]
    check_fusing(lambda: build(guards), lambda: lambda _: body)


@pytest.mark.parametrize("shape", ["abc", "ab|c", "a|b|c"])
def test_sessions_close_innermost_first(shape: str) -> None:
    """Law 12: closing order does not depend on fusing."""
    log: list[Any] = []
    layers = [Fallback("m") if sign == "|" else Watch(log, sign) for sign in shape]
    run_in_mode("sync", layers, lambda _: [[TextDelta("a")]])
    assert log == ["c", "b", "a"]


def test_guards_may_wait_for_the_world_in_the_middle_of_a_stream() -> None:
    """A chunk hook may be a flow: its effects are performed in all four modes, in the order of the chunks."""
    lane = Lane("remote")

    class Remote(GuardBase):
        name = "remote"

        class session(Session):
            def on_chunk(self, chunk: Any) -> Any:
                return self.judge(chunk)

            def judge(self, chunk: Any) -> Any:
                good = yield from offload(lambda text: "bad" not in text, chunk.text, lane=lane)
                return chunk if good else Block("remote")

    store = TokenStore()
    body = [[TextDelta("x")], [TextDelta("TKN00")], [TextDelta("00Q")], [TextDelta("bad")], [TextDelta("y")]]
    outcomes = run_in_modes(lambda: [Upper(), Remote(), Tokens(store)], lambda: lambda _: body)
    assert {type(outcome.error) for outcome in outcomes.values()} == {Stopped}
    assert outcomes["sync-stream"].text == outcomes["async-stream"].text == "XBOB@X.EXAMPLE"


def test_check_guard_finds_a_guard_that_depends_on_the_cut() -> None:
    """The shipped laws fail a guard that looks at single pieces, and pass one that looks at the text."""

    class Careless(GuardBase):
        name = "careless"

        class session(Session):
            def on_chunk(self, chunk: Any) -> Any:
                return Block("bad") if "bad" in getattr(chunk, "text", "") else chunk

    with pytest.raises(AssertionError):
        check_guard(Careless())
    check_guard(ScreenWindow("bad"), examples=20)


def test_conform_asks_again() -> None:
    """A re-ask runs everything inside once more, with fresh sessions, and only the good answer is delivered."""
    for names in (["conform"], ["conform", "screen_all"]):
        for mode, outcome in run_in_modes(lambda names=names: build(names), lambda: _first_x_then_a()).items():
            assert outcome.error is None, mode
            assert outcome.response is not None
            assert outcome.response.text == "a"
            assert len(outcome.transport.requests) == 2
            if mode in STREAMS:
                assert outcome.text == "a"


def _first_x_then_a() -> Any:
    texts = iter(["x", "a"])
    return lambda _: [[TextDelta(next(texts))]]


def test_a_reask_verdict_reaches_the_strategy_that_handles_it() -> None:
    """A guard's Reask unwinds to the nearest strategy that asks again; without one it is a block."""
    asks_again = POOL["asks_again"]
    for outcome in run_in_modes(lambda: [Conform(), asks_again()], _first_x_then_a).values():
        assert outcome.error is None
        assert len(outcome.transport.requests) == 2
    for outcome in run_in_modes(lambda: [asks_again(), Retry(2, 0)], _first_x_then_a).values():
        assert isinstance(outcome.error, Stopped)
        assert outcome.error.layer == "asks_again"
        assert len(outcome.transport.requests) == 1


def test_an_escalation_without_anyone_to_ask_stops_the_call() -> None:
    """Nobody can be asked: the call fails closed, and nothing is delivered."""
    from psf_runtime.types.chunks import ToolCallDelta

    body = [[ToolCallDelta(0, "t", "mail", "{}")]]
    for outcome in run_in_modes(lambda: [Oversee()], lambda: lambda _: body).values():
        assert "nobody can be asked" in str(outcome.error)
        assert outcome.delivered == []
