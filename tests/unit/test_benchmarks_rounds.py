"""The stub, the senders and the rounds of the benchmarks: everyone asks the same, gets the same, and takes turns."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from benchmarks import conversation
from benchmarks.rounds import BrokenSenderError, Work, Worker, quiet_environment, take_rounds
from benchmarks.rows import Bench, Flight, WrongAnswerError, peak_memory_mb
from benchmarks.side_by_side import KINDS, flights
from benchmarks.stub import LATENCY, Stub, streamed_answer, whole_answer

HEAD = b"POST /%b/v1/chat/completions HTTP/1.1\r\nHost: stub\r\nContent-Length: 2\r\n\r\n"


@pytest.fixture(scope="module")
def stub() -> Iterator[Stub]:
    with Stub() as running:
        yield running


def received(connection: socket.socket, expected: bytes) -> bytes:
    """So many bytes as are expected."""
    got = b""
    while len(got) < len(expected):
        data = connection.recv(len(expected) - len(got))
        if not data:
            break
        got += data
    return got


def worker(name: str, stub: Stub) -> Worker:
    """A sender in a process of its own, in this environment."""
    path = os.environ.get("PYTHONPATH")
    urls = {kind: stub.url(kind) for kind in KINDS}
    started = Worker(name, python=sys.executable, urls=urls, environ=quiet_environment(os.environ, path=path))
    try:
        started.wait()
    except BrokenSenderError:
        started.close()
        raise
    return started


class FakeWorker:
    """A sender that only says that it was asked."""

    def __init__(self, name: str, order: list[str], *, blocking: bool = True, breaks: bool = False) -> None:
        self.name = name
        self.blocking = blocking
        self._order = order
        self._breaks = breaks

    def measure(self, command: Mapping[str, Any]) -> dict[str, float]:
        self._order.append(self.name)
        if self._breaks:
            raise BrokenSenderError(f"{self.name}: gone")
        return {"cpu_us": 1.0}


def test_the_canned_answers_are_what_the_vendor_sends() -> None:
    """The vendor's own types read them; the text of all chunks is the text that is checked."""
    answer = ChatCompletion.model_validate_json(conversation.answer_body())
    events = conversation.answer_events()
    chunks = [ChatCompletionChunk.model_validate_json(event[6:]) for event in events[:-1]]
    texts = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]

    assert 700 < len(conversation.answer_body()) < 1_000
    assert answer.choices[0].message.content == conversation.ANSWER_TEXT
    assert sum(1 for text in texts if text) == conversation.CHUNKS
    assert "".join(texts) == conversation.STREAMED_TEXT
    assert events[-1] == b"data: [DONE]\n\n"


def test_questions_are_new_and_the_history_is_the_same() -> None:
    """No cache of texts helps with small calls; the long conversation comes again, in new objects."""
    first, second = conversation.history(), conversation.history()

    assert conversation.small(1) != conversation.small(2)
    assert first == second
    assert first[1]["content"] is not second[1]["content"]
    assert 190_000 < sum(len(message["content"]) for message in first) < 210_000
    assert len({message["content"] for message in first[:-2]}) == len(first) - 2


def test_a_request_may_come_in_pieces(stub: Stub) -> None:
    """Byte by byte, the answer comes after the last one, and the connection stays open for the next request."""
    request = HEAD % b"answer" + b"{}"
    with socket.create_connection(("127.0.0.1", stub.port), timeout=5) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for number in range(len(request)):
            connection.sendall(request[number : number + 1])
        first = received(connection, whole_answer())
        connection.sendall(request + request)
        both = received(connection, whole_answer() * 2)

    assert first == whole_answer()
    assert both == whole_answer() * 2


def test_the_path_chooses_the_answer(stub: Stub) -> None:
    """Whole, streamed, or whole after a while."""
    with socket.create_connection(("127.0.0.1", stub.port), timeout=5) as connection:
        connection.sendall(HEAD % b"stream" + b"{}")
        streamed = received(connection, streamed_answer())
        connection.sendall(HEAD % b"slow" + b"{}")
        slow = received(connection, whole_answer())

    assert streamed == streamed_answer()
    assert slow == whole_answer()


def test_a_request_without_a_length_is_refused(stub: Stub) -> None:
    """The stub does not guess where a request ends."""
    with socket.create_connection(("127.0.0.1", stub.port), timeout=5) as connection:
        connection.sendall(b"POST /answer/v1 HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n")

        assert connection.recv(4096).startswith(b"HTTP/1.1 411 ")


@pytest.mark.parametrize("name", ["httpx", "openai", "psf_runtime"])
def test_a_sender_measures_every_row(name: str, stub: Stub) -> None:
    """Each round tells figures above zero; a wrong text would have been an error instead."""
    sender = worker(name, stub)
    try:
        rows = ("small_sync", "small_async", "stream_sync", "stream_async")
        costs = [sender.measure({"measure": "calls", "row": row, "times": 1, "warm": 1})["cpu_us"] for row in rows]
        flight = sender.measure({"measure": "flight", "in_flight": 4, "seconds": 0.05, "warm": 5.0})
        peak = sender.measure({"measure": "peak"})["peak_mb"]
    finally:
        sender.close()

    assert min(costs) > 0
    assert 0 < flight["calls_s"] <= 4 / LATENCY
    assert peak > 10
    assert sender.version


def test_a_round_that_fails_says_why(stub: Stub) -> None:
    """The name of the sender and the error, and the next round goes on."""
    sender = worker("httpx", stub)
    try:
        with pytest.raises(BrokenSenderError, match="httpx: ValueError: nothing is called lunch"):
            sender.measure({"measure": "lunch"})
        assert sender.measure({"measure": "peak"})["peak_mb"] > 0
    finally:
        sender.close()


def test_a_sender_whose_package_is_not_there_says_so(stub: Stub) -> None:
    """An environment without the package gives an error with the reason, not a figure."""
    with pytest.raises(BrokenSenderError, match="No module named"):
        worker("nobody", stub)


def test_another_text_than_the_stub_sent_is_not_measured() -> None:
    """What a call costs that went wrong means nothing."""

    class Liar:
        def __init__(self, url: str) -> None:
            self.url = url

        def complete(self, messages: conversation.Messages) -> str:
            return "Sorry."

        async def aclose(self) -> None:
            return None

    bench = Bench(Liar, dict.fromkeys(KINDS, "http://nowhere"))
    with pytest.raises(WrongAnswerError, match="complete: 6 characters came back"):
        bench.calls("small_sync", times=1, warm=0)
    bench.close()


@pytest.mark.parametrize(("warm", "asked"), [(30.0, 16), (0.0, 8)])
def test_the_first_calls_in_flight_count_only_when_measuring_has_begun(warm: float, asked: int) -> None:
    """Quick senders open their connections unmeasured; a slow one is measured with its first calls, each once."""
    questions: list[conversation.Messages] = []

    async def ask(messages: conversation.Messages) -> str:
        questions.append(messages)
        for _ in range(50):
            await asyncio.sleep(0)  # lets the others run; no time passes
        return conversation.ANSWER_TEXT

    told = asyncio.run(Flight(ask, lambda: conversation.small(1), 0.0).fly(8, warm))

    assert (told["calls"], len(questions)) == (8, asked)


def test_senders_take_turns_and_who_is_first_moves_on() -> None:
    """A slow spell of the machine hits all senders alike."""
    order: list[str] = []
    workers: list[Any] = [FakeWorker(name, order) for name in "abc"]

    taken = take_rounds(workers, Work("row", {}, 3), {})

    assert order == [*"abc", *"bca", *"cab"]
    assert {name: len(rounds) for name, rounds in taken.items()} == {"a": 3, "b": 3, "c": 3}


def test_a_broken_sender_is_left_out_from_then_on(capsys: pytest.CaptureFixture[str]) -> None:
    """The others go on; the reason is kept for the report."""
    order: list[str] = []
    workers: list[Any] = [FakeWorker("a", order), FakeWorker("b", order, breaks=True)]
    broken: dict[str, str] = {}

    taken = take_rounds(workers, Work("row", {}, 2), broken)

    assert order == ["a", "b", "a"]
    assert taken == {"a": [{"cpu_us": 1.0}] * 2, "b": [None, None]}
    assert broken == {"b": "b: gone"}
    assert "b: gone" in capsys.readouterr().err


def test_a_slow_sender_gets_fewer_rounds_but_at_least_one() -> None:
    """Patience ends between rounds, and the rounds stay in step for the ratios."""
    order: list[str] = []
    workers: list[Any] = [FakeWorker("a", order)]

    assert take_rounds(workers, Work("row", {}, 3, patience=-1.0), {}) == {"a": [{"cpu_us": 1.0}, None, None]}


def test_who_has_no_blocking_side_is_not_asked_for_it() -> None:
    """The row is left out, not failed."""
    order: list[str] = []
    workers: list[Any] = [FakeWorker("a", order, blocking=False), FakeWorker("b", order)]

    assert list(take_rounds(workers, Work("row", {}, 1, blocking=True), {})) == ["b"]


def test_who_is_left_out_of_a_row_is_not_asked() -> None:
    """Only the quick run leaves somebody out: httpx with 512 calls in flight."""
    order: list[str] = []
    workers: list[Any] = [FakeWorker("a", order), FakeWorker("b", order)]
    left_out = {(work.name, work.leave_out) for quick in (True, False) for work in flights(quick) if work.leave_out}

    assert list(take_rounds(workers, Work("row", {}, 1, leave_out=("a",)), {})) == ["b"]
    assert left_out == {("flight_512", ("httpx",)), ("peak", ("httpx",))}


def test_a_sender_gets_no_proxies_keys_or_switches() -> None:
    """What the owner of the machine has set neither changes the figures nor sends them elsewhere."""
    given = {"HTTPS_PROXY": "http://p", "OPENAI_API_KEY": "k", "PSF_POLICY": "x", "PATH": "/bin", "PYTHONPATH": "/y"}
    quiet = quiet_environment(given)

    assert quiet == {
        "PATH": "/bin",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_TELEMETRY": "False",
        "NO_PROXY": "127.0.0.1",
    }
    assert quiet_environment(given, path="/src")["PYTHONPATH"] == "/src"


def test_the_peak_of_memory_is_in_megabytes() -> None:
    """This process holds more than ten and less than ten thousand."""
    assert 10 < peak_memory_mb() < 10_000
