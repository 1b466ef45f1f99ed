"""What Azure, DeepSeek and others add to an answer: dropped and counted, or the end that it is."""

from __future__ import annotations

import json
from typing import Any

import pytest

from psf_runtime.errors import ProviderError
from psf_runtime.providers.openai import AZURE, OpenAIChat
from psf_runtime.types.chunks import Chunk
from psf_runtime.types.messages import Text
from psf_runtime.types.response import Response, accumulate

CODEC = OpenAIChat("dep-1", "t", AZURE)
FILTERS = {"hate": {"filtered": False, "severity": "safe"}, "custom": {"id": "CANARY", "filtered": True}}


def read(data: bytes, *, stream: bool) -> Response:
    decoder = CODEC.decoder(stream=stream)
    chunks: list[Chunk] = [*decoder.feed(data), *decoder.end()]
    return accumulate(chunks, decoder.head())


def stream(*events: Any) -> Response:
    return read(
        "".join(f"data: {json.dumps(event)}\n\n" for event in events).encode() + b"data: [DONE]\n\n", stream=True
    )


def choice(delta: Any = None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    one = {"index": 0, "finish_reason": finish, **({} if delta is None else {"delta": delta}), **more}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o", "choices": [one]}


PROMPT = {
    "choices": [],
    "created": 0,
    "id": "",
    "model": "",
    "object": "",
    "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": FILTERS}],
}


def test_filter_reports_of_a_stream_are_dropped_and_counted() -> None:
    """On the prompt, on a piece, and late, in a choice without a delta: no text of them gets out."""
    response = stream(
        PROMPT,
        choice({"role": "assistant", "content": "", "refusal": None}, content_filter_results={}),
        choice({"content": "hi"}, content_filter_results=FILTERS),
        choice(
            content_filter_offsets={"check_offset": 1, "start_offset": 0, "end_offset": 2},
            content_filter_results=FILTERS,
        ),
        choice({}, "stop", content_filter_results={}),
    )
    assert response.parts == (Text("hi"),)
    assert response.finish == "stop"
    assert response.raw["dropped"] == {
        "prompt_filter_results": 1,
        "content_filter_results": 4,
        "content_filter_offsets": 1,
    }
    assert "CANARY" not in str(response.raw)


def test_filter_reports_of_a_body() -> None:
    """The same in one piece; log probabilities go the same way."""
    body = {
        **choice(message={"role": "assistant", "content": "hi"}, finish="stop", content_filter_results=FILTERS),
        "prompt_filter_results": PROMPT["prompt_filter_results"],
    }
    body["choices"][0]["logprobs"] = {"content": [{"token": "CANARY"}]}
    response = read(json.dumps(body).encode(), stream=False)
    assert response.text == "hi"
    assert response.raw["dropped"] == {"prompt_filter_results": 1, "content_filter_results": 1, "logprobs": 1}


def test_an_answer_that_the_filter_ended() -> None:
    """It is cut off with its own finish, with or without a text."""
    cut = stream(choice({"content": "hi"}), choice({}, "content_filter", content_filter_results=FILTERS))
    assert (cut.finish, cut.text) == ("content_filter", "hi")
    empty = read(json.dumps(choice(message={"role": "assistant"}, finish="content_filter")).encode(), stream=False)
    assert (empty.finish, empty.parts) == ("content_filter", ())


@pytest.mark.parametrize(
    ("reason", "kind"), [("error", "server_error"), ("insufficient_system_resource", "overloaded")]
)
def test_an_end_that_is_a_failure(reason: str, kind: str) -> None:
    """A server that gives up says so in the finish reason: there is no answer then, and another try may get one."""
    with pytest.raises(ProviderError) as caught:
        stream(choice({"content": "hi"}), choice({}, reason))
    assert (caught.value.kind, caught.value.retry_safe) == (kind, True)


@pytest.mark.parametrize(
    "body",
    [
        {"result": {"response": "CANARY"}, "success": True, "errors": [], "messages": []},
        {"response": "CANARY", "done": True},
        {"message": {"role": "assistant", "content": "CANARY"}},
        {"detail": "CANARY"},
    ],
)
def test_a_200_that_is_no_completion(body: Any) -> None:
    """Another service's answer is not taken for one, and nothing of it is shown."""
    with pytest.raises(ProviderError) as caught:
        read(json.dumps(body).encode(), stream=False)
    assert caught.value.kind == "bad_response"
    assert "CANARY" not in str(caught.value)
