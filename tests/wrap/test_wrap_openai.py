"""`wrap()` around the OpenAI SDK: types, errors, copies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import anyio
import openai
import pytest
from openai.types.chat import ChatCompletion
from pydantic import BaseModel

from psf_runtime import Block, ConfigError, Policy, decision_of, guard, wrap
from tests.wrap.server import Server, serving

QUESTION = "Write to jane.doe@example.com today"
MESSAGES: Any = [{"role": "user", "content": QUESTION}]


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as state:
        yield state


@pytest.fixture
def client(server: Server) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=server.url, api_key="k1") as original:
        yield original


def test_create_returns_the_sdks_own_type(server: Server, client: openai.OpenAI) -> None:
    """A wrapped client is still an OpenAI client, and its answers are ChatCompletions."""
    wrapped = wrap(client)
    assert isinstance(wrapped, openai.OpenAI)
    answer = wrapped.chat.completions.create(model="gpt-4o", messages=MESSAGES)
    assert isinstance(answer, ChatCompletion)
    assert answer.choices[0].message.content == QUESTION
    assert b"jane.doe@example.com" not in server.bodies[0]
    assert server.keys == ["Bearer k1"]


def test_streams_work_as_the_sdk_knows_them(server: Server, client: openai.OpenAI) -> None:
    """`stream=True` yields chunks with the restored text, usage at the end when asked for."""
    chunks = wrap(client).chat.completions.create(
        model="gpt-4o", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
    )
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == QUESTION
    assert b"jane.doe@example.com" not in server.bodies[0]


def test_the_stream_helper_works(server: Server, client: openai.OpenAI) -> None:
    """`.stream(...)` accumulates a final completion."""
    with wrap(client).chat.completions.stream(model="gpt-4o", messages=MESSAGES) as stream:
        stream.until_done()
        assert stream.get_final_completion().choices[0].message.content == QUESTION


def test_parse_works(server: Server, client: openai.OpenAI) -> None:
    """`.parse(...)` with a model gives an instance of it."""

    class Person(BaseModel):
        name: str
        age: int

    server.message = {"role": "assistant", "content": '{"name": "Ann", "age": 41}'}
    answer = wrap(client).chat.completions.parse(model="gpt-4o", messages=MESSAGES, response_format=Person)
    assert answer.choices[0].message.parsed == Person(name="Ann", age=41)


def test_raw_responses_are_ours(server: Server, client: openai.OpenAI) -> None:
    """`with_raw_response` shows the built response, not the vendor's."""
    raw = wrap(client).chat.completions.with_raw_response.create(model="gpt-4o", messages=MESSAGES)
    assert raw.http_response.extensions["psf_runtime.decision"].tokens == {"EMAIL": 1}
    assert raw.parse().choices[0].message.content == QUESTION


def test_async_clients_work(server: Server) -> None:
    """AsyncOpenAI, whole and streamed."""

    async def main() -> None:
        async with openai.AsyncOpenAI(base_url=server.url, api_key="k1") as original:
            wrapped = wrap(original)
            answer = await wrapped.chat.completions.create(model="gpt-4o", messages=MESSAGES)
            assert answer.choices[0].message.content == QUESTION
            stream = await wrapped.chat.completions.create(model="gpt-4o", messages=MESSAGES, stream=True)
            text = "".join([c.choices[0].delta.content or "" async for c in stream if c.choices])
            assert text == QUESTION

    anyio.run(main)


def test_a_block_is_raised_once_as_the_sdks_error(server: Server, client: openai.OpenAI) -> None:
    """PermissionDeniedError, one call of ours, and `decision_of` finds the decision."""
    asked = []

    @guard(on="input")
    def never(text: str) -> Block:
        asked.append(1)
        return Block("never")

    with pytest.raises(openai.PermissionDeniedError) as caught:
        wrap(client, policy=Policy.standard(guards=[never])).chat.completions.create(model="gpt-4o", messages=MESSAGES)
    assert len(asked) == 1
    decision = decision_of(caught.value)
    assert decision is not None
    assert decision.blocked_by == "never"
    assert server.bodies == []


def test_a_cut_stream_raises_the_sdks_error(server: Server, client: openai.OpenAI) -> None:
    """A stream that breaks is an APIError, not a short answer."""
    server.cut = True
    long: Any = [{"role": "user", "content": "words " * 200}]
    for messages in (MESSAGES, long):  # held back whole, and partly delivered
        with pytest.raises(openai.APIError):
            list(wrap(client).chat.completions.create(model="gpt-4o", messages=messages, stream=True))


@pytest.mark.parametrize(
    "options", [{"http_client": object()}, {"base_url": "http://127.0.0.1:9/v1"}, {"max_retries": 5}]
)
@pytest.mark.parametrize("method", ["with_options", "copy"])
def test_copies_cannot_lead_around_the_controls(client: openai.OpenAI, method: str, options: Any) -> None:
    """The three overrides that would leave the wrapping are refused."""
    with pytest.raises(ConfigError, match="does not take"):
        getattr(wrap(client), method)(**options)


def test_a_harmless_copy_stays_wrapped(server: Server, client: openai.OpenAI) -> None:
    """with_options(timeout=...) is still guarded, and so is its copy."""
    twin = wrap(client).with_options(timeout=5).copy(timeout=6)
    twin.chat.completions.create(model="gpt-4o", messages=MESSAGES)
    assert b"jane.doe@example.com" not in server.bodies[0]
    with pytest.raises(ConfigError):
        twin.with_options(max_retries=3)


def test_a_changed_base_url_is_refused(server: Server, client: openai.OpenAI) -> None:
    """Setting base_url afterwards sends nothing anywhere."""
    wrapped = wrap(client)
    wrapped.base_url = "http://127.0.0.1:9/v1"
    with pytest.raises(openai.BadRequestError):
        wrapped.chat.completions.create(model="gpt-4o", messages=MESSAGES)
    assert server.bodies == []


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.files.list(),
        lambda c: c.files.create(file=b"jane.doe@example.com", purpose="assistants"),
        lambda c: c.batches.create(input_file_id="f", endpoint="/v1/responses", completion_window="24h"),
        lambda c: c.fine_tuning.jobs.create(model="m", training_file="f"),
        lambda c: c.moderations.create(input="jane.doe@example.com"),
        lambda c: c.images.generate(prompt="jane.doe@example.com"),
        lambda c: c.audio.speech.create(model="m", voice="alloy", input="jane.doe@example.com"),
        lambda c: c.vector_stores.list(),
        lambda c: c.conversations.create(),
        lambda c: c.responses.retrieve("resp_1"),
        lambda c: c.responses.input_items.list("resp_1"),
        lambda c: c.responses.delete("resp_1"),
        lambda c: c.chat.completions.list(),
        lambda c: c.completions.create(model="m", prompt="jane.doe@example.com"),
        lambda c: c.post("/decisions", body={"input": "jane.doe@example.com"}, cast_to=object),
        lambda c: c.post("/safety/checks", body={"input": "jane.doe@example.com"}, cast_to=object),
        lambda c: c.get("/assistants", cast_to=object),
    ],
)
def test_other_endpoints_are_refused(server: Server, client: openai.OpenAI, call: Any) -> None:
    """What nothing here can screen does not leave: a BadRequestError that says how to open it."""
    with pytest.raises(openai.BadRequestError, match="passthrough"):
        call(wrap(client))
    assert [] == server.paths


def test_passthrough_opens_what_it_names(server: Server, client: openai.OpenAI, caplog: Any) -> None:
    """A path that is named goes past the controls, and that is written down."""
    wrap(client, passthrough=["/v1/vector_stores"]).vector_stores.list()
    assert ["/v1/vector_stores"] == server.paths
    assert "went past the controls" in caplog.text
