"""The codec for chat completions: settings, and one line for each direction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from psf_runtime.providers.base import DEFAULT_BOUNDS, Bounds, Decoder, Wire
from psf_runtime.providers.openai.decode import BodyDecoder, StreamDecoder
from psf_runtime.providers.openai.differences import OPENAI, Differences
from psf_runtime.providers.openai.encode import PATH, encode_request
from psf_runtime.providers.openai.requests import decode_request
from psf_runtime.providers.openai.serve import encode_response, encode_stream
from psf_runtime.providers.openai.stops import CuttingDecoder
from psf_runtime.types.chunks import Chunk
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response


@dataclass(frozen=True, slots=True)
class OpenAIChat:
    """OpenAI chat completions. Pure, immutable, safe to share.

    Reasoning of earlier turns is not sent back, and one answer is asked for: this dialect has no place for signed
    reasoning, and more than one choice is refused until each can be screened.

    Attributes:
        model: the model's name on the wire; empty takes the request's.
        target: name of the target, for errors and `Response.provider`.
        differences: how the server departs from others.
        bounds: how much of an answer is accepted.
        path: where calls go, below the base URL; a query in it is the target's own and never the caller's.
        cut: stop texts at which the answer is cut here, for a server that does not do so itself.
    """

    model: str = ""
    target: str = ""
    differences: Differences = OPENAI
    bounds: Bounds = DEFAULT_BOUNDS
    path: str = PATH
    cut: tuple[str, ...] = ()

    @property
    def event_type(self) -> str:
        """Server-sent events."""
        return "text/event-stream"

    def encode(self, request: Request, *, stream: bool) -> Wire:
        """The request as bytes. Raises ConfigError for a part or an extra field that has no place on this wire."""
        model = self.model or request.model
        return encode_request(
            request, model=model, stream=stream, differences=self.differences, path=self.path, cut=self.cut
        )

    def for_request(self, request: Request) -> OpenAIChat:
        """The codec for one call: it cuts out the call's stop texts where the server leaves them in its answer."""
        stop = request.limits.stop
        return replace(self, cut=stop) if stop and self.differences.stop_in_text else self

    def decoder(self, *, stream: bool) -> Decoder:
        """A decoder for one answer: a stream of events, or one body."""
        if stream:
            decoder: Decoder = StreamDecoder(self.differences, self.target, self.bounds)
        else:
            decoder = BodyDecoder(self.differences, self.target, self.bounds)
        return CuttingDecoder(decoder, self.cut) if self.cut else decoder

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
        """One `chat.completion` object; `reasoning` also writes what the model thought."""
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
        """The events of one stream, the end mark included."""
        return encode_stream(chunks, head, id=id, created=created, include_usage=include_usage, reasoning=reasoning)
