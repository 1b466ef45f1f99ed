"""Sends through a client that the application made: httpx or httpx2, used as it is.

Its own headers, cookies, credentials and redirect settings are not used: what leaves is what the codec wrote.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from psf_runtime.errors import ConfigError
from psf_runtime.providers.base import Outgoing
from psf_runtime.providers.connections.effects import Clock
from psf_runtime.providers.httpmodule import Failures


class InjectedSender:
    """One injected client, blocking or async.

    Args:
        client: of httpx or httpx2; never closed here.
        failures: what its module's exceptions mean.
    """

    def __init__(self, client: Any, failures: Failures) -> None:
        self._client = client
        self._failures = failures

    def send(self, outgoing: Outgoing, clock: Clock) -> Any:
        """Send, and wait for the head of the answer. Raises what the module raises."""
        again = False
        while True:
            trace = _Trace()
            sending = self._request(outgoing, clock, trace.note)
            try:
                return self._client.send(sending, stream=True, auth=None, follow_redirects=False)
            except Exception as error:
                if again or not (trace.reused and self._failures.is_dead_connection(error)):
                    raise
            again = True  # a kept connection that the server had closed already: once more, at once

    async def asend(self, outgoing: Outgoing, clock: Clock) -> Any:
        """As `send`, for async callers."""
        again = False
        while True:
            trace = _Trace()
            sending = self._request(outgoing, clock, trace.anote)
            try:
                return await self._client.send(sending, stream=True, auth=None, follow_redirects=False)
            except Exception as error:
                if again or not (trace.reused and self._failures.is_dead_connection(error)):
                    raise
            again = True  # a kept connection that the server had closed already: once more, at once

    def _request(self, outgoing: Outgoing, clock: Clock, trace: Callable[..., Any]) -> Any:
        """The request object, made from the bytes alone: nothing of the client's defaults is merged into it."""
        sending = self._failures.module.Request(
            outgoing.method,
            outgoing.url,
            headers=list(outgoing.headers),
            content=outgoing.body,
            extensions={"timeout": clock.seconds(), "trace": trace},
        )
        if str(sending.url) != outgoing.url:
            raise ConfigError(
                f"{self._failures.target}: the base URL is not written in its plain form",
                why="the address that would be called differs from the declared one",
                change="write the host in lower case, and the path without escapes",
            )
        return sending


class _Trace:
    """Whether a request went out on a connection that was open already."""

    def __init__(self) -> None:
        self._connected = False
        self._sent = False

    @property
    def reused(self) -> bool:
        return self._sent and not self._connected

    def note(self, event: str, info: Any) -> None:
        if event.endswith("connect_tcp.started"):
            self._connected = True
        elif event.endswith("send_request_headers.started"):
            self._sent = True

    async def anote(self, event: str, info: Any) -> None:
        self.note(event, info)
