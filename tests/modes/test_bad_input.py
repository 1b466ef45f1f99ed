"""Bad input: each is one typed error that names the layer and the remedy, holds no content, and leaves nothing open."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from typing import Any

import anyio
import pytest

from psf_runtime import AsyncClient, Client, ConfigError, Policy, ProviderError, PsfError, guard
from psf_runtime.errors import GuardError, ProviderTimeout, StreamInterrupted
from psf_runtime.flow.protocols import GuardBase
from psf_runtime.policy import Resilience
from psf_runtime.testing import MockProvider, fault
from tests.modes.clients import MODES, Got, Mode, ask, assert_absent, assert_nothing_open, client_for, mock_call, told
from tests.wire.wire_loopback import DONE, HELLO, Loopback, body, delta, events

modes = pytest.mark.parametrize("mode", MODES)
CANARY = "canary-5519"
ONCE = Policy.standard(resilience=Resilience(retries=0))


def over_http(mode: Mode, script: Any, **arguments: Any) -> tuple[Got, Loopback]:
    """One call over a real connection to a server that does what the script says; then the client is closed."""
    with Loopback(script) as server:
        client = client_for(mode, f"local:m@{server.url}", policy=ONCE)
        got = ask(mode, client, f"hello {CANARY}", close=True, **arguments)
        assert len(server.requests) == 1
    assert got.core.state.ledger.orphans() == ()
    return got, server


def check(got: Got, kind: type[PsfError]) -> PsfError:
    """The error is of this type, has a remedy and a record, and holds no content; no stream pretends to be whole."""
    error = got.error
    assert isinstance(error, kind), repr(error)
    assert_absent([CANARY], told(error), "the error")
    assert error.__cause__ is None
    assert error.__context__ is None
    assert not got.finished
    assert got.answer is None
    assert error.what
    return error


@modes
def test_the_wire_itself(mode: Mode) -> None:
    """A good answer of the loopback server arrives in all four modes: what fails below fails for its own reason."""
    stream = events(delta("hel"), delta("lo"), delta(finish="stop"), DONE)
    got, server = over_http(mode, stream if "stream" in mode else body(HELLO))

    assert "hello" == got.value().text
    assert CANARY.encode() in server.requests[0]


@modes
@pytest.mark.parametrize("reply", [b"<html>canary-5519</html>", b'{"choices": [canary-5519', b"[]", b'"x"', b""])
def test_an_answer_that_makes_no_sense(mode: Mode, reply: bytes) -> None:
    """Bytes that are no chat completion are ProviderError `bad_response` that names the target."""
    got, _ = over_http(mode, body(reply))
    error = check(got, ProviderError)

    assert isinstance(error, ProviderError)
    assert "m" in error.target
    assert error.kind in ("bad_response", "stream_interrupted")


@modes
def test_an_error_inside_a_200(mode: Mode) -> None:
    """An error object in an answer with status 200 is an error, and its text is not repeated."""
    got, _ = over_http(mode, body({"error": {"message": f"no {CANARY}", "type": "server_error"}}))
    check(got, ProviderError)


@pytest.mark.parametrize("mode", ["stream", "async stream"])
@pytest.mark.parametrize(
    "pieces",
    [
        (),
        (DONE,),
        (delta("hel"), b"data: {not json " + CANARY.encode() + b"}\n\n"),
        (delta("hel"), b'data: {"error": {"message": "' + CANARY.encode() + b'", "code": 500}}\n\n'),
        (b": only comments\n\n", b": and more\n\n"),
    ],
    ids=["empty", "done only", "bad line", "error event", "comments"],
)
def test_streams_that_are_none(mode: Mode, pieces: tuple[bytes, ...]) -> None:
    """An empty stream, a bad line, an error event: ProviderError, whatever was delivered before; never a Finish."""
    got, _ = over_http(mode, events(*pieces))
    check(got, ProviderError)


@pytest.mark.parametrize("mode", ["stream", "async stream"])
def test_a_stream_that_is_cut(mode: Mode) -> None:
    """A connection that breaks in the middle is StreamInterrupted; text that was held is not flushed as if good."""
    got, _ = over_http(mode, events(delta("hel"), delta("lo"), cut=True))
    check(got, StreamInterrupted)


def endless(line: socket.socket) -> bool:
    """A stream without an end."""
    line.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
    piece = delta("word ")
    while True:
        line.sendall(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        time.sleep(0.002)


@pytest.mark.parametrize("mode", ["stream", "async stream", "complete", "async complete"])
def test_an_endless_stream(mode: Mode) -> None:
    """A stream without an end is ended by the call's own time, and the server sees the connection close."""
    got, server = over_http(mode, endless, timeout=0.25)
    error = check(got, ProviderTimeout)

    assert error.control == "resilience.limits"
    assert server.hung_up.wait(3)


@modes
def test_an_unreachable_host(mode: Mode) -> None:
    """A port where nobody listens is ProviderError `connection`, with the target and no address of ours in it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    client = client_for(mode, f"local:m@http://127.0.0.1:{port}/v1", policy=ONCE)
    error = check(ask(mode, client, f"hello {CANARY}", close=True), ProviderError)

    assert isinstance(error, ProviderError)
    assert "connection" == error.kind
    assert client._core.state.ledger.orphans() == ()


@pytest.mark.parametrize("face", [Client, AsyncClient])
@pytest.mark.parametrize(
    ("model", "remedy"),
    [
        ("opnai:gpt-4o", "openai"),
        ("openai/gpt-4o", "openai:gpt-4o"),
        ("gpt-4o", "provider:gpt-4o"),
        ("", "model"),
        ("mock:nobody", "mock:echo"),
        ("local:m@ftp://x", "http"),
        (7, "MockProvider"),
        (None, "Client("),
    ],
)
def test_unknown_models(face: Any, model: Any, remedy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown provider or model string is ConfigError at construction, with the spelling that would work."""
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    with pytest.raises(ConfigError) as caught:
        face(model)
    assert remedy in str(caught.value)


def test_everything_wrong_with_the_targets_at_once() -> None:
    """All problems with a client's targets are in one error; a key is in none of them."""
    key = "sk-" + CANARY
    with pytest.raises(ConfigError) as caught:
        Client("opnai:x", fallbacks=["nobody:y", "local:m@ftp://x"], api_key=key)

    assert len(caught.value.problems) == 3
    assert_absent([key], told(caught.value), "the error")


@pytest.mark.parametrize("face", [Client, AsyncClient])
@pytest.mark.parametrize(
    "arguments",
    [
        {"fallbacks": "mock:echo"},
        {"fallbacks": 5},
        {"timeout": 0},
        {"timeout": float("inf")},
        {"timeout": "5"},
        {"policy": 5},
        {"policy": "/nowhere/psf.toml"},
        {"state": "sqlite:///x.db"},
        {"api_key": "k"},
    ],
    ids=str,
)
def test_settings_of_the_wrong_kind(face: Any, arguments: dict[str, Any]) -> None:
    """A setting of the wrong kind is ConfigError when the client is made."""
    with pytest.raises(ConfigError):
        face(MockProvider("x"), **arguments)


def test_a_policy_with_a_typo(tmp_path: Path) -> None:
    """A misspelt key is ConfigError with its line and the right spelling; all typos at once."""
    file = tmp_path / "psf.toml"
    file.write_text('preset = "standard"\nprivacy.consnt = "enforce"\n[purposes.p]\nownr = "dana"\n')
    with pytest.raises(ConfigError) as caught:
        Client(MockProvider("x"), policy=str(file))

    assert "psf.toml:2" in str(caught.value)
    assert "consent" in str(caught.value)
    assert "psf.toml:4" in str(caught.value)


def test_a_wrong_layer_order() -> None:
    """A guard that must stand elsewhere than it would is ConfigError at construction, which prints the right order."""

    class Misplaced(GuardBase):
        """A guard of one's own that wants clear text, but stands below the line."""

        name = "misplaced"
        outside_of = ("privacy.tokens",)

    with pytest.raises(ConfigError) as caught:
        Client(MockProvider("x"), policy=Policy.standard(guards=[Misplaced()]))
    assert "misplaced" in str(caught.value)
    assert "privacy.tokens" in str(caught.value)


def test_an_async_guard_needs_an_async_client() -> None:
    """`async def` guards are refused by Client, by name, and work in AsyncClient."""

    @guard(name="slow_check")
    async def slow_check(text: str) -> bool:
        return text == "fine"

    policy = Policy.standard(guards=[slow_check])
    with pytest.raises(ConfigError, match="slow_check"):
        Client(MockProvider("fine"), policy=policy)
    assert "fine" == ask("async complete", AsyncClient(MockProvider("fine"), policy=policy), "x").value().text


@modes
def test_a_guard_that_never_returns(mode: Mode) -> None:
    """A guard with a time-out that hangs is GuardError that names it; nothing is delivered."""
    import threading

    release = threading.Event()

    @guard(name="hangs", timeout=0.05)
    def hangs(text: str) -> bool:
        return release.wait(5)

    mock, got = mock_call(mode, f"said {CANARY}", policy=Policy.standard(guards=[hangs]))
    release.set()
    error = check(got, GuardError)

    assert "hangs" == error.layer
    assert got.events == []
    assert error.change
    assert_nothing_open(got, mock)


@modes
@pytest.mark.parametrize(
    "messages",
    [
        None,
        5,
        b"bytes",
        [],
        ["text"],
        [{"role": "user"}, 7],
        [{"role": "wizard", "content": CANARY}],
        [{"content": CANARY}],
        [{"role": "user", "content": {"text": CANARY}}],
        [{"role": "user", "content": [{"type": "video", "url": CANARY}]}],
        [{"role": "user", "content": "x", CANARY: 1}],
        [{"role": "tool", "content": "x"}],
    ],
    ids=range(12),
)
def test_messages_that_are_none(mode: Mode, messages: Any) -> None:
    """What cannot be read as messages is ConfigError that says where and what to write; nothing is sent."""
    mock, got = mock_call(mode, "x", messages=messages)
    error = check(got, ConfigError)

    assert error.change
    assert mock.calls == ()
    assert got.core.state.ledger.entries() == ()


@modes
@pytest.mark.parametrize("reply", [fault.bad_line(), fault.empty(), ["a", fault.cut()]], ids=["bad", "empty", "cut"])
def test_faults_of_a_provider(mode: Mode, reply: Any) -> None:
    """What a provider does wrong is ProviderError; a stream that delivered something never ends as if complete."""
    mock, got = mock_call(mode, *[reply] * 3, policy=ONCE, messages=f"hi {CANARY}")
    check(got, ProviderError)
    assert_nothing_open(got, mock)


def test_a_stream_is_a_context_manager() -> None:
    """Reading a stream without `with` is ConfigError and sends nothing; it can be entered once."""
    mock = MockProvider("x", "y")
    client = Client(mock)
    stream = client.stream("hi")
    with pytest.raises(ConfigError, match="context manager"):
        next(stream)
    with stream:
        assert ["x"] == list(stream.text_stream)
    with pytest.raises(ConfigError, match="once"), stream:
        pass
    assert len(mock.calls) == 1


def test_a_failed_stream_never_looks_complete() -> None:
    """After an error, reading on raises it again, and `.completion` says why there is none."""
    with Client(MockProvider(["a", fault.cut()])) as client, client.stream("hi") as stream:
        for _ in range(2):
            with pytest.raises(StreamInterrupted):
                list(stream.text_stream)
        with pytest.raises(ValueError, match="StreamInterrupted"):
            _ = stream.completion


def test_a_stream_left_early() -> None:
    """Leaving early cancels: the connection closes, the log says `cancelled`, there is no completion."""
    mock = MockProvider([f"piece {number} " for number in range(100)])
    client = Client(mock)
    with client.stream("hi") as stream:
        with pytest.raises(ValueError, match="has not ended"):
            _ = stream.completion
        next(stream.text_stream)
    with pytest.raises(ValueError, match="left before its end"):
        _ = stream.completion
    assert mock.live == 0
    ledger = client._core.state.ledger
    assert ledger.orphans() == ()
    assert "cancelled" == ledger.entries()[-1].record["outcome"]


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_stream_that_is_dropped(asynchronous: bool) -> None:
    """A stream that nobody leaves warns, closes its connection and leaves no orphan in the log."""
    mock = MockProvider([f"piece {number} " for number in range(100)])
    client: Any = (AsyncClient if asynchronous else Client)(mock)

    async def drop() -> None:
        stream = await client.stream("hi").__aenter__()
        await stream.__anext__()
        with pytest.warns(ResourceWarning, match="dropped"):
            del stream

    if asynchronous:
        anyio.run(drop)
    else:
        stream = client.stream("hi").__enter__()
        next(stream)
        with pytest.warns(ResourceWarning, match="dropped"):
            del stream
    assert mock.live == 0
    assert client._core.state.ledger.orphans() == ()


def test_a_stream_that_is_never_entered() -> None:
    """A stream that was made and thrown away has sent nothing, logged nothing, and does not warn."""
    mock = MockProvider("x")
    client = Client(mock)
    client.stream("hi")
    with client.stream("hi"):
        pass
    assert mock.calls == ()
    assert client._core.state.ledger.entries() == ()
