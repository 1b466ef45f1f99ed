"""The answer of a mock provider on its way: no socket, and silence that costs no real time where a clock is given."""

from __future__ import annotations

import threading
from typing import Any

from psf_runtime.errors import ProviderError, ProviderTimeout, PsfError, StreamInterrupted
from psf_runtime.flow.clock import SystemClock
from psf_runtime.ports import Clock
from psf_runtime.providers.mock.answer import Script
from psf_runtime.providers.mock.quirk_answer import quirk_error
from psf_runtime.providers.mock.quirks import Quirk
from psf_runtime.providers.mock.replies import Ending, ErrorFault, StallFault
from psf_runtime.types.chunks import Chunk, ReasoningDelta, ToolCallDelta
from psf_runtime.types.messages import Reasoning, Text, ToolCall, ToolResult
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response
from psf_runtime.types.response_head import NO_USAGE, Usage


class MockSource:
    """One scripted answer. Counted in `live` from its making until it is closed."""

    __slots__ = ("_clock", "_live", "_position", "_request", "_script", "_stalls", "_target", "_wake", "closed")

    def __init__(self, script: Script, request: Request, name: str, live: set[MockSource], clock: Clock | None) -> None:
        self._script = script
        self._request = request
        self._target = request.model or name
        self._live = live
        self._clock = clock
        self._stalls = isinstance(script.ending, StallFault)
        self._position = 0
        self._wake: Any = None  # an event, while a read waits in silence
        self.closed = False
        live.add(self)

    @property
    def script(self) -> Script:
        """The answer, as it was written."""
        return self._script

    def read(self, left: float | None) -> list[Chunk] | None:
        """The next deltas, None at the end; raises what the script says."""
        if self._stalls and self._is_silent():
            self._stall(left)
        elif self._script.pause and not self._is_silent():
            (self._clock or SystemClock()).sleep(self._wait(left))
        return self._next()

    async def aread(self, left: float | None) -> list[Chunk] | None:
        """As `read`."""
        if self._stalls and self._is_silent():
            await self._astall(left)
        elif self._script.pause and not self._is_silent():
            await (self._clock or SystemClock()).asleep(self._wait(left))
        return self._next()

    def _wait(self, left: float | None) -> float:
        """Seconds until the next delta comes. What comes after the time that is left does not come at all."""
        pause = self._script.pause
        if left is None or pause < left:
            return pause
        self._script.ending = StallFault("slow")
        self._script.batches = self._script.batches[: self._position]
        return left

    def _next(self) -> list[Chunk] | None:
        if self.closed:
            raise StreamInterrupted("the answer was read after it was closed.", kind="stream_interrupted")
        position = self._position
        script = self._script
        if position < len(script.batches):
            self._position = position + 1
            return script.batches[position]
        if script.ending is None:
            return None
        raise error_of(script.ending, self._target)

    @property
    def is_spent(self) -> bool:
        """Whether every delta was read."""
        return self._position >= len(self._script.batches)

    def _is_silent(self) -> bool:
        return self.is_spent and not self.closed

    def close(self) -> None:
        """Hang up; a read that waits in silence ends."""
        self.closed = True
        self._live.discard(self)
        wake = self._wake
        if wake is not None:
            wake.set()

    async def aclose(self) -> None:
        """As `close`."""
        self.close()

    def head(self) -> Response:
        """Finish reason, usage, and who answered."""
        script = self._script
        target = self._target
        if script.head is not None:
            return script.head.replace(provider=target, model=script.head.model or target.rpartition(":")[2])
        usage = self._usage() if script.usage and script.ending is None else NO_USAGE
        return Response(
            finish=script.finish,
            usage=usage,
            model=target.rpartition(":")[2],
            provider=target,
            raw={"status": 200},
            vectors=script.vectors,
        )

    def _usage(self) -> Usage:
        """An estimate: four characters a token."""
        asked = said = thought = 0
        for message in self._request.messages:
            for part in message.parts:
                asked += len(part.text) if type(part) is Text else _length(part)
        for batch in self._script.batches:
            for chunk in batch:
                if isinstance(chunk, ToolCallDelta):
                    said += len(chunk.arguments) + len(chunk.name)
                    continue
                said += len(chunk.text)
                thought += len(chunk.text) if type(chunk) is ReasoningDelta else 0
        return Usage(-(-asked // 4), -(-said // 4), 0, -(-thought // 4), True)

    def _stall(self, left: float | None) -> None:
        """Wait until the time is over or somebody hangs up."""
        if self._clock is not None:
            self._clock.sleep(left or 0.0)  # an injected clock cannot wait for ever: without a limit it ends at once
            return
        self._wake = threading.Event()
        if not self.closed:
            self._wake.wait(left)

    async def _astall(self, left: float | None) -> None:
        if self._clock is not None:
            await self._clock.asleep(left or 0.0)
            return
        import anyio  # heavy, and only silence needs it

        self._wake = anyio.Event()
        if not self.closed:
            with anyio.move_on_after(left):
                await self._wake.wait()


def error_of(ending: Ending, target: str) -> Exception:
    """The error that ends an answer, made anew each time so that no traceback grows, naming the target that failed."""
    if isinstance(ending, StallFault):
        error: Exception = ProviderTimeout(
            "the provider fell silent in the middle of its answer.",
            kind="timeout",
            status=200,
            change="call again, or add a fallback",
        )
    elif isinstance(ending, ErrorFault):
        error = ending.make()
    elif isinstance(ending, Quirk):
        error = quirk_error(ending)
    else:
        error = ending.fresh() if isinstance(ending, PsfError) else ending
    if isinstance(error, ProviderError) and not error.target:
        error.target = target
    return error


def _length(part: Any) -> int:
    """Characters of a part, as far as it has any."""
    if isinstance(part, ToolResult | Reasoning):
        return len(part.text)
    return len(part.args) + len(part.name) if isinstance(part, ToolCall) else 0
