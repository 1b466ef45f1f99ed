"""Responses and embeddings of the OpenAI SDK, blocking and async: types, wire, streams."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import anyio
import openai
import pytest
from openai.types import CreateEmbeddingResponse
from openai.types.responses import Response, ResponseCompletedEvent, ResponseTextDeltaEvent
from pydantic import BaseModel

from psf_runtime import Block, Policy, decision_of, facts, guard, wrap
from tests.wrap.server import Server, serving

CANARY = "jane.doe@example.com"
QUESTION = f"Write to {CANARY} today"


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as state:
        yield state


@pytest.fixture
def client(server: Server) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=server.url, api_key="k1") as original:
        yield original


def nothing_personal(server: Server) -> bool:
    return bool(server.bodies) and not any(b"jane" in body or b"example.com" in body for body in server.bodies)


def test_a_response_keeps_its_type(server: Server, client: openai.OpenAI) -> None:
    """`responses.create` gives the SDK's own Response, restored; nothing personal left, and nothing is stored."""
    answer = wrap(client).responses.create(model="m", input=QUESTION, instructions="Be brief.")
    assert type(answer) is Response
    assert QUESTION == answer.output_text
    assert nothing_personal(server)
    assert ["/v1/responses"] == server.paths
    assert json.loads(server.bodies[0])["store"] is False
    Response.model_validate(answer.model_dump(), strict=True)


def test_a_response_streams_in_the_sdks_events(server: Server, client: openai.OpenAI) -> None:
    """`stream=True` yields the SDK's event types, and the last one repeats the whole restored text."""
    events = list(wrap(client).responses.create(model="m", input=QUESTION, stream=True))
    assert QUESTION == "".join(event.delta for event in events if isinstance(event, ResponseTextDeltaEvent))
    last = events[-1]
    assert isinstance(last, ResponseCompletedEvent)
    assert QUESTION == last.response.output_text
    assert nothing_personal(server)


def test_the_stream_helper_of_responses(server: Server, client: openai.OpenAI) -> None:
    """`responses.stream(...)` accumulates the final response."""
    with wrap(client).responses.stream(model="m", input=QUESTION) as stream:
        assert QUESTION == stream.get_final_response().output_text
    assert nothing_personal(server)


def test_responses_parse(server: Server, client: openai.OpenAI) -> None:
    """`responses.parse(text_format=...)` gives an instance of your model; the contract is checked here, too."""

    class Person(BaseModel):
        name: str
        age: int

    wrapped = wrap(client)
    answer = wrapped.responses.parse(model="m", input='{"name": "Ann", "age": 41}', text_format=Person)
    assert Person(name="Ann", age=41) == answer.output_parsed
    with pytest.raises(openai.PermissionDeniedError):
        wrapped.responses.parse(model="m", input='{"name": "Ann"}', text_format=Person)


def test_raw_and_streaming_responses(server: Server, client: openai.OpenAI) -> None:
    """`with_raw_response` and `with_streaming_response` show what was built, with the decision."""
    wrapped = wrap(client)
    raw = wrapped.responses.with_raw_response.create(model="m", input=QUESTION)
    assert {"EMAIL": 1} == raw.http_response.extensions["psf_runtime.decision"].tokens
    assert QUESTION == raw.parse().output_text
    with wrapped.responses.with_streaming_response.create(model="m", input=QUESTION, stream=True) as streamed:
        assert QUESTION in "".join(streamed.iter_text())
    with wrapped.chat.completions.with_streaming_response.create(
        model="m", messages=[{"role": "user", "content": QUESTION}]
    ) as whole:
        assert QUESTION == whole.parse().choices[0].message.content
    assert nothing_personal(server)


@pytest.mark.parametrize("form", ["float", "base64", None])
def test_embeddings(server: Server, client: openai.OpenAI, form: Any) -> None:
    """Vectors in the SDK's type and in the form that was asked for; the texts leave with tokens in them."""
    options = {} if form is None else {"encoding_format": form}
    with facts(user="u") as call:
        answer = wrap(client).embeddings.create(model="e", input=[QUESTION, "hello"], **options)
    assert type(answer) is CreateEmbeddingResponse
    vector = answer.data[1].embedding
    assert isinstance(vector, str) if form == "base64" else [5.0, 0.5] == vector
    assert nothing_personal(server)
    assert call.decision is not None
    assert "embed" == call.decision.operation


def test_async_clients_speak_all_three(server: Server) -> None:
    """AsyncOpenAI: a response, its stream and helper, and embeddings."""

    async def main() -> None:
        async with openai.AsyncOpenAI(base_url=server.url, api_key="k1") as original:
            wrapped = wrap(original)
            assert QUESTION == (await wrapped.responses.create(model="m", input=QUESTION)).output_text
            stream = await wrapped.responses.create(model="m", input=QUESTION, stream=True)
            assert QUESTION == "".join([e.delta async for e in stream if isinstance(e, ResponseTextDeltaEvent)])
            async with wrapped.responses.stream(model="m", input=QUESTION) as helper:
                assert QUESTION == (await helper.get_final_response()).output_text
            assert 1 == len((await wrapped.embeddings.create(model="e", input=QUESTION)).data)

    anyio.run(main)
    assert nothing_personal(server)


@pytest.mark.parametrize("stream", [False, True])
def test_a_block_is_the_sdks_error_in_every_dialect(server: Server, client: openai.OpenAI, stream: bool) -> None:
    """Responses and embeddings raise PermissionDeniedError with our decision, and nothing is sent."""

    @guard(on="input")
    def never(text: str) -> Block:
        return Block("never")

    wrapped = wrap(client, policy=Policy.standard(guards=[never]))
    with pytest.raises(openai.PermissionDeniedError) as caught:
        wrapped.responses.create(model="m", input=QUESTION, stream=stream)
    decision = decision_of(caught.value)
    assert decision is not None
    assert "never" == decision.blocked_by
    with pytest.raises(openai.PermissionDeniedError):
        wrapped.embeddings.create(model="e", input=QUESTION)
    assert [] == server.paths


def test_a_cut_stream_of_responses_is_an_error(server: Server, client: openai.OpenAI) -> None:
    """A stream that breaks raises APIError with our decision, and never looks complete."""
    server.cut = True
    with pytest.raises(openai.APIError) as caught:
        list(wrap(client).responses.create(model="m", input="words " * 400, stream=True))
    decision = decision_of(caught.value)
    assert decision is not None
    assert "StreamInterrupted" == decision.outcome


@pytest.mark.parametrize(
    "options",
    [
        {"previous_response_id": "resp_of_another_tenant"},
        {"conversation": "conv_1"},
        {"store": True},
        {"background": True},
        {"tools": [{"type": "web_search"}]},
        {"prompt": {"id": "pmpt_1"}},
        {"prompt_cache_key": "k"},
        {"metadata": {"who": CANARY}},
        {"truncation": "auto"},
    ],
    ids=lambda options: next(iter(options)),
)
def test_a_vendors_memory_is_refused(server: Server, client: openai.OpenAI, options: Any) -> None:
    """What would lead to stored state, a hosted tool or an unseen text is a BadRequestError that names the field."""
    with pytest.raises(openai.BadRequestError) as caught:
        wrap(client).responses.create(model="m", input="hello", **options)
    assert next(iter(options)) in str(caught.value)
    assert CANARY not in str(caught.value)
    assert [] == server.paths
