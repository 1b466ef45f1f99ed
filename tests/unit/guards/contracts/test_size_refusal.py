"""Too large, and refused."""

from __future__ import annotations

from typing import Any

import pytest

from psf_runtime.errors import Blocked, ModelRefused
from psf_runtime.guards.contracts import ScreenRefusal, ScreenSize
from psf_runtime.types.chunks import TextDelta, ToolCallDelta
from psf_runtime.types.media import File, Image
from psf_runtime.types.messages import Message, ToolCall
from psf_runtime.types.request import Limits, OutputSchema, Tool
from psf_runtime.types.response import Response
from psf_runtime.types.response_head import Usage
from tests.unit.guards.contracts.drive import Run, request


def deep(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "array", "items": [schema]}
    return schema


CYCLE: dict[str, Any] = {"type": "object"}
CYCLE["items"] = CYCLE


@pytest.mark.parametrize(
    ("settings", "asked", "word"),
    [
        ({"max_messages": 1}, request(Message.user("a"), Message.user("b")), "messages"),
        ({"max_parts": 2}, request(Message.user("a", "b", "c")), "parts"),
        ({"max_characters": 5}, request(Message.user("abc", "def")), "characters"),
        ({"max_tools": 1}, request(tools=(Tool("a"), Tool("b"))), "tools"),
        ({"max_media_bytes": 5}, request(Message.user(Image(b"abc"), File(b"def"))), "media bytes"),
        ({"max_media_bytes": 5}, request(Message.user(Image("data:image/png;base64," + "A" * 9_000))), "media bytes"),
        ({"max_schema_characters": 99}, request(tools=(Tool("a", "x" * 100, {}),)), "characters of schemas"),
        ({"max_schema_characters": 99}, request(output=OutputSchema("o", {"x" * 100: 1})), "characters of schemas"),
        ({}, request(output=OutputSchema("o", deep(100_000))), "levels of a schema"),
        ({}, request(tools=(Tool("a", "", CYCLE),)), "levels of a schema"),
        ({}, request(Message("assistant", (ToolCall("i", "n", "[" * 100_000),))), "levels of tool arguments"),
        ({"context_tokens": 10}, request(Message.user("a" * 60)), "window"),
        ({"context_tokens": 10}, request(Message.user("é" * 30)), "window"),
        ({"context_tokens": 10}, request(Message.user("a" * 25), limits=Limits(max_tokens=6)), "window"),
    ],
)
def test_a_request_that_is_too_large_is_refused(settings: dict[str, Any], asked: Any, word: str) -> None:
    """Each limit: Blocked before anything else, saying which limit and what to change."""
    run = Run(ScreenSize(**settings), asked, [])
    assert isinstance(run.error, Blocked)
    assert word in str(run.error)
    assert run.error.change
    observed = (
        Run(ScreenSize(mode="observe", max_depth=10_000_000, **settings), asked, []) if "levels" not in word else None
    )
    assert observed is None or (observed.error is None and observed.context.findings[0].observed)


def test_brackets_in_strings_are_not_depth() -> None:
    """Arguments are measured as JSON, without parsing them."""
    call = ToolCall("i", "n", '{"a": "' + "[" * 500 + '\\"{"}')
    assert Run(ScreenSize(), request(Message("assistant", (call,))), []).error is None


def test_what_fits_passes_unchanged() -> None:
    """At the limit, not over it."""
    asked = request(Message.user("a" * 40), limits=Limits(max_tokens=2))
    assert Run(ScreenSize(context_tokens=10, max_characters=40), asked, []).error is None


def test_a_provider_that_cut_the_request_is_found() -> None:
    """It counted less than half of what even a low estimate says; with pictures nothing can be said."""
    short = Response(usage=Usage(input_tokens=90, reported=True))
    run = Run(ScreenSize(), request(Message.user("word " * 1_000)), [], short)
    assert run.kinds == ["size.cut_by_provider"]
    assert Run(ScreenSize(), request(Message.user("word " * 1_000)), [], Response()).kinds == []
    assert Run(ScreenSize(), request(Message.user("word " * 1_000, Image(b"x"))), [], short).kinds == []


@pytest.mark.parametrize("finish", ["refusal", "content_filter"])
def test_a_signalled_refusal_is_an_error(finish: Any) -> None:
    """Said by the vendor: ModelRefused; observing: a finding and the answer goes on."""
    head = Response(finish=finish)
    run = Run(ScreenRefusal(), request(), [TextDelta("No.")], head)
    assert isinstance(run.error, ModelRefused)
    assert run.error.control == "contracts.refusal"
    observed = Run(ScreenRefusal(mode="observe"), request(), [TextDelta("No.")], head)
    assert (observed.error, observed.kinds) == (None, [f"refusal.{finish}"])


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that.",
        "  I cannot assist with this request.",
        "Es tut mir leid, aber ich kann das nicht tun.",
        "Je suis désolé, mais je ne peux pas vous aider.",
        "Lo siento, pero no puedo ayudar.",
        "很抱歉，我不能协助。",
        "申し訳ありませんが",
    ],
)
def test_a_guessed_refusal_is_a_finding(text: str) -> None:
    """Words are no proof: the call goes on."""
    run = Run(ScreenRefusal(), request(), [TextDelta(text)])
    assert (run.error, run.text, run.kinds) == (None, text, ["refusal.guessed"])
    assert run.context.findings[0].observed


def test_other_answers_are_no_refusal() -> None:
    """Such words further down, or beside a tool call, are about something else."""
    assert Run(ScreenRefusal(), request(), [TextDelta("Dear Jane, I'm sorry, but I can't come.")]).kinds == []
    chunks = [TextDelta("I cannot help with that alone"), ToolCallDelta(0, "i", "n", "{}")]
    assert Run(ScreenRefusal(), request(), chunks).kinds == []
