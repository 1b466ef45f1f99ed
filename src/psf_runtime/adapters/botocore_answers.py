"""Answers as botocore's clients give them: parsed bodies, event streams, and errors, without going to the network.

botocore's own parser is not used: at DEBUG it writes every body into its log.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import orjson


class Frames(Protocol):
    """The bytes of a stream in AWS's frames, and what was decided about it."""

    decision: Any

    def stream(self) -> Iterator[bytes]:
        """The bytes."""
        ...

    def close(self) -> None:
        """End it."""
        ...


class Parsed(dict[str, Any]):
    """A parsed answer that also carries the decision behind it, as HTTP responses do."""

    extensions: Mapping[str, Any]


def answered(url: str, body: Mapping[str, Any], *, call_id: str, extensions: Mapping[str, Any]) -> tuple[Any, Any]:
    """What a `before-call` handler returns for a call that went well."""
    return _response(url, 200, dict(body), call_id, {}, extensions)


def refused(
    url: str, status: int, code: str, message: str, *, call_id: str, extensions: Mapping[str, Any]
) -> tuple[Any, Any]:
    """What a `before-call` handler returns for a call that did not: the client raises the exception of that name."""
    body = {"Error": {"Code": code, "Message": message}, "message": message}
    return _response(url, status, body, call_id, {"x-amzn-errortype": code}, extensions)


def streaming(
    url: str, frames: Frames, operation: str, *, call_id: str, extensions: Mapping[str, Any]
) -> tuple[Any, Any]:
    """What a `before-call` handler returns for a stream: a real `EventStream` over these frames."""
    body = {"stream": _event_stream(frames, operation)}
    return _response(url, 200, body, call_id, {}, extensions)


def _response(
    url: str, status: int, body: dict[str, Any], call_id: str, headers: dict[str, str], extensions: Mapping[str, Any]
) -> tuple[Any, Any]:
    from botocore.awsrequest import AWSResponse

    parsed = Parsed(body)
    parsed.extensions = extensions
    parsed["ResponseMetadata"] = {
        "RequestId": call_id,
        "HTTPStatusCode": status,
        "HTTPHeaders": headers,
        "RetryAttempts": 0,
    }
    return AWSResponse(url, status, headers, None), parsed


def _event_stream(frames: Frames, operation: str) -> Any:
    from botocore.eventstream import EventStream
    from botocore.exceptions import EventStreamError

    class DecidedStream(EventStream):  # type: ignore[misc]
        """An event stream whose errors carry the decision."""

        def _parse_event(self, event: Any) -> dict[str, Any]:
            body = orjson.loads(event.payload) if event.payload else {}
            kind = event.headers.get(":event-type")
            if kind is not None:
                return {kind: body}
            code = str(event.headers.get(":exception-type", ""))
            message = str(body.get("message", ""))
            error = EventStreamError({"Error": {"Code": code, "Message": message}}, operation)
            error.decision = frames.decision
            raise error

    return DecidedStream(frames, None, None, operation)
