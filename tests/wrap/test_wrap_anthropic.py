"""`wrap()` around the Anthropic SDK: types, tools, thinking, headers, errors, blocking and async."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import anyio
import pytest
from anthropic.types import Message, ToolUseBlock
from pydantic import BaseModel

from psf_runtime import Block, ConfigError, Policy, decision_of, guard, wrap
from tests.wrap.server import Server, serving

CANARY = "jane.doe@example.com"
QUESTION = f"Write to {CANARY} today"
ASKED: Any = {"model": "claude", "max_tokens": 100, "messages": [{"role": "user", "content": QUESTION}]}
TOOL: Any = {"name": "send", "description": "Sends.", "input_schema": {"type": "object"}}


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as state:
        yield state


@pytest.fixture
def client(server: Server) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=server.url.removesuffix("/v1"), api_key="k1") as original:
        yield original


def nothing_personal(server: Server) -> bool:
    return bool(server.bodies) and not any(b"jane" in body or b"example.com" in body for body in server.bodies)


def test_create_returns_the_sdks_own_type(server: Server, client: anthropic.Anthropic) -> None:
    """A wrapped client is still an Anthropic client; its answers are Messages; the key goes as it came."""
    wrapped = wrap(client)
    assert isinstance(wrapped, anthropic.Anthropic)
    answer = wrapped.messages.create(**ASKED, system="Be brief.")
    assert type(answer) is Message
    assert [("text", QUESTION)] == [(block.type, block.text) for block in answer.content if block.type == "text"]
    Message.model_validate(answer.model_dump(), strict=True)
    assert nothing_personal(server)
    assert ["/v1/messages"] == server.paths
    client.messages.create(**ASKED)
    ours, bare = ({name: sent.get(name) for name in ("x-api-key", "authorization")} for sent in server.headers)
    assert ours == bare
    assert any(ours.values())


def test_streams(server: Server, client: anthropic.Anthropic) -> None:
    """`stream=True` and the helper `.stream(...)`: the SDK's events, the restored text, the final message."""
    wrapped = wrap(client)
    events = list(wrapped.messages.create(**ASKED, stream=True))
    assert ["message_start", "message_stop"] == [events[0].type, events[-1].type]
    with wrapped.messages.stream(**ASKED) as stream:
        assert QUESTION == "".join(stream.text_stream)
        assert isinstance(stream.get_final_message(), Message)
    assert nothing_personal(server)


@pytest.mark.parametrize("stream", [False, True])
def test_tools(server: Server, client: anthropic.Anthropic, stream: bool) -> None:
    """A whole value arrives restored in a tool call, as the SDK's block; the next turn is understood."""
    wrapped = wrap(client)
    alone: Any = {**ASKED, "messages": [{"role": "user", "content": CANARY}]}
    if stream:
        with wrapped.messages.stream(**alone, tools=[TOOL]) as events:
            answer: Any = events.get_final_message()
    else:
        answer = wrapped.messages.create(**alone, tools=[TOOL])
    (block,) = answer.content
    assert isinstance(block, ToolUseBlock)
    assert {"q": CANARY} == block.input
    assert "tool_use" == answer.stop_reason
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": block.id, "content": f"to {CANARY}"}]}
    turn = {"role": "assistant", "content": [block.model_dump(include={"type", "id", "name", "input"})]}
    wrapped.messages.create(**{**alone, "messages": [*alone["messages"], turn, result]}, tools=[TOOL])
    assert nothing_personal(server)


def test_parse(server: Server, client: anthropic.Anthropic) -> None:
    """`messages.parse` needs a host that follows schemas: where none is known to, it is never left out in silence."""

    class Person(BaseModel):
        name: str

    with pytest.raises(anthropic.PermissionDeniedError):
        wrap(client).messages.parse(**ASKED, output_format=Person)
    assert [] == server.paths


def test_raw_and_streaming_responses(server: Server, client: anthropic.Anthropic) -> None:
    """`with_raw_response` and `with_streaming_response` show what was built, with the decision."""
    wrapped = wrap(client)
    raw = wrapped.messages.with_raw_response.create(**ASKED)
    assert {"EMAIL": 1} == raw.http_response.extensions["psf_runtime.decision"].tokens
    with wrapped.messages.with_streaming_response.create(**ASKED) as streamed:
        assert QUESTION in streamed.read().decode()
    assert nothing_personal(server)


def test_async_clients(server: Server) -> None:
    """AsyncAnthropic: whole, streamed, helper."""

    async def main() -> None:
        url = server.url.removesuffix("/v1")
        async with anthropic.AsyncAnthropic(base_url=url, api_key="k1") as original:
            wrapped = wrap(original)
            answer = await wrapped.messages.create(**ASKED)
            assert QUESTION == answer.content[0].text
            async with wrapped.messages.stream(**ASKED) as stream:
                assert QUESTION == "".join([text async for text in stream.text_stream])
            events = [event.type async for event in await wrapped.messages.create(**ASKED, stream=True)]
            assert "message_stop" == events[-1]

    anyio.run(main)
    assert nothing_personal(server)


@pytest.mark.parametrize("stream", [False, True])
def test_a_block_is_raised_once(server: Server, client: anthropic.Anthropic, stream: bool) -> None:
    """PermissionDeniedError, one call of ours, `decision_of`, nothing sent."""
    asked = []

    @guard(on="input")
    def never(text: str) -> Block:
        asked.append(1)
        return Block("never")

    wrapped = wrap(client, policy=Policy.standard(guards=[never]))
    with pytest.raises(anthropic.PermissionDeniedError) as caught:
        wrapped.messages.create(**ASKED, stream=stream)
    assert [1] == asked
    decision = decision_of(caught.value)
    assert decision is not None
    assert "never" == decision.blocked_by
    assert "permission_error" == caught.value.body["error"]["type"]  # type: ignore[call-overload,index]
    assert [] == server.paths


def test_a_cut_stream_is_an_error(server: Server, client: anthropic.Anthropic) -> None:
    """A stream that breaks raises APIError with our decision."""
    server.cut = True
    long = {**ASKED, "messages": [{"role": "user", "content": "words " * 400}]}
    with pytest.raises(anthropic.APIError) as caught:
        list(wrap(client).messages.create(**long, stream=True))
    decision = decision_of(caught.value)
    assert decision is not None
    assert "StreamInterrupted" == decision.outcome


@pytest.mark.parametrize("stream", [False, True])
def test_signed_thinking_leaves_as_a_handle(server: Server, client: anthropic.Anthropic, stream: bool) -> None:
    """The vendor's signature never reaches the caller; the handle in its place comes back as the vendor's own."""
    wrapped = wrap(client)
    thinking: Any = {"type": "enabled", "budget_tokens": 1024}
    asked = {**ASKED, "max_tokens": 2000, "thinking": thinking}
    if stream:
        with wrapped.messages.stream(**asked) as events:
            answer: Any = events.get_final_message()
    else:
        answer = wrapped.messages.create(**asked)
    assert "dmVuZG9y" not in answer.model_dump_json()
    (signed,) = [block for block in answer.content if block.type == "thinking"]
    assert signed.signature.startswith("psf1.")
    content = [block.model_dump(include={"type", "text", "thinking", "signature"}) for block in answer.content]
    again = [*ASKED["messages"], {"role": "assistant", "content": content}, {"role": "user", "content": "go on"}]
    wrapped.messages.create(**{**asked, "messages": again})
    sent = json.loads(server.bodies[-1])["messages"][1]["content"]
    assert {"type": "thinking", "thinking": "hm", "signature": "dmVuZG9yLXNpZ25lZA=="} in sent
    for forged in ("dmVuZG9yLXNpZ25lZA==", signed.signature[:-8] + "AAAAAAAA"):
        turn = [{"type": "thinking", "thinking": "", "signature": forged}, {"type": "text", "text": "hello"}]
        other = [*ASKED["messages"], {"role": "assistant", "content": turn}, {"role": "user", "content": "go on"}]
        with pytest.raises(anthropic.BadRequestError, match="signature"):
            wrapped.messages.create(**{**asked, "messages": other})
    assert 2 == len(server.bodies)


@pytest.mark.parametrize("word", ["files-api-2025-04-14", "mcp-client-2025-04-04", CANARY])
def test_beta_words_that_are_not_declared_are_refused(server: Server, client: anthropic.Anthropic, word: str) -> None:
    """`anthropic-beta` may open hosted tools, files and memories: what is not declared is a BadRequestError."""
    with pytest.raises(anthropic.BadRequestError) as caught:
        wrap(client).messages.create(**ASKED, extra_headers={"anthropic-beta": word})
    assert CANARY not in str(caught.value)
    assert [] == server.paths


def test_declared_beta_words_leave(server: Server) -> None:
    """At the vendor's own host the words that are declared are sent, and no other header is."""
    from psf_runtime.client.wrapped.accounts import betas_of
    from psf_runtime.client.wrapped.dialects import MESSAGES

    assert ["a-1", "b-2"] == betas_of({"anthropic-beta": "a-1, b-2,"}, MESSAGES)


def test_other_endpoints_are_refused(server: Server, client: anthropic.Anthropic) -> None:
    """Counting tokens, batches and files hold content that nothing here screens; the list of models passes."""
    wrapped = wrap(client)
    with pytest.raises(anthropic.BadRequestError, match="cannot be screened"):
        wrapped.messages.count_tokens(model="claude", messages=ASKED["messages"])
    with pytest.raises(anthropic.BadRequestError):
        wrapped.messages.batches.create(requests=[])
    with pytest.raises(anthropic.BadRequestError):
        wrapped.beta.files.list()
    assert [] == server.paths
    wrapped.models.list()
    assert ["/v1/models"] == server.paths


@pytest.mark.parametrize(
    "options",
    [{"http_client": object()}, {"base_url": "http://127.0.0.1:9"}, {"max_retries": 5}, {"profile": "p"}],
    ids=lambda options: next(iter(options)),
)
@pytest.mark.parametrize("method", ["with_options", "copy"])
def test_copies_cannot_lead_around_the_controls(client: anthropic.Anthropic, method: str, options: Any) -> None:
    """Overrides that would leave the wrapping are refused; a harmless copy stays wrapped."""
    wrapped = wrap(client)
    with pytest.raises(ConfigError, match="does not take"):
        getattr(wrapped, method)(**options)


def test_a_harmless_copy_stays_wrapped(server: Server, client: anthropic.Anthropic) -> None:
    """`with_options(timeout=...)` is guarded, and so is its copy."""
    wrap(client).with_options(timeout=5).copy(timeout=6).messages.create(**ASKED)
    assert nothing_personal(server)


def test_redirects_are_not_followed(server: Server, client: anthropic.Anthropic) -> None:
    """A 307 delivers the body nowhere."""
    with serving() as attacker:
        server.redirect = f"{attacker.url}/messages"
        with pytest.raises(anthropic.APIStatusError):
            wrap(client).messages.create(**ASKED)
        assert [] == attacker.paths
