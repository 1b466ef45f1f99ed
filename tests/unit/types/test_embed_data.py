"""Embed requests and vectors as plain data, and what records make of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.errors import StateError
from psf_runtime.guards.observability.conventions import metric_labels
from psf_runtime.guards.observability.digests import Digests
from psf_runtime.guards.observability.inference import InferenceRecord
from psf_runtime.types.canonical import (
    canonical_bytes,
    from_canonical_bytes,
    request_from_data,
    request_to_data,
    response_from_data,
    response_to_data,
)
from psf_runtime.types.messages import Message
from psf_runtime.types.request import Limits, Request
from psf_runtime.types.response import Response, accumulate, explode, normal

finite = st.floats(allow_nan=False, allow_infinity=False)
EMBED = Request((Message.user("a"), Message.user("b")), limits=Limits(dimensions=8), operation="embed")
_NUMBERS: Any = dict.fromkeys(["timestamp", "latency_ms"], 0)
_WORDS: Any = dict.fromkeys(["model", "environment", "input_hash", "run_id"], "x")
_UNKNOWN: Any = {
    **dict.fromkeys(["confidence_score", "input_tokens", "model_version_hash", "output_hash", "output_tokens"]),
    **dict.fromkeys(["total_cost_usd", "user_id_hash", "validation_passed", "workflow_id"]),
}
RECORD = InferenceRecord(**_NUMBERS, **_WORDS, **_UNKNOWN, tags={}, asked_model="m")


def test_an_embed_request_comes_back_as_it_was() -> None:
    """Operation and length are part of what is kept, and of what is digested."""
    assert request_from_data(from_canonical_bytes(canonical_bytes(request_to_data(EMBED)))) == EMBED
    chat = request_to_data(EMBED.replace(operation="chat"))
    assert canonical_bytes(chat) != canonical_bytes(request_to_data(EMBED))


def test_data_of_before_is_a_conversation() -> None:
    """What was kept before there were vectors is read as what it was."""
    request = Request((Message.user("a"),))
    data = request_to_data(request)
    del data["operation"], data["limits"]["dimensions"]
    assert request_from_data(data) == request
    old = response_to_data(Response())
    del old["vectors"]
    assert response_from_data(old) == Response()


@pytest.mark.parametrize("operation", ["rerank", None, 5])
def test_an_unknown_operation_is_not_read(operation: Any) -> None:
    """It may be one that this version would send in the wrong way."""
    with pytest.raises(StateError):
        request_from_data({**request_to_data(EMBED), "operation": operation})


@given(st.lists(st.lists(finite, min_size=3, max_size=3), min_size=1, max_size=4))
@settings(max_examples=50)
def test_vectors_come_back_to_the_last_bit(rows: list[list[float]]) -> None:
    """JSON holds a float by its digits, and gives the same float back."""
    response = Response(vectors=tuple(map(tuple, rows)))
    again = response_from_data(from_canonical_bytes(canonical_bytes(response_to_data(response))))
    assert repr(again.vectors) == repr(response.vectors)


def test_vectors_that_are_none_are_not_read() -> None:
    """Stored data that was changed is an error, not an empty vector."""
    for vectors in ([["x"]], [None], 5, [[None]]):
        with pytest.raises(StateError):
            response_from_data({**response_to_data(Response()), "vectors": vectors})


def test_vectors_ride_on_the_head() -> None:
    """Taking an answer apart and putting it together again leaves them alone, so no guard can lose them."""
    response = Response(vectors=((1.0,),))
    assert normal(response) == accumulate(explode(response), response) == response


def test_records_speak_of_embeddings() -> None:
    """Span and metrics have the conventions' word for the operation; a conversation's stays as it was."""
    embed = replace(RECORD, operation="embed", dimensions=8)
    name, start, end = embed.span()
    assert (name, start["gen_ai.operation.name"]) == ("embeddings m", "embeddings")
    assert end["gen_ai.embeddings.dimension.count"] == 8
    assert metric_labels(embed)["gen_ai.operation.name"] == "embeddings"
    name, start, end = RECORD.span()
    assert (name, start["gen_ai.operation.name"]) == ("chat m", "chat")
    assert "gen_ai.embeddings.dimension.count" not in end


def test_vectors_have_a_digest_of_their_own() -> None:
    """Equal vectors have equal digests, others and other tenants do not; the shape counts too."""
    digests = Digests(b"k" * 16)
    of = digests.of_response
    one = Response(vectors=((1.0, 2.0), (3.0, 4.0)))
    assert of("a", one) == of("a", one.replace(model="other"))
    others = [Response(), Response(vectors=((1.0, 2.0, 3.0, 4.0),)), Response(vectors=((1.0, 2.0), (3.0, 5.0)))]
    assert len({of("a", one), of("b", one), *(of("a", other) for other in others)}) == 5
