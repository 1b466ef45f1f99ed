"""Answers are built, never patched: what no guard saw does not arrive, in any dialect, whole or streamed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx
import openai
import pytest

from psf_runtime import Block, Policy, decision_of, guard, wrap
from tests.wrap import vendors
from tests.wrap.server import Server, serving

MARKER = "planted-marker"


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as state:
        yield state


def planted(value: Any) -> Any:
    """The value, with further members in every object of it, and the marker in each."""
    if isinstance(value, list):
        return [planted(item) for item in value]
    if not isinstance(value, dict):
        return value
    more = {"annotations": [{"type": "url_citation", "url": MARKER, "title": MARKER}], "citations": [MARKER]}
    more |= {"audio": {"transcript": MARKER}, "refusal_note": MARKER, "logprobs": [{"token": MARKER}], MARKER: 1}
    return {**{name: planted(item) for name, item in value.items()}, **more}


@pytest.fixture
def planting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every object that the server sends holds things that the dialect does not know, or that nobody screens."""
    for name in ("response", "message", "embeddings"):
        original = getattr(vendors, name)
        monkeypatch.setattr(vendors, name, lambda body, original=original: planted(original(body)))
    for name in ("response_events", "message_events"):
        events = getattr(vendors, name)
        monkeypatch.setattr(vendors, name, lambda body, events=events: (planted(event) for event in events(body)))


@pytest.mark.usefixtures("planting")
def test_the_double_does_plant(server: Server) -> None:
    """Without the wrapping the marker arrives."""
    with httpx.Client(base_url=server.url) as client:
        assert MARKER in client.post("/responses", json={"model": "m", "input": "hi"}).text


@pytest.mark.usefixtures("planting")
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", ["/responses", "/messages", "/embeddings"])
def test_nothing_planted_arrives(server: Server, path: str, stream: bool) -> None:
    """Not in the body, nor in a header."""
    body = {"model": "m", "input": "hi", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 9}
    fields = {"/responses": ("model", "input"), "/embeddings": ("model", "input")}
    wanted = fields.get(path, ("model", "messages", "max_tokens"))
    asked: Any = {name: body[name] for name in wanted} | ({"stream": True} if stream and path != "/embeddings" else {})
    with httpx.Client(base_url=server.url) as original:
        reply = wrap(original).post(path, json=asked)
    assert 200 == reply.status_code
    assert "hi" in reply.text or path == "/embeddings"
    assert MARKER not in reply.text + str(reply.headers)


@pytest.mark.usefixtures("planting")
def test_nothing_planted_is_in_the_sdks_objects(server: Server) -> None:
    """Nor in what `model_dump_json` of the SDKs' own types shows."""
    with openai.OpenAI(base_url=server.url, api_key="k") as first:
        wrapped = wrap(first)
        assert MARKER not in wrapped.responses.create(model="m", input="hi").model_dump_json()
        events = wrapped.responses.create(model="m", input="hi", stream=True)
        assert MARKER not in "".join(event.model_dump_json() for event in events)
    with anthropic.Anthropic(base_url=server.url.removesuffix("/v1"), api_key="k") as second:
        asked: Any = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
        assert MARKER not in wrap(second).messages.create(**asked).model_dump_json()


@pytest.mark.parametrize("dialect", ["responses", "messages"])
def test_a_block_in_mid_stream(server: Server, dialect: str) -> None:
    """What was delivered is a clean prefix, then the SDK's own error with our decision."""
    seen: list[int] = []

    @guard(on="output", window=8)
    def enough(text: str) -> Block | None:
        seen.append(len(text))
        return Block("enough") if len(seen) > 40 else None

    text = "words " * 100
    policy = Policy.standard(guards=[enough])
    delivered: list[str] = []
    error: type[Exception] = openai.APIError if dialect == "responses" else anthropic.APIError
    with pytest.raises(error) as caught:
        if dialect == "responses":
            with openai.OpenAI(base_url=server.url, api_key="k") as first:
                for event in wrap(first, policy=policy).responses.create(model="m", input=text, stream=True):
                    delivered.append(event.delta if event.type == "response.output_text.delta" else "")
        else:
            with anthropic.Anthropic(base_url=server.url.removesuffix("/v1"), api_key="k") as second:
                asked: Any = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": text}]}
                with wrap(second, policy=policy).messages.stream(**asked) as stream:
                    delivered.extend(stream.text_stream)
    assert "".join(delivered)
    assert text.startswith("".join(delivered))
    decision = decision_of(caught.value)
    assert decision is not None
    assert "enough" == decision.blocked_by


@pytest.mark.parametrize("path", ["/responses", "/messages", "/embeddings", "/chat/completions"])
def test_a_servers_error_text_stays_there(server: Server, path: str) -> None:
    """Error bodies repeat prompts: only our own words arrive, in the dialect's shape."""
    server.status = 422
    body: Any = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 9}
    if path in ("/responses", "/embeddings"):
        body = {"model": "m", "input": "hi"}
    with httpx.Client(base_url=server.url) as original:
        reply = wrap(original).post(path, json=body)
    assert 422 == reply.status_code
    assert "secret" not in reply.text
    assert "false" == reply.headers["x-should-retry"]
    assert json.loads(reply.text)["error"]["message"]
