"""The sender behind a proxy that does harm: what each fault becomes, in threads and in both event loops."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from psf_runtime.errors import ProviderError, ProviderTimeout, StreamInterrupted
from psf_runtime.providers.intake import HttpLimits
from tests.wire.fault_proxy import Fault, FaultProxy, never_accepting
from tests.wire.sender_calls import BIG, MODES, REQUEST, ask, sender_to
from tests.wire.wire_loopback import DONE, HELLO, Loopback, body, delta, events

SAID = events(delta("hel"), delta("lo"), delta(finish="stop"), DONE)
HEAD = len(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")


def port_of(server: Loopback) -> int:
    return int(server.url.split(":")[2].split("/")[0])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("piece", [1, 7])
def test_an_answer_in_pieces_is_the_same_answer(mode: str, piece: int) -> None:
    """However small the packets are, the answer is the same, streamed or not; the connection is kept."""
    with Loopback(SAID, body(HELLO)) as server, FaultProxy(port_of(server), Fault(piece=piece)) as proxy:
        first, second = ask(mode, sender_to(proxy.port), REQUEST, REQUEST, stream=True)
        assert (first.text, second.text) == ("hello", "hello")
        assert proxy.connections == 1


@pytest.mark.parametrize("mode", MODES)
def test_latency_within_the_time_left_is_no_failure(mode: str) -> None:
    """A late first byte is waited for."""
    with Loopback(body(HELLO)) as server, FaultProxy(port_of(server), Fault(latency=0.1)) as proxy:
        assert ask(mode, sender_to(proxy.port)).text == "hello"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])
@pytest.mark.parametrize("after", [1, HEAD - 3], ids=["first byte", "inside the head"])
def test_a_cut_in_the_head_is_a_connection_error(mode: str, reset: bool, after: int) -> None:
    """Whether the call was worked on is not known, and the new connection is not tried a second time."""
    with Loopback(SAID) as server, FaultProxy(port_of(server), Fault(cut_after=after, reset=reset)) as proxy:
        with pytest.raises(ProviderError) as caught:
            ask(mode, sender_to(proxy.port), stream=True)
        assert proxy.connections == 1
    assert (caught.value.kind, caught.value.retry_safe) == ("connection", None)
    assert caught.value.why in ("ReadError", "RemoteProtocolError")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])
def test_a_cut_in_the_body_is_interrupted(mode: str, reset: bool) -> None:
    """What has come is not passed off as the whole."""
    fault = Fault(cut_after=HEAD + 60, reset=reset)
    with (
        Loopback(SAID) as server,
        FaultProxy(port_of(server), fault) as proxy,
        pytest.raises(StreamInterrupted) as caught,
    ):
        ask(mode, sender_to(proxy.port), stream=True)
    assert caught.value.retry_safe is True


@pytest.mark.parametrize("mode", MODES)
def test_a_closed_port_is_refused(mode: str) -> None:
    """Nobody listens: nothing was sent, so the call may be made again."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    with pytest.raises(ProviderError) as caught:
        ask(mode, sender_to(port))
    assert (caught.value.kind, caught.value.retry_safe, caught.value.why) == ("connection", True, "ConnectError")


@pytest.mark.parametrize("mode", MODES)
def test_connecting_has_a_time_limit_of_its_own(mode: str) -> None:
    """A host that neither takes nor refuses connections: ConnectTimeout after the limit, long before the deadline."""
    with never_accepting() as port:
        began = time.monotonic()
        with pytest.raises(ProviderTimeout) as caught:
            ask(mode, sender_to(port, limits=HttpLimits(connect=0.2)), left=30)
    assert 0.15 < time.monotonic() - began < 2
    assert (caught.value.why, caught.value.retry_safe) == ("ConnectTimeout", True)


@pytest.mark.parametrize("mode", MODES)
def test_reading_has_a_time_limit_of_its_own(mode: str) -> None:
    """A stream's server that takes the call and says nothing: ReadTimeout after the limit."""
    with Loopback(SAID) as server, FaultProxy(port_of(server), Fault(blackhole=True)) as proxy:
        began = time.monotonic()
        with pytest.raises(ProviderTimeout) as caught:
            ask(mode, sender_to(proxy.port, limits=HttpLimits(stall=0.2)), stream=True, left=30)
        assert 0.15 < time.monotonic() - began < 2
        assert proxy.ended.wait(5)
    assert (caught.value.why, caught.value.retry_safe) == ("ReadTimeout", None)


@pytest.mark.parametrize("mode", MODES)
def test_writing_has_a_time_limit_of_its_own(mode: str) -> None:
    """A server that stops taking the request: WriteTimeout after the limit."""
    released = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def deaf() -> None:
            line, _ = listener.accept()
            released.wait(10)
            line.close()

        thread = threading.Thread(target=deaf)
        thread.start()
        began = time.monotonic()
        try:
            with pytest.raises(ProviderTimeout) as caught:
                ask(mode, sender_to(listener.getsockname()[1], limits=HttpLimits(stall=0.2)), BIG, left=30)
        finally:
            released.set()
            thread.join(5)
    assert time.monotonic() - began < 5
    assert (caught.value.why, caught.value.retry_safe) == ("WriteTimeout", None)


@pytest.mark.parametrize("mode", MODES)
def test_a_head_that_drips_ends_with_the_time_left(mode: str) -> None:
    """Each byte comes in time, and the call still ends when its time is over: the sum counts, not the phase."""
    with Loopback(SAID) as server, FaultProxy(port_of(server), Fault(piece=1, pause=0.02)) as proxy:
        began = time.monotonic()
        with pytest.raises(ProviderTimeout):
            ask(mode, sender_to(proxy.port), stream=True, left=0.3)
        assert 0.25 < time.monotonic() - began < 1
        assert proxy.ended.wait(5)


@pytest.mark.parametrize("mode", MODES)
def test_a_body_that_drips_ends_with_the_time_left(mode: str) -> None:
    """The same for the body of an answer that is not streamed."""

    def answer(line: socket.socket) -> bool:
        line.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100000\r\n\r\n")
        for _ in range(400):
            line.sendall(b" ")
            threading.Event().wait(0.01)
        return False

    with Loopback(answer) as server:
        began = time.monotonic()
        with pytest.raises(ProviderTimeout):
            ask(mode, sender_to(port_of(server)), left=0.3)
        assert 0.25 < time.monotonic() - began < 1
        assert server.hung_up.wait(5)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("hangs_up", [False, True])
def test_an_answer_before_the_request_was_sent_is_read(mode: str, hangs_up: bool) -> None:
    """A server that refuses a body without reading it: its answer counts, also when it hangs up right after it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        lines: list[socket.socket] = []

        def early() -> None:
            line, _ = listener.accept()
            lines.append(line)
            line.recv(1_000)
            line.sendall(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\n{}")
            if hangs_up:
                line.close()

        thread = threading.Thread(target=early)
        thread.start()
        with pytest.raises(ProviderError) as caught:
            ask(mode, sender_to(listener.getsockname()[1]), BIG)
        thread.join(5)
        for line in lines:
            line.close()
    assert (caught.value.status, caught.value.kind) == (413, "bad_request")


@pytest.mark.parametrize("mode", MODES)
def test_a_large_request_arrives_whole(mode: str) -> None:
    """A body that does not fit into the system's buffers is sent as the server reads it, byte for byte."""
    with Loopback(body(HELLO)) as server, FaultProxy(port_of(server), Fault(piece=9)) as proxy:
        assert ask(mode, sender_to(proxy.port), BIG).text == "hello"
    assert server.requests[0].count(b"x" * 1_000) == 8_000
