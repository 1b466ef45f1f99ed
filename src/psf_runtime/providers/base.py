"""What a provider's codec is: a pure translation between our values and the bytes of one dialect, both ways."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from psf_runtime.types.chunks import Chunk
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response


@dataclass(frozen=True, slots=True, repr=False)
class Wire:
    """What leaves, apart from the host and the credentials.

    Attributes:
        method, path: `path` is added to the path of the base URL and starts with `/`.
        headers: name and value, names in lower case.
        body: the exact bytes.
    """

    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def __repr__(self) -> str:
        return f"Wire({self.method} {self.path}, {len(self.body)} bytes)"


@dataclass(frozen=True, slots=True, repr=False)
class Outgoing:
    """One call, ready to leave: nothing is added to it afterwards but the host and the length."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def __repr__(self) -> str:
        return f"Outgoing({self.method}, {len(self.body)} bytes)"


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of an answer is accepted. What is larger is a ProviderError of kind `bad_response`.

    Attributes:
        event_bytes: one event of a stream.
        answer_bytes: all bytes of one answer.
        tool_calls: tool calls in one answer.
        depth: nesting of the JSON in a tool call's arguments.
    """

    event_bytes: int = 1_048_576
    answer_bytes: int = 33_554_432
    tool_calls: int = 128
    depth: int = 200


DEFAULT_BOUNDS = Bounds()


class Decoder(Protocol):
    """Turns the bytes of one answer into chunks."""

    def feed(self, data: bytes) -> list[Chunk]:
        """The chunks that these bytes complete. Raises ProviderError."""
        ...

    def end(self) -> list[Chunk]:
        """What was still open. Raises StreamInterrupted when the answer is not complete."""
        ...

    def head(self) -> Response:
        """The answer without its parts: complete after `end`."""
        ...

    def carried(self) -> bytes:
        """What must come back to the same target word for word (signed reasoning); empty when there is nothing."""
        ...


class Codec(Protocol):
    """One dialect, both ways. Pure: no sockets, no clock, no randomness."""

    @property
    def event_type(self) -> str:
        """Content type of a streamed answer."""
        ...

    def encode(self, request: Request, *, stream: bool) -> Wire:
        """The request as bytes, from an allow-list of fields. Raises ConfigError for what has no place there."""
        ...

    def decoder(self, *, stream: bool) -> Decoder:
        """A decoder for one answer."""
        ...

    def decode_request(self, body: bytes) -> Request:
        """The request that a client of this dialect sent. Raises ConfigError for what is not on the allow-list."""
        ...

    def encode_response(self, response: Response, *, id: str, created: int) -> bytes:  # noqa: A002
        """The answer as a client of this dialect expects it; built from the parts, never patched."""
        ...

    def encode_stream(
        self,
        chunks: Iterable[Chunk],
        head: Response,
        *,
        id: str,  # noqa: A002
        created: int,
        include_usage: bool = False,
    ) -> Iterator[bytes]:
        """The answer as a stream; `head` (finish, usage) is written after the last chunk."""
        ...
