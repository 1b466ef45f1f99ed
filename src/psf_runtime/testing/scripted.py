"""A provider made of chunks: what the laws run against. No wire, no text encoding, only pieces, errors and silences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from psf_runtime.errors import ProviderTimeout
from psf_runtime.flow.clock import SystemClock
from psf_runtime.ports import Clock
from psf_runtime.types.chunks import Chunk
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response, accumulate, explode
from psf_runtime.types.response_head import FinishReason, Usage


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing comes for so many seconds."""

    seconds: float


Step = Sequence[Chunk] | Exception | Silence
Script = Callable[[Request], Sequence[Step]]


class ScriptedTransport:
    """Answers every request with the steps that `script` returns for it; remembers requests and open sources.

    Attributes:
        requests: what was asked, in order.
        live: how many sources are open now.
    """

    def __init__(self, script: Script, *, clock: Clock | None = None) -> None:
        self._script = script
        self.clock: Clock = clock or SystemClock()
        self.requests: list[Request] = []
        self.live = 0

    def open(self, request: Request, *, stream: bool, left: float | None) -> ScriptedSource:
        """The answer, whole when it is not streamed."""
        self.requests.append(request)
        steps = list(self._script(request))
        if not stream:
            steps = _joined(steps)
        self.live += 1
        return ScriptedSource(self, steps, request.model)

    async def aopen(self, request: Request, *, stream: bool, left: float | None) -> ScriptedSource:
        """The same."""
        return self.open(request, stream=stream, left=left)


def _joined(steps: list[Step]) -> list[Step]:
    """What a provider does that is not asked to stream: silences and errors first, then everything at once."""
    chunks = [chunk for step in steps if not isinstance(step, Exception | Silence) for chunk in step]
    waits: list[Step] = [step for step in steps if isinstance(step, Exception | Silence)]
    return [*waits, list(explode(accumulate(chunks, Response())))]


class ScriptedSource:
    """One answer of a ScriptedTransport."""

    finish: FinishReason = "stop"
    usage = Usage(3, 4, reported=True)

    def __init__(self, transport: ScriptedTransport, steps: list[Step], model: str) -> None:
        self._transport = transport
        self._steps = iter(steps)
        self._model = model
        self.closed = False

    def head(self) -> Response:
        """The answer without its parts."""
        return Response(finish=self.finish, usage=self.usage, model=self._model, provider="scripted")

    def read(self, left: float | None) -> list[Chunk] | None:
        """The next step."""
        for step in self._steps:
            if isinstance(step, Exception):
                raise step
            if not isinstance(step, Silence):
                return list(step)
            if left is not None and step.seconds >= left:
                self._transport.clock.sleep(left)
                raise ProviderTimeout("no answer in time", kind="timeout", retry_safe=True)
            self._transport.clock.sleep(step.seconds)
        return None

    async def aread(self, left: float | None) -> list[Chunk] | None:
        """The next step."""
        for step in self._steps:
            if isinstance(step, Exception):
                raise step
            if not isinstance(step, Silence):
                return list(step)
            if left is not None and step.seconds >= left:
                await self._transport.clock.asleep(left)
                raise ProviderTimeout("no answer in time", kind="timeout", retry_safe=True)
            await self._transport.clock.asleep(step.seconds)
        return None

    def close(self) -> None:
        """Count it as closed, once."""
        if not self.closed:
            self.closed = True
            self._transport.live -= 1

    async def aclose(self) -> None:
        """The same."""
        self.close()
