"""Captured traffic of two real servers: however the bytes are cut, the answer is the same."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from psf_runtime.errors import ProviderError
from psf_runtime.providers.errors import provider_error
from psf_runtime.providers.openai import LOCAL, OpenAIChat
from psf_runtime.types.chunks import Chunk
from psf_runtime.types.response import Response, accumulate, normal
from psf_runtime.types.response_head import Usage

DATA = Path(__file__).parent / "data"
CODEC = OpenAIChat(model="m", target="t", differences=LOCAL)
TEXT = "Dear [PERSON_1], write to [EMAIL_1] or <PHONE_2>. Zürich ✓ 😀"


def load() -> list[Any]:
    cases = []
    for server in ("llamacpp_native", "llama_cpp_python"):
        for case in json.loads((DATA / server / "index.json").read_text()):
            case["bytes"] = (DATA / server / case["file"]).read_bytes()
            cases.append(pytest.param(case, id=f"{server}/{case['case']}"))
    return cases


CASES = load()
BY_NAME: dict[str, dict[str, Any]] = {str(param.id): param.values[0] for param in CASES}  # type: ignore[misc]
GOOD = [param for param in CASES if param.values[0]["status"] == 200]  # type: ignore[index]
BAD = [param for param in CASES if param.values[0]["status"] != 200]  # type: ignore[index]


def decode(case: dict[str, Any], size: int, data: bytes | None = None) -> Response | tuple[str, str]:
    """The answer, or the class and kind of the error."""
    data = case["bytes"] if data is None else data
    decoder = CODEC.decoder(stream=case["file"].endswith(".sse"))
    chunks: list[Chunk] = []
    try:
        for start in range(0, len(data), size):
            chunks += decoder.feed(data[start : start + size])
        chunks += decoder.end()
    except ProviderError as error:
        return type(error).__name__, error.kind
    return accumulate(chunks, decoder.head())


@pytest.mark.parametrize("case", GOOD)
def test_the_cut_does_not_matter(case: dict[str, Any]) -> None:
    """Chunks of 1 byte, of 7 bytes, and the whole give identical answers, in normal form."""
    whole = decode(case, max(len(case["bytes"]), 1))
    assert decode(case, 1) == whole
    assert decode(case, 7) == whole
    if isinstance(whole, Response):
        assert normal(whole) == whole


def good(name: str) -> Response:
    response = decode(BY_NAME[name], 1 << 20)
    assert isinstance(response, Response)
    return response


@pytest.mark.parametrize("server", ["llamacpp_native", "llama_cpp_python"])
def test_the_text_is_exact(server: str) -> None:
    """Streamed or not, raw UTF-8 or escapes: the same text."""
    for name in ("chat_basic", "chat_stream"):
        response = good(f"{server}/{name}")
        assert response.text == TEXT
        assert response.finish == "stop"
    assert good(f"{server}/chat_length_stream").finish == "length"


def test_tool_calls_are_put_together() -> None:
    """Arguments that came one token at a time are one JSON text; text before the call stays before it."""
    streamed = good("llamacpp_native/tool_auto_text_then_call_stream")
    assert [type(part).__name__ for part in streamed.parts] == ["Text", "ToolCall"]
    assert streamed.tool_calls[0].arguments == {"city": "Paris", "days": 3}
    assert streamed.finish == "tool_calls"
    named = good("llama_cpp_python/tool_named")
    assert [call.name for call in named.tool_calls] == ["get_weather"]
    assert named.raw["dropped"] == {"function_call": 1}


def test_reasoning_is_a_channel_of_its_own() -> None:
    """What the model thought is no text, streamed or not."""
    whole, streamed = good("llamacpp_native/reasoning"), good("llamacpp_native/reasoning_stream")
    assert whole.parts == streamed.parts
    assert whole.text == "visible"


def test_usage_wherever_it_comes() -> None:
    """Usage in the body, as an event of its own, or never."""
    assert good("llamacpp_native/chat_basic").usage == Usage(71, 67, 3, 0, reported=True)
    assert good("llamacpp_native/chat_stream_usage").usage == Usage(18, 14, 4, 0, reported=True)
    assert not good("llama_cpp_python/chat_stream_usage").usage.reported


def test_log_probabilities_are_dropped() -> None:
    """They hold the text before any guard has seen it: counted, not kept."""
    response = good("llamacpp_native/chat_logprobs_stream")
    assert response.raw["dropped"] == {"logprobs": 2}
    assert b"top_logprobs" not in pickle.dumps(response)


@pytest.mark.parametrize("name", ["chat_n2", "chat_n2_stream"])
def test_a_second_choice_is_refused(name: str) -> None:
    """An answer with more than one choice is an error: only one would be screened."""
    assert decode(BY_NAME[f"llamacpp_native/{name}"], 7) == ("ProviderError", "bad_response")


def test_an_empty_stream_is_an_error() -> None:
    """200 with an empty event stream is what one server says when the request is too long."""
    case = BY_NAME["llama_cpp_python/err_ctx_overflow_stream"]
    assert case["bytes"] == b""
    assert decode(case, 1) == ("ProviderError", "bad_response")


STREAMS = [
    "llamacpp_native/tool_auto_stream",
    "llama_cpp_python/chat_stream_usage",
    "llamacpp_native/chat_stream_usage",
]


@pytest.mark.parametrize("name", STREAMS)
def test_a_cut_anywhere_is_interrupted_or_complete(name: str) -> None:
    """A stream cut at any byte is an error until its finish reason has come, and the same answer afterwards."""
    case = BY_NAME[name]
    data: bytes = case["bytes"]
    whole = good(name)
    seen = set()
    for cut in range(0, len(data), 3):
        outcome = decode(case, 1 << 20, data[:cut])
        if isinstance(outcome, Response):
            assert outcome.parts == whole.parts
            assert outcome.finish == whole.finish
            seen.add("complete")
        else:
            assert "complete" not in seen
            assert outcome in (("StreamInterrupted", "stream_interrupted"), ("ProviderError", "bad_response"))
            # Only a stream of which nothing at all has come is called empty.
            assert outcome[0] == "StreamInterrupted" or b"\n\n" not in data[:cut]
            seen.add("interrupted")
    assert seen == {"complete", "interrupted"}


KINDS = {
    "llamacpp_native/err_ctx_overflow": "context_length",
    "llamacpp_native/err_ctx_overflow_stream": "context_length",
    "llama_cpp_python/err_ctx_overflow": "context_length",
    "llamacpp_native/err_bad_temp": "bad_request",
    "llamacpp_native/image_part": "server_error",
    "llamacpp_native/wrong_method": "not_found",
    "llama_cpp_python/wrong_method": "not_found",
}


@pytest.mark.parametrize("case", BAD)
def test_errors_are_typed_without_their_text(case: dict[str, Any]) -> None:
    """Every captured error has a kind, and no sentence of its message is in ours."""
    try:
        value = json.loads(case["bytes"])
    except ValueError:
        value = None
    error = provider_error(case["status"], {}, value, target="t")
    message = value.get("error", {}).get("message", "") if isinstance(value, dict) else case["bytes"].decode()
    assert not message or message not in str(error)
    assert error.status == case["status"]


@pytest.mark.parametrize("name", sorted(KINDS))
def test_kinds_of_captured_errors(name: str) -> None:
    """The kinds that routes and retries live by."""
    case = BY_NAME[name]
    error = provider_error(case["status"], {}, json.loads(case["bytes"]), target="t")
    assert KINDS[name] == error.kind


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths of all strings in a JSON value."""
    if isinstance(value, str):
        return [path]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, item in items for found in leaves(item, (*path, key))]


def planted(value: Any, path: tuple[Any, ...], marker: str) -> Any:
    copy = json.loads(json.dumps(value))
    place = copy
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = marker
    return copy


DECLARED = {"content", "reasoning_content", "arguments"}


@pytest.mark.parametrize(
    "name", ["llamacpp_native/chat_logprobs", "llamacpp_native/tool_auto", "llama_cpp_python/tool_named"]
)
def test_a_marker_in_any_string_is_screened_or_gone(name: str) -> None:
    """A sentence planted in any string of an answer is on a channel that guards see, or is not in the response."""
    case = BY_NAME[name]
    marker = "a forbidden sentence"
    for path in leaves(json.loads(case["bytes"])):
        data = json.dumps(planted(json.loads(case["bytes"]), path, marker)).encode()
        outcome = decode(case, 1 << 20, data)
        if not isinstance(outcome, Response):
            continue
        on_channel = any(marker in (getattr(part, "text", "") or getattr(part, "args", "")) for part in outcome.parts)
        expected = path[-1] in DECLARED and "logprobs" not in path and "function_call" not in path
        assert on_channel == expected, path
        rest = pickle.dumps(outcome.replace(parts=()))
        assert marker.encode() not in rest, path
        assert all(marker not in getattr(part, "name", "") + getattr(part, "id", "") for part in outcome.parts)
