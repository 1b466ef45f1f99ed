"""TLS: who is trusted, and who is not."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from psf_runtime.errors import ConfigError, ProviderError, ProviderTimeout
from psf_runtime.providers.connections.trust import tls_context
from psf_runtime.providers.http import HttpTransport
from psf_runtime.providers.intake import HttpLimits
from psf_runtime.providers.targets import bind
from psf_runtime.types.target import Target
from tests.wire.certificates import Authority, TlsFront
from tests.wire.fault_proxy import Fault, FaultProxy
from tests.wire.sender_calls import BIG, MODES, REQUEST, ask
from tests.wire.wire_loopback import DONE, HELLO, Loopback, body, delta, events


@pytest.fixture(name="authority", scope="module")
def _authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def sender_to(port: int, host: str = "localhost", *, connect: float = 5.0) -> HttpTransport:
    target = bind(Target(f"local:m@https://{host}:{port}/v1", api_key="k"), name="t", environ={})
    return HttpTransport(target, limits=HttpLimits(connect=connect))


@pytest.mark.parametrize("mode", MODES)
def test_a_trusted_server_is_spoken_to(mode: str, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """SSL_CERT_FILE names the authority: the calls go through, over one connection, small and big."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    streamed = events(delta("hel"), delta("lo"), delta(finish="stop"), DONE)
    with (
        Loopback(body(HELLO), streamed, body(HELLO)) as server,
        TlsFront(authority.issue("localhost"), server) as front,
    ):
        answers = ask(mode, sender_to(front.port), REQUEST, BIG, REQUEST)
        assert (front.connections, front.names) == (1, ["localhost"])
        assert len(server.requests[1]) > 8_000_000
    assert [answer.text for answer in answers] == ["hello"] * 3


@pytest.mark.parametrize("mode", MODES)
def test_an_address_can_be_certified(mode: str, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate for an IP address is good for that address."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    with Loopback(body(HELLO)) as server, TlsFront(authority.issue("127.0.0.1"), server) as front:
        assert ask(mode, sender_to(front.port, "127.0.0.1")).text == "hello"


BAD = {
    "self-signed": {"names": ("localhost",), "own": True},
    "another host": {"names": ("other.example",), "own": False},
    "expired": {"names": ("localhost",), "own": False, "expired": True},
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", sorted(BAD))
def test_a_bad_certificate_ends_the_call(
    mode: str, name: str, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Self-signed, for another host, or expired: nothing is sent."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    settings = dict(BAD[name])
    context = authority.issue(*settings.pop("names"), **settings)  # type: ignore[misc, arg-type]
    with Loopback(body(HELLO)) as server, TlsFront(context, server) as front:
        with pytest.raises(ProviderError) as caught:
            ask(mode, sender_to(front.port))
        assert server.requests == []
    assert (caught.value.kind, caught.value.why) == ("connection", "CertificateError")


@pytest.mark.parametrize("mode", MODES)
def test_only_known_authorities_are_trusted(mode: str, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a word from the environment, an authority of one's own is not trusted."""
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    with Loopback(body(HELLO)) as server, TlsFront(authority.issue("localhost"), server) as front:
        with pytest.raises(ProviderError) as caught:
            ask(mode, sender_to(front.port))
        assert server.requests == []
    assert caught.value.why == "CertificateError"


def test_a_folder_of_authorities_works(authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SSL_CERT_DIR names a folder whose files bear the hashes of their subjects."""
    command = ["openssl", "x509", "-hash", "-noout", "-in", str(authority.file)]
    name = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    shutil.copy(authority.file, tmp_path / f"{name}.0")
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    with Loopback(body(HELLO)) as server, TlsFront(authority.issue("localhost"), server) as front:
        assert ask("blocking", sender_to(front.port)).text == "hello"


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_a_wrong_setting_is_said(variable: str, tmp_path: Path) -> None:
    """A variable that names what is not there is a ConfigError, not a call without trust."""
    with pytest.raises(ConfigError, match="certificates"):
        tls_context({variable: str(tmp_path / "nothing")})


def test_verification_is_on() -> None:
    """Certificate and host name are verified, and nothing older than TLS 1.2 is spoken."""
    context = tls_context({})
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname is True
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("mode", MODES)
def test_a_server_without_tls_is_a_connection_error(mode: str) -> None:
    """Something else answers on the port: nothing is sent."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def plain() -> None:
            line, _ = listener.accept()
            line.recv(1_000)
            line.sendall(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
            line.close()

        thread = threading.Thread(target=plain)
        thread.start()
        with pytest.raises(ProviderError) as caught:
            ask(mode, sender_to(listener.getsockname()[1]))
        thread.join(5)
    assert (caught.value.kind, caught.value.retry_safe) == ("connection", True)


@pytest.mark.parametrize("mode", MODES)
def test_a_handshake_has_a_time_limit(mode: str, authority: Authority) -> None:
    """A server that takes the connection and then says nothing: ConnectTimeout."""
    with (
        Loopback(body(HELLO)) as server,
        TlsFront(authority.issue("localhost"), server) as front,
        FaultProxy(front.port, Fault(blackhole=True)) as proxy,
        pytest.raises(ProviderTimeout) as caught,
    ):
        ask(mode, sender_to(proxy.port, connect=0.2))
    assert (caught.value.why, caught.value.retry_safe) == ("ConnectTimeout", True)


@pytest.mark.parametrize("mode", MODES)
def test_tls_in_small_packets(mode: str, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """Records that arrive in pieces are put together, and the stream's text is whole."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    streamed = events(*[delta(f"{number} ") for number in range(20)], delta(finish="stop"), DONE)
    with (
        Loopback(streamed) as server,
        TlsFront(authority.issue("localhost"), server) as front,
        FaultProxy(front.port, Fault(piece=50)) as proxy,
    ):
        answer = ask(mode, sender_to(proxy.port), stream=True)
    assert answer.text == "".join(f"{number} " for number in range(20))


@pytest.mark.parametrize("mode", MODES)
def test_a_cut_under_tls_is_no_end(mode: str, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer that ends with its connection must end with TLS's own farewell: anybody can cut a cable."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))

    def unframed(line: object) -> bool:
        line.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n" + delta("hel"))  # type: ignore[attr-defined]
        return False

    with (
        Loopback(unframed) as server,
        TlsFront(authority.issue("localhost"), server) as front,
        pytest.raises(ProviderError) as caught,
    ):
        ask(mode, sender_to(front.port), stream=True)
    assert caught.value.kind == "stream_interrupted"


def test_nothing_heavy_is_loaded() -> None:
    """A call over connections of our own loads neither httpx nor h11."""
    with Loopback(body(HELLO)) as server:
        code = (
            "import sys; from tests.wire.sender_calls import ask, sender_to;"
            f"ask('blocking', sender_to({server.url.split(':')[2].split('/')[0]}));"
            "print([name for name in ('httpx', 'httpcore', 'h11', 'certifi') if name in sys.modules])"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
