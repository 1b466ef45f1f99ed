"""The transports that a wrapped client sends through, in the classes of the HTTP module it uses (httpx or httpx2)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from psf_runtime.client.streams import AsyncCompletionStream, CompletionStream
from psf_runtime.client.wrapped.answers import DECISION, error_response, public, whole_response
from psf_runtime.client.wrapped.clients import Original
from psf_runtime.client.wrapped.events import Events, abegun, begun
from psf_runtime.client.wrapped.gateway import Asked, Gateway
from psf_runtime.client.wrapped.paths import PAST, Way
from psf_runtime.errors import PsfError


def _read(gateway: Gateway, way: Way, request: Any, body: bytes) -> Asked:
    return gateway.read(way, body, request.headers, request.extensions.get("timeout"))


def _opened(module: Any, request: Any, asked: Asked, events: Events, body: Any) -> Any:
    """The response of a stream. Its decision is in the extensions once the stream has ended."""
    headers = {"content-type": asked.dialect.content_type, "cache-control": "no-cache"}
    response = module.Response(200, headers=headers, stream=body, request=request)

    def decided(decision: Any) -> None:
        response.extensions[DECISION] = decision
        request.extensions[DECISION] = decision  # an SDK's error in mid-stream holds the request only

    events.decided = decided
    return response


def blocking_transport(module: Any, gateway: Gateway, original: Original) -> Any:
    """A transport for blocking clients; `original` has the connections."""
    body = _blocking_body(module)

    class Guarded(module.BaseTransport):  # type: ignore[misc]
        """Sends what it can read through the layers."""

        psf_guarded = True

        def handle_request(self, request: Any) -> Any:
            """One request of the wrapped client."""
            problem: PsfError | None = None
            way = PAST
            try:
                way = gateway.paths.way_of(request.method, request.url)
                if way.dialect is not None:
                    return self._answered(way, request)
                passed = original.transport_for(request.url)
            except Exception as error:
                problem = public(error)
            if problem is None:
                return passed.handle_request(request)
            return error_response(module, request, problem, way.dialect or gateway.paths.usual)

        def _answered(self, way: Way, request: Any) -> Any:
            asked = _read(gateway, way, request, request.read())
            if not asked.stream:
                outcomes = [asked.core.complete(asked.arguments).unwrap() for _ in range(asked.times)]
                return whole_response(module, request, asked, outcomes)
            stream = asked.core.stream(asked.arguments).unwrap()
            events = Events(asked, stream, begun(stream))
            return _opened(module, request, asked, events, body(events, stream))

        def close(self) -> None:
            """End what was begun here. The original's connections are not ours to close."""
            for core in gateway.engines.taken():
                core.close()
            original.release()

    return Guarded()


def asynchronous_transport(module: Any, gateway: Gateway, original: Original) -> Any:
    """A transport for async clients; `original` has the connections."""
    body = _asynchronous_body(module)

    class Guarded(module.AsyncBaseTransport):  # type: ignore[misc]
        """Sends what it can read through the layers."""

        psf_guarded = True

        async def handle_async_request(self, request: Any) -> Any:
            """One request of the wrapped client."""
            problem: PsfError | None = None
            way = PAST
            try:
                way = gateway.paths.way_of(request.method, request.url)
                if way.dialect is not None:
                    return await self._answered(way, request)
                passed = original.transport_for(request.url)
            except Exception as error:
                problem = public(error)
            if problem is None:
                return await passed.handle_async_request(request)
            return error_response(module, request, problem, way.dialect or gateway.paths.usual)

        async def _answered(self, way: Way, request: Any) -> Any:
            asked = _read(gateway, way, request, await request.aread())
            if not asked.stream:
                outcomes = [(await asked.core.acomplete(asked.arguments)).unwrap() for _ in range(asked.times)]
                return whole_response(module, request, asked, outcomes)
            stream = asked.core.astream(asked.arguments).unwrap()
            events = Events(asked, stream, await abegun(stream))
            return _opened(module, request, asked, events, body(events, stream))

        async def aclose(self) -> None:
            """End what was begun here. The original's connections are not ours to close."""
            for core in gateway.engines.taken():
                await core.aclose()
            original.release()

    return Guarded()


def _blocking_body(module: Any) -> Any:
    class Body(module.SyncByteStream):  # type: ignore[misc]
        def __init__(self, events: Events, stream: CompletionStream[Any]) -> None:
            self._events = events
            self._stream = stream

        def __iter__(self) -> Iterator[bytes]:
            return self._events.written()

        def close(self) -> None:
            self._stream.__exit__(None, None, None)

    return Body


def _asynchronous_body(module: Any) -> Any:
    class Body(module.AsyncByteStream):  # type: ignore[misc]
        def __init__(self, events: Events, stream: AsyncCompletionStream[Any]) -> None:
            self._events = events
            self._stream = stream

        async def __aiter__(self) -> AsyncIterator[bytes]:
            async for event in self._events.awritten():
                yield event

        async def aclose(self) -> None:
            await self._stream.__aexit__(None, None, None)

    return Body
