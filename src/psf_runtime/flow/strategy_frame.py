"""A strategy and everything inside it, as one frame.

Rule 1: strategies never emit. What the inside emits passes through here on its way out; if the strategy returns
without having committed, its response is released; if it committed, what it returns must equal what was released.
Rule 2: commit is the first non-empty text or reasoning delta, or any tool delta, that leaves the strategy.
Rule 3: an outer layer's error crosses the strategy as Abort and is unwrapped here, even if the strategy caught it.
Rule 4: a strategy that runs attempts at the same time holds the whole answer (hold=ALL), in all modes.
"""

from __future__ import annotations

from typing import Any

from psf_runtime.errors import GuardError, PsfError
from psf_runtime.flow.effects import Flow
from psf_runtime.flow.leaf import Emit, Run, release
from psf_runtime.flow.naming import named
from psf_runtime.flow.outcomes import Abort, guard_answered, guard_failed
from psf_runtime.flow.pieces import accumulate
from psf_runtime.flow.protocols import Strategy, name_of
from psf_runtime.types.chunks import Chunk, ToolCallDelta
from psf_runtime.types.context import Context
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response

# What Python says when a strategy asks for something while it is being closed; `close_flow` turns it into words.
_IGNORED_CLOSE = ("generator ignored GeneratorExit",)


class Attempts:
    """What a strategy is given: call it to run everything inside."""

    __slots__ = ("_context", "_inner", "_last", "_layer", "_out", "_sent", "_single", "aborted", "committed")

    def __init__(self, inner: Run, context: Context, out: Emit | None, layer: str, *, single: bool = False) -> None:
        self.committed = False
        self.aborted: BaseException | None = None  # what crossed this strategy, whatever it did with it
        self._single = single
        self._last: Flow[Response] | None = None
        self._inner = inner
        self._context = context
        self._out = out
        self._layer = layer
        self._sent: list[Chunk] | None = None if out is None else []

    def __call__(self, request: Request) -> Flow[Response]:
        """Run everything inside, with fresh sessions. Not allowed once something has been released."""
        last = self._last
        if self._single and last is not None and getattr(last, "gi_frame", None) is not None:
            raise self._abort(
                self._refusal("ran two attempts at once", "set hold=ALL on a strategy that runs attempts together")
            )
        if self.committed:
            raise self._abort(
                self._refusal(
                    "began a second attempt after a part of the first was delivered",
                    "look at attempt.committed before you try again",
                )
            )
        flow = self._inner(self._context, request, None if self._out is None else self._emit)
        self._last = flow
        return flow

    def _refusal(self, what: str, change: str) -> GuardError:
        return GuardError(
            f"strategy {self._layer!r} {what}", layer=self._layer, hook="run", control=self._layer, change=change
        )

    def _abort(self, error: Exception) -> Abort:
        self.aborted = error
        return Abort(error, self)

    def _emit(self, chunk: Chunk) -> Flow[None] | None:
        out, sent = self._out, self._sent
        assert out is not None
        assert sent is not None
        if not self.committed and (isinstance(chunk, ToolCallDelta) or chunk.text):
            self.committed = True
        sent.append(chunk)
        try:
            flow = out(chunk)
        except Exception as error:
            raise self._abort(error) from None
        return None if flow is None else self._outward(flow)

    def _outward(self, flow: Flow[None]) -> Flow[None]:
        try:
            yield from flow
        except Exception as error:
            raise self._abort(error) from None

    def released(self) -> list[Chunk]:
        """Everything that has left the strategy."""
        return self._sent or []


def strategy_frame(strategy: Strategy, inner: Run) -> Run:
    """Wrap `inner` in a strategy."""
    layer = name_of(strategy)
    holds = strategy.hold.kind == "all"
    strategy_run: Any = strategy.run

    def run(context: Context, request: Request, emit: Emit | None) -> Flow[Response]:
        attempts = Attempts(inner, context, None if holds else emit, layer, single=not holds)
        try:
            response = yield from strategy_run(context, request, attempts)
        except Abort as abort:
            if abort.owner is attempts:
                raise abort.error from None
            raise
        except Exception as error:
            if attempts.aborted is not None:
                raise attempts.aborted from None
            if isinstance(error, PsfError | ExceptionGroup) or error.args == _IGNORED_CLOSE:
                raise
            # Transports and guards inside raise only errors of ours: this one is the strategy's own.
            raise guard_failed(layer, "run", error) from error
        if attempts.aborted is not None:  # the strategy caught what was not its own
            raise attempts.aborted
        if type(response) is not Response:
            raise guard_answered(layer, "run", response, "the Response of an attempt, or one made from it")
        if emit is None:
            return response
        if not attempts.committed:
            yield from release(emit, response)
        elif accumulate(attempts.released(), response).parts != response.parts:
            raise GuardError(
                f"strategy {layer!r} returned another response than the one it had released",
                layer=layer,
                hook="run",
                control=layer,
                change="set hold=ALL on a strategy that changes responses",
            )
        return response

    return named(run, layer)
