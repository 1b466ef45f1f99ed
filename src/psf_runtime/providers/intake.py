"""Judges an answer's head and takes in its bytes: what the blocking and the async source have in common."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from psf_runtime.errors import ProviderError, PsfError
from psf_runtime.providers.base import Codec, Decoder
from psf_runtime.providers.errors import provider_error
from psf_runtime.providers.httpmodule import too_late
from psf_runtime.types.chunks import Chunk
from psf_runtime.types.response import Response

_ID = re.compile(r"[A-Za-z0-9._:\-]{1,128}")


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """How long and how much.

    Attributes:
        connect: seconds until a connection stands.
        stall: seconds of a stream without a byte, and without a chunk once the first has come.
        request_bytes: of a request's body.
        response_bytes: of everything a server sends for one answer, comments included.
        error_bytes: how much of an error's body is read.
    """

    connect: float = 5.0
    stall: float = 180.0
    request_bytes: int = 33_554_432
    response_bytes: int = 67_108_864
    error_bytes: int = 65_536


def reject(target: str, status: int, what: str, why: str = "") -> ProviderError:
    """An answer that is not taken in."""
    return ProviderError(
        f"{target}: {what}", kind="bad_response", target=target, status=status, retry_safe=False, why=why
    )


def judge(response: Any, url: str, target: str, limits: HttpLimits) -> ProviderError | None:
    """What is wrong with the head of an answer; None when its body may be read. Errors (4xx, 5xx) are not judged."""
    status = response.status_code
    if str(response.url) != url or response.history:
        return reject(target, status, "the answer came from another address than the declared one")
    if 300 <= status < 400:
        return reject(target, status, "the server wants to redirect the call", "redirects are never followed")
    if status != 200:
        return None if status >= 400 else reject(target, status, "the server answered with an unknown status")
    if response.headers.get("content-encoding", "identity") != "identity":
        return reject(
            target, status, "the answer is compressed", "it was asked for uncompressed, so that its size shows"
        )
    length = response.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > limits.response_bytes:
        return reject(target, status, "the answer is too large", f"at most {limits.response_bytes} bytes are read")
    return None


def error_from(response: Any, body: bytes, target: str) -> ProviderError:
    """The error that a 4xx or 5xx stands for."""
    parsed = None
    if response.headers.get("content-encoding", "identity") == "identity":
        try:
            parsed = orjson.loads(body)
        except ValueError:
            parsed = None
    return provider_error(response.status_code, response.headers, parsed, target=target, now=time.time())


def wants_events(headers: Mapping[str, str], asked: bool, event_type: str) -> bool:
    """Whether the body is a stream of events: what the server says counts, not what was asked for."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == event_type:
        return True
    return False if kind == "application/json" else asked


def raw_bytes(response: Any) -> Iterator[bytes]:
    """The bytes of a body as they come; those of a body that a hook or a mock has read already come at once."""
    return iter((response.content,)) if response.is_stream_consumed else response.iter_raw()


def araw_bytes(response: Any) -> AsyncIterator[bytes]:
    """As `raw_bytes`, for async callers."""
    return _once(response.content) if response.is_stream_consumed else response.aiter_raw()


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data


class Intake:
    """The bytes of one answer, counted, decoded and timed. `handle` seals what must come back word for word."""

    def __init__(
        self,
        codec: Codec,
        response: Any,
        *,
        stream: bool,
        began: float,
        target: str,
        limits: HttpLimits,
        handle: Callable[[bytes], str],
    ) -> None:
        self._decoder: Decoder = codec.decoder(stream=wants_events(response.headers, stream, codec.event_type))
        self._target = target
        self._limits = limits
        self._handle = handle
        self._size = 0
        self._began = self._latest = began
        self._first: float | None = None
        self._ended: float | None = None
        self._status: int = response.status_code
        request_id = response.headers.get("x-request-id", "")
        self._request_id = request_id if _ID.fullmatch(request_id) else ""

    def feed(self, data: bytes) -> list[Chunk]:
        """The chunks that these bytes complete. Raises ProviderError when the answer is too large or makes no sense."""
        self._size += len(data)
        if self._size > self._limits.response_bytes:
            del data
            why = f"at most {self._limits.response_bytes} bytes are read"
            raise reject(self._target, self._status, "the answer is too large", why)
        chunks = self._decoder.feed(data)
        if chunks:
            self._latest = time.monotonic()
            if self._first is None:
                self._first = self._latest
        return chunks

    def check(self, deadline: float | None) -> None:
        """Between two reads that brought no chunk. Raises ProviderTimeout; bytes alone (comments) are no progress."""
        now = time.monotonic()
        if deadline is not None and now >= deadline:
            raise too_late(self._target, "the time for the call is over")
        if self._first is not None and now - self._latest > self._limits.stall:
            raise too_late(self._target, "the stream goes on without content")

    def end(self) -> list[Chunk]:
        """What was still open. Raises StreamInterrupted when the answer is not complete."""
        chunks = self._decoder.end()
        self._ended = time.monotonic()
        if self._first is None:
            self._first = self._ended
        return chunks

    def rescue(self) -> list[Chunk] | None:
        """After a lost connection: what was still open if the answer was complete already, else None."""
        try:
            return self.end()
        except PsfError:
            return None

    def head(self) -> Response:
        """The answer without its parts, with status, request id and timing (milliseconds since sending)."""
        head = self._decoder.head()
        raw = {**head.raw, "status": self._status}
        if self._request_id:
            raw["request_id"] = self._request_id
        if self._first is not None:
            raw["first_chunk_ms"] = round((self._first - self._began) * 1000, 3)
        if self._ended is not None:
            raw["ms"] = round((self._ended - self._began) * 1000, 3)
        return head.replace(raw=raw, handle=self._handle(self._decoder.carried()))
