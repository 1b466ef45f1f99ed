"""OpenAI's embeddings endpoint: what leaves, what is read, and the way back, judged by the vendor's own types."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types import CreateEmbeddingResponse

from psf_runtime.errors import ConfigError, ProviderError
from psf_runtime.providers.base import Bounds
from psf_runtime.providers.embeddings import OpenAIEmbeddings, embedding_codec
from psf_runtime.providers.embeddings.openai import DIALECTS, asks_for_base64
from psf_runtime.providers.embeddings.vectors import LONGEST, MOST
from psf_runtime.types.media import Image
from psf_runtime.types.messages import Message
from psf_runtime.types.request import Limits, Request
from psf_runtime.types.response import Response
from psf_runtime.types.response_head import Usage

CODEC = OpenAIEmbeddings(model="text-embedding-3-small", target="vectors", dialect=DIALECTS["compatible"])
floats = st.floats(width=32, allow_nan=False, allow_infinity=False)


def asked(*texts: str, dimensions: int | None = None, **rest: Any) -> Request:
    messages = tuple(Message.user(text) for text in texts)
    return Request(messages, limits=Limits(dimensions=dimensions), operation="embed", **rest)


def entry(index: Any, embedding: Any, **rest: Any) -> dict[str, Any]:
    return {"object": "embedding", "index": index, "embedding": embedding, **rest}


def answer(*entries: Any, **rest: Any) -> dict[str, Any]:
    usage = {"prompt_tokens": 7, "total_tokens": 7}
    return {"object": "list", "data": list(entries), "model": "text-embedding-3-small", "usage": usage, **rest}


def decoded(body: Any, request: Request | None = None, *, codec: OpenAIEmbeddings = CODEC) -> Response:
    decoder = (codec if request is None else codec.for_request(request)).decoder(stream=False)
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    for start in range(0, len(data), 1000):
        assert decoder.feed(data[start : start + 1000]) == []
    assert decoder.end() == []
    return decoder.head()


def refused(body: Any, request: Request | None = None, *, codec: OpenAIEmbeddings = CODEC) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        decoded(body, request, codec=codec)
    assert (caught.value.kind, caught.value.target, caught.value.retry_safe) == ("bad_response", "vectors", False)
    return caught.value


def b64(*numbers: float) -> str:
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


def test_the_request_is_the_texts_and_nothing_else() -> None:
    """The exact bytes: model, texts in order, the wanted length; no user's id."""
    wire = CODEC.encode(asked("one", "two", dimensions=256), stream=False)
    assert (wire.method, wire.path) == ("POST", "/embeddings")
    assert wire.headers == (("content-type", "application/json"), ("accept", "application/json"))
    assert json.loads(wire.body) == {"model": "text-embedding-3-small", "input": ["one", "two"], "dimensions": 256}


@pytest.mark.parametrize(("dialect", "form"), [("openai", "base64"), ("azure", "base64"), ("local", None)])
def test_vectors_are_asked_for_in_their_short_form_where_it_is_known(dialect: str, form: str | None) -> None:
    """OpenAI and Azure are asked for base64, others for what they choose."""
    codec = OpenAIEmbeddings(model="m", dialect=DIALECTS[dialect])
    assert json.loads(codec.encode(asked("a"), stream=False).body).get("encoding_format") == form


def test_extra_fields_leave_only_when_declared() -> None:
    """A declared field is sent, another is a ConfigError that names it."""
    wire = CODEC.encode(asked("a", extra={"openai": {"input_type": "query"}}), stream=False)
    assert json.loads(wire.body)["input_type"] == "query"
    with pytest.raises(ConfigError, match="'user' is not declared"):
        CODEC.encode(asked("a", extra={"openai": {"user": "ann"}}), stream=False)


def test_what_is_no_text_is_refused() -> None:
    """A stream, a conversation, a picture and too many texts are each a ConfigError."""
    with pytest.raises(ConfigError, match="not streamed"):
        CODEC.encode(asked("a"), stream=True)
    with pytest.raises(ConfigError, match="conversation cannot be sent"):
        CODEC.encode(Request((Message.user("a"),)), stream=False)
    with pytest.raises(ConfigError, match="only texts"):
        CODEC.encode(Request((Message.user(Image(b"\x89PNG")),), operation="embed"), stream=False)
    with pytest.raises(ConfigError, match="nothing is left"):
        CODEC.encode(asked("a", ""), stream=False)
    with pytest.raises(ConfigError, match="something that JSON cannot"):
        CODEC.encode(asked("broken \ud800"), stream=False)
    with pytest.raises(ConfigError, match="portions of at most 2048"):
        CODEC.encode(asked(*["a"] * (MOST + 1)), stream=False)
    with pytest.raises(ConfigError, match="not streamed"):
        list(CODEC.encode_stream([], Response(), id="x", created=1))


def test_vectors_come_in_the_order_of_their_index() -> None:
    """A server may answer out of order; `index` says which text each vector belongs to."""
    head = decoded(answer(entry(2, [3.0]), entry(0, [1]), entry(1, [2.5])), asked("a", "b", "c"))
    assert head.vectors == ((1.0,), (2.5,), (3.0,))
    assert (head.parts, head.finish, head.model) == ((), "stop", "text-embedding-3-small")
    assert head.usage == Usage(7, 0, reported=True)


def test_vectors_without_any_index_keep_their_order() -> None:
    """Some servers leave the index out; then the order of the list is all there is."""
    assert decoded(answer({"embedding": [1.0]}, {"embedding": [2.0]})).vectors == ((1.0,), (2.0,))


@given(st.lists(floats, min_size=1, max_size=20))
@settings(max_examples=50)
def test_base64_and_numbers_are_the_same_vector(numbers: list[float]) -> None:
    """Both forms of one vector are read to the same numbers."""
    assert decoded(answer(entry(0, b64(*numbers)))).vectors == decoded(answer(entry(0, numbers))).vectors


@pytest.mark.parametrize(
    "entries",
    [
        [],
        [entry(0, [])],
        [entry(0, [1.0]), entry(0, [2.0])],
        [entry(0, [1.0]), entry(2, [2.0])],
        [entry(0, [1.0]), entry(None, [2.0])],
        [entry(-1, [1.0])],
        [entry(True, [1.0]), entry(0, [1.0])],
        [entry(0, [1.0]), entry(1, [1.0, 2.0])],
        [entry(0, ["1.0"])],
        [entry(0, [True])],
        [entry(0, [None])],
        [entry(0, [[1.0]])],
        [entry(0, {"0": 1.0})],
        [entry(0, "not base64!")],
        [entry(0, "AAA=")],
        [entry(0, "")],
        [entry(0, None)],
        [{"index": 0}],
        ["vector"],
        [entry(0, [0.5] * (LONGEST + 1))],
        [entry(0, b64(*[0.5] * (LONGEST + 1)))],
        [entry(index, [0.5]) for index in range(MOST + 1)],
    ],
    ids=lambda entries: str(entries)[:30],
)
def test_what_is_no_vector_is_a_bad_response(entries: list[Any]) -> None:
    """No numbers, mixed lengths, doubtful numbering, too long, too many: nothing of it is handed on."""
    refused(answer(*entries))


def test_a_doubtful_numbering_is_called_so() -> None:
    """Two vectors for one text: which of them it is, and whose the other, cannot be known."""
    for entries in ([entry(0, [1.0]), entry(0, [2.0])], [entry(1, [1.0]), entry(2, [2.0])]):
        assert "not numbered one by one" in refused(answer(*entries)).what


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "Infinity"])
def test_numbers_that_are_not_finite_are_refused(number: str) -> None:
    """An infinity or NaN would poison every comparison made with the vector."""
    body = json.dumps(answer(entry(0, ["NUMBER", 0.5]))).replace('"NUMBER"', number)
    refused(body.encode())


@pytest.mark.parametrize("numbers", [(float("nan"),), (1.0, float("inf")), (float("inf"), float("-inf"))])
def test_base64_of_numbers_that_are_not_finite_is_refused(numbers: tuple[float, ...]) -> None:
    """The short form can hold what JSON cannot."""
    refused(answer(entry(0, b64(*numbers))))


def test_large_finite_numbers_are_numbers() -> None:
    """Numbers whose sum overflows are finite all the same."""
    assert decoded(answer(entry(0, [1.7e308, 1.7e308]))).vectors == ((1.7e308, 1.7e308),)


def test_one_vector_per_text() -> None:
    """Fewer or more vectors than texts cannot be told apart, so they are refused; the error counts both."""
    error = refused(answer(entry(0, [1.0])), asked("a", "b"))
    assert error.why == "2 texts were sent and 1 vectors came back"
    refused(answer(entry(0, [1.0]), entry(1, [1.0])), asked("a"))


def test_the_wanted_length_must_come() -> None:
    """A server that ignores `dimensions` would fill an index with vectors that do not fit."""
    error = refused(answer(entry(0, [1.0, 2.0])), asked("a", dimensions=3))
    assert error.why == "dimensions=3 was asked for, and they have 2"
    assert decoded(answer(entry(0, [1.0, 2.0])), asked("a", dimensions=2)).vectors == ((1.0, 2.0),)


@pytest.mark.parametrize("body", [b"", b"[]", b"not json", b'{"object": "list"}', b'{"choices": []}', b'"x"'])
def test_an_answer_of_another_kind_is_a_bad_response(body: bytes) -> None:
    """No JSON, no list, or a chat completion."""
    refused(body)


def test_an_answer_that_is_too_large_is_cut_off() -> None:
    """Bytes are counted before anything is parsed."""
    small = OpenAIEmbeddings(model="m", target="vectors", bounds=Bounds(answer_bytes=500))
    error = refused(answer(entry(0, [0.123456789] * 100)), codec=small)
    assert error.why == "at most 500 bytes are accepted"
    assert error.change == "embed fewer texts at once, or ask for fewer dimensions"


def test_an_error_inside_a_good_status_is_an_error() -> None:
    """Some hosts answer 200 with an error object; its words are not repeated."""
    with pytest.raises(ProviderError) as caught:
        decoded({"error": {"code": "rate_limit_exceeded", "message": "zoe.quill@canary-mail.example"}})
    assert caught.value.kind == "rate_limited"
    assert "zoe" not in str(caught.value)


def test_texts_in_an_answer_are_dropped_and_counted() -> None:
    """A server that sends the texts back, or says more than vectors, is not quoted."""
    body = answer(entry(0, [1.0], text="zoe.quill@canary-mail.example"), input="zoe.quill@canary-mail.example")
    head = decoded(body)
    assert head.raw["dropped"] == {"input": 1, "text": 1}
    assert "zoe" not in repr(head.raw)


def test_missing_usage_is_unknown_and_not_nothing() -> None:
    """Without token counts the usage says that it was not reported."""
    body = answer(entry(0, [1.0]))
    del body["usage"]
    assert decoded(body).usage.reported is False


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_what_we_serve_is_what_the_vendor_documents(encoding: Any) -> None:
    """The vendor's own type accepts our answer, and our decoder reads it back."""
    vectors = ((0.5, -0.25), (1.0, 2.0))
    response = Response(model="m", vectors=vectors, usage=Usage(9, 0, reported=True))
    body = CODEC.encode_response(response, id="e1", created=1, encoding=encoding)
    if encoding == "float":
        parsed = CreateEmbeddingResponse.model_validate_json(body, strict=True)
        assert [tuple(item.embedding) for item in parsed.data] == list(vectors)
        assert (parsed.usage.prompt_tokens, parsed.usage.total_tokens, parsed.model) == (9, 9, "m")
    assert decoded(body).vectors == vectors


def test_a_request_survives_the_way_out_and_back() -> None:
    """What we encode we also read, as a server of this dialect."""
    request = asked("one", "two", dimensions=64, extra={"openai": {"input_type": "query"}})
    back = CODEC.decode_request(CODEC.encode(request, stream=False).body)
    assert back == request.replace(model="text-embedding-3-small")


def test_a_single_text_may_come_as_text() -> None:
    """The endpoint takes one text or a list."""
    assert CODEC.decode_request(b'{"model":"m","input":"one"}') == asked("one").replace(model="m")


@pytest.mark.parametrize("value", [None, [], [1, 2], [[1, 2]], "", ["a", ""], [None], {"a": 1}, 7])
def test_inputs_that_cannot_be_screened_are_refused(value: Any) -> None:
    """Numbers of tokens, empty texts and other shapes are refused by name, never by value."""
    with pytest.raises(ConfigError, match="the request's input cannot be taken over"):
        CODEC.decode_request(json.dumps({"model": "m", "input": value}).encode())


def test_undeclared_fields_of_a_client_are_refused() -> None:
    """The end user's id, and anything else that is not on the list, is refused and not quoted."""
    with pytest.raises(ConfigError, match="'user' is not declared") as caught:
        CODEC.decode_request(b'{"model":"m","input":"a","user":"zoe quill"}')
    assert "zoe" not in str(caught.value)


def test_the_wanted_form_is_read() -> None:
    """A server must know in which form its client wants the vectors."""
    assert asks_for_base64(b'{"encoding_format":"base64"}') is True
    assert asks_for_base64(b'{"encoding_format":"float"}') is asks_for_base64(b"{}") is False
    with pytest.raises(ConfigError, match="encoding_format"):
        asks_for_base64(b'{"encoding_format":"int8"}')


def test_who_may_be_asked_for_vectors() -> None:
    """OpenAI's dialect may, whatever the model; Bedrock's known families may; others may not."""
    able = [("openai", "any"), ("azure", "any"), ("local", "any"), ("bedrock", "amazon.titan-embed-text-v2:0")]
    assert all(embedding_codec(provider, model) is not None for provider, model in able)
    unable = [("anthropic", "claude"), ("openai-responses", "gpt"), ("bedrock", "amazon.nova-pro-v1:0"), ("mock", "x")]
    assert [embedding_codec(provider, model) for provider, model in unable] == [None] * 4
    assert embedding_codec("openai", "m", at_vendor=True) == OpenAIEmbeddings(model="m")
    assert embedding_codec("openai", "m") == OpenAIEmbeddings(model="m", dialect=DIALECTS["compatible"])
