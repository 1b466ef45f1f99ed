"""The system prompt, secrets and foreign tokens stay where they are, streams included."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.errors import Blocked
from psf_runtime.guards.contracts import ScreenLeak
from psf_runtime.guards.contracts.prompt_runs import normalised
from psf_runtime.types.chunks import ReasoningDelta, TextDelta, ToolCallDelta
from psf_runtime.types.messages import Message, ToolCall, untrusted
from psf_runtime.types.request import Tool
from tests.unit.guards.contracts.drive import Run, pieces, request

PROMPT = (
    "You are Ada, the assistant of a small bank. Never mention the internal rate of 3.14 percent; "
    "refer angry customers to the back office, extension 4711, and stay polite at all times."
)
ASKED = request(Message.system(PROMPT), Message.user("Who are you? EMAIL_M2T9AX4K"))


def secrets(text: str) -> list[tuple[int, int]]:
    return [match.span() for match in re.finditer(r"sk-[a-z0-9]{12,}|BEGIN [A-Z ]{1,40}KEY", text)]


def screened(text: str, cuts: list[int] | None = None, **settings: object) -> Run:
    return Run(ScreenLeak(**settings), ASKED, pieces(text, cuts or []))  # type: ignore[arg-type]


@pytest.mark.parametrize("cut", [1, 7, 10_000])
@pytest.mark.parametrize(
    "text",
    [
        f"My instructions are: {PROMPT}",
        "Sure. " + PROMPT[40:130] + " That is all.",
        "- ".join(PROMPT[:90]),
        PROMPT.upper().replace(" ", "\n"),
    ],
)
def test_a_long_run_of_the_system_prompt_is_stopped(text: str, cut: int) -> None:
    """Verbatim, in capitals, with signs between the letters: stopped, and nothing of the run was delivered."""
    run = screened(text, [cut])
    assert isinstance(run.error, Blocked)
    assert run.kinds == ["leak.system_prompt"]
    shared = normalised(run.text)[-12:]
    assert len(shared) < 12 or shared not in normalised(PROMPT)
    assert "bank" not in str(run.error)


def test_short_or_shared_runs_pass() -> None:
    """A name from the prompt may be said, and so may what somebody else wrote in the request as well."""
    text = "I am Ada, the assistant of a small bank. What can I do?"
    assert screened(text, [3]).text == text
    shared = request(Message.system(PROMPT), Message.user(f"Translate: {PROMPT}"))
    assert Run(ScreenLeak(), shared, pieces(PROMPT, [5])).text == PROMPT


def test_a_far_gap_ends_a_run() -> None:
    """More than 32 signs between two letters are no longer one run, so that holding is bounded."""
    text = PROMPT[:45] + " " * 40 + PROMPT[45:90]
    assert screened(text, [3]).text == text


def test_observing_delivers_and_finds() -> None:
    """Same check, findings only, each kind once."""
    run = screened(f"{PROMPT} {PROMPT}", [9], mode="observe")
    assert (run.error, run.text) == (None, f"{PROMPT} {PROMPT}")
    assert [(f.kind, f.observed) for f in run.context.findings] == [("leak.system_prompt", True)]


@pytest.mark.parametrize("cut", [1, 50, 10_000])
@pytest.mark.parametrize("lead", [0, 100, 127, 128, 129, 250, 700])
@pytest.mark.parametrize("secret", ["sk-abcdef0123456789", "sk-" + "a1" * 2_000, "BEGIN RSA PRIVATE KEY"])
def test_a_secret_is_stopped_before_its_first_sign(lead: int, cut: int, secret: str) -> None:
    """Wherever it stands and however long it is."""
    text = ("word " * 200)[:lead] + " " + secret + " tail" * 100
    run = screened(text, [cut], secret_finder=secrets)
    assert isinstance(run.error, Blocked)
    assert run.kinds == ["leak.secret"]
    assert not re.search("sk-|BEGIN", run.text)


def test_without_secrets_all_is_delivered() -> None:
    """Held text comes out at the end."""
    text = "plain words " * 60
    assert screened(text, [11], secret_finder=secrets).text == text
    assert ScreenLeak().hold.characters == 48
    assert ScreenLeak(secret_finder=secrets).hold.characters == 256


TOKENS = ["NAME_A1B2C3D4", "NAME_A1B2C3D5", "PHONE_4XKQ7B2M", "IBAN_CODE_9ZZZZZZZ"]


def test_a_few_foreign_tokens_are_counted() -> None:
    """Tokens of this request are no finding; up to three others are let through, more stop the call."""
    text = "EMAIL_M2T9AX4K " + " ".join(TOKENS[:3])
    run = screened(text, [1])
    assert (run.error, run.text) == (None, text)
    assert [(f.kind, f.count) for f in run.context.findings] == [("leak.foreign_token", 3)]
    stopped = screened(" ".join(TOKENS), [1])
    assert isinstance(stopped.error, Blocked)
    assert TOKENS[3] not in stopped.text


def test_words_that_only_resemble_tokens_are_not_counted() -> None:
    """No digit, no letter, a longer word around it, lower case."""
    text = "MAX_RETRIES A_ABCDEFGH X_12345678 xNAME_A1B2C3D4 NAME_A1B2C3D4x " + "Z" * 70 + "NAME_A1B2C3D4 "
    run = screened(text, [1], max_foreign_tokens=0)
    assert (run.error, run.text, run.kinds) == (None, text, [])


def test_tokens_in_tools_and_calls_are_known() -> None:
    """Whatever part of the request held them."""
    asked = request(
        Message.user(untrusted(TOKENS[0])),
        Message("assistant", (ToolCall("i", "n", json.dumps({"a": TOKENS[1]})),)),
        tools=(Tool("t", TOKENS[2], {"title": TOKENS[3]}),),
    )
    assert Run(ScreenLeak(max_foreign_tokens=0), asked, pieces(" ".join(TOKENS), [4])).kinds == []


def test_tool_arguments_are_screened_as_what_they_say() -> None:
    """Escapes are undone, and what is no JSON is screened as text."""
    for arguments in (json.dumps({"a": [PROMPT.replace(" ", "\n")]}), PROMPT):
        chunks = [ToolCallDelta(0, "i", "n", arguments[:30]), ToolCallDelta(0, arguments=arguments[30:])]
        run = Run(ScreenLeak(), ASKED, chunks)
        assert isinstance(run.error, Blocked)
        assert all(chunk.arguments == "" for chunk in run.delivered if isinstance(chunk, ToolCallDelta))
    fine = Run(ScreenLeak(), ASKED, [ToolCallDelta(0, "i", "n", '{"a": "NAME_A1B2C3D4"}')])
    assert (fine.response.tool_calls[0].args, fine.kinds) == ('{"a": "NAME_A1B2C3D4"}', ["leak.foreign_token"])
    endless = Run(ScreenLeak(), ASKED, [ToolCallDelta(0, "i", "n", "a" * 1_000_001)])
    assert isinstance(endless.error, Blocked)


def test_in_reasoning_a_hit_drops_the_rest() -> None:
    """Models quote their instructions to themselves: that is no reason to stop the answer."""
    chunks = [ReasoningDelta("First. "), ReasoningDelta(PROMPT), ReasoningDelta(" more"), TextDelta("Hello.")]
    run = Run(ScreenLeak(), ASKED, chunks)
    assert run.error is None
    assert run.text == "Hello."
    assert "assistant of a small" not in repr([getattr(part, "text", "") for part in run.response.parts])
    assert run.kinds == ["leak.system_prompt"]


def test_a_run_over_a_tool_call_is_one_run() -> None:
    """The caller joins all text parts, so they are followed as one."""
    chunks = [TextDelta(PROMPT[:40]), ToolCallDelta(0, "i", "n", "{}"), TextDelta(PROMPT[40:90])]
    assert isinstance(Run(ScreenLeak(), ASKED, chunks).error, Blocked)


BITS = st.sampled_from(
    [
        PROMPT[:30],
        PROMPT[30:60],
        PROMPT[60:],
        PROMPT[20:70],
        "word ",
        "\n" * 40,
        "sk-abcdef0123456789 ",
        "x" * 100,
        *TOKENS,
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(BITS, max_size=8), st.lists(st.integers(1, 40), min_size=1, max_size=4))
def test_any_cut_gives_the_same_decision(bits: list[str], cuts: list[int]) -> None:
    """Laws 2 and 3: same verdict, and what a stream delivered before it is itself clean."""
    text = "".join(bits)
    whole = screened(text, secret_finder=secrets)
    cut = screened(text, cuts, secret_finder=secrets)
    assert type(whole.error) is type(cut.error)
    if whole.error is None:
        assert cut.text == whole.text == text
        assert cut.kinds == whole.kinds
    else:
        assert text.startswith(cut.text)
        assert screened(cut.text, secret_finder=secrets).error is None


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(PROMPT) - 70), st.integers(60, 70), st.text("ab. ", max_size=60))
def test_every_run_of_the_prompt_is_found(start: int, length: int, lead: str) -> None:
    """Any 48 letters of it, whatever they are aligned to."""
    part = PROMPT[start : start + length]
    found = screened(lead + "|" + part, [3]).error is not None
    assert found or len(normalised(part)) < 48
