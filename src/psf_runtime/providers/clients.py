"""The senders of one transport: an injected client, or connections of our own, closed with the transport."""

from __future__ import annotations

import os
import ssl
import threading
import weakref
from typing import Any

from psf_runtime.errors import ConfigError
from psf_runtime.providers.connections import faults
from psf_runtime.providers.connections.asynchronous import AsyncSender
from psf_runtime.providers.connections.blocking import BlockingSender
from psf_runtime.providers.connections.route import Route, route_to
from psf_runtime.providers.connections.trust import tls_context
from psf_runtime.providers.httpmodule import Failures, module_of
from psf_runtime.providers.injected import InjectedSender
from psf_runtime.providers.targets import BoundTarget


class Clients:
    """One blocking sender, and one async sender per event loop.

    Args:
        client: injected; it serves one of the two kinds of calls and is never closed here.
        target: where everything goes. Proxies and certificates of the environment are not used for this machine.
    """

    def __init__(self, client: Any, target: BoundTarget) -> None:
        module = faults if client is None else module_of(client)
        self.injected = client is not None
        self._client = client
        self._target = target
        self._failures = Failures(module, target.name)
        self._lock = threading.Lock()
        self._route: Route | None = None
        self._tls: ssl.SSLContext | None = None
        self._blocking: BlockingSender | None = None
        self._per_loop: Any = None
        self._asynchronous: weakref.WeakSet[AsyncSender] = weakref.WeakSet()
        self._closed = False
        if client is not None and not isinstance(client, (module.Client, module.AsyncClient)):
            raise ConfigError(
                "this HTTP client cannot be used",
                why=f"it is a {type(client).__name__}",
                change="give httpx.Client() to Client, httpx.AsyncClient() to AsyncClient",
            )

    def blocking(self) -> tuple[Any, Failures]:
        """The sender for blocking calls, and what its exceptions mean. Raises ConfigError when it is closed."""
        sender: Any = self._blocking
        if sender is None:
            sender = self._given("Client") if self.injected else self._make_blocking()
        return sender, self._failures

    def asynchronous(self) -> tuple[Any, Failures]:
        """The sender for async calls in the running event loop, and what its exceptions mean.

        Raises ConfigError as `blocking`.
        """
        if self.injected:
            return self._given("AsyncClient"), self._failures
        sender = None if self._per_loop is None else self._per_loop.get(None)
        return self._make_asynchronous() if sender is None else sender, self._failures

    def close(self) -> None:
        """Close the connections made here. Calls that are going on fail at once."""
        with self._lock:
            self._closed = True
            senders = [sender for sender in (self._blocking, *self._asynchronous) if sender is not None]
        for sender in senders:
            sender.close()

    async def aclose(self) -> None:
        """As `close`; calls of this event loop that wait for a connection fail at once, too."""
        self.close()
        sender = None if self._per_loop is None else self._per_loop.get(None)
        if sender is not None:
            await sender.aclose()

    def _given(self, kind: str) -> InjectedSender:
        module = self._failures.module
        if self._closed:
            raise _closed()
        if not isinstance(self._client, getattr(module, kind)):
            raise ConfigError(
                f"the injected HTTP client is no {kind}",
                why="blocking calls need a blocking client, async calls an async one",
                change=f"give {module.__name__}.{kind}()",
            )
        return InjectedSender(self._client, self._failures)

    def _make_blocking(self) -> BlockingSender:
        with self._lock:
            if self._closed:
                raise _closed()
            if self._blocking is None:
                self._blocking = BlockingSender(self._way(), tls=self._context)
            return self._blocking

    def _make_asynchronous(self) -> AsyncSender:
        from anyio.lowlevel import RunVar

        with self._lock:
            if self._closed:
                raise _closed()
            if self._per_loop is None:
                self._per_loop = RunVar("psf_runtime_sender")
            sender = AsyncSender(self._way(), tls=self._context)
            self._per_loop.set(sender)
            self._asynchronous.add(sender)
            return sender

    def _way(self) -> Route:
        """With the lock held. Proxies are read once, at the first call."""
        if self._route is None:
            self._route = route_to(self._target.origin, None if self._target.loopback else os.environ)
        return self._route

    def _context(self) -> ssl.SSLContext | None:
        """The TLS settings, made once for all connections; they hold no connection."""
        if self._route is None or not self._route.secure:
            return None
        with self._lock:
            if self._tls is None:
                self._tls = tls_context(os.environ)
            return self._tls


def _closed() -> ConfigError:
    return ConfigError(
        "the client is closed",
        why="a call came after close()",
        change="make the client anew, or close it later",
    )
