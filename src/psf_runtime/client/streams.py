"""What `client.stream(...)` returns: an answer in pieces, every one of them agreed by the guards."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from types import TracebackType
from typing import Any, Generic, TypeVar

from psf_runtime.client.border import bare
from psf_runtime.client.calls import Call
from psf_runtime.client.outcomes import Outcomes
from psf_runtime.errors import ConfigError, PsfError
from psf_runtime.flow.aio import AsyncStream
from psf_runtime.flow.sync import SyncStream
from psf_runtime.guards.contracts.partial import PartialJson
from psf_runtime.types.chunks import StreamEvent, TextDelta
from psf_runtime.types.completion import Completion
from psf_runtime.types.response import Response

T = TypeVar("T")


class _Ending(Generic[T]):
    """What both kinds of stream share: how far they are, the completion, and the error made public."""

    def __init__(self, call: Call, outcomes: Outcomes) -> None:
        self._call = call
        self._outcomes = outcomes
        self._completion: Completion[T] | None = None
        self._failure: PsfError | None = None
        self._entered = False
        self._over = False

    def _begin(self) -> None:
        if self._entered:
            raise ConfigError("a stream can be entered once", change="call client.stream(...) again")
        self._entered = True

    def _check(self) -> None:
        """Raise when nothing may be read. An error is raised again each time: a cut answer never looks complete."""
        if not self._entered:
            raise ConfigError(
                "a stream is a context manager; nothing was sent", change="with client.stream(...) as stream: ..."
            )
        if self._failure is not None:
            raise self._failure.fresh()

    def _end(self, response: Response | None) -> None:
        """The stream has ended; without a response it was left early, and that is written down."""
        if self._over:
            return
        self._over = True
        if response is None:
            self._outcomes.cancelled(self._call)
        else:
            self._completion = self._outcomes.completed(self._call, response)

    def _failed(self, error: BaseException) -> PsfError:
        self._over = True
        self._failure = self._outcomes.failed(self._call, error)
        return self._failure.fresh()

    def _partial(self) -> PartialJson:
        contract = self._call.contract
        return PartialJson(wrapped=contract is not None and contract.wrapped)

    @property
    def call_id(self) -> str:
        """The id of the call and of its record."""
        return self._call.context.call_id

    @property
    def completion(self) -> Completion[T]:
        """The whole answer. Raises ValueError before the stream has ended, and when it did not come to its end."""
        if self._completion is not None:
            return self._completion
        if self._failure is not None:
            raise ValueError(f"there is no completion: the stream ended with {type(self._failure).__name__}")
        if self._over:
            raise ValueError("there is no completion: the stream was left before its end")
        raise ValueError("the stream has not ended: read it to its end first")

    def __repr__(self) -> str:
        state = "over" if self._over else "open" if self._entered else "new"
        return f"{type(self).__name__}({self._call!r}, {state})"


class CompletionStream(_Ending[T]):
    """An answer in pieces; a context manager. Leaving the block early cancels the call."""

    def __init__(self, inner: SyncStream, call: Call, outcomes: Outcomes) -> None:
        super().__init__(call, outcomes)
        self._inner = inner

    def __enter__(self) -> CompletionStream[T]:
        """Begin. Nothing is sent before the first piece is asked for."""
        self._begin()
        self._inner.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the call, finished or not. Raises GuardError when a layer failed while it was closed."""
        del trace
        failure: PsfError | None = None
        try:
            self._inner.__exit__(kind, error, None)
        except Exception as failed:
            failure = self._failed(failed)
        finally:
            self._end(None)
        if failure is not None:
            raise failure

    def __del__(self) -> None:
        """A stream that was dropped while open closes its connection, warns, and is written down as cancelled."""
        if getattr(self, "_entered", False) and not self._over:
            del self._inner  # it warns and closes
            self._end(None)

    def __iter__(self) -> Iterator[StreamEvent]:
        """Every piece: text, reasoning and tool-call deltas, then the usage and the finish."""
        return self

    def __next__(self) -> StreamEvent:
        """The next piece."""
        self._check()
        try:
            event = next(self._inner)
            if self._inner.response is not None:
                self._end(self._inner.response)
            return event
        except StopIteration:
            raise
        except Exception as error:
            failure = self._failed(error)
        except BaseException as error:
            raise bare(error)  # noqa: B904  # the same error, without the frames that hold the prompt
        raise failure

    @property
    def text_stream(self) -> Iterator[str]:
        """The text alone, piece by piece."""
        for event in self:
            if isinstance(event, TextDelta):
                yield event.text

    @property
    def partial_stream(self) -> Iterator[Any]:
        """Plain dicts and lists of the leaves that are complete so far: a preview, checked only at the end."""
        partial = self._partial()
        for text in self.text_stream:
            value = partial.feed(text)
            if value is not None:
                yield value


class AsyncCompletionStream(_Ending[T]):
    """An answer in pieces; an async context manager. Leaving the block early cancels the call."""

    def __init__(self, inner: AsyncStream, call: Call, outcomes: Outcomes) -> None:
        super().__init__(call, outcomes)
        self._inner = inner

    async def __aenter__(self) -> AsyncCompletionStream[T]:
        """Begin. Nothing is sent before the first piece is asked for."""
        self._begin()
        await self._inner.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the call, finished or not. Raises GuardError when a layer failed while it was closed."""
        del trace
        failure: PsfError | None = None
        try:
            await self._inner.__aexit__(kind, error, None)
        except Exception as failed:
            failure = self._failed(failed)
        finally:
            self._end(None)
        if failure is not None:
            raise failure

    def __del__(self) -> None:
        """A stream that was dropped while open closes its connection, warns, and is written down as cancelled."""
        if getattr(self, "_entered", False) and not self._over:
            del self._inner  # it warns and closes
            self._end(None)

    def __aiter__(self) -> AsyncIterator[StreamEvent]:
        """Every piece: text, reasoning and tool-call deltas, then the usage and the finish."""
        return self

    async def __anext__(self) -> StreamEvent:
        """The next piece."""
        self._check()
        try:
            event = await self._inner.__anext__()
            if self._inner.response is not None:
                self._end(self._inner.response)
            return event
        except StopAsyncIteration:
            raise
        except Exception as error:
            failure = self._failed(error)
        except BaseException as error:
            raise bare(error)  # noqa: B904  # the same error, without the frames that hold the prompt
        raise failure

    @property
    async def text_stream(self) -> AsyncIterator[str]:
        """The text alone, piece by piece."""
        async for event in self:
            if isinstance(event, TextDelta):
                yield event.text

    @property
    async def partial_stream(self) -> AsyncIterator[Any]:
        """Plain dicts and lists of the leaves that are complete so far: a preview, checked only at the end."""
        partial = self._partial()
        async for text in self.text_stream:
            value = partial.feed(text)
            if value is not None:
                yield value
