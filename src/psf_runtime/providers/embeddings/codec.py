"""What embedding codecs have in common: one text per message, and nothing is ever streamed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from psf_runtime.errors import ConfigError
from psf_runtime.providers.base import Codec
from psf_runtime.types.chunks import Chunk
from psf_runtime.types.messages import Message, Text
from psf_runtime.types.request import Limits, Request
from psf_runtime.types.response import Response


class EmbeddingCodec(Codec, Protocol):
    """A codec that asks for vectors."""

    def for_request(self, request: Request) -> Codec:
        """The same codec, which also knows how many vectors of what length must come back."""
        ...


def texts_of(request: Request, *, most: int, dialect: str) -> list[str]:
    """The texts of a request, one per message. Raises ConfigError for what is no text, and for too many of them."""
    if request.operation != "embed":
        raise ConfigError(
            "a conversation cannot be sent to an embedding model",
            why=f"{dialect} takes texts and gives vectors",
            change="call client.embed([...]), or client.complete(...) with a chat model",
        )
    if any(type(part) is not Text for message in request.messages for part in message.parts):
        raise ConfigError(
            "only texts can be embedded", why=f"{dialect} takes nothing else", change="give client.embed(...) strings"
        )
    if len(request.messages) > most:
        raise ConfigError(
            f"{len(request.messages)} texts are too many for one call",
            why=f"{dialect} takes at most {most} at a time",
            change="embed one text per call" if most == 1 else f"embed them in portions of at most {most}",
        )
    texts = [message.text for message in request.messages]
    if not all(texts):
        raise ConfigError(
            "there is a text of which nothing is left to embed",
            why="it held only signs that the controls take out, such as invisible ones",
            change="leave such texts out",
        )
    return texts


def embed_request(texts: Iterable[str], *, model: str, dimensions: int | None, extra: dict[str, object]) -> Request:
    """The request behind these texts. `extra` is keyed by provider."""
    return Request(
        messages=tuple(Message.user(text) for text in texts),
        model=model,
        limits=Limits(dimensions=dimensions),
        extra=extra,  # type: ignore[arg-type]
        operation="embed",
    )


def refuse_stream(stream: bool) -> None:
    """Vectors come whole. Raises ConfigError when a stream is asked for."""
    if stream:
        raise ConfigError("vectors are not streamed", why="an embedding comes whole", change="call client.embed(...)")


class NeverStreamed:
    """The part of a codec that embedding codecs have no use for."""

    __slots__ = ()

    def encode_stream(
        self,
        chunks: Iterable[Chunk],
        head: Response,
        *,
        id: str,  # noqa: A002
        created: int,
        include_usage: bool = False,
    ) -> Iterator[bytes]:
        """Raises ConfigError: vectors come whole."""
        refuse_stream(True)
        yield b""
