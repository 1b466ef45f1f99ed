"""Texts that nobody can inspect, or that break what looks at them: a typed error and nothing sent, or no value sent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from psf_runtime import File, Message, Tool
from psf_runtime.errors import PsfError
from psf_runtime.testing import MockProvider
from psf_runtime.types.messages import ToolCall, ToolResult
from tests.modes.clients import MODES, Mode, ask, assert_absent, client_for, told

EMAIL = "zoe.quill@canary-mail.example"
DEEP = "[" * 3_000 + json.dumps(EMAIL) + "]" * 3_000


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {"type": "string", "description": EMAIL}
    for _ in range(depth):
        value = {"type": "object", "properties": {"a": value}}
    return value


def turn(args: str, result: str) -> list[Message]:
    return [
        Message.user("go"),
        Message("assistant", (ToolCall("c", "t", args),)),
        Message("tool", (ToolResult("c", result, name="t"),)),
    ]


REFUSED: dict[str, dict[str, Any]] = {
    "10 MB": {"messages": f"{EMAIL} " * 350_000},
    "10 MB in one word": {"messages": "@" * 10_000_000},
    "10 MB file": {"messages": [Message.user(File(f"{EMAIL} ".encode() * 350_000, name="a.txt"))]},
    "deep arguments": {"messages": turn(DEEP, "ok")},
    "deep result": {"messages": turn("{}", DEEP)},
    "open brackets": {"messages": turn("[" * 100_000, "ok")},
    "deep schema": {"messages": "go", "tools": [Tool("t", "T", nested(900))]},
}
SENT: dict[str, dict[str, Any]] = {
    "lone surrogates": {"messages": f"\ud800 {EMAIL} \udc00"},
    "lone surrogate inside a name": {"messages": turn(json.dumps({"a": f"\ud800{EMAIL}"}), f"x \udfff {EMAIL}")},
    "NUL": {"messages": f"a\0{EMAIL}\0b"},
    "binary file": {"messages": [Message.user(File(bytes(range(256)) * 10, name=f"{EMAIL}.bin"))]},
    "binary called text": {"messages": [Message.user(File(bytes(range(256)) + EMAIL.encode(), name="a.txt"))]},
    "UTF-16 file": {"messages": [Message.user(File(f"to {EMAIL}".encode("utf-16"), media_type="text/plain"))]},
    "broken JSON": {"messages": turn('{"a": "' + EMAIL, '{"b": ' + EMAIL)},
    "numbers as keys": {"messages": "go", "tools": [Tool("t", "T", {"type": "object", "properties": {"a": {
        "type": "object", "examples": [{4111111111111111: 1}]}}})]},
}  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_inspected_is_refused(mode: Mode, name: str) -> None:
    """The error is one of ours, says what to change, and repeats nothing; not one byte left."""
    mock = MockProvider("ok")
    arguments = dict(REFUSED[name])
    got = ask(mode, client_for(mode, mock), arguments.pop("messages"), **arguments)

    assert isinstance(got.error, PsfError)
    assert got.error.change
    assert mock.calls == ()
    assert_absent([EMAIL], told(got.error), "an exception")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", SENT)
def test_what_is_odd_leaves_without_the_value(mode: Mode, name: str) -> None:
    """Odd signs and broken forms hide nothing: the call is answered, and the value stayed inside."""
    mock = MockProvider("ok", capabilities=frozenset({"files", "tools", "stream", "usage"}))
    arguments = dict(SENT[name])
    got = ask(mode, client_for(mode, mock), arguments.pop("messages"), **arguments)

    assert got.value().text == "ok"
    assert_absent([EMAIL, "4111111111111111"], mock.last.outgoing().body, "the bytes on the wire")
