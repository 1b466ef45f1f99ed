"""Sends from async code, on asyncio and trio."""

from __future__ import annotations

import socket
import ssl
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from psf_runtime.providers.base import Outgoing
from psf_runtime.providers.connections.answer import AsyncAnswer
from psf_runtime.providers.connections.call import Call, is_dead
from psf_runtime.providers.connections.dial import dial
from psf_runtime.providers.connections.effects import Clock, Flow, Resolve, T, Wait
from psf_runtime.providers.connections.faults import PoolTimeout, TransportError
from psf_runtime.providers.connections.line import Line
from psf_runtime.providers.connections.route import Route
from psf_runtime.providers.connections.shelf import MOST_LINES, Shelf
from psf_runtime.providers.connections.waiting import move_on_at, waiter_of_this_loop


class AsyncSender:
    """Sends to one origin, from one event loop. Make it inside of that loop.

    Args:
        route: to the origin.
        tls: makes the TLS settings; called once, and only for a secure route.
        most: lines open at one time.
    """

    def __init__(self, route: Route, *, tls: Callable[[], ssl.SSLContext | None], most: int = MOST_LINES) -> None:
        self._route = route
        self._tls = tls
        self._wait = waiter_of_this_loop()
        self._waiting: deque[Any] = deque()  # events of the calls that wait for a place
        self.shelf = Shelf(most)

    async def drive(self, flow: Flow[T]) -> T:
        """Run a flow to its end. A cancellation ends the flow, which closes what it holds."""
        try:
            effect = next(flow)
            while True:
                if type(effect) is Wait:
                    effect = flow.send(await self._wait(effect))
                else:
                    effect = flow.send(await _resolve(effect))  # type: ignore[arg-type]
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            flow.close()

    async def asend(self, outgoing: Outgoing, clock: Clock) -> AsyncAnswer:
        """Send, and wait for the head of the answer. Raises TransportError and ConfigError."""
        call = Call(self._route, outgoing, clock)
        answer = await self._try(call, fresh=False)
        if answer is None:  # a kept line that the server had closed already: once more, at once, on a new one
            call.begin_anew()
            answer = await self._try(call, fresh=True)
        assert answer is not None
        return answer

    async def _try(self, call: Call, *, fresh: bool) -> AsyncAnswer | None:
        line = await self._line(call.clock, fresh)
        done = False
        try:
            complete = await self.drive(call.exchange(line))
            done = True
        except TransportError as fault:
            if fresh or not is_dead(fault, line, call.reader):
                raise
        finally:
            if not done:
                self._give_back(line, False)
        if not done:
            return None
        return call.answer(AsyncAnswer, line, drive=self.drive, give_back=self._give_back, keep=complete)

    def close(self) -> None:
        """Close what is kept; calls that are going on fail at once. From any thread."""
        self.shelf.close()

    async def aclose(self) -> None:
        """As `close`, inside the event loop: calls that wait for a place fail at once, too."""
        self.close()
        while self._waiting:
            self._waiting.popleft().set()

    async def _line(self, clock: Clock, fresh: bool) -> Line:
        self.shelf.renew_after_fork()
        there, line = self.shelf.take(fresh=fresh)
        if not there:
            line = await self._await_place(clock, fresh)
        if line is not None:
            return line
        made: Line | None = None
        try:
            made = await self.drive(dial(self._route, self._tls(), clock))
        finally:
            self.shelf.arrive(made)
            if made is None:
                self._next_please()
        return made

    async def _await_place(self, clock: Clock, fresh: bool) -> Line | None:
        import anyio

        until = clock.until(clock.pool)
        while True:
            event = anyio.Event()
            self._waiting.append(event)
            served = False
            try:
                with move_on_at(until) as scope:
                    await event.wait()
                served = not scope.cancelled_caught
            finally:
                if not served:
                    self._leave(event)
            if not served:
                raise PoolTimeout("all connections are in use")
            there, line = self.shelf.take(fresh=fresh)
            if there:
                return line

    def _leave(self, event: Any) -> None:
        """Somebody gave up waiting; a place that was meant for them is the next one's."""
        if event.is_set():
            self._next_please()
        else:
            self._waiting.remove(event)

    def _give_back(self, line: Line, keep: bool) -> None:
        self.shelf.give_back(line, keep=keep)
        self._next_please()

    def _next_please(self) -> None:
        if self._waiting:
            self._waiting.popleft().set()


async def _resolve(effect: Resolve) -> Any:
    """Addresses of a host; None when time is up. An address needs no looking up."""
    import anyio

    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, effect.host)
        except (OSError, ValueError):
            continue
        return socket.getaddrinfo(effect.host, effect.port, family, socket.SOCK_STREAM, 0, socket.AI_NUMERICHOST)
    if effect.until <= time.monotonic():
        return None
    with move_on_at(effect.until):
        try:
            look_up = partial(socket.getaddrinfo, effect.host, effect.port, type=socket.SOCK_STREAM)
            return await anyio.to_thread.run_sync(look_up, abandon_on_cancel=True)
        except (OSError, UnicodeError):
            return []
    return None
