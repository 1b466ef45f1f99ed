"""`check_provider`: all laws that hold for a codec, over random requests and answers. Needs `hypothesis`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from psf_runtime.providers.base import Codec
from psf_runtime.testing import provider_laws as laws
from psf_runtime.testing.provider_cases import EMBED, PLAIN, VECTORS, cuts_of, requests, streams
from psf_runtime.types.chunks import Chunk
from psf_runtime.types.request import Operation, Request
from psf_runtime.types.response import Response, accumulate
from psf_runtime.types.response_head import Usage


def check_provider(
    codec: Codec,
    *,
    operation: Operation = "chat",
    extra: Mapping[str, Mapping[str, Any]] | None = None,
    examples: int = 50,
) -> None:
    """Run the laws of codecs on yours.

    Requests are read as they were written, answers too, whole or streamed and however they are cut; a cut answer is
    never taken for a whole one; answers without an end are refused; damaged ones are typed errors without content;
    what stands in fields that nobody declared comes out nowhere; the same request is the same bytes.

    Args:
        codec: an instance; it is used again and again.
        operation: `embed` for a codec that asks for vectors.
        extra: what every request must say for this provider, as `{"bedrock": {"input_type": "search_query"}}`.
        examples: how many random cases per law.

    Raises AssertionError with the smallest case that breaks a law.
    """
    if operation == "embed":
        _check_vectors(codec, extra or {}, examples)
        return
    assert codec.event_type, "a codec names the content type of its streams"
    plain = PLAIN.replace(extra=extra or {})
    assert laws.check_request(codec, plain, stream=False) is not None, "a plain question has no place in this dialect"
    _check_requests(codec, extra or {}, examples)
    _check_answers(codec, examples)
    _check_damage(codec, examples)
    laws.check_planted(codec, Response(model="model", usage=Usage(3, 4, reported=True)))
    laws.check_bounds(codec)


def _settings(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
        derandomize=True,
        report_multiple_bugs=False,
    )


def _check_requests(codec: Codec, extra: Mapping[str, Mapping[str, Any]], examples: int) -> None:
    @_settings(examples)
    @given(request=requests(), stream=st.booleans(), data=st.data())
    def law(request: Request, stream: bool, data: st.DataObject) -> None:
        wire = laws.check_request(codec, request.replace(extra=extra), stream=stream)
        if wire is not None:
            laws.check_damaged_request(codec, _damaged(data, wire.body))

    law()


def _check_answers(codec: Codec, examples: int) -> None:
    @_settings(examples)
    @given(answer=streams(), data=st.data())
    def law(answer: tuple[list[Chunk], Response], data: st.DataObject) -> None:
        chunks, head = answer
        laws.check_answer(codec, chunks, head, data.draw(cuts_of(400)))

    law()


def _check_damage(codec: Codec, examples: int) -> None:
    @_settings(examples)
    @given(answer=streams(), stream=st.booleans(), data=st.data())
    def law(answer: tuple[list[Chunk], Response], stream: bool, data: st.DataObject) -> None:
        chunks, head = answer
        if stream:
            whole = b"".join(codec.encode_stream(chunks, head, id="answer", created=1))
        else:
            whole = codec.encode_response(accumulate(chunks, head), id="answer", created=1)
        laws.check_damage(codec, _damaged(data, whole), stream=stream)

    law()


def _check_vectors(codec: Codec, extra: Mapping[str, Mapping[str, Any]], examples: int) -> None:
    @_settings(examples)
    @given(request=EMBED, vectors=VECTORS, data=st.data())
    def law(request: Request, vectors: list[list[float]], data: st.DataObject) -> None:
        wire = laws.check_request(codec, request.replace(extra=extra), stream=False)
        assert wire is not None, "a text has no place in this dialect"
        laws.check_damaged_request(codec, _damaged(data, wire.body))
        adapt = getattr(codec, "for_request", None)
        ready: Codec = codec if adapt is None else adapt(request)
        wanted = Response(vectors=tuple(map(tuple, vectors)), usage=Usage(3, reported=True), model="model")
        body = ready.encode_response(wanted, id="answer", created=1)
        cuts = data.draw(cuts_of(len(body)))
        pieces = [body[start:end] for start, end in zip([0, *cuts], [*cuts, None], strict=True)]
        read = laws.read_all(ready.decoder(stream=False), pieces)
        assert read.vectors == wanted.vectors, "other vectors are read than were written"
        laws.check_damage(ready, _damaged(data, body), stream=False)

    law()


def _damaged(data: st.DataObject, whole: bytes) -> bytes:
    """The bytes with something wrong in them: cut, a byte changed, a piece doubled or taken out."""
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, len(whole)))
    kind = data.draw(st.sampled_from(["cut", "changed", "doubled", "without"]))
    if kind == "cut":
        return whole[:start]
    if kind == "changed":
        return whole[:start] + bytes([data.draw(st.integers(0, 255))]) + whole[start + 1 :]
    return whole[:end] + whole[start:] if kind == "doubled" else whole[:start] + whole[end:]
