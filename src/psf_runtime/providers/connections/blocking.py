"""Sends from threads."""

from __future__ import annotations

import select
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any

from psf_runtime.providers.base import Outgoing
from psf_runtime.providers.connections.answer import BlockingAnswer
from psf_runtime.providers.connections.call import Call, is_dead
from psf_runtime.providers.connections.dial import dial
from psf_runtime.providers.connections.effects import FOREVER, READ, WRITE, Clock, Flow, Resolve, T, Wait
from psf_runtime.providers.connections.faults import PoolTimeout, TransportError
from psf_runtime.providers.connections.line import Line
from psf_runtime.providers.connections.route import Route
from psf_runtime.providers.connections.shelf import MOST_LINES, Shelf


def drive(flow: Flow[T]) -> T:
    """Run a flow to its end in this thread."""
    try:
        effect = next(flow)
        while True:
            effect = flow.send(_perform(effect))
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        flow.close()


def _perform(effect: Wait | Resolve) -> Any:
    if isinstance(effect, Wait):
        return wait_for(effect.line, effect.directions, effect.until)
    try:
        return socket.getaddrinfo(effect.host, effect.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []


def wait_for(line: socket.socket, directions: int, until: float) -> bool:
    """Whether the socket became ready before `until` (monotonic seconds)."""
    left = None if until == FOREVER else max(until - time.monotonic(), 0.0)
    if not hasattr(select, "poll"):
        reading = [line] if directions & READ else []
        writing = [line] if directions & WRITE else []
        return any(select.select(reading, writing, [], left))
    poller = select.poll()
    poller.register(line, (select.POLLIN if directions & READ else 0) | (select.POLLOUT if directions & WRITE else 0))
    return bool(poller.poll(None if left is None else left * 1000 + 1))


class BlockingSender:
    """Sends to one origin, from any number of threads.

    Args:
        route: to the origin.
        tls: makes the TLS settings; called once, and only for a secure route.
        most: lines open at one time.
    """

    def __init__(self, route: Route, *, tls: Callable[[], ssl.SSLContext | None], most: int = MOST_LINES) -> None:
        self._route = route
        self._tls = tls
        self.shelf = Shelf(most)

    def send(self, outgoing: Outgoing, clock: Clock) -> BlockingAnswer:
        """Send, and wait for the head of the answer. Raises TransportError and ConfigError."""
        call = Call(self._route, outgoing, clock)
        answer = self._try(call, fresh=False)
        if answer is None:  # a kept line that the server had closed already: once more, at once, on a new one
            call.begin_anew()
            answer = self._try(call, fresh=True)
        assert answer is not None
        return answer

    def _try(self, call: Call, *, fresh: bool) -> BlockingAnswer | None:
        line = self._line(call.clock, fresh)
        done = False
        try:
            complete = drive(call.exchange(line))
            done = True
        except TransportError as fault:
            if fresh or not is_dead(fault, line, call.reader):
                raise
        finally:
            if not done:
                self._give_back(line, False)
        if not done:
            return None
        return call.answer(BlockingAnswer, line, drive=drive, give_back=self._give_back, keep=complete)

    def close(self) -> None:
        """Close what is kept; calls that are going on fail at once."""
        self.shelf.close()

    def _line(self, clock: Clock, fresh: bool) -> Line:
        self.shelf.renew_after_fork()
        there, line = self.shelf.wait_and_take(clock.until(clock.pool), fresh=fresh)
        if not there:
            raise PoolTimeout("all connections are in use")
        if line is not None:
            return line
        made: Line | None = None
        try:
            made = drive(dial(self._route, self._tls(), clock))
        finally:
            self.shelf.arrive(made)
        return made

    def _give_back(self, line: Line, keep: bool) -> None:
        self.shelf.give_back(line, keep=keep)
