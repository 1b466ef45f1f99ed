"""Waiting for a socket in an event loop."""

from __future__ import annotations

import time
import weakref
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from psf_runtime.providers.connections.effects import FOREVER, READ, WRITE, Wait

if TYPE_CHECKING:
    from anyio import CancelScope


Waiter = Callable[[Wait], Awaitable[bool]]


def waiter_of_this_loop() -> Waiter:
    """The quickest way to wait in the running event loop: asyncio's own readers, or what anyio has for every loop."""
    from anyio.lowlevel import current_token

    token = current_token()
    loop: Any = getattr(token, "native_token", token)
    # trio has no readers, and the loop of Windows that has none inherits a method that only says so.
    own = getattr(type(loop), "add_reader", None)
    if own is None or getattr(own, "__module__", "") == "asyncio.events":
        return wait_anywhere
    return AsyncioWaiter(loop)


class AsyncioWaiter:
    """Waits on asyncio with a selector, and on uvloop. Calling it says whether the socket became ready in time."""

    __slots__ = ("_loop",)

    def __init__(self, loop: Any) -> None:
        # Weak: what belongs to a loop must not keep it alive, or every loop that ends unclosed stays for ever.
        self._loop = weakref.ref(loop)

    async def __call__(self, effect: Wait) -> bool:
        """Wait for the socket; a cancellation leaves nothing behind in the loop."""
        loop = self._loop()
        if loop is None:
            return False
        future = loop.create_future()
        number = effect.line.fileno()
        directions = effect.directions
        timer = None
        if effect.until != FOREVER:
            timer = loop.call_later(effect.until - time.monotonic(), _settle, future, False)
        try:
            if directions & READ:
                loop.add_reader(number, _settle, future, True)
            if directions & WRITE:
                loop.add_writer(number, _settle, future, True)
            ready: bool = await future
            return ready
        finally:
            if directions & READ:
                loop.remove_reader(number)
            if directions & WRITE:
                loop.remove_writer(number)
            if timer is not None:
                timer.cancel()


def _settle(future: Any, ready: bool) -> None:
    if not future.done():
        future.set_result(ready)


async def wait_anywhere(effect: Wait) -> bool:
    """Whether the socket became ready in time; on every event loop that anyio knows."""
    import anyio

    with move_on_at(effect.until):
        if effect.directions == READ:
            await anyio.wait_readable(effect.line)
        elif effect.directions == WRITE:
            await anyio.wait_writable(effect.line)
        else:
            await _wait_for_either(effect.line)
        return True
    return False


async def _wait_for_either(line: Any) -> None:
    import anyio

    async def one(wait: Callable[[Any], Awaitable[None]]) -> None:
        await wait(line)
        group.cancel_scope.cancel()

    async with anyio.create_task_group() as group:
        group.start_soon(one, anyio.wait_readable)
        group.start_soon(one, anyio.wait_writable)


def move_on_at(until: float) -> CancelScope:
    """A scope that ends at `until` (monotonic seconds)."""
    import anyio

    return anyio.move_on_after(None if until == FOREVER else max(until - time.monotonic(), 0.0))
