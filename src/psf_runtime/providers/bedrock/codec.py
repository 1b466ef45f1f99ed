"""The codec for Bedrock's Converse: settings, and one line for each direction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from psf_runtime.providers.base import DEFAULT_BOUNDS, Bounds, Decoder, Wire
from psf_runtime.providers.bedrock.decode import BodyDecoder
from psf_runtime.providers.bedrock.encode import EVENT_TYPE, encode_request
from psf_runtime.providers.bedrock.requests import decode_request
from psf_runtime.providers.bedrock.serve import encode_response, encode_stream
from psf_runtime.providers.bedrock.stream import StreamDecoder
from psf_runtime.providers.bedrock.tables import MODEL_FIELDS
from psf_runtime.providers.dialect.extra import ExtraKind
from psf_runtime.types.chunks import Chunk
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response


@dataclass(frozen=True, slots=True)
class BedrockConverse:
    """Amazon Bedrock's Converse and ConverseStream. Pure, immutable, safe to share.

    Signed reasoning goes back with the next turn. Nothing that the vendor stores is pointed at: no stored prompt, no
    object in a bucket, no metadata for its logs.

    Attributes:
        model: id or ARN of the model or inference profile; empty takes the request's.
        target: name of the target, for errors and `Response.provider`.
        bounds: how much of an answer is accepted; `event_bytes` is a whole frame.
        model_fields: what `extra["bedrock"]["additionalModelRequestFields"]` may hold, and of what kind.
    """

    model: str = ""
    target: str = ""
    bounds: Bounds = DEFAULT_BOUNDS
    model_fields: Mapping[str, ExtraKind] = field(default_factory=lambda: MODEL_FIELDS, repr=False)

    @property
    def event_type(self) -> str:
        """AWS event-stream frames."""
        return EVENT_TYPE

    def encode(self, request: Request, *, stream: bool) -> Wire:
        """The request as bytes. Raises ConfigError for a part, a limit or an extra field that has no place there."""
        model = self.model or request.model
        return encode_request(request, model=model, stream=stream, model_fields=self.model_fields)

    def decoder(self, *, stream: bool) -> Decoder:
        """A decoder for one answer: a stream of frames, or one body."""
        return StreamDecoder(self.target, self.bounds) if stream else BodyDecoder(self.target, self.bounds)

    def decode_request(self, body: bytes) -> Request:
        """The request that a client sent; its model stands in the path (`model_of`). Raises ConfigError."""
        return decode_request(body, self.model_fields)

    def encode_response(
        self,
        response: Response,
        *,
        id: str,  # noqa: A002
        created: int,
        reasoning: bool = False,
    ) -> bytes:
        """The body of one answer; `reasoning` also writes what the model thought.

        The dialect has no field for an id or a time.
        """
        return encode_response(response, reasoning=reasoning)

    def encode_stream(
        self,
        chunks: Iterable[Chunk],
        head: Response,
        *,
        id: str,  # noqa: A002
        created: int,
        include_usage: bool = False,
        reasoning: bool = False,
    ) -> Iterator[bytes]:
        """The frames of one stream. Counts always come last: this dialect does not ask whether they are wanted."""
        return encode_stream(chunks, head, reasoning=reasoning)
