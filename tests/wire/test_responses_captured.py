"""Captured traffic of a real server's Responses: however the bytes are cut, the answer is the same."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from psf_runtime.errors import ProviderError
from psf_runtime.providers.errors import provider_error
from psf_runtime.providers.responses import LOCAL, OpenAIResponses
from psf_runtime.types.chunks import Chunk
from psf_runtime.types.messages import Reasoning, Text
from psf_runtime.types.response import Response, accumulate, normal
from psf_runtime.types.response_head import Usage

DATA = Path(__file__).parent / "data" / "responses_on_llamacpp"
CODEC = OpenAIResponses(model="m", target="t", differences=LOCAL)


def load() -> dict[str, dict[str, Any]]:
    cases = {}
    for case in json.loads((DATA / "index.json").read_text()):
        case["bytes"] = (DATA / case["file"]).read_bytes()
        cases[case["case"]] = case
    return cases


CASES = load()
GOOD = sorted(name for name, case in CASES.items() if case["status"] == 200)
BAD = sorted(name for name, case in CASES.items() if case["status"] != 200)


def decode(name: str, size: int = 1 << 20, data: bytes | None = None) -> Response | tuple[str, str]:
    """The answer, or the class and kind of the error."""
    data = CASES[name]["bytes"] if data is None else data
    decoder = CODEC.decoder(stream=CASES[name]["file"].endswith(".sse"))
    chunks: list[Chunk] = []
    try:
        for start in range(0, len(data), size):
            chunks += decoder.feed(data[start : start + size])
        chunks += decoder.end()
    except ProviderError as error:
        return type(error).__name__, error.kind
    return accumulate(chunks, decoder.head())


def good(name: str) -> Response:
    response = decode(name)
    assert isinstance(response, Response)
    return response


@pytest.mark.parametrize("name", GOOD)
def test_the_cut_does_not_matter(name: str) -> None:
    """Chunks of 1 byte, of 7 bytes, and the whole give identical answers, in normal form."""
    whole = good(name)
    assert decode(name, 1) == whole
    assert decode(name, 7) == whole
    assert normal(whole) == whole


def test_text_once() -> None:
    """The stream sends it in pieces, then whole, then whole again in two more places: it comes once."""
    assert good("responses_stream").parts == good("responses").parts == (Text("hello [PERSON_1]"),)
    assert good("responses").usage == Usage(21, 17, 20, 0, reported=True)
    assert good("responses_stream").usage == good("responses").usage


def test_a_tool_call_once() -> None:
    """Arguments that came one token at a time are one JSON text."""
    for name in ("responses_tool", "responses_tool_stream"):
        found = good(name)
        assert [(call.name, call.arguments) for call in found.tool_calls] == [
            ("get_weather", {"city": "Paris", "days": 3})
        ]
        assert (found.text, found.finish) == ("", "tool_calls")


def test_reasoning_is_a_channel_of_its_own() -> None:
    """What the model thought is no text, streamed or not; unsigned, it is not carried."""
    for name in ("responses_reasoning", "responses_reasoning_stream"):
        assert good(name).parts == (Reasoning("hidden plan\n"), Text("visible"))
        assert "dropped" not in good(name).raw


@pytest.mark.parametrize("name", ["responses_stream", "responses_tool_stream", "responses_reasoning_stream"])
def test_a_cut_anywhere_is_interrupted_or_complete(name: str) -> None:
    """A stream cut at any byte is an error until its last event has come, and the same answer afterwards."""
    data: bytes = CASES[name]["bytes"]
    whole = good(name)
    seen = set()
    for cut in range(0, len(data), 5):
        outcome = decode(name, data=data[:cut])
        if isinstance(outcome, Response):
            assert outcome == whole
            seen.add("complete")
        else:
            assert "complete" not in seen
            assert outcome in (("StreamInterrupted", "stream_interrupted"), ("ProviderError", "bad_response"))
            assert outcome[0] == "StreamInterrupted" or b"\n\n" not in data[:cut]
            seen.add("interrupted")
    # The last bytes of the capture are line ends: a cut between them is no loss.
    assert seen | {"complete"} == {"complete", "interrupted"}
    assert decode(name, data=data.rstrip(b"\n")) == whole


KINDS = {
    "responses_bad_type": "bad_request",
    "responses_err": "context_length",
    "responses_image": "server_error",
    "responses_no_input": "bad_request",
    "responses_previous": "bad_request",
}


@pytest.mark.parametrize("name", BAD)
def test_errors_are_typed_without_their_text(name: str) -> None:
    """Every captured error has its kind, and no sentence of its message is in ours."""
    value = json.loads(CASES[name]["bytes"])
    error = provider_error(CASES[name]["status"], {}, value, target="t")
    assert error.kind == KINDS[name]
    assert value["error"]["message"] not in str(error)


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


def on_channels(response: Response) -> bool:
    return any(MARKER in (getattr(part, "text", "") or getattr(part, "args", "")) for part in response.parts)


def assert_nowhere_else(response: Response, path: tuple[Any, ...]) -> None:
    assert MARKER.encode() not in pickle.dumps(response.replace(parts=())), path
    assert all(MARKER not in getattr(part, "name", "") + getattr(part, "id", "") for part in response.parts), path


@pytest.mark.parametrize("name", ["responses", "responses_tool", "responses_reasoning"])
def test_a_marker_in_any_string_is_screened_or_gone(name: str) -> None:
    """A sentence planted in any string of a body is on a channel that guards see, or is not in the response."""
    value = json.loads(CASES[name]["bytes"])
    seen = set()
    for path in leaves(value):
        outcome = decode(name, data=json.dumps(planted(value, path, MARKER)).encode())
        if isinstance(outcome, Response):
            assert on_channels(outcome) == (path[-1] in ("text", "arguments")), path
            assert_nowhere_else(outcome, path)
            seen.add(on_channels(outcome))
    assert seen == {True, False}


@pytest.mark.parametrize("name", ["responses_stream", "responses_tool_stream", "responses_reasoning_stream"])
def test_a_marker_in_any_string_of_a_stream_is_screened_or_gone(name: str) -> None:
    """The same for every string of every event."""
    events = [json.loads(line[6:]) for line in CASES[name]["bytes"].split(b"\n") if line.startswith(b"data: ")]
    for number, event in enumerate(events):
        for path in leaves(event):
            changed = [*events[:number], planted(event, path, MARKER), *events[number + 1 :]]
            data = b"".join(b"data: " + json.dumps(value).encode() + b"\n\n" for value in changed)
            outcome = decode(name, data=data)
            if isinstance(outcome, Response):
                assert not on_channels(outcome) or path[-1] in ("delta", "text", "arguments"), path
                assert_nowhere_else(outcome, path)
