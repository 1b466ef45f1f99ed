"""Sends requests to one target over HTTP: origin pinned, no redirects, bounded both ways, no content in errors.

What leaves is exactly what the codec wrote. It goes over connections of our own, which keep their speed with hundreds
of calls in flight (docs/decisions/0010), or through an injected client of httpx or httpx2, which is used as it is.
"""

from __future__ import annotations

import os
import time
from typing import Any

from psf_runtime.errors import ProviderError, PsfError
from psf_runtime.providers.base import Outgoing
from psf_runtime.providers.clients import Clients
from psf_runtime.providers.connections.effects import FOREVER, Clock
from psf_runtime.providers.handles import Handles, Seals
from psf_runtime.providers.httpmodule import Failures, too_late
from psf_runtime.providers.intake import HttpLimits, Intake, error_from, judge, raw_bytes
from psf_runtime.providers.network import answers_in_process, refusal, stays_on_loopback
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
        client: an httpx or httpx2 client, blocking or async, never closed here; None sends over connections of our own.
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
        self._clients = Clients(client, target)
        self._require_stamp = require_stamp
        # Read once, like all settings: a target on another machine is then refused before anything is encoded.
        self._kept_in = not (target.loopback or answers_in_process(client)) and stays_on_loopback(os.environ)
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
        try:
            raise problem
        finally:
            del problem  # its traceback holds this frame: a circle that would keep the request until a collection

    async def aopen(self, request: Request, *, stream: bool, left: float | None) -> AsyncSource:
        """As `open`, for async callers."""
        try:
            if left is None or not (self._clients.injected or self.target.credentials.blocking):
                return await self._aopen(request, stream, left)
            return await self._within(request, stream, left)
        except PsfError as caught:
            problem = caught.fresh()
        try:
            raise problem
        finally:
            del problem  # see `open`

    def close(self) -> None:
        """Close the connections made here; calls that are going on fail at once. Further calls are a ConfigError."""
        self._watchdog.close()
        self._clients.close()

    async def aclose(self) -> None:
        """As `close`, inside of the event loop."""
        self._watchdog.close()
        await self._clients.aclose()

    def _open(self, request: Request, stream: bool, left: float | None) -> BlockingSource:
        began = time.monotonic()
        outgoing = self._prepare(request, stream)
        sender, failures = self._clients.blocking()
        response = self._send(sender, outgoing, failures, self._clock(stream, left, began))
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
        try:
            raise problem
        finally:
            del problem  # see `open`

    def _send(self, sender: Any, outgoing: Outgoing, failures: Failures, clock: Clock) -> Any:
        try:
            return sender.send(outgoing, clock)
        except PsfError:
            raise
        except Exception as error:
            problem = failures.before_answer(error)
        try:
            raise problem
        finally:
            del problem  # see `open`

    async def _within(self, request: Request, stream: bool, left: float) -> AsyncSource:
        import anyio

        try:
            with anyio.fail_after(left):
                return await self._aopen(request, stream, left)
        except TimeoutError as error:
            if isinstance(error, PsfError):
                raise
        raise too_late(self.target.name, "the time for the call is over")

    async def _aopen(self, request: Request, stream: bool, left: float | None) -> AsyncSource:
        began = time.monotonic()
        if self.target.credentials.blocking:
            import anyio

            outgoing = await anyio.to_thread.run_sync(self._prepare, request, stream)
        else:
            outgoing = self._prepare(request, stream)
        sender, failures = self._clients.asynchronous()
        response = await self._asend(sender, outgoing, failures, self._clock(stream, left, began))
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
        try:
            raise problem
        finally:
            del problem  # see `open`

    async def _asend(self, sender: Any, outgoing: Outgoing, failures: Failures, clock: Clock) -> Any:
        try:
            return await sender.asend(outgoing, clock)
        except PsfError:
            raise
        except Exception as error:
            problem = failures.before_answer(error)
        try:
            raise problem
        finally:
            del problem  # see `open`

    def _prepare(self, request: Request, stream: bool) -> Outgoing:
        """The exact bytes, looked at for the last time."""
        target = self.target
        if self._kept_in:
            raise refusal(target.name)
        wire = target.codec_for(request).encode(self._handles.resolve(request), stream=stream)
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
            outgoing = Outgoing(outgoing.method, outgoing.url, outgoing.headers + secret, outgoing.body)
        check_outgoing(outgoing, request, target.facts, require_stamp=self._require_stamp)
        return outgoing

    def _clock(self, stream: bool, left: float | None, began: float) -> Clock:
        """Seconds per phase. A whole body may take all the time there is; a stream must show signs of life."""
        limits = self._limits
        return Clock(
            connect=limits.connect,
            read=limits.stall if stream or left is None else left,
            write=limits.stall,
            pool=limits.stall,
            over=FOREVER if left is None else began + left,
        )

    def _intake(self, response: Any, request: Request, stream: bool, began: float) -> Intake:
        return Intake(
            self.target.codec_for(request),
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
