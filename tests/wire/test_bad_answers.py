"""What a caller gets when a server misbehaves: a typed error or a typed answer, whole client, sync and async."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel

from psf_runtime import AsyncClient, Client, Completion, Policy, Target
from psf_runtime.errors import ContractViolation, ProviderError, PsfError, StreamInterrupted
from psf_runtime.policy import Resilience
from tests.wire.wire_loopback import Loopback, Script

POLICY = Policy.standard(resilience=Resilience(retries=0))
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
Outcome = Completion[Any] | PsfError


class City(BaseModel):
    name: str
    people: int


def reply(status: int, data: bytes, kind: str, *headers: str) -> Script:
    """A script that answers with these bytes."""
    lines = (f"HTTP/1.1 {status} X", f"content-type: {kind}", f"content-length: {len(data)}", *headers, "", "")

    def answer(line: socket.socket) -> bool:
        line.sendall("\r\n".join(lines).encode() + data)
        return True

    return answer


def body(message: dict[str, Any], finish: str = "stop", **rest: Any) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    return json.dumps({"object": "chat.completion", "model": "m", "choices": [choice], **rest}).encode()


def events(*deltas: dict[str, Any], finish: str | None = "stop", done: bool = True) -> bytes:
    chunks = [{"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    if finish:
        chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    frame = {"object": "chat.completion.chunk", "model": "m"}
    lines = [b"data: " + json.dumps({**frame, **chunk}).encode() for chunk in chunks]
    return b"\n\n".join([*lines, *([b"data: [DONE]"] if done else []), b""])


def call(index: int, arguments: str) -> dict[str, Any]:
    return {"tool_calls": [{"index": index, "id": "c1", "function": {"name": "look", "arguments": arguments}}]}


@dataclass(frozen=True)
class Case:
    """A server's answer, what is asked, and what the caller must get."""

    answer: Script
    stream: bool = False
    ask: tuple[tuple[str, Any], ...] = ()
    error: type[PsfError] | None = None
    kind: str = ""
    check: Callable[[Completion[Any]], bool] = lambda answer: True


JSON, EVENTS = "application/json", "text/event-stream"
ANSWERED_IN_PROSE = reply(200, body({"content": "Paris, two million"}), JSON)
CASES = {
    "response_format ignored": Case(ANSWERED_IN_PROSE, ask=(("output", City),), error=ContractViolation),
    "cut short without a word": Case(
        reply(200, body({"content": '{"name": "Par'}), JSON), ask=(("output", City),), error=ContractViolation
    ),
    "cut by the limit": Case(
        reply(200, body({"content": '{"name": "Paris", "people": 2}'}, "length"), JSON),
        ask=(("output", City),),
        error=ContractViolation,
    ),
    "no end mark": Case(
        reply(200, events({"content": "hello"}, done=False), EVENTS), stream=True, check=lambda a: a.text == "hello"
    ),
    "no end at all": Case(
        reply(200, events({"content": "hello"}, finish=None, done=False), EVENTS),
        stream=True,
        error=StreamInterrupted,
        kind="stream_interrupted",
    ),
    "an empty stream": Case(reply(200, b"", EVENTS), stream=True, error=ProviderError, kind="bad_response"),
    "usage never sent": Case(
        reply(200, body({"content": "hello"}), JSON), check=lambda a: not a.usage.reported and a.cost is None
    ),
    "arguments that never parse": Case(
        reply(200, body({"content": None, **call(0, '{"city": "Par')}, "tool_calls"), JSON),
        ask=(("tools", [TOOL]),),
        error=ContractViolation,
    ),
    "an index out of range": Case(
        reply(200, events(call(10**9, "{}")), EVENTS),
        stream=True,
        ask=(("tools", [TOOL]),),
        error=ProviderError,
        kind="bad_response",
    ),
    "a compressed answer": Case(
        reply(200, gzip.compress(body({"content": "x" * 1_000_000})), JSON, "content-encoding: gzip"),
        error=ProviderError,
        kind="bad_response",
    ),
    "a page instead of an answer": Case(
        reply(200, b"<html>maintenance</html>", "text/html"), error=ProviderError, kind="bad_response"
    ),
    "two answers": Case(
        reply(200, events({"content": "a"}).replace(b'"index": 0', b'"index": 1'), EVENTS),
        stream=True,
        error=ProviderError,
        kind="bad_response",
    ),
    "an error inside a good stream": Case(
        reply(200, b'data: {"error": {"code": "rate_limit_exceeded", "message": "CANARY"}}\n\n', EVENTS),
        stream=True,
        error=ProviderError,
        kind="rate_limited",
    ),
    "a used-up quota": Case(
        reply(429, b'{"error": {"code": "insufficient_quota", "message": "CANARY"}}', JSON),
        error=ProviderError,
        kind="quota_exhausted",
    ),
    "an expired key": Case(
        reply(401, b'{"error": {"code": "invalid_api_key", "message": "CANARY"}}', JSON),
        error=ProviderError,
        kind="auth",
    ),
    "an unknown model": Case(
        reply(404, b'{"error": {"code": "model_not_found", "message": "CANARY"}}', JSON),
        error=ProviderError,
        kind="not_found",
    ),
}


def asked(url: str, case: Case) -> Outcome:
    """One blocking call; the error instead of raising it."""
    with Client(Target(f"local:m@{url}"), policy=POLICY) as client:
        try:
            if not case.stream:
                return client.complete("CANARY-PROMPT", **dict(case.ask))
            with client.stream("CANARY-PROMPT", **dict(case.ask)) as stream:
                for _ in stream:
                    pass
            return stream.completion
        except PsfError as error:
            return error


async def asked_async(url: str, case: Case) -> Outcome:
    """As `asked`, for async callers."""
    async with AsyncClient(Target(f"local:m@{url}"), policy=POLICY) as client:
        try:
            if not case.stream:
                return await client.complete("CANARY-PROMPT", **dict(case.ask))
            async with client.stream("CANARY-PROMPT", **dict(case.ask)) as stream:
                async for _ in stream:
                    pass
            return stream.completion
        except PsfError as error:
            return error


@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("name", CASES)
def test_what_the_caller_gets(name: str, asynchronous: bool) -> None:
    """Each misbehaviour has its own typed outcome, and no error holds a word of the prompt or of the server."""
    case = CASES[name]
    with Loopback(case.answer) as server:
        outcome = asyncio.run(asked_async(server.url, case)) if asynchronous else asked(server.url, case)
    if case.error is None:
        assert isinstance(outcome, Completion)
        assert case.check(outcome)
        return
    assert isinstance(outcome, case.error)
    assert "CANARY" not in f"{outcome} {outcome!r} {outcome.decision}"
    if case.kind:
        assert isinstance(outcome, ProviderError)
        assert outcome.kind == case.kind
