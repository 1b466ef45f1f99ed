"""The codec for Anthropic's messages: settings, and one line for each direction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from psf_runtime.providers.anthropic.decode import BodyDecoder, StreamDecoder
from psf_runtime.providers.anthropic.differences import ANTHROPIC, Differences
from psf_runtime.providers.anthropic.encode import encode_request
from psf_runtime.providers.anthropic.requests import decode_request
from psf_runtime.providers.anthropic.serve import encode_response, encode_stream
from psf_runtime.providers.base import DEFAULT_BOUNDS, Bounds, Decoder, Wire
from psf_runtime.types.chunks import Chunk
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response


@dataclass(frozen=True, slots=True)
class AnthropicMessages:
    """Anthropic messages. Pure, immutable, safe to share.

    System messages go to the request's own `system` field in their order, wherever in the conversation they stood: so
    they keep their authority on every model, and lose only the moment at which they were said. Signed thinking of an
    earlier turn goes back word for word; unsigned thinking is not sent.

    Attributes:
        model: the model's name on the wire; empty takes the request's.
        target: name of the target, for errors and `Response.provider`.
        differences: how the server departs from others.
        bounds: how much of an answer is accepted.
    """

    model: str = ""
    target: str = ""
    differences: Differences = ANTHROPIC
    bounds: Bounds = DEFAULT_BOUNDS

    @property
    def event_type(self) -> str:
        """Server-sent events."""
        return "text/event-stream"

    def encode(self, request: Request, *, stream: bool) -> Wire:
        """The request as bytes. Raises ConfigError for what has no place on this wire."""
        model = self.model or request.model
        return encode_request(request, model=model, stream=stream, differences=self.differences)

    def decoder(self, *, stream: bool) -> Decoder:
        """A decoder for one answer: a stream of events, or one body."""
        if stream:
            return StreamDecoder(self.differences, self.target, self.bounds)
        return BodyDecoder(self.differences, self.target, self.bounds)

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
        """One `message` object. This dialect has no place for `created`; `reasoning` also writes what was thought."""
        return encode_response(response, id=id, reasoning=reasoning)

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
        """The events of one stream. This dialect has no place for `created`, and always says the usage."""
        return encode_stream(chunks, head, id=id, reasoning=reasoning)
