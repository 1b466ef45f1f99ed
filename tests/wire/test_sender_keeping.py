"""Which connections are kept, and what happens to kept ones that die."""

from __future__ import annotations

import socket
import threading

import anyio
import pytest

from psf_runtime.errors import ProviderError
from psf_runtime.providers.connections import shelf
from tests.wire.fault_proxy import end
from tests.wire.sender_calls import BLOCKING, MODES, REQUEST, aonce, ask, once, sender_to
from tests.wire.wire_loopback import HELLO, Loopback, Script, body

FAREWELLS = [False, True]


def port_of(server: Loopback) -> int:
    return int(server.url.split(":")[2].split("/")[0])


def dies_at_the_next_request(reset: bool, *, after: bytes = b"") -> Script:
    """Answers, keeps the connection in words, and ends it when the next request comes."""

    def answer(line: socket.socket) -> bool:
        body(HELLO)(line)
        line.recv(65_536)
        line.sendall(after)
        end(line, reset=reset)
        return False

    return answer


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("reset", FAREWELLS, ids=["FIN", "RST"])
def test_a_kept_connection_that_dies_is_replaced_once(mode: str, reset: bool) -> None:
    """It ends before a byte of the next answer: one new connection at once, and no word about it."""
    with Loopback(dies_at_the_next_request(reset), body(HELLO)) as server:
        answers = ask(mode, sender_to(port_of(server)), REQUEST, REQUEST)
        assert server.connections == 2
    assert [answer.text for answer in answers] == ["hello", "hello"]


@pytest.mark.parametrize("mode", MODES)
def test_a_second_death_is_an_error(mode: str) -> None:
    """The new connection dies, too: it is not tried a third time."""
    with Loopback(dies_at_the_next_request(False), lambda line: False) as server:
        with pytest.raises(ProviderError) as caught:
            ask(mode, sender_to(port_of(server)), REQUEST, REQUEST)
        assert server.connections == 2
    assert (caught.value.kind, caught.value.retry_safe) == ("connection", None)


@pytest.mark.parametrize("mode", MODES)
def test_an_answer_that_had_begun_is_not_asked_for_again(mode: str) -> None:
    """One byte of an answer came over the kept connection: the call was worked on, so nothing is sent twice."""
    with Loopback(dies_at_the_next_request(False, after=b"H"), body(HELLO)) as server:
        with pytest.raises(ProviderError) as caught:
            ask(mode, sender_to(port_of(server)), REQUEST, REQUEST)
        assert server.connections == 1
    assert caught.value.retry_safe is None


@pytest.mark.parametrize("mode", MODES)
def test_a_connection_that_ended_between_calls_is_not_used(mode: str) -> None:
    """The server closed the kept connection: the next call goes out once, on a new one."""
    closed = threading.Event()

    def then_close(line: socket.socket) -> bool:
        body(HELLO)(line)
        end(line, reset=False)
        closed.set()
        return False

    async def twice() -> None:
        assert (await aonce(sender)).text == "hello"
        assert closed.wait(5)
        assert (await aonce(sender)).text == "hello"
        await sender.aclose()

    with Loopback(then_close, body(HELLO)) as server:
        sender = sender_to(port_of(server))
        if mode == BLOCKING:
            assert once(sender).text == "hello"
            assert closed.wait(5)
            assert once(sender).text == "hello"
            sender.close()
        else:
            anyio.run(twice, backend=mode)
        assert (server.connections, len(server.requests)) == (2, 2)


HELLO_BYTES = b'{"id":"c","model":"m","choices":[{"index":0,"message":{"content":"hello"},"finish_reason":"stop"}]}'


def raw(head: bytes, *, after: bytes = b"") -> Script:
    """These bytes, with a body behind the head; the connection stays only when its length is declared."""

    def answer(line: socket.socket) -> bool:
        line.sendall(head + HELLO_BYTES + after)
        return b"content-length" in head.lower()

    return answer


LENGTH = b"content-length: %d\r\n" % len(HELLO_BYTES)
NOT_KEPT = {
    "it says close": raw(b"HTTP/1.1 200 OK\r\nConnection: close\r\n" + LENGTH + b"\r\n"),
    "it says close among others": raw(b"HTTP/1.1 200 OK\r\nConnection: foo, Close\r\n" + LENGTH + b"\r\n"),
    "HTTP/1.0": raw(b"HTTP/1.0 200 OK\r\n" + LENGTH + b"\r\n"),
    "the body ends with the connection": raw(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n"),
    "bytes after the body": raw(b"HTTP/1.1 200 OK\r\n" + LENGTH + b"\r\n", after=b"HTTP/1.1 200 OK\r\n\r\n"),
}
KEPT = {
    "it says nothing": raw(b"HTTP/1.1 200 OK\r\n" + LENGTH + b"\r\n"),
    "HTTP/1.0 that says so": raw(b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n" + LENGTH + b"\r\n"),
    "after interim answers": raw(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\n\r\nHTTP/1.1 200 OK\r\n" + LENGTH + b"\r\n"
    ),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", sorted(NOT_KEPT))
def test_these_connections_serve_one_call(mode: str, name: str) -> None:
    """What the server says, or sends too much, ends a connection; the next call gets a new one and its own answer."""
    with Loopback(NOT_KEPT[name], body(HELLO)) as server:
        answers = ask(mode, sender_to(port_of(server)), REQUEST, REQUEST)
        assert server.connections == 2
    assert [answer.text for answer in answers] == ["hello", "hello"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", sorted(KEPT))
def test_these_connections_serve_many_calls(mode: str, name: str) -> None:
    """Nothing speaks against it, so the connection is used again."""
    with Loopback(KEPT[name]) as server:
        answers = ask(mode, sender_to(port_of(server)), REQUEST, REQUEST, REQUEST)
        assert server.connections == 1
    assert [answer.text for answer in answers] == ["hello"] * 3


@pytest.mark.parametrize("mode", MODES)
def test_an_answer_that_nobody_asked_for_is_never_anybodys(mode: str) -> None:
    """Bytes that arrive on a kept connection between two calls close it: they are not the next call's answer."""
    smuggled = threading.Event()
    evil = b"HTTP/1.1 200 OK\r\n" + LENGTH + b"\r\n" + HELLO_BYTES.replace(b"hello", b"EVIL!")

    def answer(line: socket.socket) -> bool:
        body(HELLO)(line)
        threading.Event().wait(0.05)
        line.sendall(evil)
        smuggled.set()
        return True

    async def twice() -> list[str]:
        first = await aonce(sender)
        assert smuggled.wait(5)
        second = await aonce(sender)
        await sender.aclose()
        return [first.text, second.text]

    with Loopback(answer, body(HELLO)) as server:
        sender = sender_to(port_of(server))
        if mode == BLOCKING:
            first = once(sender)
            assert smuggled.wait(5)
            texts = [first.text, once(sender).text]
            sender.close()
        else:
            texts = anyio.run(twice, backend=mode)
        assert server.connections == 2
    assert texts == ["hello", "hello"]


def test_a_connection_is_kept_for_less_than_five_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers close after five seconds; a connection older than the limit is closed here, not used."""
    assert 0 < shelf.KEPT < 5
    monkeypatch.setattr(shelf, "KEPT", 0.0)
    with Loopback(body(HELLO)) as server:
        ask(BLOCKING, sender_to(port_of(server)), REQUEST, REQUEST)
        assert server.connections == 2
