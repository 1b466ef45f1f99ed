"""The shell of the embedding decoders: one body in, vectors on the head, never a chunk."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from psf_runtime.errors import ProviderError
from psf_runtime.providers.base import Bounds
from psf_runtime.providers.dialect.decoding import AnswerDecoder, loads
from psf_runtime.providers.dialect.head import Head
from psf_runtime.providers.dialect.toolcalls import bad_response
from psf_runtime.providers.embeddings.vectors import Expected
from psf_runtime.providers.errors import provider_error
from psf_runtime.types.chunks import Chunk
from psf_runtime.types.response import Response, Vector


class VectorDecoder(AnswerDecoder):
    """Takes in one body. A dialect says in `_read` where its vectors are.

    Texts in the answer (some models send back what they were sent) are dropped and counted, as in every codec.
    """

    __slots__ = ("_expected", "_head", "_pieces", "_vectors")

    def __init__(self, expected: Expected, target: str, bounds: Bounds) -> None:
        super().__init__(target, bounds)
        self._expected = expected
        self._head = Head({}, target)
        self._pieces: list[bytes] = []
        self._vectors: tuple[Vector, ...] = ()

    def head(self) -> Response:
        """The vectors and what the answer says about itself: complete after `end`."""
        return self._head.build(tools=False).replace(vectors=self._vectors)

    def _grow(self, size: int) -> None:
        try:
            super()._grow(size)
        except ProviderError as problem:
            problem.change = "embed fewer texts at once, or ask for fewer dimensions"
            raise

    def _take(self, data: bytes, out: list[Chunk]) -> None:
        """Keeps the bytes, within bounds."""
        self._pieces.append(data)

    def _finish(self, out: list[Chunk]) -> None:
        body = loads(b"".join(self._pieces))
        self._pieces = []
        if not isinstance(body, dict):
            raise bad_response("the answer is no JSON object", target=self._target)
        if body.get("error"):
            raise provider_error(200, {}, body, target=self._target)
        self._vectors = self._read(body)

    @abstractmethod
    def _read(self, body: dict[str, Any]) -> tuple[Vector, ...]:
        """The vectors in the body of an answer."""
