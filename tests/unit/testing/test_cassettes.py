"""Cassettes: recorded below the tokens, played back with the tokens of another run, and clear about what differs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime import Client, ConfigError, Message, Policy
from psf_runtime.errors import Blocked, RateLimitError
from psf_runtime.policy.settings import Resilience
from psf_runtime.testing import (
    CassetteProvider,
    MockProvider,
    RecordingProvider,
    assert_no_personal_data_sent,
    call,
    fault,
)
from psf_runtime.testing.cassettes.tokens import numbered, renamed
from psf_runtime.types.request import Request

QUESTION = "Write to jane@acme.example and bob@acme.example about order 7781."
pytest_plugins = ["pytester"]
ONCE = Policy.standard(resilience=Resilience(attempts=1, retries=0))


@pytest.fixture(name="vendor")
def _vendor() -> Iterator[MockProvider]:
    """Plays the real target, over a socket."""
    mock = MockProvider(strict=False, chunks=5)
    yield mock
    mock.stop()


def record(path: Path, vendor: MockProvider, work: Any) -> None:
    """Make calls through a client that records."""
    with (
        RecordingProvider(path, record=f"local:m@{vendor.url}/v1") as recorder,
        Client(recorder, policy=ONCE) as client,
    ):
        work(client)


def pay_out(amount: int, to: str) -> str:
    """Pay money out."""
    return f"{amount} to {to}"


def test_what_was_recorded_is_played_back_with_other_tokens(tmp_path: Path, vendor: MockProvider) -> None:
    """Another run has other tokens; the caller gets the same answer, restored, whole and streamed."""
    path = tmp_path / "refund.json"
    vendor.on(text="stream").reply(lambda request: request.messages[-1].text, chunks=3)
    recorded: list[str] = []

    def work(client: Client) -> None:
        recorded.append(client.complete(QUESTION).text)
        with client.stream(f"stream: {QUESTION}") as stream:
            recorded.append("".join(stream.text_stream))

    record(path, vendor, work)
    assert recorded == [QUESTION, f"stream: {QUESTION}"]

    player = CassetteProvider(path)
    with Client(player, policy=ONCE) as client:
        assert client.complete(QUESTION).text == QUESTION
        with client.stream(f"stream: {QUESTION}") as stream:
            pieces = list(stream.text_stream)
    assert "".join(pieces) == f"stream: {QUESTION}"
    assert player.unused() == []
    assert_no_personal_data_sent(player, "jane@acme.example", "bob@acme.example")


def test_the_file_holds_tokens_and_no_personal_data(tmp_path: Path, vendor: MockProvider) -> None:
    """Neither what the user wrote nor what the model added of its own; facts of the call are not in it at all."""
    path = tmp_path / "refund.json"
    vendor.on().reply("Call carol@other.example, not what you sent.")
    record(
        path,
        vendor,
        lambda client: client.complete(QUESTION, subject="customer:42", user="agent:lee", conversation="c-77"),
    )
    text = path.read_text(encoding="utf-8")

    assert_no_personal_data_sent(
        [text], "jane@acme.example", "bob@acme.example", "carol@other.example", "customer:42", "agent:lee", "c-77"
    )
    assert "EMAIL_C0000001" in text
    assert "EMAIL_C0000002" in text
    assert "[EMAIL]" in text
    assert json.loads(text)["masked"] == {"EMAIL": 1}


def test_recording_twice_gives_the_same_file(tmp_path: Path, vendor: MockProvider) -> None:
    """Tokens are numbered, so that a file changes only when an answer does."""
    for name in ("one.json", "two.json"):
        record(tmp_path / name, vendor, lambda client: client.complete(QUESTION))
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()


def test_tool_calls_errors_and_vectors_are_kept(tmp_path: Path, vendor: MockProvider) -> None:
    """Arguments come back restored, an error as its own type, vectors number by number."""
    path = tmp_path / "all.json"
    vendor.on(tool="pay_out").reply(lambda request: call("pay_out", amount=40, to=request.messages[-1].text.split()[2]))
    vendor.on(text="too often").reply(fault.rate_limit(retry_after=3))
    seen: list[Any] = []

    def work(client: Client) -> None:
        answer = client.complete(QUESTION, tools=[pay_out])
        with pytest.raises(Exception) as caught:  # noqa: PT011
            client.complete("too often")
        error: Any = caught.value
        last = getattr(error, "exceptions", [error])[-1]
        vectors = client.embed(["one text"]).vectors
        seen.append(([one.arguments for one in answer.tool_calls], type(last), last.retry_after, vectors))

    record(path, vendor, work)
    with Client(CassetteProvider(path), policy=ONCE) as client:
        work(client)

    assert seen[0] == seen[1]
    assert seen[0][:3] == ([{"amount": 40, "to": "jane@acme.example"}], RateLimitError, 3.0)


def test_a_call_that_differs_says_where(tmp_path: Path, vendor: MockProvider) -> None:
    """The path of each difference with lengths, and not a letter of the text; the call itself is at hand."""
    path = tmp_path / "refund.json"
    record(path, vendor, lambda client: client.complete("Where is my refund?", max_tokens=50))
    player = CassetteProvider(path)
    with Client(player, policy=ONCE) as client, pytest.raises(ConfigError) as caught:
        client.complete([Message.user("Where is my SECRET?")], max_tokens=60, tools=[pay_out])
    text = str(caught.value)

    assert "messages[0].parts[0].text: recorded 19 characters, now 19; the first 12 are the same" in text
    assert "limits.max_tokens: recorded 50, now 60" in text
    assert "tools: recorded 0 entries, now 1" in text
    assert "SECRET" not in text
    assert "SECRET" in player.unmatched[-1].wire
    assert player.unused() == ["cassette refund.json: 1 of 1 calls not asked for"]


def test_each_call_is_played_once(tmp_path: Path, vendor: MockProvider) -> None:
    """One call more than was recorded is an error that says so; order does not matter."""
    path = tmp_path / "two.json"
    record(path, vendor, lambda client: [client.complete(text) for text in ("first", "second")])
    with Client(CassetteProvider(path), policy=ONCE) as client:
        assert [client.complete(text).text for text in ("second", "first")] == ["second", "first"]
        with pytest.raises(ConfigError, match="all 2 recorded calls were played"):
            client.complete("first")


def test_nothing_is_written_without_a_call_or_after_an_error(tmp_path: Path, vendor: MockProvider) -> None:
    """A recording of nothing is refused; a test that fails leaves the old file as it is."""
    path = tmp_path / "refund.json"
    with pytest.raises(ConfigError, match="nothing was recorded"):
        record(path, vendor, lambda client: None)
    path.write_text("old", encoding="utf-8")
    with pytest.raises(ZeroDivisionError):
        record(path, vendor, lambda client: client.complete("hello") and 1 / 0)
    assert path.read_text(encoding="utf-8") == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["refund.json"]


def test_a_request_that_nobody_prepared_is_not_recorded(tmp_path: Path, vendor: MockProvider) -> None:
    """Without the layer that puts tokens in, nothing is sent and nothing written down."""
    recorder = RecordingProvider(tmp_path / "x.json", record=f"local:m@{vendor.url}/v1")
    with pytest.raises(Blocked, match="nobody prepared"):
        recorder.open(Request((Message.user("jane@acme.example"),), model=recorder.name), stream=False, left=1.0)
    assert vendor.calls == ()
    recorder.close()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "FileNotFoundError"),
        (b"{", "no cassette"),
        (b"[]", "no cassette"),
        (b'{"psf_cassette": 9}', "not version 1"),
        (b'{"psf_cassette": 1, "target": "t", "capabilities": [], "calls": [1]}', "no cassette"),
    ],
)
def test_a_file_that_is_no_cassette_is_refused(tmp_path: Path, content: bytes | None, says: str) -> None:
    """Missing, cut, another thing, another version: a ConfigError that says how to write it."""
    path = tmp_path / "x.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=says) as caught:
        CassetteProvider(path)
    assert "pytest --psf-record" in str(caught.value)


TOKENS = st.sampled_from(["EMAIL_M2T9AX4K", "PHONE_4XKQ7B2M", "CREDIT_CARD_A1B2C3D4", "EMAIL_Z9Z9Z9Z9"])
WORDS = st.one_of(TOKENS, st.text("aE_ 1", max_size=5))


@settings(max_examples=80, deadline=None)
@given(words=st.lists(WORDS, max_size=8))
def test_numbering_keeps_lengths_and_can_be_undone(words: list[str]) -> None:
    """Every text comes back, letter by letter, and its numbered form is as long."""
    text = " ".join(words)
    names: dict[str, str] = {}
    written = numbered(text, names)

    assert len(written) == len(text)
    assert renamed(written, {number: token for token, number in names.items()}) == text
    assert numbered(text, {}) == written


def test_the_plugin_plays_and_records(pytester: pytest.Pytester, vendor: MockProvider) -> None:
    """Missing: the test fails. With --psf-record: written. Then it is played, without the vendor."""
    pytester.makeini("[pytest]\nfilterwarnings = error\n")
    pytester.makepyfile(
        f"""
import pytest

@pytest.mark.psf(cassette="tapes/refund.json", record="local:m@{vendor.url}/v1")
def test_refund(psf_client):
    assert psf_client.complete({QUESTION!r}).text == {QUESTION!r}
"""
    )
    options = ("-p", "no:randomly", "-p", "no:cacheprovider", "-q")
    missing = pytester.runpytest_inprocess(*options)
    missing.assert_outcomes(errors=1)
    pytester.runpytest_inprocess(*options, "--psf-record").assert_outcomes(passed=1)
    asked = len(vendor.calls)
    pytester.runpytest_inprocess(*options).assert_outcomes(passed=1)

    assert asked == 1
    assert len(vendor.calls) == asked
    assert (pytester.path / "tapes" / "refund.json").exists()


def test_recording_needs_to_know_whom_to_ask(pytester: pytest.Pytester) -> None:
    """A mark without `record` is an error of its test under --psf-record, and says what to write."""
    pytester.makepyfile("import pytest\n@pytest.mark.psf(cassette='x.json')\ndef test_x(psf_client): pass\n")
    result = pytester.runpytest_inprocess("-p", "no:randomly", "-p", "no:cacheprovider", "-q", "--psf-record")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*nobody says which target is to be asked*"])
