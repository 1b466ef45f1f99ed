"""Proxies that the environment names: through a tunnel for https, in absolute form for http, never for this machine."""

from __future__ import annotations

import base64
import contextlib
import socket
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from psf_runtime.errors import ConfigError, ProviderError, ProviderTimeout
from psf_runtime.providers.connections.route import Proxy, route_to
from psf_runtime.providers.http import HttpTransport
from psf_runtime.providers.intake import HttpLimits
from psf_runtime.providers.targets import bind
from psf_runtime.types.target import Target
from tests.wire.certificates import Authority, TlsFront
from tests.wire.fault_proxy import Fault, FaultProxy
from tests.wire.sender_calls import MODES, REQUEST, ask
from tests.wire.wire_loopback import HELLO, Loopback, body

pytestmark = pytest.mark.psf(network=True)  # names of other machines stand here; none is reached

VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*VARIABLES, "request_method"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def sender_to(url: str, *, connect: float = 5.0) -> HttpTransport:
    target = bind(Target(f"local:m@{url}", api_key="k", boundary="own"), name="t", environ={})
    return HttpTransport(target, limits=HttpLimits(connect=connect))


class Tunnel:
    """A proxy that understands CONNECT, and leads every name to one port of this machine."""

    def __init__(self, port: int, answer: bytes = b"HTTP/1.1 200 Connection established\r\n\r\n") -> None:
        self._port = port
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.heads: list[bytes] = []

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def __enter__(self) -> Tunnel:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        for line in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        for thread in list(self._threads):
            thread.join(5)
        for line in (self._listener, *self._sockets):
            line.close()

    def _start(self, target: object, *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                self._sockets.append(near)
                self._start(self._serve, near)

    def _serve(self, near: socket.socket) -> None:
        with contextlib.suppress(OSError):
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += near.recv(1)
            self.heads.append(head)
            near.sendall(self._answer)
            if b" 200 " not in self._answer:
                near.shutdown(socket.SHUT_RDWR)
                return
            far = socket.create_connection(("127.0.0.1", self._port))
            self._sockets.append(far)
            self._start(self._pump, far, near)
            self._pump(near, far)

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def secure_server(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Loopback, TlsFront]]:
    """A server for models.test, whose authority is trusted."""
    authority = Authority(folder)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    with Loopback(body(HELLO)) as server, TlsFront(authority.issue("models.test"), server) as front:
        yield server, front


@pytest.mark.parametrize("mode", MODES)
def test_https_goes_through_a_tunnel(mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy sees the name, the port and its own credentials; the server's certificate is verified end to end."""
    with secure_server(tmp_path, monkeypatch) as (server, front), Tunnel(front.port) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:p%40ss@127.0.0.1:{proxy.port}")
        answers = ask(mode, sender_to("https://models.test/v1"), REQUEST, REQUEST)
        assert [answer.text for answer in answers] == ["hello", "hello"]
        assert front.names == ["models.test"]
    secret = base64.b64encode(b"user:p@ss")
    assert proxy.heads == [
        b"CONNECT models.test:443 HTTP/1.1\r\nhost: models.test:443\r\nproxy-authorization: Basic "
        + secret
        + b"\r\n\r\n"
    ]
    assert all(b"proxy-authorization" not in request.lower() for request in server.requests)


@pytest.mark.parametrize("mode", MODES)
def test_http_goes_in_absolute_form(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plain call names the whole address in its request line, and carries the proxy's credentials."""
    with Loopback(body(HELLO)) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.replace("http://", "http://user:pass@").removesuffix("/v1"))
        assert ask(mode, sender_to("http://10.1.2.3:8000/v1")).text == "hello"
    head = proxy.requests[0].split(b"\r\n\r\n")[0].split(b"\r\n")
    assert head[0] == b"POST http://10.1.2.3:8000/v1/chat/completions HTTP/1.1"
    assert head[1] == b"host: 10.1.2.3:8000"
    assert b"proxy-authorization: Basic " + base64.b64encode(b"user:pass") in head


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 502 Bad Gateway\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    ],
    ids=["407", "502", "no HTTP", "bytes before the server spoke"],
)
def test_a_proxy_that_refuses_is_a_connection_error(
    mode: str, answer: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No tunnel, so nothing was sent; what the proxy said is not the server's answer."""
    with secure_server(tmp_path, monkeypatch) as (server, front), Tunnel(front.port, answer) as proxy:
        monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(ProviderError) as caught:
            ask(mode, sender_to("https://models.test/v1"))
        assert server.requests == []
    assert (caught.value.kind, caught.value.retry_safe, caught.value.why) == ("connection", True, "ProxyError")


@pytest.mark.parametrize("mode", MODES)
def test_a_silent_proxy_is_a_time_out(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tunnel is part of connecting, and has its time limit."""
    with Tunnel(1) as tunnel, FaultProxy(tunnel.port, Fault(blackhole=True)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(ProviderTimeout) as caught:
            ask(mode, sender_to("https://models.test/v1", connect=0.2))
    assert (caught.value.why, caught.value.retry_safe) == ("ConnectTimeout", True)


@pytest.mark.parametrize("mode", MODES)
def test_this_machine_is_never_behind_a_proxy(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the environment says, a call to loopback stays on it."""
    for name in VARIABLES[:3]:
        monkeypatch.setenv(name, "http://127.0.0.1:1")
        monkeypatch.setenv(name.upper(), "socks5://127.0.0.1:1")
    with Loopback(body(HELLO)) as server:
        assert ask(mode, sender_to(server.url)).text == "hello"


@pytest.mark.parametrize("url", ["socks5://127.0.0.1:1", "socks5h://u:CANARY@h:1", "https://h:1", "ftp://h", "http://"])
def test_other_proxies_are_refused_in_words(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of a kind that is not spoken is a ConfigError that names the way out, not a direct connection."""
    monkeypatch.setenv("HTTPS_PROXY", url)
    with pytest.raises(ConfigError, match="http_client=") as caught:
        ask("blocking", sender_to("https://models.test/v1"))
    assert "CANARY" not in str(caught.value)


ROUTES: list[tuple[str, Mapping[str, str], bool]] = [
    ("https://a.example", {}, False),
    ("https://a.example", {"https_proxy": "http://p:1"}, True),
    ("https://a.example", {"HTTPS_PROXY": "p:1"}, True),
    ("https://a.example", {"http_proxy": "http://p:1"}, False),
    ("https://a.example", {"all_proxy": "http://p:1"}, True),
    ("https://a.example", {"https_proxy": "", "HTTPS_PROXY": "http://p:1"}, False),
    ("https://a.example", {"https_proxy": "http://p:1", "no_proxy": "*"}, False),
    ("https://a.example", {"https_proxy": "http://p:1", "no_proxy": "b.example, example"}, False),
    ("https://a.example", {"https_proxy": "http://p:1", "NO_PROXY": ".A.example"}, False),
    ("https://a.example", {"https_proxy": "http://p:1", "no_proxy": "ample"}, True),
    ("https://a.example", {"https_proxy": "http://p:1", "no_proxy": "a.example:8443"}, True),
    ("https://a.example:8443", {"https_proxy": "http://p:1", "no_proxy": "a.example:8443"}, False),
    ("https://10.1.2.3", {"https_proxy": "http://p:1", "no_proxy": "10.1.2.3"}, False),
    ("https://[2001:db8::1]", {"https_proxy": "http://p:1", "no_proxy": "2001:db8::1"}, False),
    ("https://[2001:db8::1]:8443", {"https_proxy": "http://p:1", "no_proxy": "[2001:db8::1]:8443"}, False),
    ("http://10.1.2.3", {"HTTP_PROXY": "http://p:1"}, True),
    ("http://10.1.2.3", {"HTTP_PROXY": "http://p:1", "REQUEST_METHOD": "GET"}, False),
]


@pytest.mark.parametrize(("origin", "environ", "through"), ROUTES)
def test_the_environment_says_who_goes_through(origin: str, environ: Mapping[str, str], through: bool) -> None:
    """Names, endings of names, addresses and ports in NO_PROXY; lower case first; none from a CGI header."""
    assert (route_to(origin, environ).proxy is not None) is through


def test_credentials_are_not_shown() -> None:
    """The proxy's user name and password are in no repr."""
    route = route_to("https://a.example", {"https_proxy": "http://user:CANARY@p:1"})
    assert route.proxy == Proxy("p", 1, f"Basic {base64.b64encode(b'user:CANARY').decode()}")
    assert "CANARY" not in repr(route)
    assert "Basic" not in repr(route)
