"""InvokeModel for Titan and Cohere, in the shapes that the Bedrock user guide documents, on botocore's model."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import unquote

import botocore.session
import pytest
from botocore.serialize import create_serializer

from psf_runtime.errors import ConfigError, ProviderError
from psf_runtime.providers.embeddings import BedrockEmbeddings
from psf_runtime.providers.embeddings.bedrock import FAMILIES, family_of
from psf_runtime.types.messages import Message
from psf_runtime.types.request import Limits, Request
from psf_runtime.types.response import Response
from psf_runtime.types.response_head import Usage

TITAN = "amazon.titan-embed-text-v2:0"
COHERE = "cohere.embed-multilingual-v3"
V4 = "eu.cohere.embed-v4:0"
ARN = "arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.cohere.embed-v4:0"
DOCUMENT = {"bedrock": {"input_type": "search_document"}}


def asked(*texts: str, dimensions: int | None = None, extra: Any = None) -> Request:
    messages = tuple(Message.user(text) for text in texts)
    return Request(messages, limits=Limits(dimensions=dimensions), extra=extra or {}, operation="embed")


def sent(model: str, request: Request) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(BedrockEmbeddings(model=model).encode(request, stream=False).body)
    return body


def decoded(model: str, body: dict[str, Any], request: Request) -> Response:
    decoder = BedrockEmbeddings(model=model, target="vectors").for_request(request).decoder(stream=False)
    assert decoder.feed(json.dumps(body).encode()) == []
    assert decoder.end() == []
    return decoder.head()


@pytest.mark.parametrize("model", [TITAN, COHERE, V4, ARN])
def test_the_call_is_the_one_that_botocore_makes(model: str) -> None:
    """Method, path, headers and body are those of the service's own description."""
    wire = BedrockEmbeddings(model=model).encode(asked("one", extra=None if model == TITAN else DOCUMENT), stream=False)
    service = botocore.session.get_session().get_service_model("bedrock-runtime")
    operation = service.operation_model("InvokeModel")
    parameters = {"modelId": model, "body": wire.body, "contentType": "application/json", "accept": "application/json"}
    theirs = create_serializer("rest-json").serialize_to_request(parameters, operation)
    assert (wire.method, wire.body) == (theirs["method"], theirs["body"])
    assert unquote(wire.path) == unquote(theirs["url_path"]) == f"/model/{model}/invoke"
    assert re.fullmatch(r"/model/[A-Za-z0-9%._~-]+/invoke", wire.path)
    assert dict(wire.headers) == {name.lower(): value for name, value in theirs["headers"].items()}


def test_titan_takes_one_text() -> None:
    """One text a call; more are refused with the remedy."""
    assert sent(TITAN, asked("one", dimensions=256)) == {"inputText": "one", "dimensions": 256}
    assert sent("amazon.titan-embed-text-v1", asked("one")) == {"inputText": "one"}
    with pytest.raises(ConfigError, match="embed one text per call"):
        sent(TITAN, asked("one", "two"))


def test_titans_settings() -> None:
    """Where the length is written depends on the model; the oldest has one length only."""
    image = sent("amazon.titan-embed-image-v1", asked("one", dimensions=384))
    assert image == {"inputText": "one", "embeddingConfig": {"outputEmbeddingLength": 384}}
    assert sent(TITAN, asked("one", extra={"bedrock": {"normalize": False}})) == {
        "inputText": "one",
        "normalize": False,
    }
    with pytest.raises(ConfigError, match="have one length"):
        sent("amazon.titan-embed-text-v1", asked("one", dimensions=256))


def test_cohere_takes_many_texts_and_is_told_not_to_cut_them() -> None:
    """All texts in one call, whole or not at all, as floats."""
    assert sent(V4, asked("one", "two", dimensions=512, extra=DOCUMENT)) == {
        "texts": ["one", "two"],
        "truncate": "NONE",
        "embedding_types": ["float"],
        "output_dimension": 512,
        "input_type": "search_document",
    }
    with pytest.raises(ConfigError, match="portions of at most 96"):
        sent(COHERE, asked(*["one"] * 97, extra=DOCUMENT))
    with pytest.raises(ConfigError, match="have one length"):
        sent(COHERE, asked("one", dimensions=512, extra=DOCUMENT))


def test_cohere_must_be_told_what_the_texts_are() -> None:
    """Documents and questions are embedded differently: nothing is guessed, and the error says what to write."""
    with pytest.raises(ConfigError) as caught:
        sent(COHERE, asked("one"))
    assert "extra={'bedrock': {'input_type': 'search_document'}}" in caught.value.change


def test_titans_answer() -> None:
    """One vector, and the tokens it took; the other forms of the same vector are not needed."""
    body = {"embedding": [0.5, -1], "inputTextTokenCount": 4, "embeddingsByType": {"float": [0.5, -1], "binary": [1]}}
    head = decoded(TITAN, body, asked("one"))
    assert head.vectors == ((0.5, -1.0),)
    assert head.usage == Usage(4, 0, reported=True)
    assert head.raw == {}


@pytest.mark.parametrize("embeddings", [[[0.5], [1.5]], {"float": [[0.5], [1.5]]}])
def test_coheres_answer_in_both_forms(embeddings: Any) -> None:
    """A plain list, or one under its type; the texts that come back with it are dropped and counted."""
    kind = "embeddings_floats" if isinstance(embeddings, list) else "embeddings_by_type"
    body = {"embeddings": embeddings, "id": "a-1", "response_type": kind, "texts": ["zoe quill", "two"]}
    head = decoded(COHERE, body, asked("one", "two"))
    assert head.vectors == ((0.5,), (1.5,))
    assert head.usage.reported is False
    assert head.raw == {"id": "a-1", "dropped": {"response_type": 1, "texts": 1}}


@pytest.mark.parametrize(
    ("model", "body"),
    [
        (TITAN, {"inputTextTokenCount": 4}),
        (TITAN, {"embedding": None, "message": "zoe quill"}),
        (TITAN, {"embedding": [[0.5]]}),
        (COHERE, {"embeddings": [[0.5], [0.5]]}),
        (COHERE, {"embeddings": {"int8": [[1]]}}),
        (COHERE, {"embeddings": [0.5]}),
        (COHERE, {}),
    ],
)
def test_an_answer_without_its_vectors_is_a_bad_response(model: str, body: dict[str, Any]) -> None:
    """Nothing is made up for what did not come, and nothing of it is repeated."""
    with pytest.raises(ProviderError) as caught:
        decoded(model, body, asked("one"))
    assert caught.value.kind == "bad_response"
    assert "zoe" not in str(caught.value)


@pytest.mark.parametrize(
    ("model", "request_"),
    [
        (TITAN, asked("one", dimensions=256, extra={"bedrock": {"normalize": True}})),
        ("amazon.titan-embed-image-v1", asked("one", dimensions=256)),
        (V4, asked("one", "two", dimensions=256, extra=DOCUMENT)),
        (COHERE, asked("one", "two", extra=DOCUMENT)),
    ],
)
def test_a_request_survives_the_way_out_and_back(model: str, request_: Request) -> None:
    """What we encode we also read, as a server of this dialect."""
    codec = BedrockEmbeddings(model=model)
    assert codec.decode_request(codec.encode(request_, stream=False).body) == request_.replace(model=model)


@pytest.mark.parametrize(
    ("model", "body"),
    [
        (TITAN, {"inputText": 7}),
        (TITAN, {"inputText": "a", "embeddingTypes": ["binary"]}),
        (COHERE, {"texts": "a"}),
        (COHERE, {"texts": ["a"], "truncate": "END"}),
        (COHERE, {"texts": ["a"], "embedding_types": ["int8"]}),
        (COHERE, {"images": ["data:image/png;base64,AA=="]}),
        ("amazon.titan-embed-image-v1", {"inputText": "a", "embeddingConfig": 7}),
        ("amazon.titan-embed-image-v1", {"inputText": "a", "inputImage": "AA=="}),
    ],
)
def test_what_cannot_be_screened_or_kept_is_refused(model: str, body: dict[str, Any]) -> None:
    """Pictures, cut texts and other number formats are refused by name."""
    with pytest.raises(ConfigError):
        BedrockEmbeddings(model=model).decode_request(json.dumps(body).encode())


@pytest.mark.parametrize("model", [TITAN, COHERE])
def test_what_we_serve_we_can_read(model: str) -> None:
    """The bodies we write in place of the service have the service's form."""
    response = Response(vectors=((0.5, 1.0),), usage=Usage(3, 0, reported=True))
    body = json.loads(BedrockEmbeddings(model=model).encode_response(response, id="a", created=1))
    assert decoded(model, body, asked("one")).vectors == response.vectors


def test_families_are_known_by_id_profile_and_arn() -> None:
    """A cross-region profile or an ARN names the same model; what is not known is not guessed."""
    found = [family_of(model) for model in (TITAN, COHERE, V4, ARN, "us.amazon.titan-embed-text-v1")]
    assert [family.name if family else None for family in found] == [
        "Titan text v2",
        "Cohere Embed v3",
        "Cohere Embed v4",
        "Cohere Embed v4",
        "Titan text v1",
    ]
    assert family_of("notamazon.titan-embed-text-v1") is None
    assert family_of("amazon.nova-pro-v1:0") is None
    with pytest.raises(ConfigError, match="not known how"):
        BedrockEmbeddings(model="amazon.nova-pro-v1:0").encode(asked("one"), stream=False)
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)
