"""Makes a connection: names, addresses one after the other, the proxy's tunnel, TLS."""

from __future__ import annotations

import contextlib
import errno
import socket
import ssl
from typing import Any

from psf_runtime.providers.connections.effects import READ, WRITE, Clock, Flow, Resolve, wait
from psf_runtime.providers.connections.exchange import exchange
from psf_runtime.providers.connections.faults import (
    CertificateError,
    ConnectError,
    ConnectTimeout,
    ProxyError,
    TimeoutException,
    TransportError,
)
from psf_runtime.providers.connections.framing import AnswerReader
from psf_runtime.providers.connections.line import Line
from psf_runtime.providers.connections.route import Proxy, Route

_UNDER_WAY = (0, errno.EINPROGRESS, errno.EWOULDBLOCK, getattr(errno, "WSAEWOULDBLOCK", 0))
_SILENT_AFTER = 60  # seconds after which the system asks whether the other side is still there


def dial(route: Route, tls: ssl.SSLContext | None, clock: Clock) -> Flow[Line]:
    """A new line to the route's server. `tls` is needed for a secure route.

    Raises ConnectError and ConnectTimeout: nothing of the request was sent.
    """
    until = clock.until(clock.connect)
    near = (route.host, route.port) if route.proxy is None else (route.proxy.host, route.proxy.port)
    connected = yield from _connect(near[0], near[1], until)
    try:
        if route.secure and route.proxy is not None:
            yield from _tunnel(connected, route, route.proxy, until)
        if tls is not None:
            connected = yield from _secure(connected, tls, route.host, until)
        line = Line(connected)
    except BaseException:
        connected.close()
        raise
    return line


def _connect(host: str, port: int, until: float) -> Flow[socket.socket]:
    addresses = yield Resolve(host, port, until)
    if addresses is None:
        raise ConnectTimeout("the name was not found in time")
    fault: TransportError = ConnectError("the name has no address")
    for number, (family, kind, protocol, _, address) in enumerate(addresses):
        try:
            connected = socket.socket(family, kind, protocol)
        except OSError:  # a family that this system does not have, or no descriptor is left
            fault = ConnectError("no socket could be made")
            continue
        try:
            yield from _reach(connected, address, _share(until, len(addresses) - number))
        except TransportError as error:
            connected.close()
            fault = error
            continue
        except BaseException:
            connected.close()
            raise
        return connected
    try:
        raise fault
    finally:
        del fault  # its traceback holds this frame: a circle that only the garbage collector could free


def _share(until: float, attempts: int) -> float:
    """One address that swallows everything must not take the time of the next."""
    now = Clock().until(0.0)
    return until if attempts == 1 else now + (until - now) / attempts


def _reach(connected: socket.socket, address: Any, until: float) -> Flow[None]:
    connected.setblocking(False)
    code = connected.connect_ex(address)
    if code not in _UNDER_WAY:
        raise ConnectError("nobody accepts connections there")
    if code != 0:
        yield from wait(connected, WRITE, until, ConnectTimeout)
        if connected.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise ConnectError("nobody accepts connections there")
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_KEEPIDLE"):
        with contextlib.suppress(OSError):
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _SILENT_AFTER)


def _tunnel(connected: socket.socket, route: Route, proxy: Proxy, until: float) -> Flow[None]:
    """Ask the proxy for a way to the server. It sees the name and the port, nothing else."""
    host = f"[{route.host}]" if ":" in route.host else route.host
    there = f"{host}:{route.port}"
    head = f"CONNECT {there} HTTP/1.1\r\nhost: {there}\r\n{proxy.line}\r\n".encode("ascii")
    reader = AnswerReader(bodiless=True)
    try:
        yield from exchange(Line(connected), head, b"", clock=Clock(over=until), reader=reader)
    except TimeoutException:
        raise ConnectTimeout("the proxy did not answer in time") from None
    except TransportError:
        raise ProxyError("the proxy hung up") from None
    if reader.head is None or not 200 <= reader.head.status < 300 or not reader.alone:
        raise ProxyError("the proxy refused")


def _secure(connected: socket.socket, tls: ssl.SSLContext, host: str, until: float) -> Flow[socket.socket]:
    try:
        secured = tls.wrap_socket(
            connected, server_hostname=host, do_handshake_on_connect=False, suppress_ragged_eofs=False
        )
    except (OSError, ValueError):
        raise ConnectError("TLS could not begin") from None
    done = False
    try:
        while True:
            try:
                secured.do_handshake()
                break
            except ssl.SSLWantReadError:
                needs = READ
            except ssl.SSLWantWriteError:
                needs = WRITE
            except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
                raise ConnectError("the connection ended while TLS began") from None
            except ssl.SSLError:  # also a certificate that is not trusted, or of another host
                raise CertificateError("TLS was refused") from None
            except OSError:
                raise ConnectError("the connection ended while TLS began") from None
            yield from wait(secured, needs, until, ConnectTimeout)
        done = True
        return secured
    finally:
        if not done:
            secured.close()
