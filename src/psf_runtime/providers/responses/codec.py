"""The codec for Responses: settings, and one line for each direction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from psf_runtime.providers.base import DEFAULT_BOUNDS, Bounds, Decoder, Wire
from psf_runtime.providers.responses.decode import BodyDecoder, StreamDecoder
from psf_runtime.providers.responses.differences import OPENAI, Differences
from psf_runtime.providers.responses.encode import encode_request
from psf_runtime.providers.responses.requests import decode_request
from psf_runtime.providers.responses.serve import encode_response, encode_stream
from psf_runtime.types.chunks import Chunk
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response


@dataclass(frozen=True, slots=True)
class OpenAIResponses:
    """OpenAI's Responses, without its memory. Pure, immutable, safe to share.

    Every request says `store: false` and holds the whole conversation: a stored answer would be a second memory that
    no guard sees, open to every user of the key. Reasoning that the vendor signed goes back to it word for word.

    Attributes:
        model: the model's name on the wire; empty takes the request's.
        target: name of the target, for errors and `Response.provider`.
        differences: how the server departs from others.
        bounds: how much of an answer is accepted.
    """

    model: str = ""
    target: str = ""
    differences: Differences = OPENAI
    bounds: Bounds = DEFAULT_BOUNDS

    @property
    def event_type(self) -> str:
        """Server-sent events."""
        return "text/event-stream"

    def encode(self, request: Request, *, stream: bool) -> Wire:
        """The request as bytes. Raises ConfigError for a part, a limit or an extra field without a place here."""
        model = self.model or request.model
        return encode_request(request, model=model, stream=stream, differences=self.differences)

    def decoder(self, *, stream: bool) -> Decoder:
        """A decoder for one answer: a stream of events, or one body."""
        return (StreamDecoder if stream else BodyDecoder)(self.target, self.bounds)

    def decode_request(self, body: bytes) -> Request:
        """The request that a client sent. Raises ConfigError, which names the field and never its value."""
        return decode_request(body, self.differences)

    def encode_response(
        self,
        response: Response,
        *,
        id: str,  # noqa: A002
        created: int,
        reasoning: bool = False,
    ) -> bytes:
        """One `response` object; `reasoning` also writes what the model thought."""
        return encode_response(response, id=id, created=created, reasoning=reasoning)

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
        """The events of one stream. The usage is part of the last one, whether asked for or not."""
        return encode_stream(chunks, head, id=id, created=created, reasoning=reasoning)
