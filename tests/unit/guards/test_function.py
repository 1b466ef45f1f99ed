"""`@guard`: a plain function as a guard, in all four modes."""

from __future__ import annotations

import functools
import threading
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from psf_runtime.errors import Blocked, ConfigError, GuardError
from psf_runtime.guards.function import FunctionGuard, guard
from psf_runtime.testing.check import check_guard
from psf_runtime.testing.generators import answers
from psf_runtime.testing.laws import STREAMS, check_cuts, check_no_leak, check_one_path, check_transparent
from psf_runtime.testing.modes import MODES, Mode, run_in_mode, run_in_modes
from psf_runtime.types.chunks import ReasoningDelta, TextDelta, ToolCallDelta
from psf_runtime.types.context import Context
from psf_runtime.types.media import File
from psf_runtime.types.messages import Message, ToolResult
from psf_runtime.types.request import Facts, Request
from psf_runtime.types.verdict import Allow, Block, Escalate, Finding, Rewrite

few = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
ASYNC: tuple[Mode, ...] = ("async", "async-stream")
SYNC: tuple[Mode, ...] = ("sync", "sync-stream")


def script(*texts: str) -> Any:
    """A provider that answers with these pieces of text."""
    return lambda _: [[TextDelta(text)] for text in texts]


def no_bad(text: str) -> bool:
    return "bad" not in text


@pytest.mark.parametrize("verdict", [False, Block("no")])
@pytest.mark.parametrize("window", [None, 3])
def test_false_and_block_stop_the_answer(verdict: Any, window: int | None) -> None:
    """False, or a Block, stops the call in every mode, and the guard is named."""
    layer = guard(name="judge", window=window)(lambda text: verdict if "bad" in text else True)
    for mode, outcome in run_in_modes(lambda: [layer], lambda: script("this is b", "ad")).items():
        assert isinstance(outcome.error, Blocked), mode
        assert outcome.error.layer == "judge"
        assert "bad" not in outcome.text


@pytest.mark.parametrize("answer", [True, None, Allow()])
@pytest.mark.parametrize("window", [None, 2])
def test_true_none_and_allow_let_the_answer_through(answer: Any, window: int | None) -> None:
    """True, None and Allow leave the answer as it was, in every mode."""
    layer = guard(window=window)(lambda text: answer)
    for mode, outcome in run_in_modes(lambda: [layer], lambda: script("a", "bc", "def")).items():
        assert outcome.error is None, mode
        assert outcome.response is not None
        assert outcome.response.text == "abcdef"


def test_bare_guard_looks_at_the_whole_answer() -> None:
    """`@guard` without brackets is a guard on output that holds the whole answer."""

    @guard
    def polite(text: str) -> bool:
        return "bad" not in text

    assert isinstance(polite, FunctionGuard)
    assert (polite.name, polite.on, polite.hold.kind) == ("polite", "output", "all")
    assert polite("bad") is False
    outcome = run_in_mode("sync-stream", [polite], script("ba", "d"))
    assert isinstance(outcome.error, Blocked)
    assert outcome.delivered == []


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("mode", ASYNC)
@pytest.mark.parametrize("window", [None, 3])
def test_async_functions_are_awaited_by_async_drivers(mode: Mode, backend: str, window: int | None) -> None:
    """An async function is awaited, on asyncio and on trio."""

    @guard(window=window)
    async def remote(text: str) -> bool:
        return "bad" not in text

    assert remote.is_async
    assert isinstance(run_in_mode(mode, [remote], script("bad"), backend=backend).error, Blocked)
    assert run_in_mode(mode, [remote], script("fine"), backend=backend).error is None


class AsyncJudge:
    """An object whose call is async."""

    async def __call__(self, text: str) -> bool:
        return "bad" not in text

    async def method(self, text: str) -> bool:
        return "bad" not in text


async def plain_async(text: str) -> bool:
    return "bad" not in text


ASYNC_SHAPES = [plain_async, AsyncJudge(), AsyncJudge().method, functools.partial(plain_async)]


@pytest.mark.parametrize("shape", range(len(ASYNC_SHAPES)))
@pytest.mark.parametrize("timeout", [None, 5.0])
@pytest.mark.parametrize("on", ["input", "output"])
def test_an_async_function_under_a_sync_driver_is_a_config_error(shape: int, timeout: float | None, on: Any) -> None:
    """Whatever shape the async function has, sync mode says that it needs an AsyncClient; async mode awaits it."""
    layer = guard(on=on, timeout=timeout)(ASYNC_SHAPES[shape])
    assert layer.is_async
    for mode in SYNC:
        outcome = run_in_mode(mode, [layer], script("fine"))
        assert isinstance(outcome.error, ConfigError), mode
        assert "AsyncClient" in str(outcome.error)
        assert outcome.delivered == []
    for mode in ASYNC:
        assert run_in_mode(mode, [layer], script("fine")).error is None


def test_a_plain_function_that_returns_a_coroutine_is_a_config_error() -> None:
    """A lambda around an async function is not awaited by chance: it is refused, and nothing is left un-awaited."""
    layer = guard(lambda text: plain_async(text))
    for mode, outcome in run_in_modes(lambda: [layer], lambda: script("fine")).items():
        assert isinstance(outcome.error, ConfigError), mode


class Judge:
    """An object and its method, both plain."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def __call__(self, text: str, context: Context) -> bool:
        self.seen.append((text, context.facts.purpose))
        return True

    def method(self, text: str) -> bool:
        self.seen.append(text)
        return True


def test_methods_and_callable_objects_are_functions_too() -> None:
    """A bound method gets the text alone; an object whose call takes two parameters gets the Context as well."""
    judge = Judge()
    for mode in MODES:
        run_in_mode(mode, [guard(judge)], script("a"), facts=Facts(purpose="support"))
        run_in_mode(mode, [guard(judge.method)], script("b"))
    assert judge.seen == [("a", "support"), "b"] * 4


def test_a_second_parameter_gets_the_context_unless_it_has_a_default() -> None:
    """`def g(text, context)` gets the call's Context; `def g(text, limit=3)` keeps its own default."""
    seen: list[Any] = []

    def with_context(text: str, context: Context) -> bool:
        seen.append(type(context).__name__)
        return True

    def with_setting(text: str, limit: int = 3) -> bool:
        seen.append(limit)
        return True

    def with_optional_context(text: str, context: Context | None = None) -> bool:
        seen.append(type(context).__name__)
        return True

    for function in (with_context, with_setting, with_optional_context):
        assert run_in_mode("sync", [guard(function)], script("a")).error is None
    assert seen == ["Context", 3, "Context"]


def test_input_guards_see_user_tool_and_text_file_parts_and_nothing_else() -> None:
    """Each user, tool and file text is asked about, one by one, before anything is sent; system and assistant not."""
    seen: list[str] = []
    request = Request(
        (
            Message.system("rules"),
            Message.user("question", File(b"file text", name="a.txt", media_type="text/plain")),
            Message.assistant("earlier"),
            Message("tool", (ToolResult("c1", "tool says", name="lookup"),)),
        ),
        model="m",
    )

    @guard(on="input")
    def look(text: str) -> bool:
        seen.append(text)
        return True

    for mode in MODES:
        outcome = run_in_mode(mode, [look], script("a"), request=request)
        assert outcome.error is None
        assert outcome.transport.requests == [request]
    assert seen == ["question", "file text", "tool says"] * 4


def test_input_guards_rewrite_and_block_before_anything_is_sent() -> None:
    """Rewrite changes what the provider receives; Block sends nothing; findings of earlier parts are kept."""

    @guard(on="input")
    def hide(text: str) -> Any:
        return Rewrite(text.replace("secret", "***"), (Finding("hide", "secret"),)) if "secret" in text else True

    @guard(on="input")
    def refuse(text: str) -> Any:
        return Block("no") if "stop" in text else Allow((Finding("refuse", "seen"),))

    file = File(b"a secret", name="a.txt", media_type="text/plain")
    request = Request((Message.user("my secret", file),), model="m")
    for outcome in run_in_modes(lambda: [hide], lambda: script("a"), request=request).values():
        sent = outcome.transport.requests[0].messages[0]
        assert sent.text == "my ***"
        assert sent.parts[1].data == b"a ***"  # type: ignore[union-attr]
        assert [finding.kind for finding in outcome.context.findings] == ["secret", "secret"]
    stopped = Request((Message.user("fine", "stop"),), model="m")
    for outcome in run_in_modes(lambda: [refuse], lambda: script("a"), request=stopped).values():
        assert isinstance(outcome.error, Blocked)
        assert outcome.transport.requests == []
        assert [finding.kind for finding in outcome.context.findings] == ["seen"]


def test_output_rewrite_replaces_a_channel() -> None:
    """Rewrite replaces the text it was asked about: text, reasoning and each tool call are asked about apart."""

    @guard
    def star(text: str) -> Any:
        return Rewrite(text.replace("x", "*")) if "x" in text else True

    body = [
        [ReasoningDelta("think x")],
        [TextDelta("say "), TextDelta("x")],
        [ToolCallDelta(0, "t0", "mail", '{"a":"x"}'), ToolCallDelta(1, "t1", "mail", "{}")],
    ]
    for mode, outcome in run_in_modes(lambda: [star], lambda: lambda _: body).items():
        assert outcome.response is not None, mode
        assert [getattr(part, "text", None) or part.args for part in outcome.response.parts] == [
            "think *",
            "say *",
            '{"a":"*"}',
            "{}",
        ]


@pytest.mark.parametrize("window", [None, 4])
@pytest.mark.parametrize("wrong", ["yes", 1, 0, "", [], Rewrite(3)])
@pytest.mark.parametrize("on", ["input", "output"])
def test_wrong_answers_of_a_function_stop_the_call(wrong: Any, on: Any, window: int | None) -> None:
    """Anything but True, False, None or a verdict is a GuardError: a truthy string never allows."""
    if on == "input" and window is not None:
        window = None
    layer = guard(on=on, window=window, name="judge")(lambda text: wrong)
    for mode, outcome in run_in_modes(lambda: [layer], lambda: script("a long enough answer")).items():
        assert isinstance(outcome.error, GuardError), mode
        assert outcome.error.layer == "judge"
        assert outcome.delivered == []


def test_a_window_can_neither_rewrite_nor_escalate() -> None:
    """What a window cannot do the same for every cut, or with the connection open, is a GuardError in every mode."""
    for verdict in (Rewrite("x"), Escalate("look")):
        layer = guard(window=3, name="w")(lambda text, verdict=verdict: verdict)
        for text in ("ab", "a longer answer"):
            for mode, outcome in run_in_modes(lambda layer=layer: [layer], lambda text=text: script(text)).items():
                assert isinstance(outcome.error, GuardError), mode
                assert outcome.delivered == []


def test_on_error_allow_goes_on_and_is_recorded() -> None:
    """With on_error="allow" a function that raises is noted; without it the call stops and its text stays inside."""

    def broken(text: str) -> bool:
        raise KeyError("alice@x.example")

    for on, hook in (("input", "on_request"), ("output", "on_response")):
        soft = guard(on=on, on_error="allow", name="g")(broken)  # type: ignore[call-overload]
        for outcome in run_in_modes(lambda soft=soft: [soft], lambda: script("a")).values():
            assert outcome.error is None
            assert [(note.kind, note.layer, note.hook) for note in outcome.context.notes] == [
                ("guard_failed", "g", hook)
            ]
        hard = guard(on=on, name="g")(broken)  # type: ignore[call-overload]
        for outcome in run_in_modes(lambda hard=hard: [hard], lambda: script("a")).values():
            assert isinstance(outcome.error, GuardError)
            assert outcome.error.hook == hook
            assert "alice" not in str(outcome.error)


def test_plain_functions_run_beside_the_event_loop_unless_inline() -> None:
    """In async mode a plain function runs in a thread of its own lane; `inline=True` runs it in the loop's thread."""
    here: list[bool] = []

    def where(text: str) -> bool:
        here.append(threading.current_thread() is threading.main_thread())
        return True

    for inline in (False, True):
        run_in_mode("async", [guard(inline=inline)(where)], script("a"))
        run_in_mode("sync", [guard(inline=inline)(where)], script("a"))
    assert here == [False, True, True, True]


@pytest.mark.parametrize(
    "options",
    [{"on": "both"}, {"on": "input", "window": 3}, {"window": 0}, {"window": 3, "on_error": "allow"}],
)
def test_contradicting_options_are_config_errors(options: dict[str, Any]) -> None:
    """Options that cannot be kept are refused where the guard is made."""
    with pytest.raises(ConfigError):
        guard(**options)(no_bad)


WORDS = ("bad", "ba", "b", "a", "d", "x", " ", "é")


@few
@given(answers(WORDS), st.integers(3, 5))
def test_a_window_never_delivers_a_hit(chunks: list[Any], window: int) -> None:
    """A hit of at most `window` characters is never delivered, for any answer and any cut; over part switches too."""
    layer = guard(window=window, inline=True)(no_bad)
    check_no_leak(lambda: [layer], chunks, lambda text: "bad" in text)
    for mode in STREAMS:
        outcome = run_in_mode(mode, [layer], lambda _: [[chunk] for chunk in chunks])
        assert "bad" not in outcome.text


@few
@given(answers(WORDS), st.integers(3, 5))
def test_a_window_does_not_depend_on_cuts(chunks: list[Any], window: int) -> None:
    """Text and verdict are the same however the text was cut, and the same in all four modes."""
    layer = guard(window=window, inline=True)(no_bad)
    check_cuts(lambda: [layer], chunks)
    check_one_path(lambda: [layer], lambda: lambda _: [[chunk] for chunk in chunks])


@few
@given(answers(("x", "yy", " ", "é")), st.integers(1, 4))
def test_a_window_that_allows_changes_nothing(chunks: list[Any], window: int) -> None:
    """A window guard that allows leaves the answer equal, the order of its parts included."""
    check_transparent(lambda: [guard(window=window, inline=True)(no_bad)], chunks)


def test_a_hit_over_a_part_switch_is_stopped() -> None:
    """A word cut by a tool call is found: text that continues after it is the same channel."""
    layer = guard(window=3)(no_bad)
    body = [[TextDelta("xxb"), ToolCallDelta(0, "t", "mail", "{}"), TextDelta("ad and more")]]
    for mode, outcome in run_in_modes(lambda: [layer], lambda: lambda _: body).items():
        assert isinstance(outcome.error, Blocked), mode
        assert "bad" not in outcome.text


def test_the_shipped_laws_hold_for_function_guards() -> None:
    """`check_guard` passes for whole and windowed function guards."""
    check_guard(guard(inline=True)(no_bad), examples=15)
    check_guard(guard(window=3, inline=True)(no_bad), examples=15)
