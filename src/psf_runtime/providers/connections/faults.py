"""What goes wrong underneath a call. The classes bear httpx's names, so that one map tells what each of them means."""

from __future__ import annotations


class TransportError(Exception):
    """Base of all. The text is plain words of ours; nothing that came over the wire is in it."""


class TimeoutException(TransportError):
    """A phase, or the whole call, took longer than it may."""


class ConnectTimeout(TimeoutException):
    """No connection in time; nothing was sent."""


class PoolTimeout(TimeoutException):
    """All connections were in use for too long; nothing was sent."""


class WriteTimeout(TimeoutException):
    """The server took the request too slowly."""


class ReadTimeout(TimeoutException):
    """The server was silent for too long."""


class ConnectError(TransportError):
    """No connection; nothing was sent."""


class CertificateError(ConnectError):
    """The server's certificate, or its TLS, is not acceptable; nothing was sent."""


class ProxyError(ConnectError):
    """The proxy made no way to the server; nothing was sent."""


class WriteError(TransportError):
    """The connection ended while the request was being sent."""


class ReadError(TransportError):
    """The connection ended, or was reset, while the answer was awaited or read."""


class RemoteProtocolError(TransportError):
    """What the server sent is not HTTP/1.1, or ended too early."""
