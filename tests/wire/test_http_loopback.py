"""The sender against a real server on loopback: what connections do, and what is done to them."""

from __future__ import annotations

import dataclasses
import gc
import gzip
import pickle
import socket
import threading
import time
import traceback
from typing import Any

import anyio
import httpx
import pytest

from psf_runtime.errors import (
    AuthenticationError,
    Blocked,
    ConfigError,
    ProviderError,
    ProviderTimeout,
    RateLimitError,
    StreamInterrupted,
)
from psf_runtime.providers.http import HttpTransport
from psf_runtime.providers.intake import HttpLimits
from psf_runtime.providers.targets import bind
from psf_runtime.types.chunks import Chunk
from psf_runtime.types.messages import Message
from psf_runtime.types.request import Request, Stamp
from psf_runtime.types.response import Response, accumulate
from psf_runtime.types.target import Target
from tests.wire.wire_loopback import DONE, HELLO, Loopback, Script, body, delta, events, hang_up

CANARY = "Canary-Kanarienvogel"
REQUEST = Request((Message.user(f"hello {CANARY}"),), model="t")
BLOCKING = "blocking"
MODES = [BLOCKING, "asyncio", "trio"]


def transport(server: Loopback, **settings: Any) -> HttpTransport:
    target = Target(f"local:m@{server.url}", api_key="secret-key-of-this-test")
    return HttpTransport(bind(target, name="t", environ={}), **settings)


def ask(
    mode: str, sender: HttpTransport, request: Request = REQUEST, *, stream: bool = True, left: float | None = 5.0
) -> Response:
    """The whole answer, blocking or on one of two event loops; the sender is closed."""
    if mode == BLOCKING:
        try:
            return ask_blocking(sender, request, stream=stream, left=left)
        finally:
            sender.close()
    return anyio.run(ask_async, sender, request, stream, left, backend=mode)


def ask_blocking(sender: HttpTransport, request: Request, *, stream: bool, left: float | None) -> Response:
    source = sender.open(request, stream=stream, left=left)
    chunks: list[Chunk] = []
    while (batch := source.read(left)) is not None:
        chunks.extend(batch)
    source.close()
    return accumulate(chunks, source.head())


async def ask_async(sender: HttpTransport, request: Request, stream: bool, left: float | None) -> Response:
    try:
        source = await sender.aopen(request, stream=stream, left=left)
        chunks: list[Chunk] = []
        while (batch := await source.aread(left)) is not None:
            chunks.extend(batch)
        await source.aclose()
        return accumulate(chunks, source.head())
    finally:
        await sender.aclose()


def assert_clean(error: BaseException) -> None:
    """No content and no key in an error, its context, its locals, or its pickle."""
    lines = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    # The test's own frames hold the canary on purpose; what the library adds must not.
    own = [line for line in lines.splitlines() if CANARY in line and "REQUEST" not in line]
    assert own == []
    assert "secret-key-of-this-test" not in lines
    assert CANARY.encode() not in pickle.dumps(error)
    assert error.__cause__ is None
    assert error.__context__ is None


@pytest.mark.parametrize("mode", MODES)
def test_a_whole_body_comes_as_one_batch(mode: str) -> None:
    """A call that is not streamed gives the whole answer, with status and timing, and sends the key."""
    with Loopback(body(HELLO, headers="x-request-id: req-1\r\n")) as server:
        response = ask(mode, transport(server), stream=False)
    assert response.text == "hello"
    assert response.usage.output_tokens == 2
    assert response.raw["status"] == 200
    assert response.raw["request_id"] == "req-1"
    assert 0 <= response.raw["first_chunk_ms"] <= response.raw["ms"]
    head = server.requests[0].lower()
    assert b"post /v1/chat/completions http/1.1" in head
    assert b"authorization: bearer secret-key-of-this-test" in head
    assert b"accept-encoding: identity" in head
    assert b"cookie" not in head


@pytest.mark.parametrize("mode", MODES)
def test_a_stream_arrives_and_comments_are_no_chunks(mode: str) -> None:
    """Comments before and between the pieces of an answer bring no batch."""
    with Loopback(events(b":\n\n", delta("hel"), b": wait\n\n", delta("lo"), delta(finish="stop"), DONE)) as server:
        assert ask(mode, transport(server)).text == "hello"


@pytest.mark.parametrize("mode", MODES)
def test_a_dead_kept_connection_is_replaced_once(mode: str) -> None:
    """A kept connection that the server closed is replaced at once, and the caller notices nothing."""

    def then_close(line: socket.socket) -> bool:
        # Keeps the connection alive in words, and closes it when the next request comes.
        body(HELLO)(line)
        line.recv(65_536)
        return False

    with Loopback(then_close, body(HELLO)) as server:
        sender = transport(server)
        if mode == BLOCKING:
            first = ask_blocking(sender, REQUEST, stream=False, left=5)
            second = ask(mode, sender, stream=False)
        else:
            first, second = anyio.run(_twice, sender, backend=mode)
    assert first.text == second.text == "hello"
    assert server.connections == 2


async def _twice(sender: HttpTransport) -> list[Response]:
    answers = []
    try:
        for _ in range(2):
            source = await sender.aopen(REQUEST, stream=False, left=5)
            chunks = await source.aread(5)
            assert await source.aread(5) is None
            answers.append(accumulate(chunks or [], source.head()))
    finally:
        await sender.aclose()
    return answers


@pytest.mark.parametrize("mode", MODES)
def test_a_dead_new_connection_is_an_error(mode: str) -> None:
    """A connection that was made for this call and dies is not tried again: the request may have been worked on."""
    with Loopback(hang_up) as server, pytest.raises(ProviderError) as caught:
        ask(mode, transport(server))
    assert caught.value.kind == "connection"
    assert caught.value.retry_safe is None
    assert server.connections == 1
    assert_clean(caught.value)


@pytest.mark.parametrize("mode", MODES)
def test_nobody_listening_is_a_connection_error(mode: str) -> None:
    """A host that does not answer is an error that may be retried: nothing was sent."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    sender = HttpTransport(bind(f"local:m@http://127.0.0.1:{port}/v1", environ={}))
    with pytest.raises(ProviderError) as caught:
        ask(mode, sender)
    assert caught.value.kind == "connection"
    assert caught.value.retry_safe is True
    assert_clean(caught.value)


@pytest.mark.parametrize("mode", MODES)
def test_redirects_are_not_followed(mode: str) -> None:
    """A 3xx is a typed error, and nothing is sent to where it points."""
    with Loopback(body(HELLO)) as other:
        redirect = body(b"", status="307 Temporary Redirect", headers=f"location: {other.url}\r\n")
        with Loopback(redirect) as server, pytest.raises(ProviderError) as caught:
            ask(mode, transport(server))
        assert other.requests == []
    assert caught.value.kind == "bad_response"
    assert caught.value.status == 307
    assert_clean(caught.value)


STATUSES: list[tuple[str, dict[str, Any], str, type[ProviderError], float | None]] = [
    ("429 Too Many Requests", {"error": {"code": "insufficient_quota"}}, "", RateLimitError, None),
    ("429 Too Many Requests", {"error": {}}, "retry-after: 7\r\n", RateLimitError, 7.0),
    ("401 Unauthorized", {"error": {"code": 401}}, "", AuthenticationError, None),
    ("500 Internal Server Error", {"error": {"message": CANARY}}, "", ProviderError, None),
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("status", "value", "headers", "cls", "wait"), STATUSES)
def test_error_statuses_are_typed(
    mode: str, status: str, value: dict[str, Any], headers: str, cls: type[ProviderError], wait: float | None
) -> None:
    """An error status becomes the class that says it; nothing of its body is in the error."""
    value = {"error": {**value["error"], "message": f"you said {CANARY}"}}
    with Loopback(body(value, status=status, headers=headers)) as server, pytest.raises(cls) as caught:
        ask(mode, transport(server), stream=False)
    assert caught.value.status == int(status[:3])
    assert caught.value.retry_after == wait
    assert CANARY not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("mode", MODES)
def test_an_endless_error_body_is_read_in_part(mode: str) -> None:
    """Of an error's body no more is read than the limit, and the connection is closed."""

    def flood(line: socket.socket) -> bool:
        line.sendall(b"HTTP/1.1 500 Oops\r\ncontent-type: text/plain\r\n\r\n")
        while True:
            line.sendall(b"x" * 65_536)

    with Loopback(flood) as server:
        with pytest.raises(ProviderError) as caught:
            ask(mode, transport(server))
        assert server.hung_up.wait(5)
    assert caught.value.status == 500


@pytest.mark.parametrize("mode", MODES)
def test_silence_ends_at_the_deadline(mode: str) -> None:
    """A stream that falls silent ends with ProviderTimeout within the time left, and its connection is closed."""
    released = threading.Event()
    with Loopback(events(delta("hel"), wait=released)) as server:
        began = time.monotonic()
        with pytest.raises(ProviderTimeout) as caught:
            ask(mode, transport(server), left=0.2)
        took = time.monotonic() - began
        released.set()
    assert 0.15 < took < 2
    assert caught.value.kind == "timeout"
    assert_clean(caught.value)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("stream", [True, False])
def test_silence_before_the_answer_ends_at_the_deadline(mode: str, stream: bool) -> None:
    """A server that takes the request and says nothing is a ProviderTimeout within the time left, too."""
    released = threading.Event()

    def silent(line: socket.socket) -> bool:
        released.wait(5)
        return False

    with Loopback(silent) as server:
        began = time.monotonic()
        with pytest.raises(ProviderTimeout) as caught:
            ask(mode, transport(server), stream=stream, left=0.15)
        assert time.monotonic() - began < 2
        released.set()
    assert_clean(caught.value)


@pytest.mark.parametrize("mode", MODES)
def test_an_error_whose_body_is_cut_is_still_that_error(mode: str) -> None:
    """A failure while an error's body is read does not hide the error."""

    def cut(line: socket.socket) -> bool:
        line.sendall(b"HTTP/1.1 429 Slow\r\ncontent-length: 99\r\nretry-after: 3\r\n\r\n{")
        return False

    with Loopback(cut) as server, pytest.raises(RateLimitError) as caught:
        ask(mode, transport(server), left=None)
    assert caught.value.retry_after == 3.0


@pytest.mark.parametrize("mode", MODES)
def test_what_the_server_sends_counts(mode: str) -> None:
    """A stream where a body was asked for, or a body where a stream was, is read as what it is."""
    with Loopback(body(HELLO)) as server:
        assert ask(mode, transport(server), stream=True, left=None).text == "hello"
    with Loopback(events(delta("hello"), delta(finish="stop"))) as server:
        assert ask(mode, transport(server), stream=False, left=None).text == "hello"


def test_an_address_in_another_spelling_is_refused() -> None:
    """What would be called must be, sign for sign, what was declared."""
    sender = HttpTransport(bind("local:m@http://127.0.0.1:1/a/./b", environ={}))
    with pytest.raises(ConfigError, match="plain form"):
        ask(BLOCKING, sender)


def test_a_header_that_nobody_declared_stays_here() -> None:
    """Only headers on the allow-list leave."""
    with Loopback(body(HELLO)) as server:
        bound = dataclasses.replace(transport(server).target, headers=(("x-other", CANARY),))
        with pytest.raises(ConfigError, match="allow-list") as caught:
            ask(BLOCKING, HttpTransport(bound))
        assert server.requests == []
    assert_clean(caught.value)


@pytest.mark.parametrize("mode", MODES)
def test_a_later_shorter_deadline_holds(mode: str) -> None:
    """The time left that counts is that of the read, not that of the opening."""
    released = threading.Event()

    async def slow() -> None:
        source = await sender.aopen(REQUEST, stream=True, left=60)
        assert await source.aread(60)
        with pytest.raises(ProviderTimeout):
            await source.aread(0.1)
        await sender.aclose()

    with Loopback(events(delta("hel"), wait=released)) as server:
        sender = transport(server)
        began = time.monotonic()
        if mode != BLOCKING:
            anyio.run(slow, backend=mode)
        else:
            source = sender.open(REQUEST, stream=True, left=60)
            assert source.read(60)
            with pytest.raises(ProviderTimeout):
                source.read(0.1)
            sender.close()
        assert time.monotonic() - began < 2
        released.set()


@pytest.mark.parametrize("mode", MODES)
def test_a_server_that_only_comments_ends_at_the_deadline(mode: str) -> None:
    """Bytes that are no content do not stretch the deadline."""

    def comments(line: socket.socket) -> bool:
        line.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
        while True:
            line.sendall(b": still here\n\n")
            time.sleep(0.005)

    with Loopback(comments) as server:
        began = time.monotonic()
        with pytest.raises(ProviderTimeout):
            ask(mode, transport(server), left=0.2)
        assert time.monotonic() - began < 2
        assert server.hung_up.wait(5)


@pytest.mark.parametrize("mode", MODES)
def test_content_must_come_within_the_stall_limit(mode: str) -> None:
    """After the first chunk, comments alone are a stall."""

    def comments(line: socket.socket) -> bool:
        line.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + delta("hel"))
        while True:
            line.sendall(b": still here\n\n")
            time.sleep(0.005)

    with Loopback(comments) as server, pytest.raises(ProviderTimeout) as caught:
        ask(mode, transport(server, limits=HttpLimits(stall=0.1)), left=30)
    assert caught.value.why == "the stream goes on without content"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("stream", [True, False])
def test_a_cut_answer_is_interrupted(mode: str, stream: bool) -> None:
    """A connection that ends in the middle of an answer is StreamInterrupted, whether streamed or not."""

    def cut_body(line: socket.socket) -> bool:
        line.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{")
        return False

    script: Script = events(delta("hel"), cut=True) if stream else cut_body
    with Loopback(script) as server, pytest.raises(StreamInterrupted) as caught:
        ask(mode, transport(server), stream=stream)
    assert_clean(caught.value)


@pytest.mark.parametrize("mode", MODES)
def test_a_cut_after_the_finish_reason_is_no_loss(mode: str) -> None:
    """When the provider has said that it is finished, a lost connection loses nothing."""
    with Loopback(events(delta("hello"), delta(finish="stop"), cut=True)) as server:
        response = ask(mode, transport(server))
    assert response.text == "hello"
    assert response.finish == "stop"


@pytest.mark.parametrize("mode", MODES)
def test_an_endless_stream_is_bounded(mode: str) -> None:
    """A stream that never ends stops at the limit, and its connection is closed."""

    def endless(line: socket.socket) -> bool:
        line.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
        while True:
            line.sendall(delta("more and more ") * 100)

    with Loopback(endless) as server:
        with pytest.raises(ProviderError) as caught:
            ask(mode, transport(server, limits=HttpLimits(response_bytes=300_000)))
        assert server.hung_up.wait(5)
    assert caught.value.kind == "bad_response"
    assert_clean(caught.value)


@pytest.mark.parametrize("mode", MODES)
def test_a_line_without_end_is_bounded(mode: str) -> None:
    """A line that never ends stops at the size of one event, long before the size of an answer."""

    def endless(line: socket.socket) -> bool:
        line.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: ")
        while True:
            line.sendall(b"x" * 65_536)

    with Loopback(endless) as server:
        with pytest.raises(ProviderError) as caught:
            ask(mode, transport(server))
        assert server.hung_up.wait(5)
    assert "event" in caught.value.what


@pytest.mark.parametrize("mode", MODES)
def test_a_compressed_answer_is_refused(mode: str) -> None:
    """A body that would grow when decompressed is never decompressed."""
    bomb = gzip.compress(b"0" * 5_000_000)
    packed = body(bomb, headers="content-encoding: gzip\r\n")
    with Loopback(packed) as server, pytest.raises(ProviderError) as caught:
        ask(mode, transport(server), stream=False)
    assert "compressed" in caught.value.what


FAULTS: dict[str, tuple[Script, str]] = {
    "bad JSON": (body(b"{nope " + CANARY.encode()), "bad_response"),
    "an error in a 200 body": (body({"error": {"message": CANARY, "code": "server_error"}}), "server_error"),
    "an error in a 200 stream": (events(b'data: {"error":{"message":"x","code":429}}\n\n'), "rate_limited"),
    "an empty stream": (events(), "bad_response"),
    "another object": (body({"success": True, "note": CANARY}), "bad_response"),
    "a declared size beyond the limit": (
        lambda line: line.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n") is None,
        "bad_response",
    ),
    "no content": (body(b"", status="201 Created"), "bad_response"),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("fault", sorted(FAULTS))
def test_answers_that_make_no_sense_are_typed(mode: str, fault: str) -> None:
    """Whatever a server sends instead of an answer is a typed error without its text."""
    script, kind = FAULTS[fault]
    with Loopback(script) as server, pytest.raises(ProviderError) as caught:
        ask(mode, transport(server))
    assert caught.value.kind == kind
    assert caught.value.target == "t"
    assert_clean(caught.value)


def test_close_from_another_thread_ends_a_waiting_read() -> None:
    """A read that waits fails at once when another thread closes its source; closing again changes nothing."""
    released = threading.Event()
    with Loopback(events(delta("hel"), wait=released)) as server:
        sender = transport(server)
        source = sender.open(REQUEST, stream=True, left=60)
        assert source.read(60)
        closer = threading.Timer(0.1, source.close)
        began = time.monotonic()
        closer.start()
        with pytest.raises(StreamInterrupted):
            source.read(60)
        assert time.monotonic() - began < 2
        source.close()
        with pytest.raises(StreamInterrupted):
            source.read(60)
        closer.join()
        released.set()
        sender.close()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_cancelled_read_closes_the_connection(backend: str) -> None:
    """Cancelling the task that reads closes the connection, on both event loops."""
    released = threading.Event()

    async def main() -> bool:
        source = await sender.aopen(REQUEST, stream=True, left=60)
        assert await source.aread(60)
        with anyio.move_on_after(0.1) as scope:
            await source.aread(60)
        closed: bool = source._response.is_closed
        await sender.aclose()
        return scope.cancelled_caught and closed

    with Loopback(events(delta("hel"), wait=released)) as server:
        sender = transport(server)
        assert anyio.run(main, backend=backend)
        released.set()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_stream_that_is_left_early_is_closed(backend: str) -> None:
    """Closing a source in the middle of its answer closes the connection and leaves nothing behind."""
    released = threading.Event()

    async def main() -> None:
        source = await sender.aopen(REQUEST, stream=True, left=60)
        assert await source.aread(60)
        await source.aclose()
        await source.aclose()
        with pytest.raises(StreamInterrupted):
            await source.aread(60)
        del source
        gc.collect()
        await sender.aclose()

    with Loopback(events(delta("hel"), wait=released)) as server:
        sender = transport(server)
        anyio.run(main, backend=backend)
        released.set()


def test_one_sender_serves_one_loop_after_the_other() -> None:
    """Each event loop gets a client of its own."""
    with Loopback(body(HELLO)) as server:
        sender = transport(server)

        async def once() -> str:
            source = await sender.aopen(REQUEST, stream=False, left=5)
            chunks = await source.aread(5)
            await source.aclose()
            return accumulate(chunks or [], source.head()).text

        assert [anyio.run(once), anyio.run(once)] == ["hello", "hello"]
        anyio.run(sender.aclose)


@pytest.mark.parametrize("mode", MODES)
def test_a_known_value_in_the_bytes_stops_the_call(mode: str) -> None:
    """The last look finds a known value in the exact bytes: nothing is sent, and the error names the entity only."""

    def find(data: bytes) -> str | None:
        return "NAME" if CANARY.encode() in data else None

    with Loopback(body(HELLO)) as server:
        with pytest.raises(Blocked) as caught:
            ask(mode, transport(server), REQUEST.replace(stamp=Stamp({}, find)))
        assert server.requests == []
    assert (caught.value.failure_mode, caught.value.control) == ("FM04", "privacy.tokens")
    assert "NAME" in caught.value.what
    assert_clean(caught.value)


@pytest.mark.parametrize("mode", MODES)
def test_the_last_look_sees_address_and_headers(mode: str) -> None:
    """The address and every header value are looked at, too."""
    seen: list[bytes] = []
    with Loopback(body(HELLO)) as server:
        ask(mode, transport(server, require_stamp=True), REQUEST.replace(stamp=Stamp({}, seen.append)), stream=False)
        assert server.url.encode() + b"/chat/completions" in seen
    assert any(b"Bearer secret-key-of-this-test" in piece for piece in seen)


@pytest.mark.parametrize("mode", MODES)
def test_a_request_that_nobody_prepared_is_stopped(mode: str) -> None:
    """With require_stamp, a request without a stamp is Blocked and nothing is sent."""
    with Loopback(body(HELLO)) as server:
        with pytest.raises(Blocked) as caught:
            ask(mode, transport(server, require_stamp=True))
        assert server.requests == []
    assert caught.value.failure_mode == "FM04"


@pytest.mark.parametrize("mode", MODES)
def test_a_request_that_is_too_large_is_not_sent(mode: str) -> None:
    """A body beyond the limit is an error before anything is sent."""
    with Loopback(body(HELLO)) as server:
        with pytest.raises(ProviderError) as caught:
            ask(mode, transport(server, limits=HttpLimits(request_bytes=10)))
        assert server.requests == []
    assert caught.value.kind == "bad_request"


@pytest.mark.parametrize("mode", MODES)
def test_a_closed_sender_says_so(mode: str) -> None:
    """A call after close is a ConfigError, not an error of the network."""
    with Loopback(body(HELLO)) as server:
        sender = transport(server)
        sender.close()
        with pytest.raises(ConfigError, match="closed"):
            ask(mode, sender)


def test_a_closed_injected_client_says_so() -> None:
    """The same for a client that the application closed itself."""
    client = httpx.Client()
    client.close()
    with Loopback(body(HELLO)) as server, pytest.raises(ConfigError, match="closed"):
        ask(BLOCKING, transport(server, client=client))


def test_an_injected_client_adds_nothing() -> None:
    """Headers, cookies, credentials and redirects of an injected client are not used, and it is not closed."""
    client = httpx.Client(
        headers={"x-from-client": CANARY},
        cookies={"session": CANARY},
        auth=("user", CANARY),
        params={"q": CANARY},
        follow_redirects=True,
    )
    with Loopback(body(HELLO)) as server:
        assert ask(BLOCKING, transport(server, client=client), stream=False).text == "hello"
        assert CANARY.encode() not in server.requests[0].split(b"\r\n\r\n")[0]
    assert not client.is_closed
    client.close()
