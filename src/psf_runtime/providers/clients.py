"""The HTTP clients of one transport: injected, or made at the first call and closed with it."""

from __future__ import annotations

import threading
from typing import Any

from psf_runtime.errors import ConfigError
from psf_runtime.providers.httpmodule import default_module, module_of

_KEEPALIVE = 4.0  # seconds; many servers close after 5, and a race for a dying connection is lost by the client
_CONNECTIONS = 256


class Clients:
    """One blocking client, and one async client per event loop.

    Args:
        client: injected; it serves one of the two kinds of calls and is never closed here.
        trust_env: use the proxies of the environment. Never for a host on this machine.
        connect: seconds until a connection stands.
    """

    def __init__(self, client: Any, *, trust_env: bool, connect: float) -> None:
        self._module = self._module_for(client)
        self._injected = client
        self._trust_env = trust_env
        self._connect = connect
        self._lock = threading.Lock()
        self._blocking: Any = None
        self._per_loop: Any = None
        self._closed = False
        if client is not None and not isinstance(client, (self._module.Client, self._module.AsyncClient)):
            raise ConfigError(
                "this HTTP client cannot be used",
                why=f"it is a {type(client).__name__}",
                change="give httpx.Client() to Client, httpx.AsyncClient() to AsyncClient",
            )

    def blocking(self) -> tuple[Any, Any]:
        """The client for blocking calls, and its module. Raises ConfigError when it is closed or of the other kind."""
        if self._injected is not None:
            return self._given("Client"), self._module
        with self._lock:
            self._check_open()
            if self._blocking is None:
                self._blocking = self._make("Client")
            return self._blocking, self._module

    def asynchronous(self) -> tuple[Any, Any]:
        """The client for async calls in the running event loop, and its module. Raises ConfigError as `blocking`."""
        if self._injected is not None:
            return self._given("AsyncClient"), self._module
        from anyio.lowlevel import RunVar

        with self._lock:
            self._check_open()
            if self._per_loop is None:
                self._per_loop = RunVar("psf_runtime_http_client")
        client = self._per_loop.get(None)
        if client is None:
            client = self._make("AsyncClient")
            self._per_loop.set(client)
        return client, self._module

    def close(self) -> None:
        """Close the blocking client made here."""
        with self._lock:
            self._closed = True
            client, self._blocking = self._blocking, None
        if client is not None:
            client.close()

    async def aclose(self) -> None:
        """Close both: the blocking client, and the async client of the running event loop."""
        self.close()
        client = None if self._per_loop is None else self._per_loop.get(None)
        if client is not None:
            self._per_loop.set(None)
            await client.aclose()

    def _module_for(self, client: Any) -> Any:
        return None if client is None else module_of(client)

    def _check_open(self) -> None:
        if self._closed:
            raise ConfigError(
                "the client is closed",
                why="a call came after close()",
                change="make the client anew, or close it later",
            )

    def _given(self, kind: str) -> Any:
        self._check_open()
        if not isinstance(self._injected, getattr(self._module, kind)):
            raise ConfigError(
                f"the injected HTTP client is no {kind}",
                why="blocking calls need a blocking client, async calls an async one",
                change=f"give {self._module.__name__}.{kind}()",
            )
        return self._injected

    def _make(self, kind: str) -> Any:
        if self._module is None:
            self._module = default_module()
        module = self._module
        pool = module.Limits(
            max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS, keepalive_expiry=_KEEPALIVE
        )
        make = getattr(module, kind)
        return make(limits=pool, timeout=self._connect, follow_redirects=False, trust_env=self._trust_env)
