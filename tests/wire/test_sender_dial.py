"""Names and addresses: which of them is reached, and how long finding that out may take."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any

import pytest

from psf_runtime.errors import ConfigError, ProviderError, ProviderTimeout
from psf_runtime.providers.http import HttpTransport
from psf_runtime.providers.intake import HttpLimits
from psf_runtime.providers.targets import bind
from psf_runtime.types.target import Target
from tests.wire.fault_proxy import never_accepting
from tests.wire.sender_calls import LOOPS, MODES, REQUEST, ask
from tests.wire.wire_loopback import HELLO, Loopback, body

pytestmark = pytest.mark.psf(network=True)  # names of other machines stand here; none is reached


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def sender_to_name(*, connect: float = 5.0) -> HttpTransport:
    """A sender to a host whose addresses the test decides."""
    target = bind(Target("local:m@http://models.test:8000/v1", api_key="k", boundary="own"), name="t", environ={})
    return HttpTransport(target, limits=HttpLimits(connect=connect))


def resolve_to(monkeypatch: pytest.MonkeyPatch, *ports: int) -> None:
    """Let every name have these ports of this machine as its addresses."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in ports]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: found)


def port_of(server: Loopback) -> int:
    return int(server.url.split(":")[2].split("/")[0])


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port: int = held.getsockname()[1]
    return port


@pytest.mark.parametrize("mode", MODES)
def test_the_next_address_is_tried(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first address refuses; the second one answers."""
    with Loopback(body(HELLO)) as server:
        resolve_to(monkeypatch, closed_port(), port_of(server))
        assert ask(mode, sender_to_name()).text == "hello"
        assert b"\r\nhost: models.test:8000\r\n" in server.requests[0]


@pytest.mark.parametrize("mode", MODES)
def test_a_silent_address_does_not_take_all_the_time(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first address swallows everything; it gets its share of the time, and the second one answers."""
    with Loopback(body(HELLO)) as server, never_accepting() as silent:
        resolve_to(monkeypatch, silent, port_of(server))
        began = time.monotonic()
        assert ask(mode, sender_to_name(connect=0.6)).text == "hello"
        assert 0.25 < time.monotonic() - began < 0.6


@pytest.mark.parametrize("mode", MODES)
def test_no_address_answers(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them refuse: nothing was sent."""
    resolve_to(monkeypatch, closed_port(), closed_port())
    with pytest.raises(ProviderError) as caught:
        ask(mode, sender_to_name())
    assert (caught.value.why, caught.value.retry_safe) == ("ConnectError", True)


@pytest.mark.parametrize("mode", MODES)
def test_an_unknown_name_is_a_connection_error(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name has no address: nothing was sent."""

    def unknown(*args: Any, **options: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(ProviderError) as caught:
        ask(mode, sender_to_name())
    assert (caught.value.kind, caught.value.retry_safe) == ("connection", True)


@pytest.mark.parametrize("loop", LOOPS)
def test_finding_a_name_has_a_time_limit(loop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In async code a name server that is silent is a ConnectTimeout."""
    released = threading.Event()

    def slow(*args: Any, **options: Any) -> Any:
        released.wait(0.6)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    with pytest.raises(ProviderTimeout) as caught:
        ask(loop, sender_to_name(connect=0.15), REQUEST)
    released.set()
    assert (caught.value.why, caught.value.retry_safe) == ("ConnectTimeout", True)


@pytest.mark.parametrize("mode", MODES)
def test_ipv6_is_spoken(mode: str) -> None:
    """An address of version 6 is reached, and written in brackets."""
    heads: list[bytes] = []
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as listener:

        def serve() -> None:
            line, _ = listener.accept()
            heads.append(line.recv(65_536))
            body(HELLO)(line)
            line.close()

        thread = threading.Thread(target=serve)
        thread.start()
        port = listener.getsockname()[1]
        assert ask(mode, HttpTransport(bind(f"local:m@http://[::1]:{port}/v1", name="t", environ={}))).text == "hello"
        thread.join(5)
    assert f"\r\nhost: [::1]:{port}\r\n".encode() in heads[0]


@pytest.mark.parametrize("mode", MODES)
def test_a_connection_that_comes_after_the_end_is_not_used(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sender is closed while it connects: nothing is sent over what arrives afterwards, and it is closed."""
    asked, released = threading.Event(), threading.Event()
    with Loopback(body(HELLO)) as server:
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port_of(server)))]

        def slow(*args: Any, **options: Any) -> Any:
            asked.set()
            released.wait(5)
            return found

        monkeypatch.setattr(socket, "getaddrinfo", slow)
        sender = sender_to_name()

        def close() -> None:
            asked.wait(5)
            sender.close()
            released.set()

        closer = threading.Thread(target=close)
        closer.start()
        with pytest.raises(ConfigError, match="closed"):
            ask(mode, sender)
        closer.join()
        assert server.requests == []
