"""What `client.stream(...)` returns: an answer in pieces, every one of them agreed by the guards."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from types import TracebackType
from typing import Any, Generic, TypeVar

from psf_runtime.client.calls import Call
from psf_runtime.client.outcomes import Outcomes
from psf_runtime.errors import PsfError
from psf_runtime.flow.aio import AsyncStream
from psf_runtime.flow.sync import SyncStream
from psf_runtime.guards.contracts.partial import PartialJson
from psf_runtime.types.chunks import StreamEvent, TextDelta
from psf_runtime.types.completion import Completion
from psf_runtime.types.response import Response

T = TypeVar("T")


class _Ending(Generic[T]):
    """What both kinds of stream share: the completion, and the error made public."""

    def __init__(self, call: Call, outcomes: Outcomes) -> None:
        self._call = call
        self._outcomes = outcomes
        self._completion: Completion[T] | None = None
        self._over = False

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
        return self._outcomes.failed(self._call, error)

    def _partial(self) -> PartialJson:
        contract = self._call.contract
        return PartialJson(wrapped=contract is not None and contract.wrapped)

    @property
    def completion(self) -> Completion[T]:
        """The whole answer. Raises ValueError before the stream has ended."""
        if self._completion is None:
            raise ValueError("the stream has not ended: read it to its end first")
        return self._completion


class CompletionStream(_Ending[T]):
    """An answer in pieces; a context manager. Leaving the block early cancels the call."""

    def __init__(self, inner: SyncStream, call: Call, outcomes: Outcomes) -> None:
        super().__init__(call, outcomes)
        self._inner = inner

    def __enter__(self) -> CompletionStream[T]:
        """Begin. Nothing is sent before the first piece is asked for."""
        self._inner.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the call, finished or not."""
        try:
            self._inner.__exit__(kind, error, trace)
        finally:
            self._end(None)

    def __iter__(self) -> Iterator[StreamEvent]:
        """Every piece: text, reasoning and tool-call deltas, then the usage and the finish."""
        return self

    def __next__(self) -> StreamEvent:
        """The next piece."""
        try:
            event = next(self._inner)
            if self._inner.response is not None:
                self._end(self._inner.response)
            return event
        except StopIteration:
            raise
        except Exception as error:
            failure = self._failed(error)
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
        await self._inner.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the call, finished or not."""
        try:
            await self._inner.__aexit__(kind, error, trace)
        finally:
            self._end(None)

    def __aiter__(self) -> AsyncIterator[StreamEvent]:
        """Every piece: text, reasoning and tool-call deltas, then the usage and the finish."""
        return self

    async def __anext__(self) -> StreamEvent:
        """The next piece."""
        try:
            event = await self._inner.__anext__()
            if self._inner.response is not None:
                self._end(self._inner.response)
            return event
        except StopAsyncIteration:
            raise
        except Exception as error:
            failure = self._failed(error)
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
