"""`check_provider`: every codec of the library keeps the laws, and each law finds a codec that breaks it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson
import pytest

from psf_runtime.errors import ProviderError
from psf_runtime.providers import anthropic, responses
from psf_runtime.providers.base import Codec, Decoder, Wire
from psf_runtime.providers.bedrock import BedrockConverse
from psf_runtime.providers.embeddings import BedrockEmbeddings, OpenAIEmbeddings
from psf_runtime.providers.embeddings.openai import DIALECTS
from psf_runtime.providers.openai import AZURE, COMPATIBLE, LOCAL_SERVERS, MISTRAL, OPENAI, OpenAIChat
from psf_runtime.testing import check_provider
from psf_runtime.types.chunks import Chunk, TextDelta
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response

CODECS: Mapping[str, Codec] = {
    "openai": OpenAIChat(differences=OPENAI),
    "compatible": OpenAIChat(differences=COMPATIBLE),
    "azure": OpenAIChat(differences=AZURE),
    "mistral": OpenAIChat(differences=MISTRAL),
    **{name: OpenAIChat(differences=server) for name, server in LOCAL_SERVERS.items()},
    "responses": responses.OpenAIResponses(),
    "responses-compatible": responses.OpenAIResponses(differences=responses.COMPATIBLE),
    "responses-local": responses.OpenAIResponses(differences=responses.LOCAL),
    "anthropic": anthropic.AnthropicMessages(),
    "anthropic-compatible": anthropic.AnthropicMessages(differences=anthropic.COMPATIBLE),
    "bedrock": BedrockConverse(),
}
QUERY = {"bedrock": {"input_type": "search_query"}}


@pytest.mark.parametrize("name", CODECS)
def test_every_codec_keeps_the_laws(name: str) -> None:
    """All dialects, and all servers that imitate one."""
    check_provider(CODECS[name], examples=25)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_embedding_codecs_keep_the_laws(dialect: str) -> None:
    """OpenAI's endpoint, and those that imitate it."""
    check_provider(OpenAIEmbeddings(dialect=DIALECTS[dialect]), operation="embed", examples=30)


@pytest.mark.parametrize(
    ("model", "extra"), [("amazon.titan-embed-text-v2:0", None), ("cohere.embed-english-v3", QUERY)]
)
def test_bedrocks_embedding_codecs_keep_the_laws(model: str, extra: Any) -> None:
    """Both families."""
    check_provider(BedrockEmbeddings(model), operation="embed", extra=extra, examples=30)


class Wrapped:
    """OpenAI's codec, for something to be changed in it."""

    event_type = "text/event-stream"

    def __init__(self) -> None:
        self.inner = OpenAIChat(differences=COMPATIBLE)

    def encode(self, request: Request, *, stream: bool) -> Wire:
        return self.inner.encode(request, stream=stream)

    def decoder(self, *, stream: bool) -> Decoder:
        return self.inner.decoder(stream=stream)

    def decode_request(self, body: bytes) -> Request:
        return self.inner.decode_request(body)

    def encode_response(self, response: Response, *, id: str, created: int) -> bytes:  # noqa: A002
        return self.inner.encode_response(response, id=id, created=created)

    def encode_stream(
        self,
        chunks: Iterable[Chunk],
        head: Response,
        *,
        id: str,  # noqa: A002
        created: int,
        include_usage: bool = False,
    ) -> Iterator[bytes]:
        return self.inner.encode_stream(chunks, head, id=id, created=created, include_usage=include_usage)


class Restless(Wrapped):
    """Its bytes differ each time."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = itertools.count()

    def encode(self, request: Request, *, stream: bool) -> Wire:
        wire = self.inner.encode(request, stream=stream)
        return Wire(wire.method, f"{wire.path}?n={next(self.numbers)}", wire.headers, wire.body)


class Forgetful(Wrapped):
    """It drops the limits of a request that it reads."""

    def decode_request(self, body: bytes) -> Request:
        return Request(self.inner.decode_request(body).messages, model="model")


class Lossy(Wrapped):
    """It leaves out the last delta of a stream."""

    def encode_stream(
        self,
        chunks: Iterable[Chunk],
        head: Response,
        *,
        id: str,  # noqa: A002
        created: int,
        include_usage: bool = False,
    ) -> Iterator[bytes]:
        return self.inner.encode_stream(list(chunks)[:-1], head, id=id, created=created, include_usage=include_usage)


class Chatty(Wrapped):
    """Its errors quote the body."""

    def decode_request(self, body: bytes) -> Request:
        try:
            return self.inner.decode_request(body)
        except ValueError:
            raise ValueError(f"cannot read {body!r}") from None


class _Decoder:
    def __init__(self, inner: Decoder) -> None:
        self.inner = inner
        self.data = b""

    def feed(self, data: bytes) -> list[Chunk]:
        self.data += data
        return self.inner.feed(data)

    def end(self) -> list[Chunk]:
        return self.inner.end()

    def head(self) -> Response:
        return self.inner.head()

    def carried(self) -> bytes:
        return b""


class _Trusting(_Decoder):
    """Takes whatever came for the whole answer."""

    def end(self) -> list[Chunk]:
        try:
            return self.inner.end()
        except ProviderError:
            return []


class _Hungry(_Decoder):
    """Keeps every byte until the end."""

    def feed(self, data: bytes) -> list[Chunk]:
        self.data += data
        return []

    def end(self) -> list[Chunk]:
        return self.inner.feed(self.data) + self.inner.end()


class _Talkative(_Decoder):
    """Hangs the body on its errors."""

    def end(self) -> list[Chunk]:
        try:
            return self.inner.end()
        except ProviderError as error:
            error.body = self.data  # type: ignore[attr-defined]
            raise


class _Cutting(_Decoder):
    """Loses a line that comes in two pieces."""

    def feed(self, data: bytes) -> list[Chunk]:
        return self.inner.feed(data if data.endswith((b"\n", b"}")) else data + b"\n")


class _Open(_Decoder):
    """Puts unknown fields of the answer into `raw`."""

    def head(self) -> Response:
        try:
            fields = orjson.loads(self.data)
        except ValueError:
            fields = {}
        return self.inner.head().replace(raw=fields)


class _Shared(_Decoder):
    """All decoders write into one list."""

    SEEN: list[Chunk] = []  # noqa: RUF012  # the mistake that the law has to find

    def feed(self, data: bytes) -> list[Chunk]:
        self.SEEN += self.inner.feed(data)
        out = [chunk for chunk in self.SEEN if isinstance(chunk, TextDelta)]
        return out[:1] if len(out) == 1 else out


def with_decoder(kind: type[_Decoder]) -> Codec:
    class Changed(Wrapped):
        def decoder(self, *, stream: bool) -> Decoder:
            return kind(self.inner.decoder(stream=stream))

    return Changed()


BROKEN = {
    "other bytes each time": (Restless(), "the bytes differ each time"),
    "a request loses its limits": (Forgetful(), "writes another body"),
    "a stream loses a delta": (Lossy(), "another answer is read"),
    "a request's error quotes it": (Chatty(), "cannot read|holds content"),
    "a cut answer is taken": (with_decoder(_Trusting), "taken for a whole one"),
    "no bounds": (with_decoder(_Hungry), "kept in memory"),
    "content hangs on an error": (with_decoder(_Talkative), "holds content in its fields"),
    "cuts change the answer": (with_decoder(_Cutting), "cut: another answer is read"),
    "unknown fields come out": (with_decoder(_Open), "nobody declared comes out"),
    "decoders share": (with_decoder(_Shared), "another answer is read"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_codec_is_found(name: str) -> None:
    """Each mistake by the law that is there for it."""
    codec, says = BROKEN[name]
    with pytest.raises((AssertionError, ValueError), match=says):
        check_provider(codec, examples=10)
