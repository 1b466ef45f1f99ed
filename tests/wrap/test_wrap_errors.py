"""The status table, streams that break or are blocked, tickets: what the SDK raises, and that it raises it once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import openai
import pytest
from openai.types.chat import ChatCompletion

from psf_runtime import Block, Policy, ToolRule, decision_of, facts, guard, wrap
from psf_runtime import errors as psf
from psf_runtime.client.wrapped.answers import status_of
from psf_runtime.policy import Oversight, Resilience
from tests.wrap.server import Server, serving

MESSAGES: Any = [{"role": "user", "content": "words " * 400}]
TOOLS: Any = [{"type": "function", "function": {"name": "pay", "parameters": {"type": "object"}}}]


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as state:
        yield state


@pytest.fixture
def client(server: Server) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=server.url, api_key="k1") as original:
        yield original


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (psf.Blocked("b"), 403),
        (psf.ConsentDenied("c"), 403),
        (psf.ApprovalDenied("a"), 403),
        (psf.ApprovalPending("p"), 409),
        (psf.BudgetExceeded("b"), 429),
        (psf.Halted("h"), 503),
        (psf.StateError("s"), 503),
        (psf.GuardError("g"), 503),
        (psf.ConfigError("c"), 400),
        (psf.RateLimitError("r", status=429), 429),
        (psf.AuthenticationError("a", status=401), 401),
        (psf.ProviderError("p", status=200), 502),
        (psf.ProviderError("p"), 502),
        (psf.ProviderTimeout("t"), 504),
        (psf.StreamInterrupted("s"), 502),
        (psf.RoutesExhausted("r", [psf.NotEligible("n"), psf.RateLimitError("r", status=429)]), 429),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_every_error_has_its_status(error: psf.PsfError, status: int) -> None:
    """The table that decides what an SDK raises."""
    assert status == status_of(error)


def test_a_halt_is_raised_once(server: Server, client: openai.OpenAI, tmp_path: Path) -> None:
    """The kill switch is a 503, which the SDK would ask again by itself: it does not."""
    switch = tmp_path / "halt"
    switch.write_text("")
    policy = Policy.standard(resilience=Resilience(halt=f"file:{switch}"))
    with facts(user="agent:lee") as call, pytest.raises(openai.InternalServerError) as caught:
        wrap(client, policy=policy).chat.completions.create(model="m", messages=MESSAGES)
    assert 1 == len(call.decisions)
    assert call.decision is decision_of(caught.value)
    assert [] == server.paths


def test_retries_are_ours_alone(server: Server, client: openai.OpenAI) -> None:
    """A server that keeps failing is asked as often as the policy says, not that often times the SDK's retries."""
    server.status = 500
    once = Policy.standard(resilience=Resilience(retries=0))
    with facts(user="u") as call, pytest.raises(openai.InternalServerError):
        wrap(client, policy=once).chat.completions.create(model="m", messages=MESSAGES)
    assert 1 == len(server.bodies) == len(call.decisions)
    assert 0 == wrap(client).max_retries


def test_a_block_in_mid_stream_is_an_error_with_our_decision(server: Server, client: openai.OpenAI) -> None:
    """What was delivered is followed by an APIError, and `decision_of` finds who stopped it."""
    seen: list[int] = []

    @guard(on="output", window=8)
    def enough(text: str) -> Block | None:
        seen.append(len(text))
        return Block("enough") if len(seen) > 40 else None

    delivered = []
    with pytest.raises(openai.APIError) as caught, facts(user="u") as call:
        for chunk in wrap(client, policy=Policy.standard(guards=[enough])).chat.completions.create(
            model="m", messages=MESSAGES, stream=True
        ):
            delivered.append(chunk.choices[0].delta.content or "")
    assert "".join(delivered)
    assert MESSAGES[0]["content"].startswith("".join(delivered))
    decision = decision_of(caught.value)
    assert decision is not None
    assert "enough" == decision.blocked_by
    assert call.decision is decision


def test_an_async_stream_that_is_cut_has_our_decision(server: Server) -> None:
    """The same for AsyncOpenAI and a connection that ends too early."""
    server.cut = True

    async def main() -> Any:
        async with openai.AsyncOpenAI(base_url=server.url, api_key="k") as original:
            stream = await wrap(original).chat.completions.create(model="m", messages=MESSAGES, stream=True)
            with pytest.raises(openai.APIError) as caught:
                async for _ in stream:
                    pass
            return decision_of(caught.value)

    decision = anyio.run(main)
    assert "StreamInterrupted" == decision.outcome


def test_a_stream_left_early_is_written_down(server: Server, client: openai.OpenAI) -> None:
    """Closing the SDK's stream ends the call, and the decision says so."""
    with facts(user="u") as call:
        stream = wrap(client).chat.completions.create(model="m", messages=MESSAGES, stream=True)
        next(iter(stream))
        stream.close()
    assert call.decision is not None
    assert "cancelled" == call.decision.outcome


def test_the_decision_of_a_stream_is_there_at_its_end(server: Server, client: openai.OpenAI) -> None:
    """A raw streamed response carries the decision once it has been read."""
    stream = wrap(client).chat.completions.create(model="m", messages=MESSAGES, stream=True)
    list(stream)
    assert "stop" == stream.response.extensions["psf_runtime.decision"].outcome


@pytest.mark.parametrize("stream", [False, True])
def test_a_ticket_is_asked_once_and_answered_in_the_sdks_type(
    server: Server, client: openai.OpenAI, stream: bool
) -> None:
    """ConflictError, approval, the same call with the ticket: a real answer, the model unasked. Other arguments: no."""
    call: Any = {"id": "t1", "type": "function", "function": {"name": "pay", "arguments": "{}"}}
    server.message = {"role": "assistant", "content": None, "tool_calls": [call]}
    server.finish = "tool_calls"
    policy = Policy.standard(
        tools={"pay": ToolRule(approval="always")}, oversight=Oversight(reviewers={"r": ["lee@acme.example"]})
    )
    wrapped: Any = wrap(client, policy=policy)
    asked: Any = {"model": "m", "messages": MESSAGES, "tools": TOOLS}
    with pytest.raises(openai.ConflictError) as caught:
        wrapped.chat.completions.create(**asked)
    ticket = decision_of(caught.value).ticket  # type: ignore[union-attr]
    wrapped.psf_tickets.approve(ticket, by="lee@acme.example")
    with facts(ticket=ticket):
        with pytest.raises(openai.PermissionDeniedError):
            wrapped.chat.completions.create(**{**asked, "messages": [{"role": "user", "content": "other"}]})
        if stream:
            chunks = list(wrapped.chat.completions.create(**asked, stream=True))
            names = [c.function.name for x in chunks if x.choices for c in x.choices[0].delta.tool_calls or []]
        else:
            answer = wrapped.chat.completions.create(**asked)
            ChatCompletion.model_validate(answer.model_dump())
            names = [c.function.name for c in answer.choices[0].message.tool_calls]
    assert ["pay"] == [name for name in names if name]
    assert 1 == len(server.bodies)


def test_an_errors_body_is_our_public_text(server: Server, client: openai.OpenAI) -> None:
    """The SDK's error shows type, code and text of ours, and no content."""

    @guard(on="input")
    def never(text: str) -> Block:
        return Block("never")

    with pytest.raises(openai.PermissionDeniedError) as caught:
        wrap(client, policy=Policy.standard(guards=[never])).chat.completions.create(model="m", messages=MESSAGES)
    assert "psf_runtime" == caught.value.type
    assert "Blocked" == caught.value.code
    assert "words" not in str(caught.value.body)
    assert decision_of(ValueError("ours")) is None


@pytest.mark.parametrize("stream", [False, True])
def test_fields_that_no_guard_saw_do_not_arrive(
    server: Server, client: openai.OpenAI, monkeypatch: pytest.MonkeyPatch, stream: bool
) -> None:
    """An answer is built from what was screened: whatever else the vendor wrote is not in it."""
    hidden = {
        "annotations": [{"type": "url_citation", "url_citation": {"url": "https://marker.example"}}],
        "audio": {"id": "a", "data": "marker", "transcript": "marker", "expires_at": 1},
        "reasoning_content": "marker",
        "citations": ["marker"],
    }
    server.message = {"role": "assistant", "content": "fine", **hidden}
    server.delta = hidden
    wrapped = wrap(client)
    if stream:
        chunks = list(wrapped.chat.completions.create(model="m", messages=MESSAGES, stream=True))
        text = "".join(chunk.model_dump_json() for chunk in chunks)
    else:
        answer = wrapped.chat.completions.create(model="m", messages=MESSAGES)
        text = answer.model_dump_json()
        assert "fine" in text
    assert "marker" not in text


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_async_calls_fail_before_their_first_chunk_as_statuses(server: Server, backend: str) -> None:
    """A stream that is blocked from the beginning is a status, not a broken stream; the copy closes by itself."""

    @guard(on="input")
    def never(text: str) -> Block:
        return Block("never")

    async def main() -> None:
        async with httpx.AsyncClient(base_url=server.url) as original:
            async with wrap(original, policy=Policy.standard(guards=[never])) as wrapped:
                for stream in (False, True):
                    body = {"model": "m", "messages": MESSAGES, "stream": stream}
                    reply = await wrapped.post("/chat/completions", json=body)
                    assert 403 == reply.status_code
                    assert "never" == reply.extensions["psf_runtime.decision"].blocked_by
            async with wrap(original) as open_one:
                body = {"model": "m", "messages": MESSAGES, "stream": True}
                assert 200 == (await open_one.get("/models")).status_code
                assert (await open_one.post("/chat/completions", json=body)).text.endswith("data: [DONE]\n\n")

    anyio.run(main, backend=backend)
    assert 1 == len(server.bodies)


def test_a_blocking_stream_that_is_blocked_at_once_is_a_status(server: Server, client: openai.OpenAI) -> None:
    """The same for the blocking SDK: PermissionDeniedError when the stream is asked for."""

    @guard(on="input")
    def never(text: str) -> Block:
        return Block("never")

    with pytest.raises(openai.PermissionDeniedError):
        wrap(client, policy=Policy.standard(guards=[never])).chat.completions.create(
            model="m", messages=MESSAGES, stream=True
        )
    assert [] == server.bodies


def test_a_request_without_a_model_is_refused(server: Server) -> None:
    """The model has no default here."""
    with httpx.Client(base_url=server.url) as original:
        reply = wrap(original).post("/chat/completions", json={"messages": MESSAGES})
    assert 400 == reply.status_code
    assert "names no model" in reply.text
