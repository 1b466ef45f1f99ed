"""Embedding models behind Bedrock's InvokeModel, where every family has a body of its own: Titan and Cohere. Both ways.

Source: the model parameters in the Amazon Bedrock user guide; the call itself in botocore's model of the service.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

import orjson

from psf_runtime.errors import ConfigError
from psf_runtime.providers.base import DEFAULT_BOUNDS, Bounds, Codec, Decoder, Wire
from psf_runtime.providers.dialect.extra import ExtraKind, checked_extra
from psf_runtime.providers.dialect.head import count
from psf_runtime.providers.dialect.reading import integer, json_object, refused, text
from psf_runtime.providers.dialect.toolcalls import bad_response
from psf_runtime.providers.dialect.writing import Json, post
from psf_runtime.providers.embeddings.codec import NeverStreamed, embed_request, refuse_stream, texts_of
from psf_runtime.providers.embeddings.decoding import VectorDecoder
from psf_runtime.providers.embeddings.vectors import ANYTHING, Expected, vectors_from
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response, Vector
from psf_runtime.types.response_head import Usage

PROVIDER = "bedrock"
_DECLARE = "Family(..., extra={{..., {name}: 'word'}})"


@dataclass(frozen=True, slots=True)
class Family:
    """How one family of models is asked and how it answers.

    Attributes:
        name: for errors; `ids`: what a model id holds.
        texts: the field for the texts; with `most` 1 it holds one text, else a list.
        answer: the field of the answer that holds the vectors, one or a list of them.
        dimensions: where the length of the vectors is written; empty when it cannot be chosen.
        always: fields of every request. Texts that are too long are refused, never cut in silence.
        required: fields of `extra` without which the model does not answer.
        extra: fields that `Request.extra["bedrock"]` may hold, and of what kind.
    """

    name: str
    ids: str
    texts: str
    answer: str
    most: int
    dimensions: tuple[str, ...] = ()
    always: Mapping[str, Any] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    extra: Mapping[str, ExtraKind] = field(default_factory=dict)


_TITAN = Family("Titan text v1", r"amazon\.titan-embed-(?:text-v1|g1-text)", "inputText", "embedding", most=1)
_COHERE = Family(
    "Cohere Embed v3",
    r"cohere\.embed-(?:english|multilingual)-v3",
    "texts",
    "embeddings",
    most=96,
    always={"truncate": "NONE", "embedding_types": ["float"]},
    required=("input_type",),
    extra={"input_type": "word"},
)
FAMILIES: tuple[Family, ...] = (
    _TITAN,
    replace(
        _TITAN,
        name="Titan text v2",
        ids=r"amazon\.titan-embed-text-v2",
        dimensions=("dimensions",),
        extra={"normalize": "boolean"},
    ),
    replace(
        _TITAN,
        name="Titan multimodal",
        ids=r"amazon\.titan-embed-image-v1",
        dimensions=("embeddingConfig", "outputEmbeddingLength"),
    ),
    _COHERE,
    replace(_COHERE, name="Cohere Embed v4", ids=r"cohere\.embed-v4", dimensions=("output_dimension",)),
)


def family_of(model: str) -> Family | None:
    """The family of a model id, an inference profile or an ARN that names one; None when it is not known."""
    return next((family for family in FAMILIES if re.search(rf"(?:^|[./]){family.ids}", model)), None)


@dataclass(frozen=True, slots=True)
class BedrockEmbeddings(NeverStreamed):
    """InvokeModel for embedding models. Pure, immutable, safe to share.

    The answer names no model and Cohere's counts no tokens in its body, so there is nothing to tell of those.

    Attributes:
        model: model id, inference profile or ARN, as it stands in the path.
        target: name of the target, for errors and `Response.provider`.
        bounds: how much of an answer is accepted.
        expected: what must come back; set by `for_request`.
    """

    model: str
    target: str = ""
    bounds: Bounds = DEFAULT_BOUNDS
    expected: Expected = ANYTHING

    @property
    def event_type(self) -> str:
        """AWS event streams, which never come."""
        return "application/vnd.amazon.eventstream"

    @property
    def family(self) -> Family:
        """How this model is asked. Raises ConfigError for a family that is not known."""
        found = family_of(self.model)
        if found is None:
            raise ConfigError(
                "it is not known how this Bedrock model is asked for vectors",
                why="known: " + ", ".join(family.name for family in FAMILIES),
                change="name one of these models",
            )
        return found

    def for_request(self, request: Request) -> Codec:
        """The same codec, which also knows how many vectors of what length must come back."""
        return replace(self, expected=Expected(len(request.messages), request.limits.dimensions))

    def encode(self, request: Request, *, stream: bool) -> Wire:
        """The call as bytes. Raises ConfigError for what the model's family has no place for."""
        refuse_stream(stream)
        family = self.family
        texts = texts_of(request, most=family.most, dialect=family.name)
        body: Json = {family.texts: texts[0] if family.most == 1 else texts, **family.always}
        _write_dimensions(body, request.limits.dimensions, family)
        extra = checked_extra(request.extra.get(PROVIDER, {}), family.extra, PROVIDER, declare=_DECLARE)
        missing = next((name for name in family.required if name not in extra), None)
        if missing is not None:
            raise ConfigError(
                f"{family.name} does not answer without {missing}",
                why="documents and questions are embedded in different ways, and nothing is guessed here",
                change=f"extra={{'bedrock': {{'{missing}': 'search_document'}}}}, or 'search_query' for questions",
            )
        body.update(extra)
        return post(f"/model/{quote(self.model, safe='-_.~')}/invoke", body, accept="application/json")

    def decoder(self, *, stream: bool) -> Decoder:
        """A decoder for one answer, which is one body whatever the server calls it."""
        return _Decoder(self.family, self.expected, self.target, self.bounds)

    def decode_request(self, body: bytes) -> Request:
        """The request that a client sent. Raises ConfigError, which names the field and never its value."""
        family = self.family
        fields = json_object(body)
        del body
        rest = {name: value for name, value in fields.items() if value is not None}
        texts = _texts(rest.pop(family.texts, None), family)
        dimensions = _read_dimensions(rest, family)
        for name, value in family.always.items():
            if rest.pop(name, value) != value:
                raise refused(name, "only whole texts and vectors of floats are known here")
        extra = checked_extra(rest, family.extra, PROVIDER, declare=_DECLARE)
        return embed_request(texts, model=self.model, dimensions=dimensions, extra={PROVIDER: extra} if extra else {})

    def encode_response(self, response: Response, *, id: str, created: int) -> bytes:  # noqa: A002
        """The body as this family writes it."""
        if self.family.most > 1:
            body = {"id": id, "embeddings": {"float": response.vectors}, "response_type": "embeddings_by_type"}
            return orjson.dumps(body)
        vector = response.vectors[0]
        return orjson.dumps({"embedding": vector, "inputTextTokenCount": response.usage.input_tokens})


def _write_dimensions(body: Json, dimensions: int | None, family: Family) -> None:
    if dimensions is None:
        return
    if not family.dimensions:
        raise ConfigError(
            f"the vectors of {family.name} have one length",
            why="this model has no setting for it",
            change="leave dimensions= out, or choose a model that has one",
        )
    *outer, last = family.dimensions
    for name in outer:
        body = body.setdefault(name, {})
    body[last] = dimensions


def _read_dimensions(fields: Json, family: Family) -> int | None:
    if not family.dimensions:
        return None
    first, *inner = family.dimensions
    value = fields.pop(first, None)
    for name in inner:
        if not isinstance(value, dict | None) or (value and value.keys() - {name}):
            raise refused(first, f"it must be an object with {name}")
        value = None if value is None else value.get(name)
    return integer(value, ".".join(family.dimensions))


def _texts(value: Any, family: Family) -> list[str]:
    if family.most == 1:
        return [text(value, family.texts)]
    if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
        raise refused(family.texts, "it must be a list of texts")
    return value


class _Decoder(VectorDecoder):
    """Reads the one vector of Titan, or the list of Cohere, plain or under `float`."""

    __slots__ = ("_family",)

    def __init__(self, family: Family, expected: Expected, target: str, bounds: Bounds) -> None:
        super().__init__(expected, target, bounds)
        self._family = family

    def _read(self, body: dict[str, Any]) -> tuple[Vector, ...]:
        answer = self._family.answer
        found = body.get(answer)
        if isinstance(found, dict):
            found = found.get("float")
        values = [found] if self._family.most == 1 else found
        if not isinstance(values, list):
            raise bad_response(f"the answer holds no {answer}", target=self._target)
        self._head.keep("id", body.get("id"))
        self._head.drop_unknown(body, frozenset({answer, "embeddingsByType", "id", "inputTextTokenCount"}))
        if "inputTextTokenCount" in body:
            self._head.usage = Usage(count(body["inputTextTokenCount"]), reported=True)
        return vectors_from(values, self._expected, self._target)
