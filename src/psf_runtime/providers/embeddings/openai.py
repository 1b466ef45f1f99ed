"""`/embeddings` as OpenAI defined it, and as Azure, local servers and others imitate it. Both ways."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import orjson

from psf_runtime.providers.base import DEFAULT_BOUNDS, Bounds, Codec, Decoder, Wire
from psf_runtime.providers.dialect.extra import ExtraKind, checked_extra
from psf_runtime.providers.dialect.head import count
from psf_runtime.providers.dialect.reading import integer, json_object, refused, text
from psf_runtime.providers.dialect.toolcalls import bad_response
from psf_runtime.providers.dialect.writing import Json, post
from psf_runtime.providers.embeddings.codec import NeverStreamed, embed_request, refuse_stream, texts_of
from psf_runtime.providers.embeddings.decoding import VectorDecoder
from psf_runtime.providers.embeddings.vectors import ANYTHING, MOST, Expected, in_order, to_base64, vectors_from
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response, Vector
from psf_runtime.types.response_head import Usage

PATH = "/embeddings"
_HANDLED = frozenset({"dimensions", "encoding_format", "input", "model"})
_DECLARE = "Dialect({provider}, extra={{..., {name}: 'word'}})"
_BODY_KEYS = frozenset({"created", "data", "id", "model", "object", "usage"})
_ENTRY_KEYS = frozenset({"embedding", "index", "object"})


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one family of servers departs from the others.

    Attributes:
        provider: slug under which `Request.extra` may hold fields for it.
        base64: vectors are asked for as base64, which is a third of the size; else the server's own choice is taken,
            because some servers refuse the field.
        extra: fields that `Request.extra[provider]` may hold, and of what kind.
    """

    provider: str
    base64: bool = False
    extra: Mapping[str, ExtraKind] = field(default_factory=dict)


# `input_type` (query or passage) is known to several hosted models and to servers of open ones.
DIALECTS: Mapping[str, Dialect] = {
    "openai": Dialect("openai", base64=True),
    "azure": Dialect("azure", base64=True, extra={"input_type": "word"}),
    "compatible": Dialect("openai", extra={"input_type": "word"}),
    "local": Dialect("local", extra={"embd_normalize": "integer", "input_type": "word"}),
}


@dataclass(frozen=True, slots=True)
class OpenAIEmbeddings(NeverStreamed):
    """OpenAI's embeddings endpoint. Pure, immutable, safe to share.

    The end user's id, which the endpoint would take, is never sent.

    Attributes:
        model: the model's name on the wire; empty takes the request's.
        target: name of the target, for errors and `Response.provider`.
        dialect: how the server departs from others.
        bounds: how much of an answer is accepted.
        expected: what must come back; set by `for_request`.
        path: added to the path of the base URL.
    """

    model: str = ""
    target: str = ""
    dialect: Dialect = DIALECTS["openai"]
    bounds: Bounds = DEFAULT_BOUNDS
    expected: Expected = ANYTHING
    path: str = PATH

    @property
    def event_type(self) -> str:
        """Server-sent events, which never come."""
        return "text/event-stream"

    def for_request(self, request: Request) -> Codec:
        """The same codec, which also knows how many vectors of what length must come back."""
        return replace(self, expected=Expected(len(request.messages), request.limits.dimensions))

    def encode(self, request: Request, *, stream: bool) -> Wire:
        """The request as bytes. Raises ConfigError for what is no text, for too many, and for unknown extra fields."""
        refuse_stream(stream)
        body: Json = {
            "model": self.model or request.model,
            "input": texts_of(request, most=MOST, dialect="this endpoint"),
        }
        if request.limits.dimensions is not None:
            body["dimensions"] = request.limits.dimensions
        if self.dialect.base64:
            body["encoding_format"] = "base64"
        provider = self.dialect.provider
        body.update(checked_extra(request.extra.get(provider, {}), self.dialect.extra, provider, declare=_DECLARE))
        return post(self.path, body, accept="application/json")

    def decoder(self, *, stream: bool) -> Decoder:
        """A decoder for one answer, which is one body whatever the server calls it."""
        return _Decoder(self.expected, self.target, self.bounds)

    def decode_request(self, body: bytes) -> Request:
        """The request that a client sent. Raises ConfigError, which names the field and never its value."""
        fields = json_object(body)
        del body
        rest = {name: value for name, value in fields.items() if name not in _HANDLED and value is not None}
        provider = self.dialect.provider
        extra = checked_extra(rest, self.dialect.extra, provider, declare=_DECLARE)
        return embed_request(
            _inputs(fields.get("input")),
            model=text(fields.get("model"), "model"),
            dimensions=integer(fields.get("dimensions"), "dimensions"),
            extra={provider: extra} if extra else {},
        )

    def encode_response(
        self,
        response: Response,
        *,
        id: str,  # noqa: A002
        created: int,
        encoding: Literal["float", "base64"] = "float",
    ) -> bytes:
        """One list of embeddings; the shape has no place for `id` and `created`."""
        write = to_base64 if encoding == "base64" else tuple
        data = [
            {"object": "embedding", "index": index, "embedding": write(vector)}
            for index, vector in enumerate(response.vectors)
        ]
        tokens = response.usage.input_tokens
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return orjson.dumps({"object": "list", "data": data, "model": response.model, "usage": usage})


def asks_for_base64(body: bytes) -> bool:
    """Whether the client asked for vectors as base64. Raises ConfigError for a form that is neither of the two."""
    form = json_object(body).get("encoding_format")
    if form not in (None, "float", "base64"):
        raise refused("encoding_format", "it must be float or base64")
    return form == "base64"


def _inputs(value: Any) -> list[str]:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not items or not all(isinstance(item, str) and item for item in items):
        raise refused("input", "it must be a text or a list of texts, none empty; numbers of tokens cannot be screened")
    return items


class _Decoder(VectorDecoder):
    """Reads `{"object": "list", "data": [{"index": 0, "embedding": ...}, ...]}`."""

    __slots__ = ()

    def _read(self, body: dict[str, Any]) -> tuple[Vector, ...]:
        data = body.get("data")
        if not isinstance(data, list):
            raise bad_response("the answer is no list of embeddings", target=self._target)
        head = self._head
        head.name(body.get("model"))
        head.keep("id", body.get("id"))
        head.drop_unknown(body, _BODY_KEYS)
        usage = body.get("usage")
        if isinstance(usage, dict):
            head.usage = Usage(count(usage.get("prompt_tokens")), reported=True)
        vectors = vectors_from(in_order(data, self._target), self._expected, self._target)
        for entry in data:
            if len(entry) > len(_ENTRY_KEYS):
                head.drop_unknown(entry, _ENTRY_KEYS)
        return vectors
