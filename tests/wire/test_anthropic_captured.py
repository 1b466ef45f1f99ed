"""Captured traffic of llama.cpp's messages dialect: however the bytes are cut, the answer is the same."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from anthropic.types import Message as SdkMessage

from psf_runtime.errors import ProviderError
from psf_runtime.providers.anthropic import COMPATIBLE, AnthropicMessages
from psf_runtime.providers.errors import provider_error
from psf_runtime.types.chunks import Chunk
from psf_runtime.types.messages import Reasoning, Text
from psf_runtime.types.response import Response, accumulate, normal
from psf_runtime.types.response_head import Usage

DATA = Path(__file__).parent / "data" / "anthropic_on_llamacpp"
CODEC = AnthropicMessages(model="echo-lm", target="t", differences=COMPATIBLE)
CASES: dict[str, dict[str, Any]] = {case["case"]: case for case in json.loads((DATA / "index.json").read_text())}
STREAMS = ["anthropic_messages_stream", "anthropic_tool_stream", "anthropic_thinking_stream"]
BODIES = ["anthropic_messages", "anthropic_tool"]


def captured(name: str) -> bytes:
    return (DATA / CASES[name]["file"]).read_bytes()


def decode(data: bytes, size: int = 1 << 20, *, stream: bool) -> Response | tuple[str, str]:
    """The answer, or the class and kind of the error."""
    decoder = CODEC.decoder(stream=stream)
    chunks: list[Chunk] = []
    try:
        for start in range(0, len(data), size):
            chunks += decoder.feed(data[start : start + size])
        chunks += decoder.end()
    except ProviderError as error:
        return type(error).__name__, error.kind
    return accumulate(chunks, decoder.head())


def good(name: str) -> Response:
    response = decode(captured(name), stream=name in STREAMS)
    assert isinstance(response, Response)
    return response


@pytest.mark.parametrize("name", STREAMS)
def test_the_cut_does_not_matter(name: str) -> None:
    """Pieces of any size up to 40 bytes give the answer that the whole gives, in normal form."""
    whole = good(name)
    assert normal(whole) == whole
    for size in range(1, 40):
        assert decode(captured(name), size, stream=True) == whole


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_cut_anywhere_is_interrupted(name: str) -> None:
    """Until `message_stop` is there, every cut is an error."""
    data = captured(name)
    last = data.index(b'{"type":"message_stop"}') + len(b'{"type":"message_stop"}')
    first = data.index(b"\n\n")  # before that, nothing at all has come
    for cut in range(len(data)):
        outcome = decode(data[:cut], stream=True)
        if cut < first:
            assert outcome == ("ProviderError", "bad_response")
        elif cut < last:
            assert outcome == ("StreamInterrupted", "stream_interrupted")
        else:
            assert isinstance(outcome, Response)


def test_the_answers() -> None:
    """Text, tool call, thinking, names and usage, exactly."""
    whole, streamed = good("anthropic_messages"), good("anthropic_messages_stream")
    assert whole.parts == streamed.parts == (Text("hello [PERSON_1]"),)
    assert whole.usage == streamed.usage == Usage(21, 17, 20, 0, reported=True)
    assert (whole.finish, whole.model, whole.provider) == ("stop", "-", "t")
    tool = good("anthropic_tool")
    assert [(call.name, call.arguments) for call in tool.tool_calls] == [("get_weather", {"city": "Paris", "days": 3})]
    streamed = good("anthropic_tool_stream")
    assert [type(part).__name__ for part in streamed.parts] == ["Text", "ToolCall"]
    assert streamed.tool_calls[0].arguments == {"city": "Paris", "days": 3}
    assert {tool.finish, streamed.finish} == {"tool_calls"}
    assert good("anthropic_thinking_stream").parts == (Reasoning("hidden plan\n"), Text("visible"))


def test_a_captured_error_is_typed_without_its_text() -> None:
    """The server's own shape of an error; its message goes nowhere."""
    case = CASES["anthropic_err"]
    error = provider_error(case["status"], {}, json.loads(captured("anthropic_err")), target="t")
    assert (error.kind, error.status, error.retry_safe) == ("context_length", 400, False)
    assert "9005" not in str(error)


@pytest.mark.parametrize("name", [*STREAMS, *BODIES])
def test_captured_requests_pass_through(name: str) -> None:
    """What a client sent is read, and written again for the same server, message for message."""
    asked = CASES[name]["request"]
    wire = CODEC.encode(CODEC.decode_request(json.dumps(asked).encode()), stream=asked.get("stream", False))
    body = json.loads(wire.body)
    for turn in asked["messages"]:
        turn["content"] = [{"type": "text", "text": turn["content"]}]
    assert wire.path == CASES[name]["path"]
    assert body == asked


@pytest.mark.parametrize("name", BODIES)
def test_what_we_serve_is_what_the_server_sent(name: str) -> None:
    """The captured message, decoded and encoded, says the same, in the vendor's types."""
    body = json.loads(CODEC.encode_response(good(name), id="msg_1", created=1))
    theirs = json.loads(captured(name))
    assert SdkMessage.model_validate(body).usage.input_tokens == theirs["usage"]["input_tokens"]
    for key in ("content", "stop_reason", "model", "usage"):
        assert body[key] == theirs[key]


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


MARKER = "a forbidden sentence"


def with_markers(name: str) -> list[tuple[tuple[Any, ...], bytes]]:
    """The captured answer with the marker in each of its strings in turn, and where it stands."""
    data = captured(name)
    if name in BODIES:
        body = json.loads(data)
        return [(path, json.dumps(planted(body, path, MARKER)).encode()) for path in leaves(body)]
    out = []
    events = data.decode().split("\n\n")[:-1]
    seen = set()
    for number, event in enumerate(events):
        name_line, line = event.split("\n")
        value = json.loads(line.removeprefix("data: "))
        for path in leaves(value):
            if (value["type"], path, value.get("index")) in seen:
                continue  # one piece of a text is as good as another
            seen.add((value["type"], path, value.get("index")))
            changed = name_line + "\ndata: " + json.dumps(planted(value, path, MARKER))
            out.append((path, "\n\n".join([*events[:number], changed, *events[number + 1 :], ""]).encode()))
    return out


CHANNELS = {"text", "thinking", "partial_json", "city"}


@pytest.mark.parametrize("name", [*STREAMS, *BODIES])
def test_a_marker_in_any_string_is_screened_or_gone(name: str) -> None:
    """A sentence planted in any string of an answer is on a channel that guards see, or is not in the response."""
    placed = 0
    for path, data in with_markers(name):
        outcome = decode(data, stream=name in STREAMS)
        if not isinstance(outcome, Response):
            continue
        on_channel = any(MARKER in (getattr(part, "text", "") or getattr(part, "args", "")) for part in outcome.parts)
        assert on_channel == (path[-1] in CHANNELS), path
        assert MARKER.encode() not in pickle.dumps(outcome.replace(parts=())), path
        assert all(MARKER not in getattr(part, "name", "") + getattr(part, "id", "") for part in outcome.parts)
        placed += on_channel
    assert placed
