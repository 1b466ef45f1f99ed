"""Sends requests to one target over HTTP: origin pinned, no redirects, bounded both ways, no content in errors.

The client may be injected (httpx or httpx2) or is made at the first call. Its own headers, cookies, credentials and
redirect settings are not used: what leaves is exactly what the codec wrote. Still to come: a sender that keeps its
speed with hundreds of calls in flight, where the stock connection pool slows down.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from psf_runtime.errors import ConfigError, ProviderError, PsfError
from psf_runtime.providers.base import Outgoing
from psf_runtime.providers.clients import Clients
from psf_runtime.providers.handles import Handles, Seals
from psf_runtime.providers.httpmodule import Failures, too_late
from psf_runtime.providers.intake import HttpLimits, Intake, error_from, judge, raw_bytes
from psf_runtime.providers.sources import AsyncSource, BlockingSource
from psf_runtime.providers.targets import BoundTarget
from psf_runtime.providers.tripwire import check_outgoing
from psf_runtime.providers.watchdog import Watchdog
from psf_runtime.types.request import Request

_DEFAULT_LIMITS = HttpLimits()


class HttpTransport:
    """Everything between a request and one target's host.

    Args:
        target: where to.
        client: an httpx or httpx2 client, blocking or async, never closed here; None makes one when needed.
        require_stamp: stop a request that no layer prepared for its recipients (Blocked, FM04).
        limits: how long and how much.
        seals: seals what a vendor signed, so that it can come back to this target; None lets it go.
    """

    def __init__(
        self,
        target: BoundTarget,
        *,
        client: Any = None,
        require_stamp: bool = False,
        limits: HttpLimits = _DEFAULT_LIMITS,
        seals: Seals | None = None,
    ) -> None:
        self.target = target
        self._clients = Clients(client, trust_env=not target.loopback, connect=limits.connect)
        self._require_stamp = require_stamp
        self._limits = limits
        self._handles = Handles(seals, target.name)
        self._watchdog = Watchdog()

    def open(self, request: Request, *, stream: bool, left: float | None) -> BlockingSource:
        """Send, and wait for the head of the answer, at most `left` seconds.

        Raises Blocked (nothing sent), ConfigError (nothing sent), and ProviderError.
        """
        try:
            return self._open(request, stream, left)
        except PsfError as caught:
            problem = caught.fresh()
        raise problem

    async def aopen(self, request: Request, *, stream: bool, left: float | None) -> AsyncSource:
        """As `open`, for async callers."""
        try:
            return await self._within(request, stream, left)
        except PsfError as caught:
            problem = caught.fresh()
        raise problem

    def close(self) -> None:
        """Close the client made here for blocking calls. Further calls are a ConfigError."""
        self._watchdog.close()
        self._clients.close()

    async def aclose(self) -> None:
        """Close the clients made here. Further calls are a ConfigError."""
        self._watchdog.close()
        await self._clients.aclose()

    def _open(self, request: Request, stream: bool, left: float | None) -> BlockingSource:
        outgoing = self._prepare(request, stream)
        client, module = self._clients.blocking()
        failures = Failures(module, self.target.name)
        began = time.monotonic()
        response = self._send(client, outgoing, failures, self._timeouts(stream, left))
        done = False
        try:
            problem = judge(response, outgoing.url, self.target.name, self._limits)
            if problem is None and response.status_code != 200:
                problem = error_from(response, self._error_body(response, began, left), self.target.name)
            if problem is None:
                intake = self._intake(response, request, stream, began)
                source = BlockingSource(response, intake, failures, self.target.name, self._watchdog)
                done = True
                return source
        finally:
            if not done:
                response.close()
        raise problem

    def _send(self, client: Any, outgoing: Outgoing, failures: Failures, timeouts: dict[str, float]) -> Any:
        for again in (False, True):
            trace = _Trace()
            sending = self._request(failures.module, outgoing, timeouts, trace.note)
            try:
                return client.send(sending, stream=True, auth=None, follow_redirects=False)
            except Exception as error:
                retry = not again and trace.reused and failures.is_dead_connection(error)
                problem = failures.before_answer(error)
            if not retry:
                break
        raise problem

    async def _within(self, request: Request, stream: bool, left: float | None) -> AsyncSource:
        if left is None:
            return await self._aopen(request, stream, left)
        import anyio

        try:
            with anyio.fail_after(left):
                return await self._aopen(request, stream, left)
        except TimeoutError as error:
            if isinstance(error, PsfError):
                raise
        raise too_late(self.target.name, "the time for the call is over")

    async def _aopen(self, request: Request, stream: bool, left: float | None) -> AsyncSource:
        if self.target.credentials.blocking:
            import anyio

            outgoing = await anyio.to_thread.run_sync(self._prepare, request, stream)
        else:
            outgoing = self._prepare(request, stream)
        client, module = self._clients.asynchronous()
        failures = Failures(module, self.target.name)
        began = time.monotonic()
        response = await self._asend(client, outgoing, failures, self._timeouts(stream, left))
        source = AsyncSource(response, self._intake(response, request, stream, began), failures, self.target.name)
        done = False
        try:
            problem = judge(response, outgoing.url, self.target.name, self._limits)
            if problem is None and response.status_code != 200:
                problem = error_from(response, await source.beginning(self._limits.error_bytes), self.target.name)
            if problem is None:
                done = True
                return source
        finally:
            if not done:
                await source.aclose()
        raise problem

    async def _asend(self, client: Any, outgoing: Outgoing, failures: Failures, timeouts: dict[str, float]) -> Any:
        for again in (False, True):
            trace = _Trace()
            sending = self._request(failures.module, outgoing, timeouts, trace.anote)
            try:
                return await client.send(sending, stream=True, auth=None, follow_redirects=False)
            except Exception as error:
                retry = not again and trace.reused and failures.is_dead_connection(error)
                problem = failures.before_answer(error)
            if not retry:
                break
        raise problem

    def _prepare(self, request: Request, stream: bool) -> Outgoing:
        """The exact bytes, looked at for the last time."""
        target = self.target
        wire = target.codec.encode(self._handles.resolve(request), stream=stream)
        if len(wire.body) > self._limits.request_bytes:
            raise ProviderError(
                f"{target.name}: the request is too large",
                kind="bad_request",
                target=target.name,
                retry_safe=False,
                why=f"at most {self._limits.request_bytes} bytes are sent; nothing was",
                change="send less",
            )
        outgoing = Outgoing(
            wire.method,
            f"{target.origin}{target.prefix}{wire.path}",
            (*wire.headers, ("accept-encoding", "identity"), ("user-agent", "psf-runtime"), *target.headers),
            wire.body,
        )
        secret = target.credentials.headers(outgoing, time.time())
        if secret:
            outgoing = replace(outgoing, headers=outgoing.headers + secret)
        check_outgoing(outgoing, request, target.facts, require_stamp=self._require_stamp)
        return outgoing

    def _request(self, module: Any, outgoing: Outgoing, timeouts: dict[str, float], trace: Callable[..., Any]) -> Any:
        """The request object, made from the bytes alone: nothing of the client's defaults is merged into it."""
        sending = module.Request(
            outgoing.method,
            outgoing.url,
            headers=list(outgoing.headers),
            content=outgoing.body,
            extensions={"timeout": timeouts, "trace": trace},
        )
        if str(sending.url) != outgoing.url:
            raise ConfigError(
                f"{self.target.name}: the base URL is not written in its plain form",
                why="the address that would be called differs from the declared one",
                change="write the host in lower case, and the path without escapes",
            )
        return sending

    def _timeouts(self, stream: bool, left: float | None) -> dict[str, float]:
        """Seconds per phase. A whole body may take all the time there is; a stream must show signs of life."""
        limits = self._limits
        most = float("inf") if left is None else max(left, 0.001)
        silence = limits.stall if stream or left is None else most
        return {
            "connect": min(limits.connect, most),
            "read": min(silence, most),
            "write": min(limits.stall, most),
            "pool": min(limits.stall, most),
        }

    def _intake(self, response: Any, request: Request, stream: bool, began: float) -> Intake:
        return Intake(
            self.target.codec,
            response,
            stream=stream,
            began=began,
            target=self.target.name,
            limits=self._limits,
            handle=lambda carried: self._handles.make(carried, request.facts),
        )

    def _error_body(self, response: Any, began: float, left: float | None) -> bytes:
        """The beginning of an error's body; a failure while reading it does not hide the error."""
        body = b""
        try:
            for data in raw_bytes(response):
                body += data
                if len(body) >= self._limits.error_bytes or (left is not None and time.monotonic() - began > left):
                    break
        except Exception:
            return body
        return body


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
