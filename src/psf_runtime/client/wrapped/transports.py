"""The transports that a wrapped client sends through, in the classes of the HTTP module it uses (httpx or httpx2)."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

from psf_runtime.client.streams import AsyncCompletionStream, CompletionStream
from psf_runtime.client.wrapped.answers import error_event, error_response, response_of, whole_response
from psf_runtime.client.wrapped.gateway import Asked, Gateway
from psf_runtime.errors import PsfError
from psf_runtime.providers.openai.serve import StreamEncoder
from psf_runtime.types.chunks import DELTAS, StreamEvent
from psf_runtime.types.response import Response

EVENTS = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}


def blocking_transport(module: Any, gateway: Gateway, original: Any) -> Any:
    """A transport for blocking clients."""

    body = _blocking_body(module)

    class Guarded(module.BaseTransport):  # type: ignore[misc]
        """Sends chat completions through the layers."""

        psf_guarded = True

        def handle_request(self, request: Any) -> Any:
            """One request of the wrapped client."""
            try:
                if gateway.way_of(request.method, request.url) == "past":
                    return original.handle_request(request)
                asked = gateway.read(request.read())
                if asked.stream:
                    return self._streamed(request, asked)
                completion = gateway.core(asked.model).complete(asked.arguments).unwrap()
            except PsfError as error:
                return error_response(module, request, error.fresh())
            return whole_response(module, request, completion, model=asked.model, created=int(time.time()))

        def _streamed(self, request: Any, asked: Asked) -> Any:
            stream = gateway.core(asked.model).stream(asked.arguments).unwrap()
            stream.__enter__()
            try:
                first = next(stream, None)  # what is wrong from the beginning is an error, not a broken stream
            except BaseException:
                stream.__exit__(None, None, None)
                raise
            events = _Events(asked, stream, first)
            return module.Response(200, headers=EVENTS, stream=body(events, stream), request=request)

        def close(self) -> None:
            """The original transport is not ours to close."""

    return Guarded()


def asynchronous_transport(module: Any, gateway: Gateway, original: Any) -> Any:
    """A transport for async clients."""

    body = _asynchronous_body(module)

    class Guarded(module.AsyncBaseTransport):  # type: ignore[misc]
        """Sends chat completions through the layers."""

        psf_guarded = True

        async def handle_async_request(self, request: Any) -> Any:
            """One request of the wrapped client."""
            try:
                if gateway.way_of(request.method, request.url) == "past":
                    return await original.handle_async_request(request)
                asked = gateway.read(await request.aread())
                if asked.stream:
                    return await self._streamed(request, asked)
                completion = (await gateway.core(asked.model).acomplete(asked.arguments)).unwrap()
            except PsfError as error:
                return error_response(module, request, error.fresh())
            return whole_response(module, request, completion, model=asked.model, created=int(time.time()))

        async def _streamed(self, request: Any, asked: Asked) -> Any:
            stream = gateway.core(asked.model).astream(asked.arguments).unwrap()
            await stream.__aenter__()
            try:
                first = await anext(stream, None)
            except BaseException:
                await stream.__aexit__(None, None, None)
                raise
            events = _Events(asked, stream, first)
            return module.Response(200, headers=EVENTS, stream=body(events, stream), request=request)

        async def aclose(self) -> None:
            """The original transport is not ours to close."""

    return Guarded()


def _blocking_body(module: Any) -> Any:
    class Body(module.SyncByteStream):  # type: ignore[misc]
        def __init__(self, events: _Events, stream: CompletionStream[Any]) -> None:
            self._events = events
            self._stream = stream

        def __iter__(self) -> Iterator[bytes]:
            return self._events.written()

        def close(self) -> None:
            self._stream.__exit__(None, None, None)

    return Body


def _asynchronous_body(module: Any) -> Any:
    class Body(module.AsyncByteStream):  # type: ignore[misc]
        def __init__(self, events: _Events, stream: AsyncCompletionStream[Any]) -> None:
            self._events = events
            self._stream = stream

        async def __aiter__(self) -> AsyncIterator[bytes]:
            async for event in self._events.awritten():
                yield event

        async def aclose(self) -> None:
            await self._stream.__aexit__(None, None, None)

    return Body


class _Events:
    """A stream of ours, written as server-sent events."""

    def __init__(self, asked: Asked, stream: Any, first: StreamEvent | None) -> None:
        self._asked = asked
        self._stream = stream
        self._first = first
        head = Response(model=asked.model)
        self._encoder = StreamEncoder(
            head, id=f"chatcmpl-{stream.call_id}", created=int(time.time()), include_usage=asked.usage
        )

    def _event(self, event: StreamEvent | None) -> bytes:
        return self._encoder.chunk(event) if type(event) in DELTAS else b""  # type: ignore[arg-type]

    def _end(self) -> bytes:
        return self._encoder.end(response_of(self._stream.completion, self._asked.model))

    def written(self) -> Iterator[bytes]:
        """Every event, then the end mark; or the event of an error."""
        yield self._encoder.start() + self._event(self._first)
        try:
            for event in self._stream:
                written = self._event(event)
                if written:
                    yield written
        except PsfError as error:
            yield error_event(error)
            return
        yield self._end()

    async def awritten(self) -> AsyncIterator[bytes]:
        """The same for async clients."""
        yield self._encoder.start() + self._event(self._first)
        try:
            async for event in self._stream:
                written = self._event(event)
                if written:
                    yield written
        except PsfError as error:
            yield error_event(error)
            return
        yield self._end()
