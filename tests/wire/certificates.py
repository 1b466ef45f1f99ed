"""A certificate authority of the tests, and a server that speaks TLS with what it issued."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
from pathlib import Path
from types import TracebackType

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.wire.wire_loopback import Loopback

_FROM = datetime.datetime(2020, 1, 1)
_TO = datetime.datetime(2090, 1, 1)
_SIGNS = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


class Authority:
    """Issues certificates; its own is in `file`, and in a folder of the kind that SSL_CERT_DIR names."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of the tests")])
        builder = _builder(self._name, self._name, self._key, signer=self._key)
        builder = builder.add_extension(x509.BasicConstraints(True, None), True).add_extension(_SIGNS, True)
        self._certificate = builder.sign(self._key, hashes.SHA256())
        self.file = folder / "authority.pem"
        self.file.write_bytes(self._certificate.public_bytes(serialization.Encoding.PEM))

    def issue(self, *names: str, expired: bool = False, own: bool = False) -> ssl.SSLContext:
        """Settings of a server for these names. `own`: signed by itself."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")])
        signer = key if own else self._key
        builder = _builder(subject, subject if own else self._name, key, signer=signer, expired=expired)
        builder = builder.add_extension(x509.SubjectAlternativeName([_alternative(name) for name in names]), False)
        certificate = builder.sign(signer, hashes.SHA256())
        file = self._folder / f"server-{certificate.serial_number}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + private)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    *,
    signer: ec.EllipticCurvePrivateKey,
    expired: bool = False,
) -> x509.CertificateBuilder:
    """What all of them have; newer Pythons insist on the key identifiers."""
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_FROM)
        .not_valid_after(_FROM + datetime.timedelta(days=1) if expired else _TO)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False)
    )


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


class TlsFront:
    """Takes TLS connections on loopback, and hands their bytes to a plain server behind it."""

    def __init__(self, context: ssl.SSLContext, server: Loopback) -> None:
        self._context = context
        self._behind = int(server.url.split(":")[2].split("/")[0])
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._stopped = False
        self.connections = 0
        self.names: list[str | None] = []  # what clients asked for (SNI)
        context.sni_callback = lambda _, name, __: self.names.append(name)

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def __enter__(self) -> TlsFront:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped = True
        for line in (self._listener, *self._sockets):
            try:
                socket.socket.shutdown(line, socket.SHUT_RDWR)
            except OSError:
                continue
        for thread in list(self._threads):
            thread.join(5)
        for line in (self._listener, *self._sockets):
            line.close()

    def _start(self, target: object, *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopped:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._start(self._serve, plain)

    def _serve(self, plain: socket.socket) -> None:
        self._sockets.append(plain)
        try:
            near = self._context.wrap_socket(plain, server_side=True)
        except (OSError, ValueError):
            plain.close()
            return
        self._sockets.append(near)
        far = socket.create_connection(("127.0.0.1", self._behind))
        self._sockets.append(far)
        self._start(_pump, far, near)
        _pump(near, far)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65_536):
            sink.sendall(data)
    except (OSError, ValueError):
        pass
    try:
        socket.socket.shutdown(sink, socket.SHUT_WR)
    except OSError:
        return
