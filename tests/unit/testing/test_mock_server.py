"""The mock provider's server, proved by the official clients: every dialect, whole and streamed."""

from __future__ import annotations

import json
from typing import Any

import anthropic
import anyio
import openai
import pytest

from psf_runtime.errors import ConfigError
from psf_runtime.testing import assert_no_personal_data_sent, call
from tests.unit.testing.mock_clients import (
    MODEL,
    TOOL,
    USER,
    anthropic_at,
    bedrock_at,
    converse,
    converse_stream,
    openai_at,
    serving,
)


def test_a_chat_completion_is_the_vendors_own_type() -> None:
    """Text, finish reason, usage and model arrive as openai's client knows them, with and without /v1 in the URL."""
    with serving("Hello there", "Hello there") as mock:
        for url in (mock.url, f"{mock.url}/v1"):
            with openai_at(url) as client:
                answer = client.chat.completions.create(model="gpt-4o", messages=USER)

            assert type(answer) is openai.types.chat.ChatCompletion
            assert answer.choices[0].message.content == "Hello there"
            assert answer.choices[0].finish_reason == "stop"
            assert answer.model == "gpt-4o"
            assert answer.usage is not None
            assert answer.usage.total_tokens > 0


def test_a_chat_stream_comes_in_the_pieces_of_the_reply() -> None:
    """Each delta of the reply is one event; the usage comes when it is asked for, and only then."""
    with serving(["Hel", "lo"], "x") as mock, openai_at(mock.url) as client:
        events = list(
            client.chat.completions.create(
                model="gpt-4o", messages=USER, stream=True, stream_options={"include_usage": True}
            )
        )
        plain = list(client.chat.completions.create(model="gpt-4o", messages=USER, stream=True))

    assert [event.choices[0].delta.content for event in events if event.choices][:3] == ["", "Hel", "lo"]
    assert events[-1].usage is not None
    assert [event.usage for event in plain] == [None] * len(plain)


def test_tool_calls_arrive_whole_and_streamed() -> None:
    """The rule looks at the declared tools, and the client gets name and arguments."""
    tools: Any = [{"type": "function", "function": TOOL}]
    with serving(chunks=4) as mock, openai_at(mock.url) as client:
        mock.on(tool="look_up").reply(call("look_up", order=7781))
        whole = client.chat.completions.create(model="gpt-4o", messages=USER, tools=tools)
        with client.chat.completions.stream(model="gpt-4o", messages=USER, tools=tools) as stream:
            streamed = stream.get_final_completion()

    for answer in (whole, streamed):
        called = answer.choices[0].message.tool_calls[0]
        assert (called.function.name, json.loads(called.function.arguments)) == ("look_up", {"order": 7781})
        assert answer.choices[0].finish_reason == "tool_calls"


def test_responses_and_embeddings() -> None:
    """The other two endpoints of openai's client, the first one streamed too."""
    with serving("Hello", ["Hel", "lo"]) as mock, openai_at(mock.url) as client:
        whole = client.responses.create(model="gpt-4o", input="hi", store=False)
        with client.responses.stream(model="gpt-4o", input="hi", store=False) as stream:
            pieces = [event.delta for event in stream if event.type == "response.output_text.delta"]
            final = stream.get_final_response()
        vectors = client.embeddings.create(model="e", input=["one text", "one text"], dimensions=8)

    assert (whole.output_text, final.output_text, pieces) == ("Hello", "Hello", ["Hel", "lo"])
    assert [len(entry.embedding) for entry in vectors.data] == [8, 8]
    assert vectors.data[0].embedding == vectors.data[1].embedding


def test_anthropic_messages() -> None:
    """Text, a call and thinking, whole and streamed, with anthropic's client."""
    tool: Any = {"name": "look_up", "description": "x", "input_schema": TOOL["parameters"]}
    reply = ["Let ", "me look. ", call("look_up", order=7781)]
    with serving(reply, reply) as mock, anthropic_at(mock.url) as client:
        asked: Any = {"model": "claude", "max_tokens": 99, "messages": USER, "tools": [tool]}
        whole = client.messages.create(**asked)
        with client.messages.stream(**asked) as stream:
            pieces = list(stream.text_stream)
            streamed = stream.get_final_message()

    assert type(whole) is anthropic.types.Message
    assert pieces == ["Let ", "me look. "]
    for answer in (whole, streamed):
        assert [block.type for block in answer.content] == ["text", "tool_use"]
        assert answer.content[0].text == "Let me look. "
        assert answer.content[1].input == {"order": 7781}
        assert (answer.stop_reason, answer.model) == ("tool_use", "claude")


def test_bedrock_converse() -> None:
    """botocore's own parser reads the answer and every frame of the stream; the model stands in the path."""
    with serving(call("look_up", order=7781), ["Hel", "lo"]) as mock, bedrock_at(mock.url) as client:
        spec = {"toolSpec": {"name": "look_up", "inputSchema": {"json": TOOL["parameters"]}}}
        whole = converse(client, toolConfig={"tools": [spec]})
        frames = converse_stream(client)

    assert whole["output"]["message"]["content"][0]["toolUse"]["input"] == {"order": 7781}
    assert whole["stopReason"] == "tool_use"
    deltas = [frame["contentBlockDelta"]["delta"]["text"] for frame in frames if "contentBlockDelta" in frame]
    assert deltas == ["Hel", "lo"]
    assert frames[-1]["metadata"]["usage"]["totalTokens"] > 0
    assert [sent.request.model for sent in mock.calls] == [MODEL, MODEL]


def test_bedrock_embeddings() -> None:
    """InvokeModel of an embedding model answers in the form of its family."""
    with serving() as mock, bedrock_at(mock.url) as client:
        answer = client.invoke_model(modelId="amazon.titan-embed-text-v2:0", body=json.dumps({"inputText": "hello"}))
        body = json.loads(answer["body"].read())

    assert len(body["embedding"]) == 256
    assert body["inputTextTokenCount"] > 0


@pytest.mark.parametrize("backend", ["asyncio"])
def test_async_clients(backend: str) -> None:
    """Async clients of both vendors, whole and streamed, many at once over one server."""

    async def ask(mock_url: str) -> list[str]:
        texts: list[str] = []
        async with (
            openai.AsyncOpenAI(base_url=mock_url, api_key="x", max_retries=0) as first,
            anthropic.AsyncAnthropic(base_url=mock_url, api_key="x", max_retries=0) as second,
        ):

            async def chat() -> None:
                stream = await first.chat.completions.create(model="m", messages=USER, stream=True)  # type: ignore[call-overload]
                texts.append("".join([event.choices[0].delta.content or "" async for event in stream]))

            async def message() -> None:
                answer = await second.messages.create(model="m", max_tokens=9, messages=USER)  # type: ignore[arg-type]
                texts.append(answer.content[0].text)

            async with anyio.create_task_group() as group:
                for _ in range(8):
                    group.start_soon(chat)
                    group.start_soon(message)
        return texts

    with serving(strict=False, chunks=2) as mock:
        texts = anyio.run(ask, mock.url, backend=backend)

    assert texts == ["hello"] * 16
    assert len(mock.calls) == 16
    assert mock.live == 0


def test_it_remembers_the_exact_bytes_of_clients() -> None:
    """Body, address and headers are kept as they came, so that a leak anywhere in them is found."""
    with serving(strict=False) as mock, openai_at(mock.url, default_headers={"x-user": "jane@acme.example"}) as client:
        client.chat.completions.create(model="m", messages=[{"role": "user", "content": "for bob@acme.example"}])

    assert json.loads(mock.last.body)["messages"] == [{"role": "user", "content": "for bob@acme.example"}]
    with pytest.raises(AssertionError, match=r"value 1 .* in a header of call 1 of 1"):
        assert_no_personal_data_sent(mock, "jane@acme.example")
    with pytest.raises(AssertionError, match=r"value 2 .* in the body of call 1 of 1"):
        assert_no_personal_data_sent(mock, "carol@acme.example", "bob@acme.example")
    assert_no_personal_data_sent(mock, "carol@acme.example")


def test_a_request_without_a_reply_is_refused_once_and_shows_no_content() -> None:
    """The client raises its own type for 400 and does not ask again; the text of the error says what to change."""
    with serving() as mock, openai_at(mock.url) as client:
        mock.on(text="refund").reply("x")
        with pytest.raises(openai.BadRequestError) as caught:
            client.with_options(max_retries=2).chat.completions.create(model="m", messages=USER)

    assert "wanted a text with 'refund', came 5 characters without it" in str(caught.value)
    assert "hello" not in str(caught.value)
    assert len(mock.unmatched) == 1


def test_a_field_that_nobody_reads_is_refused_by_name() -> None:
    """What a wrapped client would refuse is refused here too, and the value is not repeated."""
    with serving("x") as mock, openai_at(mock.url) as client, pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="m", messages=USER, extra_body={"not_a_field": "SECRET"})

    assert "not_a_field" in str(caught.value)
    assert "SECRET" not in str(caught.value)
    assert mock.calls == ()


def test_serve_is_a_server_of_its_own() -> None:
    """`serve` speaks the dialects it was told, on the port it was told, for the time of its block."""
    with serving(strict=False) as mock:
        with mock.serve(dialects=frozenset({"anthropic"})) as server:
            port = int(server.url.rpartition(":")[2])
            with anthropic_at(server.url) as client:
                assert client.messages.create(model="m", max_tokens=9, messages=USER).content[0].text == "hello"  # type: ignore[arg-type]
            with openai_at(server.url) as other, pytest.raises(openai.NotFoundError, match="not served"):
                other.chat.completions.create(model="m", messages=USER)
            with pytest.raises(ConfigError, match=f"port {port}"), mock.serve(port=port):
                pass
        with anthropic_at(server.url) as client, pytest.raises(anthropic.APIConnectionError):
            client.messages.create(model="m", max_tokens=9, messages=USER)  # type: ignore[arg-type]
        with pytest.raises(ConfigError, match="grpc"), mock.serve(dialects=frozenset({"grpc"})):
            pass


def test_stopping_twice_and_asking_again() -> None:
    """`stop` may be called more than once; `url` starts anew after it."""
    with serving("one", "two") as mock:
        first = mock.url
        assert mock.url == first
        mock.stop()
        mock.stop()
        with openai_at(mock.url) as client:
            assert client.chat.completions.create(model="m", messages=USER).choices[0].message.content == "one"
            assert [model.id for model in client.models.list()] == ["mock"]
