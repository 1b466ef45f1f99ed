"""Faults over a real socket: what the official clients make of a status, a cut, a silence, a piece nobody can read."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import anthropic
import httpx2
import openai
import pytest
import urllib3
from botocore.exceptions import ClientError, EventStreamError, ReadTimeoutError

from psf_runtime import Client, Policy, ProviderError, Target
from psf_runtime.errors import ProviderTimeout, PsfError, RateLimitError, StreamInterrupted
from psf_runtime.policy.settings import Resilience
from psf_runtime.testing import QUIRKS, ManualClock, MockProvider, fault
from tests.unit.testing.mock_clients import (
    USER,
    anthropic_at,
    bedrock_at,
    chat,
    chat_stream,
    converse,
    converse_stream,
    message,
    message_stream,
    openai_at,
    read,
    serving,
)

STATUSES = [
    (fault.rate_limit(retry_after=7), openai.RateLimitError, anthropic.RateLimitError, "ThrottlingException"),
    (fault.server_error(), openai.InternalServerError, anthropic.InternalServerError, "InternalServerException"),
    (fault.overloaded(), openai.InternalServerError, anthropic.OverloadedError, "ServiceUnavailableException"),
]


@pytest.mark.parametrize(("reply", "of_openai", "of_anthropic", "of_bedrock"), STATUSES)
def test_a_status_is_each_clients_own_error(reply: Any, of_openai: Any, of_anthropic: Any, of_bedrock: str) -> None:
    """The same fault, in the words of three vendors."""
    with serving(reply, strict=False) as mock:
        with openai_at(mock.url) as client, pytest.raises(of_openai):
            chat(client)
        with openai_at(mock.url) as client, pytest.raises(of_openai):
            client.responses.create(model="m", input="x", stream=True, store=False)
        with anthropic_at(mock.url) as client, pytest.raises(of_anthropic):
            message(client)
        with bedrock_at(mock.url) as client, pytest.raises(ClientError) as caught:
            converse(client)

    assert caught.value.response["Error"]["Code"] == of_bedrock


def test_retry_after_is_said_and_our_own_client_hears_it() -> None:
    """`fault.rate_limit(retry_after=7)` is a header on the wire and seconds on our error."""
    with serving(fault.rate_limit(retry_after=7)) as mock, Client(f"local:m@{mock.url}/v1", policy=quick()) as client:
        error = failure(lambda: client.complete("hello", timeout=2))

    assert type(error) is RateLimitError
    assert error.retry_after == 7


def test_a_cut_is_seen_by_every_client() -> None:
    """After two deltas the connection closes: an error, never an answer that looks whole."""
    with serving(fault.cut(after=2), strict=False, chunks=4) as mock:
        got: list[str] = []
        with openai_at(mock.url) as client, pytest.raises((openai.APIConnectionError, openai.APIError)):
            for event in client.chat.completions.create(model="m", messages=USER, stream=True):
                got.append(event.choices[0].delta.content or "")
        # The clients of Anthropic and AWS let the errors of their HTTP libraries through.
        with anthropic_at(mock.url) as other, pytest.raises(httpx2.RemoteProtocolError):
            message_stream(other)
        with bedrock_at(mock.url) as third, pytest.raises(urllib3.exceptions.ProtocolError):
            converse_stream(third)
        with openai_at(mock.url) as client, pytest.raises(openai.APIError):
            chat(client)

    assert got == ["", "This ", "answer "]


def test_our_own_client_over_the_socket_says_the_same_as_without_one() -> None:
    """One script, asked in this process and over HTTP: the same text, and for a fault the same kind of error."""
    for reply, kind in ((fault.cut(after=1), StreamInterrupted), (fault.bad_line(after=1), ProviderError)):
        seen = []
        for over_socket in (False, True):
            with serving(reply) as mock:
                model: Any = Target(f"local:m@{mock.url}/v1") if over_socket else mock
                pieces: list[str] = []
                with Client(model, policy=quick()) as client, client.stream("hello") as stream:
                    error = failure(lambda stream=stream, pieces=pieces: pieces.extend(stream.text_stream))  # type: ignore[misc]
            assert isinstance(error, kind)
            seen.append(("".join(pieces), error.kind))
        assert seen[0] == seen[1]


def test_a_line_that_nobody_can_read() -> None:
    """`bad_line` is no JSON for openai and anthropic, and a frame with a wrong checksum for botocore."""
    with serving(["Hel", fault.bad_line()], strict=False) as mock:
        with openai_at(mock.url) as client, pytest.raises(ValueError, match=r"Expecting property name|Expecting value"):
            chat_stream(client)
        with bedrock_at(mock.url) as third, pytest.raises(Exception, match=r"[Cc]hecksum"):
            converse_stream(third)
        with openai_at(mock.url) as client, pytest.raises(Exception, match=r"Expecting|str"):
            chat(client).choices  # noqa: B018


def test_an_error_in_the_middle_of_a_stream() -> None:
    """A server error after a delta is the error event of each dialect."""
    with serving(["Hel", fault.server_error()], strict=False) as mock:
        with openai_at(mock.url) as client, pytest.raises(openai.APIError, match="the provider failed"):
            chat_stream(client)
        with anthropic_at(mock.url) as other, pytest.raises(anthropic.APIError, match="the provider failed"):
            message_stream(other)
        with bedrock_at(mock.url) as third, pytest.raises(EventStreamError, match="the provider failed"):
            converse_stream(third)


def test_silence_is_the_clients_own_time_out() -> None:
    """`stall` and `timeout` send nothing more; the client gives up after its own time, and `stop` does not wait."""
    with serving(fault.timeout(), strict=False) as mock:
        with openai_at(mock.url, timeout=0.1) as client, pytest.raises(openai.APITimeoutError):
            chat(client)
        with bedrock_at(mock.url, read_timeout=0.1) as third, pytest.raises(ReadTimeoutError):
            converse(third)
    with serving(["Hel", fault.stall()], strict=False) as mock:
        with openai_at(mock.url, timeout=0.1) as client, pytest.raises(openai.APITimeoutError):
            chat_stream(client)
        with Client(f"local:m@{mock.url}/v1", policy=quick()) as own, pytest.raises(ProviderTimeout):
            own.complete("hello", timeout=0.2)
        began = time.monotonic()
    assert time.monotonic() - began < 1.5


def test_slow_answers_take_their_time_on_the_providers_clock() -> None:
    """With a manual clock no test waits; without one the seconds are real."""
    clock = ManualClock()
    with serving(["a", "b", fault.slow(seconds=30)], clock=clock) as mock, openai_at(mock.url) as client:
        began = time.monotonic()
        assert chat(client).choices[0].message.content == "ab"
    assert (clock.slept, time.monotonic() - began < 5) == ([30], True)
    with serving(["a", "b", fault.slow(seconds=0.05)]) as mock, openai_at(mock.url) as client:
        began = time.monotonic()
        chat_stream(client)
        assert time.monotonic() - began >= 0.1


def test_slow_in_this_process_ends_at_the_deadline() -> None:
    """What comes after the time of the call does not come at all; the wait passes on the clock of the test."""
    clock = ManualClock()
    mock = MockProvider(["a", "b", fault.slow(seconds=7)], clock=clock)
    with Client(mock, policy=quick()) as client, pytest.raises(ProviderTimeout):
        read(client, streamed=True, timeout=10)
    assert sum(clock.slept) == pytest.approx(10, abs=0.1)


def test_empty_answers() -> None:
    """Status 200 and not one byte: our client says so, whole and streamed."""
    for streamed in (False, True):
        with serving(fault.empty()) as mock, Client(f"local:m@{mock.url}/v1", policy=quick()) as client:
            error = failure(lambda client=client, streamed=streamed: read(client, streamed=streamed))  # type: ignore[misc]
        assert error.kind == "bad_response"


def test_a_reply_that_raises_shows_its_class_and_no_text() -> None:
    """A bug in a reply of the test is a 500 that names the class of the error."""

    def broken(request: Any) -> str:
        raise KeyError("SECRET")

    with serving(broken) as mock, openai_at(mock.url) as client, pytest.raises(openai.InternalServerError) as caught:
        chat(client)
    assert "KeyError" in str(caught.value)
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize("name", sorted(name for name, quirk in QUIRKS.items() if quirk.dialect == "openai"))
@pytest.mark.parametrize("streamed", [False, True])
def test_a_quirk_is_the_same_over_the_socket(name: str, streamed: bool) -> None:
    """Our client gets the same answer, or the same kind of error, from the bytes on a socket as in this process."""
    seen = []
    for over_socket in (False, True):
        with serving(fault.quirk(name), strict=False) as mock:
            server = QUIRKS[name].server or None
            model: Any = Target(f"local:m@{mock.url}/v1", server=server) if over_socket else mock
            with Client(model, policy=quick()) as client:
                seen.append(asked(client, streamed))
    assert seen[0] == seen[1]


def test_a_quirk_needs_a_client_of_its_dialect() -> None:
    """A client of another dialect is told so, and gets no answer that its server could never send."""
    with (
        serving(fault.quirk("vllm.reasoning")) as mock,
        anthropic_at(mock.url) as client,
        pytest.raises(anthropic.BadRequestError, match=r"vllm\.reasoning.*speak openai.*speaks anthropic"),
    ):
        message(client)


def test_anthropics_client_survives_pings_and_bedrocks_reads_the_guardrail() -> None:
    """Quirks of hosted vendors, as their own clients take them."""
    with serving(fault.quirk("anthropic.ping")) as mock, anthropic_at(mock.url) as client:
        assert message_stream(client).content[0].text == "This is the answer of the mock provider."
    with serving(fault.quirk("bedrock.filtered"), strict=False) as mock, bedrock_at(mock.url) as third:
        assert converse(third)["stopReason"] == "guardrail_intervened"
        assert [frame["messageStop"]["stopReason"] for frame in converse_stream(third) if "messageStop" in frame] == [
            "guardrail_intervened"
        ]
    with (
        serving(fault.quirk("bedrock.throttled_in_stream")) as mock,
        bedrock_at(mock.url) as third,
        pytest.raises(EventStreamError, match="throttlingException"),
    ):
        converse_stream(third)


def asked(client: Client, streamed: bool) -> tuple[str, Any]:
    """Text, finish and calls of an answer, or the kind of the error."""
    try:
        answer = read(client, streamed=streamed)
    except ProviderError as error:
        return "error", [inner.kind for inner in errors_of(error)]
    except PsfError as error:
        return "error", type(error).__name__
    return answer.text, (answer.finish, [(one.name, one.arguments) for one in answer.tool_calls])


def failure(work: Callable[[], Any]) -> Any:
    """The last target's error of a call that must fail."""
    with pytest.raises(ProviderError) as caught:
        work()
    return errors_of(caught.value)[-1]


def errors_of(error: ProviderError) -> list[Any]:
    """The errors of the targets."""
    return list(getattr(error, "exceptions", (error,)))


def quick() -> Any:
    """A policy that asks once."""
    return Policy.standard(resilience=Resilience(attempts=1, retries=0))
