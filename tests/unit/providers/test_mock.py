"""The mock provider: what it answers, how it fails, and what it remembers."""

from __future__ import annotations

import asyncio
import json
import threading
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from psf_runtime.errors import (
    AuthenticationError,
    Blocked,
    ConfigError,
    ProviderError,
    ProviderTimeout,
    RateLimitError,
    StreamInterrupted,
)
from psf_runtime.providers.mock import CAPABILITIES, MockProvider, mock_named
from psf_runtime.providers.mock.replies import call, fault
from psf_runtime.providers.openai import OpenAIChat
from psf_runtime.testing.clock import ManualClock
from psf_runtime.types.chunks import Chunk, ReasoningDelta, TextDelta, ToolCallDelta
from psf_runtime.types.messages import Message, Reasoning
from psf_runtime.types.request import Facts, Request, Stamp, Tool
from psf_runtime.types.response import Response, accumulate


def asked(text: str = "Where is my order?", **changes: Any) -> Request:
    return Request((Message.user(text),), model="mock", **changes)


def read_all(mock: MockProvider, request: Request, *, stream: bool = True) -> tuple[list[Chunk], Response]:
    """Open, read to the end, close: what a driver does."""
    source = mock.open(request, stream=stream, left=10.0)
    chunks: list[Chunk] = []
    try:
        while (batch := source.read(10.0)) is not None:
            chunks += batch
    finally:
        source.close()
    return chunks, accumulate(chunks, source.head())


async def aread_all(mock: MockProvider, request: Request, *, stream: bool = True) -> tuple[list[Chunk], Response]:
    source = await mock.aopen(request, stream=stream, left=10.0)
    chunks: list[Chunk] = []
    try:
        while (batch := await source.aread(10.0)) is not None:
            chunks += batch
    finally:
        await source.aclose()
    return chunks, accumulate(chunks, source.head())


def texts(chunks: list[Chunk]) -> list[str]:
    return [chunk.text for chunk in chunks if isinstance(chunk, TextDelta)]


# ---- replies


def test_replies_are_given_in_order() -> None:
    """Each request takes the next reply."""
    mock = MockProvider("first", "second")
    assert read_all(mock, asked())[1].text == "first"
    assert read_all(mock, asked())[1].text == "second"


def test_a_list_of_texts_is_cut_exactly_there() -> None:
    """Deltas arrive as they were written, empty ones included."""
    mock = MockProvider(["Dear ", "EMAIL_", "", "M2T9", "AX4K"])
    assert texts(read_all(mock, asked())[0]) == ["Dear ", "EMAIL_", "", "M2T9", "AX4K"]


def test_without_a_stream_the_answer_comes_whole() -> None:
    """A call that did not ask for a stream gets one batch with joined text."""
    mock = MockProvider(["Dear ", "Jane"])
    source = mock.open(asked(), stream=False, left=None)
    assert texts(source.read(None) or []) == ["Dear Jane"]
    assert source.read(None) is None
    source.close()


@settings(max_examples=50)
@given(text=st.text(min_size=1, max_size=60), size=st.integers(1, 9))
def test_chunks_cut_a_text_without_changing_it(text: str, size: int) -> None:
    """`chunks=n` sends n characters per delta; together they are the text."""
    pieces = texts(read_all(MockProvider(text, chunks=size), asked())[0])
    assert "".join(pieces) == text
    assert all(len(piece) == size for piece in pieces[:-1])


def test_a_tool_call_has_an_id_a_name_and_arguments() -> None:
    """`call` makes a tool call, and the answer ends with `tool_calls`."""
    mock = MockProvider(["Let me look. ", call("look_up", order=7781, name="Łucja")], call("look_up", name="x"))
    answer = read_all(mock, asked())[1]
    assert answer.text == "Let me look. "
    assert answer.tool_calls[0].arguments == {"order": 7781, "name": "Łucja"}
    assert answer.finish == "tool_calls"
    assert read_all(mock, asked())[1].tool_calls[0].id != answer.tool_calls[0].id


def test_the_arguments_of_a_tool_call_are_cut_too() -> None:
    """With `chunks=1`, id and name come first and the JSON follows one character at a time."""
    chunks, answer = read_all(MockProvider(call("pay_out", amount=40), chunks=1), asked())
    assert chunks[0] == ToolCallDelta(0, answer.tool_calls[0].id, "pay_out")
    assert [chunk.arguments for chunk in chunks[1:] if isinstance(chunk, ToolCallDelta)] == list('{"amount": 40}')


def test_two_tool_calls_have_indices_of_their_own() -> None:
    """Calls of one answer do not run into each other."""
    answer = read_all(MockProvider([call("one", a=1), call("two", b=2)]), asked())[1]
    assert [(tool.name, tool.arguments) for tool in answer.tool_calls] == [("one", {"a": 1}), ("two", {"b": 2})]
    assert len({tool.id for tool in answer.tool_calls}) == 2


class Claim(BaseModel):
    amount: int
    place: str


@dataclass
class Place:
    city: str


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ({"amount": 40, "place": "Köln"}, {"amount": 40, "place": "Köln"}),
        (Claim(amount=40, place="Köln"), {"amount": 40, "place": "Köln"}),
        (Place("Kraków"), {"city": "Kraków"}),
    ],
)
def test_values_are_sent_as_json(reply: Any, expected: dict[str, Any]) -> None:
    """Dicts, model instances and dataclass instances become the JSON text of an answer."""
    assert json.loads(read_all(MockProvider(reply), asked())[1].text) == expected


def test_a_function_sees_the_request() -> None:
    """A callable makes the reply from the request, and may return any reply."""
    mock = MockProvider(lambda request: [call("shout", text=request.messages[-1].text.upper())])
    assert read_all(mock, asked("hello"))[1].tool_calls[0].arguments == {"text": "HELLO"}


def test_a_callable_object_sees_the_request_too() -> None:
    """Not only plain functions."""

    class Counter:
        def __call__(self, request: Request) -> str:
            return f"{len(request.messages)} message"

    assert read_all(MockProvider(Counter()), asked())[1].text == "1 message"


def test_reasoning_comes_before_the_answer() -> None:
    """`Reasoning(...)` in a list becomes reasoning deltas and is counted."""
    chunks, answer = read_all(MockProvider([Reasoning("think "), "answer"]), asked())
    assert [type(chunk) for chunk in chunks] == [ReasoningDelta, TextDelta]
    assert answer.usage.reasoning_tokens == 2


def test_a_reply_of_another_kind_is_refused() -> None:
    """What cannot be a reply is a ConfigError that says what can."""
    with pytest.raises(ConfigError, match="cannot be of type int"):
        read_all(MockProvider([3]), asked())


def test_a_coroutine_function_is_refused() -> None:
    """Nobody could wait for it in sync mode; the error comes without a warning about a coroutine left alone."""

    async def later(request: Request) -> str:
        return "x"

    with pytest.raises(ConfigError, match="coroutine"):
        read_all(MockProvider(later), asked())


def test_usage_is_estimated_and_reported() -> None:
    """Four characters count as one token, rounded up."""
    usage = read_all(MockProvider("12345"), asked("12345678"))[1].usage
    assert (usage.input_tokens, usage.output_tokens, usage.reported) == (2, 2, True)


def test_usage_counts_tool_calls_and_results() -> None:
    """Arguments, names and tool results are tokens too."""
    tool_call = Message("assistant", read_all(MockProvider(call("f", a=1)), asked())[1].tool_calls)
    request = Request((Message.user("1234"), tool_call, tool_call.tool_calls[0].result("12345678")), model="mock")
    answer = read_all(MockProvider(call("g", a=1)), request)[1]
    assert answer.usage.input_tokens == -(-(4 + len('f{"a": 1}') + 8) // 4)
    assert answer.usage.output_tokens == -(-len('g{"a": 1}') // 4)


def test_the_answer_says_who_gave_it() -> None:
    """The target's name and the model's name are on the response."""
    answer = read_all(mock_named("echo"), Request((Message.user("hi"),), model="mock:echo"))[1]
    assert (answer.provider, answer.model, answer.raw["status"]) == ("mock:echo", "echo", 200)


# ---- echo


def test_echo_repeats_the_last_user_text() -> None:
    """`mock:echo` answers every request, with what was asked last."""
    mock = mock_named("echo")
    for text in ("one", "two", "three"):
        request = Request((Message.user("earlier"), Message.assistant("..."), Message.user(text)))
        assert read_all(mock, request)[1].text == text


def test_echo_streams_in_pieces() -> None:
    """`mock:echo` cuts a stream finely enough to cut tokens, and answers whole without one."""
    text = "to EMAIL_M2T9AX4K and back"
    assert texts(read_all(mock_named("echo"), asked(text))[0]) == ["to EMA", "IL_M2T", "9AX4K ", "and ba", "ck"]
    assert texts(read_all(mock_named("echo"), asked(text), stream=False)[0]) == [text]


def test_echo_repeats_a_tool_result() -> None:
    """When a tool spoke last, its words come back; without any text the answer is empty."""
    first = read_all(MockProvider(call("look_up")), asked())[1].tool_calls[0]
    mock = mock_named("echo")
    assert read_all(mock, asked().add(first.result({"order": 7781})))[1].text == '{"order": 7781}'
    assert read_all(mock, Request((Message.system("be brief"),)))[1].text == ""


def test_only_echo_answers_by_itself() -> None:
    """Another mock model is a ConfigError that names the two ways out."""
    with pytest.raises(ConfigError, match="MockProvider"):
        mock_named("gpt")


# ---- faults


@pytest.mark.parametrize(
    ("reply", "error", "kind", "status", "retry_safe"),
    [
        (fault.rate_limit(retry_after=2), RateLimitError, "rate_limited", 429, True),
        (fault.server_error(), ProviderError, "server_error", 500, True),
        (fault.server_error(status=502), ProviderError, "server_error", 502, True),
        (fault.overloaded(), ProviderError, "overloaded", 503, True),
        (fault.timeout(), ProviderTimeout, "timeout", None, True),
    ],
)
def test_errors_in_place_of_an_answer(
    reply: Any, error: type[ProviderError], kind: str, status: int | None, retry_safe: bool
) -> None:
    """Such a fault fails the opening with the typed error that a real provider's status becomes, naming the target."""
    mock = MockProvider(reply, "fine")
    with pytest.raises(error) as caught:
        mock.open(asked(), stream=True, left=None)
    assert (caught.value.kind, caught.value.status, caught.value.retry_safe) == (kind, status, retry_safe)
    assert caught.value.target == "mock"
    assert mock.live == 0
    assert read_all(mock, asked())[1].text == "fine"


def test_rate_limit_says_how_long_to_wait() -> None:
    """`retry_after` is in seconds; left out, the provider said nothing."""
    mock = MockProvider(fault.rate_limit(retry_after=2.5), fault.rate_limit())
    waits = []
    for _ in range(2):
        with pytest.raises(RateLimitError) as caught:
            mock.open(asked(), stream=False, left=None)
        waits.append(caught.value.retry_after)
    assert waits == [2.5, None]


@pytest.mark.parametrize(
    ("reply", "error", "kind"),
    [
        (["Dear ", "Ja", fault.cut()], StreamInterrupted, "stream_interrupted"),
        (["Dear ", "Ja", fault.bad_line()], ProviderError, "bad_response"),
        (["Dear ", "Ja", fault.server_error()], ProviderError, "server_error"),
        (["Dear ", "Ja", AuthenticationError("no", kind="auth")], AuthenticationError, "auth"),
        (["Dear ", "Ja", "ne", fault.cut(after=2)], StreamInterrupted, "stream_interrupted"),
        ([fault.cut(after=2), "Dear ", "Ja", "ne"], StreamInterrupted, "stream_interrupted"),
    ],
)
def test_a_stream_fails_where_the_fault_stands(reply: Any, error: type[ProviderError], kind: str) -> None:
    """What stands before the fault arrives, then the typed error comes; without a stream nothing arrives."""
    mock = MockProvider(reply, reply)
    source = mock.open(asked(), stream=True, left=None)
    assert [texts(source.read(None) or []) for _ in range(2)] == [["Dear "], ["Ja"]]
    with pytest.raises(error) as caught:
        source.read(None)
    assert caught.value.kind == kind
    assert source.head().usage.reported is False
    source.close()
    whole = mock.open(asked(), stream=False, left=None)
    with pytest.raises(error):
        whole.read(None)
    whole.close()


DELTA = b'data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"Dear "}}]}\n\n'


@pytest.mark.parametrize(
    ("reply", "traffic"),
    [(["Dear ", fault.cut()], DELTA), (["Dear ", fault.bad_line()], DELTA + b"data: {nope\n\n"), (fault.empty(), b"")],
)
def test_faults_are_those_of_the_real_decoder(reply: Any, traffic: bytes) -> None:
    """The same class, kind and advice as when these bytes come from a server."""

    def decode() -> None:
        decoder = OpenAIChat().decoder(stream=True)
        decoder.feed(traffic)
        decoder.end()

    with pytest.raises(ProviderError) as real:
        decode()
    with pytest.raises(ProviderError) as scripted:
        read_all(MockProvider(reply), asked())
    assert type(real.value) is type(scripted.value)
    assert (real.value.kind, real.value.retry_safe) == (scripted.value.kind, scripted.value.retry_safe)


def test_a_refusal_is_that_of_the_real_decoder() -> None:
    """Finish reason `refusal`, and no text."""
    decoder = OpenAIChat().decoder(stream=True)
    decoder.feed(DELTA.replace(b'"content":"Dear "', b'"refusal":"No."').replace(b"}}]", b'},"finish_reason":"stop"}]'))
    decoder.feed(b"data: [DONE]\n\n")
    decoder.end()
    answer = read_all(MockProvider(fault.refusal()), asked())[1]
    assert (answer.finish, answer.parts) == (decoder.head().finish, ())


def test_a_lone_cut_delivers_so_many_deltas() -> None:
    """`after=n` counts the deltas that still arrive."""
    for count in range(4):
        source = MockProvider(fault.cut(after=count)).open(asked(), stream=True, left=None)
        for _ in range(count):
            assert len(source.read(None) or []) == 1
        with pytest.raises(StreamInterrupted):
            source.read(None)
        source.close()


def test_an_empty_answer_is_an_error() -> None:
    """200 without a byte is not an answer with an empty text."""
    with pytest.raises(ProviderError, match="nothing"):
        read_all(MockProvider(fault.empty()), asked())
    assert read_all(MockProvider(""), asked())[1].finish == "stop"


@pytest.mark.parametrize(
    ("reply", "finish", "text"),
    [
        (fault.refusal(), "refusal", ""),
        (["Never.", fault.refusal()], "refusal", "Never."),
        (fault.content_filter(), "content_filter", ""),
        (["It all beg", fault.length()], "length", "It all beg"),
    ],
)
def test_an_answer_may_say_why_it_ended(reply: Any, finish: str, text: str) -> None:
    """Refusal, filter and length are finish reasons, not errors."""
    answer = read_all(MockProvider(reply), asked())[1]
    assert (answer.finish, answer.text) == (finish, text)


def test_length_in_a_tool_call_keeps_its_reason() -> None:
    """A truncated tool call must not look like a complete one."""
    assert read_all(MockProvider([fault.length(), call("pay", a=1)]), asked())[1].finish == "length"


def test_no_usage_means_unknown() -> None:
    """The zeros of an unreported usage are marked as such."""
    answer = read_all(MockProvider(fault.no_usage()), asked())[1]
    assert answer.usage.reported is False
    assert answer.text


def test_a_typo_in_a_fault_lists_the_known() -> None:
    """`fault.rate_limits` is an AttributeError that helps."""
    with pytest.raises(AttributeError, match=r"rate_limits.*bad_line.*timeout"):
        _ = fault.rate_limits  # type: ignore[attr-defined]


def test_an_exception_is_raised_fresh_each_time() -> None:
    """The same scripted error does not gather tracebacks from call to call."""
    scripted = AuthenticationError("no", kind="auth", status=401)
    mock = MockProvider(scripted, scripted)
    caught = []
    for _ in range(2):
        with pytest.raises(AuthenticationError) as info:
            mock.open(asked(), stream=False, left=None)
        caught.append(info.value)
    assert caught[0] is not caught[1]
    assert scripted.__traceback__ is None
    with pytest.raises(KeyError):
        MockProvider(KeyError("yours")).open(asked(), stream=False, left=None)


# ---- silence


def test_a_stall_lasts_as_long_as_there_is_time() -> None:
    """Silence passes on the given clock, then the attempt times out."""
    clock = ManualClock()
    source = MockProvider(fault.stall(after=1), clock=clock).open(asked(), stream=True, left=30.0)
    assert len(source.read(30.0) or []) == 1
    with pytest.raises(ProviderTimeout) as caught:
        source.read(12.5)
    assert (clock.monotonic(), caught.value.kind, caught.value.target) == (12.5, "timeout", "mock")
    source.close()


def test_a_stall_in_async_mode_passes_on_the_same_clock() -> None:
    """As in sync mode."""
    clock = ManualClock()

    async def run() -> None:
        source = await MockProvider(["a", fault.stall()], clock=clock).aopen(asked(), stream=True, left=30.0)
        assert await source.aread(30.0) == [TextDelta("a")]
        with pytest.raises(ProviderTimeout):
            await source.aread(7.0)
        await source.aclose()

    asyncio.run(run())
    assert clock.monotonic() == 7.0


def test_a_timeout_takes_its_seconds_but_no_more_than_are_left() -> None:
    """The wait before a time-out passes on the clock, in both modes."""
    clock = ManualClock()
    mock = MockProvider(*[fault.timeout(seconds=5.0)] * 3, clock=clock)
    for left, total in ((None, 5.0), (2.0, 7.0)):
        with pytest.raises(ProviderTimeout):
            mock.open(asked(), stream=True, left=left)
        assert clock.monotonic() == total
    with pytest.raises(ProviderTimeout):
        asyncio.run(mock.aopen(asked(), stream=True, left=1.0))
    assert clock.monotonic() == 8.0


def test_real_silence_ends_when_time_is_up_or_somebody_hangs_up() -> None:
    """Without a clock the wait is real; closing from another thread ends it."""
    mock = MockProvider(fault.stall(), fault.stall())
    source = mock.open(asked(), stream=True, left=None)
    with pytest.raises(ProviderTimeout):
        source.read(0.001)
    source.close()
    waiting = mock.open(asked(), stream=True, left=None)
    closer = threading.Timer(0.02, waiting.close)
    closer.start()
    with pytest.raises(StreamInterrupted):
        waiting.read(None)
    closer.join()
    assert mock.live == 0


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_real_silence_in_async_mode(backend: str) -> None:
    """The same on asyncio and trio."""
    import anyio

    async def run() -> None:
        mock = MockProvider(fault.stall(), fault.stall())
        source = await mock.aopen(asked(), stream=True, left=None)
        with pytest.raises(ProviderTimeout):
            await source.aread(0.001)
        await source.aclose()
        waiting = await mock.aopen(asked(), stream=True, left=None)

        async def hang_up() -> None:
            await anyio.sleep(0.01)
            await waiting.aclose()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(hang_up)
            with pytest.raises(StreamInterrupted):
                await waiting.aread(None)
        assert mock.live == 0

    anyio.run(run, backend=backend)


# ---- what it remembers


def test_it_remembers_what_it_was_sent() -> None:
    """Request, exact body and text of every call, errors included."""
    mock = MockProvider("one", fault.overloaded())
    read_all(mock, asked("Größe?"), stream=False)
    with pytest.raises(ProviderError):
        read_all(mock, asked("again"))
    assert [sent.stream for sent in mock.calls] == [False, True]
    assert mock.calls[0].request.messages[0].text == "Größe?"
    assert "Größe?" in mock.calls[0].wire
    assert mock.calls[0].body == mock.calls[0].wire.encode()
    assert mock.last is mock.calls[1]
    assert json.loads(mock.last.wire)["messages"][0]["role"] == "user"


def test_it_forgets_old_calls() -> None:
    """At most `keep` calls stay in memory."""
    mock = MockProvider("x", strict=False, keep=3)
    for number in range(5):
        read_all(mock, asked(str(number)))
    assert [sent.request.messages[0].text for sent in mock.calls] == ["2", "3", "4"]


def test_the_last_of_nothing_is_an_error() -> None:
    """A mock that was sent nothing says so."""
    with pytest.raises(ConfigError, match="sent nothing"):
        _ = MockProvider("x").last


def test_nothing_that_it_prints_holds_content() -> None:
    """Neither the mock, nor a call, nor a reply shows a text."""
    mock = MockProvider("jane@example.com")
    read_all(mock, asked("jane@example.com"))
    shown = repr(mock) + repr(mock.last) + repr(call("pay", to="jane@example.com")) + str(mock.facts)
    assert "jane" not in shown


def test_live_counts_open_answers() -> None:
    """From the opening to the first close; closing twice counts once."""
    mock = MockProvider("a", "b")
    first, second = (mock.open(asked(), stream=True, left=None) for _ in range(2))
    assert mock.live == 2
    first.close()
    first.close()
    assert mock.live == 1
    second.close()
    assert mock.live == 0
    with pytest.raises(StreamInterrupted):
        first.read(None)


# ---- the last tripwire


def stamped(found: str | None) -> tuple[Request, list[bytes]]:
    seen: list[bytes] = []

    def find_leak(body: bytes) -> str | None:
        seen.append(body)
        return found

    return asked(stamp=Stamp({"EMAIL": "token"}, find_leak)), seen


def test_the_tripwire_sees_the_exact_bytes() -> None:
    """A stamped request is checked over the very bytes that are remembered."""
    request, seen = stamped(None)
    mock = MockProvider("ok", require_stamp=True)
    read_all(mock, request)
    assert seen[0] == mock.last.body


def test_a_leak_is_blocked_and_not_sent() -> None:
    """A known value in the bytes stops the call: nothing recorded, no reply used up."""
    request, _ = stamped("EMAIL")
    mock = MockProvider("ok")
    with pytest.raises(Blocked) as caught:
        mock.open(request, stream=True, left=None)
    assert (caught.value.failure_mode, caught.value.control) == ("FM04", "privacy.tokens")
    assert "EMAIL" in caught.value.what
    assert (mock.calls, mock.live) == ((), 0)
    assert read_all(mock, asked())[1].text == "ok"


def test_a_missing_stamp_is_blocked_where_one_is_required() -> None:
    """`require_stamp=True` refuses a request that no privacy layer has prepared."""
    mock = MockProvider("ok", require_stamp=True)
    with pytest.raises(Blocked, match="nobody prepared"):
        asyncio.run(mock.aopen(asked(), stream=True, left=None))
    assert mock.calls == ()


# ---- strictness and settings


def test_more_requests_than_replies_is_a_clear_error() -> None:
    """It names what was asked, in numbers and names, not in words of the prompt."""
    mock = MockProvider("only one")
    read_all(mock, asked())
    request = Request(
        (Message.user("secret words"),), model="mock", tools=(Tool("pay_out"),), facts=Facts(purpose="refunds")
    )
    with pytest.raises(ConfigError) as caught:
        mock.open(request, stream=True, left=None)
    text = str(caught.value)
    assert "no reply left" in text
    assert "pay_out" in text
    assert "refunds" in text
    assert "secret" not in text
    assert len(mock.calls) == 1


def test_without_strictness_the_last_reply_is_repeated() -> None:
    """And a mock without replies echoes."""
    mock = MockProvider("a", "b", strict=False)
    assert [read_all(mock, asked())[1].text for _ in range(4)] == ["a", "b", "b", "b"]
    assert read_all(MockProvider(strict=False), asked("hi"))[1].text == "hi"


def test_unused_replies_are_reported() -> None:
    """What was scripted and not asked for is one line."""
    mock = MockProvider("a", "b")
    assert mock.unused() == ["replies: 2 of 2 not asked for"]
    read_all(mock, asked())
    read_all(mock, asked())
    assert mock.unused() == []


def test_settings_with_a_mistake_are_refused() -> None:
    """Unknown capabilities and impossible cuts are ConfigErrors at once."""
    with pytest.raises(ConfigError, match="telepathy"):
        MockProvider("x", capabilities=frozenset({"telepathy"}))
    with pytest.raises(ConfigError, match="chunks"):
        MockProvider("x", chunks=0)


def test_its_facts_are_those_of_the_own_machine() -> None:
    """Nothing leaves, nothing is kept, nothing costs."""
    facts = MockProvider("x", name="claude", capabilities=frozenset({"tools"})).facts
    assert (facts.name, facts.boundary, facts.retention_days) == ("claude", "own", 0)
    assert facts.capabilities == {"tools"}
    assert MockProvider("x").facts.capabilities == CAPABILITIES
    assert (facts.price.input, facts.price.output) == (0.0, 0.0)


@settings(max_examples=30)
@given(
    pieces=st.lists(st.text(max_size=8), min_size=1, max_size=6),
    size=st.sampled_from([None, 1, 3]),
    tool=st.booleans(),
)
def test_the_four_modes_say_the_same(pieces: list[str], size: int | None, tool: bool) -> None:
    """Sync and async, streamed and whole: one answer."""
    reply = [*pieces, call("pay_out", text="".join(pieces))] if tool else pieces
    answers = []
    for stream in (True, False):
        answers.append(read_all(MockProvider(reply, chunks=size), asked(), stream=stream)[1])
        answers.append(asyncio.run(aread_all(MockProvider(reply, chunks=size), asked(), stream=stream))[1])
    assert all(answer == answers[0] for answer in answers)


def test_threads_share_one_mock() -> None:
    """Every reply is given exactly once."""
    mock = MockProvider(*(str(number) for number in range(200)))
    said: list[str] = []

    def work() -> None:
        for _ in range(50):
            answer = read_all(mock, asked())[1]
            said.append(answer.text)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said, key=int) == [str(number) for number in range(200)]
    assert mock.live == 0
