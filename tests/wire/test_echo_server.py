"""The embedded llama.cpp server with the echo model, asked with plain HTTP: what other tests rely on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from psf_runtime.testing.llama_process import EchoServerProcess
from psf_runtime.testing.llama_server import EchoServer

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}},
    },
}
WEATHER_CALL = '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Łódź", "days": 3}}\n</tool_call>'
PERSON = {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}}


def ask(server: EchoServer | EchoServerProcess, text: str, **fields: Any) -> httpx.Response:
    """One question without a stream."""
    body = {"model": server.model, "messages": [{"role": "user", "content": text}], "max_tokens": 400, **fields}
    return httpx.post(f"{server.base_url}/chat/completions", json=body, timeout=30)


def choice(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 200
    first: dict[str, Any] = response.json()["choices"][0]
    return first


def events(server: EchoServer, text: str, **fields: Any) -> list[Any]:
    """The data of a stream: parsed objects, and `[DONE]`."""
    body = {"model": server.model, "messages": [{"role": "user", "content": text}], "stream": True, **fields}
    response = httpx.post(f"{server.base_url}/chat/completions", json=body, timeout=30)
    lines = [line.removeprefix("data: ") for line in response.text.splitlines() if line.startswith("data: ")]
    return [line if line == "[DONE]" else json.loads(line) for line in lines]


@pytest.mark.parametrize(
    "text",
    [
        "Dear [PERSON_1], write to <EMAIL_1> or EMAIL_M2T9AX4K.",
        "Żółć, Größe, ça va, ¿qué tal?, привет, 你好, 🙂 \u200d tab\tand\nnew line",
        '{"quote": "\\"", "backslash": "\\\\"}',
    ],
)
def test_it_echoes(echo_server: EchoServer, text: str) -> None:
    """Any text comes back byte by byte, and the server names itself by its alias."""
    response = ask(echo_server, text)
    assert choice(response)["message"]["content"] == text
    assert choice(response)["finish_reason"] == "stop"
    assert response.json()["model"] == "echo-lm"


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyzäöüßłżé .,:;-_[]<>{}0123456789", min_size=1, max_size=14))
def test_it_echoes_short_texts_of_any_shape(echo_server: EchoServer, text: str) -> None:
    """Texts shorter than the model's reach come back whole, whatever they repeat."""
    framed = f"<{text}>"
    assert choice(ask(echo_server, framed))["message"]["content"] == framed


def test_it_streams_one_character_a_delta(echo_server: EchoServer) -> None:
    """A placeholder is cut at every character; usage comes when it is asked for, then the end mark."""
    got = events(echo_server, "to EMAIL_M2T9AX4K é", stream_options={"include_usage": True})
    deltas = [event["choices"][0]["delta"].get("content") for event in got[:-1] if event["choices"]]
    assert "".join(delta for delta in deltas if delta) == "to EMAIL_M2T9AX4K é"
    assert max(len(delta) for delta in deltas if delta) == 1
    assert got[-1] == "[DONE]"
    assert got[-2]["usage"]["completion_tokens"] > 0


def test_it_calls_a_tool(echo_server: EchoServer) -> None:
    """The server itself parses the call out of the model's text."""
    first = choice(ask(echo_server, f"Let me look.\n{WEATHER_CALL}", tools=[WEATHER]))
    function = first["message"]["tool_calls"][0]["function"]
    assert (function["name"], json.loads(function["arguments"])) == ("get_weather", {"city": "Łódź", "days": 3})
    assert first["finish_reason"] == "tool_calls"
    assert first["message"]["content"].strip() == "Let me look."


def test_it_streams_a_tool_call(echo_server: EchoServer) -> None:
    """Arguments arrive in pieces that add up to JSON."""
    got = events(echo_server, WEATHER_CALL, tools=[WEATHER])
    calls = [event["choices"][0]["delta"].get("tool_calls", []) for event in got[:-1] if event["choices"]]
    pieces = [call["function"].get("arguments", "") for delta in calls for call in delta]
    assert json.loads("".join(pieces)) == {"city": "Łódź", "days": 3}
    assert len(pieces) > 3


def test_it_answers_with_a_tool_result(echo_server: EchoServer) -> None:
    """When a tool spoke last, the answer is its text."""
    call = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Łódź"}'}}
    history = [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "rain, 7 degrees"},
    ]
    first = choice(ask(echo_server, "", messages=history, tools=[WEATHER]))
    assert first["message"]["content"] == "rain, 7 degrees"


def test_it_follows_a_schema(echo_server: EchoServer) -> None:
    """With a JSON schema the grammar of the server holds, also against the prompt."""
    form = {"type": "json_schema", "json_schema": {"name": "person", "schema": PERSON, "strict": True}}
    content = choice(ask(echo_server, '{"name": "Zoë", "age": 41}', response_format=form))["message"]["content"]
    assert json.loads(content) == {"name": "Zoë", "age": 41}
    wrong = '{"name": "Zoë", "age": "old"}'
    forced = choice(ask(echo_server, wrong, response_format=form, max_tokens=60))["message"]["content"]
    assert forced.startswith('{"name": "Zoë", "age": ')
    assert '"old"' not in forced


def test_it_thinks(echo_server: EchoServer) -> None:
    """Thinking comes in a field of its own."""
    message = choice(ask(echo_server, "<think>\nhidden plan\n</think>\n\nvisible"))["message"]
    assert (message["content"], message["reasoning_content"].strip()) == ("visible", "hidden plan")


def test_it_truncates(echo_server: EchoServer) -> None:
    """`max_tokens` cuts inside a placeholder and says `length`."""
    first = choice(ask(echo_server, "Dear [PERSON_1]", max_tokens=9))
    assert (first["message"]["content"], first["finish_reason"]) == ("Dear [PER", "length")


def test_it_refuses_what_does_not_fit(echo_server: EchoServer) -> None:
    """More than the window is a 400 before any stream."""
    response = ask(echo_server, "x" * 5000, stream=True)
    assert response.status_code == 400
    assert response.json()["error"]["type"] == "exceed_context_size_error"


def test_it_can_be_killed_in_mid_stream() -> None:
    """A dead server cuts the stream: part of the answer came, no end mark, and then nobody listens."""
    text = "".join(chr(33 + number % 90) for number in range(0, 1500, 7)) + "the end"
    with EchoServerProcess() as server:
        body = {"messages": [{"role": "user", "content": text}], "stream": True}
        got = b""
        with httpx.stream("POST", f"{server.base_url}/chat/completions", json=body, timeout=30) as response:
            chunks = response.iter_raw()
            while b'"content":"' not in got:
                got += next(chunks)
            server.kill()
            rest: list[bytes] = []
            with pytest.raises(httpx.RemoteProtocolError):
                rest.extend(chunks)
        assert b"[DONE]" not in got + b"".join(rest)
        with pytest.raises(httpx.ConnectError):
            ask(server, "hello")


def test_two_servers_run_side_by_side(echo_server: EchoServer) -> None:
    """Each has a port of its own; stopping one leaves the other."""
    with EchoServer() as other:
        assert other.base_url != echo_server.base_url
        address = other.base_url
        assert choice(ask(other, "hi"))["message"]["content"] == "hi"
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{address}/models", timeout=5)
    assert choice(ask(echo_server, "hi"))["message"]["content"] == "hi"


def test_every_slot_answers_at_once(echo_server: EchoServer) -> None:
    """Eight connections are served although there are four slots."""
    from concurrent.futures import ThreadPoolExecutor

    texts = [f"question number {number}?" for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda text: choice(ask(echo_server, text))["message"]["content"], texts))
    assert answers == texts


def test_the_target_is_a_model_string(echo_server: EchoServer) -> None:
    """`local:NAME@URL`, ready for a client."""
    assert echo_server.target == f"local:echo-lm@{echo_server.base_url}"
    assert Path(echo_server.base_url).name == "v1"
