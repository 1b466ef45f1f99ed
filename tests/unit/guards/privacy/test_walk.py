"""The walker sees every string and key that a provider could see, and changes nothing else."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any

import pytest
from pydantic import BaseModel

from psf_runtime.errors import Blocked
from psf_runtime.guards.privacy.edits import Edit, Leaf
from psf_runtime.guards.privacy.walk import rewrite_request
from psf_runtime.types.media import File, Image
from psf_runtime.types.messages import Message, Reasoning, Text, ToolCall, ToolResult, untrusted
from psf_runtime.types.provenance import Provenance
from psf_runtime.types.request import Limits, OutputSchema, Request, Tool

MARK = "MARK"


def edit(leaf: Leaf) -> Sequence[Edit]:
    """Every MARK becomes `x`."""
    edits = []
    start = leaf.text.find(MARK)
    while start != -1:
        edits.append(Edit(start, start + len(MARK), "x"))
        start = leaf.text.find(MARK, start + len(MARK))
    return edits


class Params(BaseModel):
    """MARK in a docstring."""

    value: str


PLACES: dict[str, Request] = {
    "system": Request((Message.system(MARK),)),
    "user": Request((Message.user(MARK),)),
    "untrusted": Request((Message.user(untrusted(MARK)),)),
    "two parts": Request((Message.user("a MA", "RK b"),)),
    "message name": Request((Message("user", (Text("a"),), MARK),)),
    "reasoning": Request((Message("assistant", (Reasoning(MARK),)),)),
    "call value": Request((Message("assistant", (ToolCall("1", "t", '{"a": ["MARK"]}'),)),)),
    "call escaped": Request((Message("assistant", (ToolCall("1", "t", '{"a": "M\\u0041RK"}'),)),)),
    "call key": Request((Message("assistant", (ToolCall("1", "t", '{"MARK": 1}'),)),)),
    "call broken": Request((Message("assistant", (ToolCall("1", "t", '{"a": "MARK'),)),)),
    "call id": Request((Message("assistant", (ToolCall(MARK, "t", "{}"),)),)),
    "result text": Request((Message("tool", (ToolResult("1", MARK),)),)),
    "result json": Request((Message("tool", (ToolResult("1", '[{"a": {"MARK": "MARK"}}]'),)),)),
    "hidden duplicate": Request((Message("tool", (ToolResult("1", '{"a": "MARK", "a": "b"}'),)),)),
    "tool description": Request((), tools=(Tool("t", MARK),)),
    "schema enum": Request((), tools=(Tool("t", "", {"properties": {"a": {"enum": [MARK]}}}),)),
    "schema key": Request((), tools=(Tool("t", "", {"properties": {MARK: {"type": "string"}}}),)),
    "schema default": Request((), tools=(Tool("t", "", {"properties": {"a": {"default": MARK}}}),)),
    "schema model": Request((), tools=(Tool("t", "", Params),)),
    "output schema": Request((), output=OutputSchema("o", {"properties": {"a": {"const": MARK}}})),
    "stop": Request((), limits=Limits(stop=("a", MARK))),
    "extra": Request((), extra={"openai": {"metadata": {MARK: MARK}}}),
    "image url": Request((Message.user(Image("https://x.example/MARK.png")),)),
    "image detail": Request((Message.user(Image(b"1", detail=MARK)),)),
    "file name": Request((Message.user(File(b"\0\1", name="MARK.bin")),)),
    "text file": Request((Message.user(File(b"to MARK", name="a.txt")),)),
    "json file": Request((Message.user(File(b'{"a": "MARK"}', name="a.json", media_type="application/json")),)),
    "latin file": Request((Message.user(File("é MARK".encode("latin-1"), media_type="text/plain")),)),
    "utf-16 file": Request((Message.user(File("MARK".encode("utf-16"), media_type="text/plain")),)),
    "untyped file": Request((Message.user(File(b"to MARK")),)),
    "data url": Request((Message.user(File("data:text/plain;base64," + base64.b64encode(b"MARK").decode())),)),
    "data url quoted": Request((Message.user(File("data:text/plain,a%20M%41RK")),)),
}


def visible(value: Any) -> str:
    """Everything in a request as one text, files decoded, JSON unescaped."""
    if isinstance(value, bytes):
        return value.replace(b"\0", b"").decode("latin-1")
    if isinstance(value, str):
        if value.startswith("data:"):
            head, _, body = value.partition(",")
            return base64.b64decode(body).decode() if head.endswith("base64") else body.replace("%41", "A")
        return value.replace("\\u0041", "A")
    if isinstance(value, dict):
        return " ".join(visible(part) for pair in value.items() for part in pair)
    if isinstance(value, list | tuple):
        return "".join(visible(part) for part in value)
    if isinstance(value, type):
        return json.dumps(value.model_json_schema()) if issubclass(value, BaseModel) else ""
    if hasattr(value, "__slots__") and not isinstance(value, Provenance):
        return "".join(visible(getattr(value, name)) for name in value.__slots__)
    return ""


@pytest.mark.parametrize("place", PLACES)
def test_a_value_is_replaced_wherever_it_stands(place: str) -> None:
    """Planted in any leaf or key, the mark is seen and replaced, and only it."""
    request = PLACES[place]
    new = rewrite_request(request, edit)

    assert MARK in visible(request)
    assert MARK not in visible(new)
    assert type(request) is type(new)


@pytest.mark.parametrize("place", PLACES)
def test_without_edits_nothing_changes(place: str) -> None:
    """An editor that changes nothing gives back an equal request, letter by letter (doubled keys excepted)."""
    request = PLACES[place]
    new = rewrite_request(request, lambda leaf: ())

    assert (request == new) is (place != "hidden duplicate")


def test_numbers_are_text() -> None:
    """A number is looked at as it is written, and stays a number when nothing is found in it."""
    seen: list[str] = []

    def look(leaf: Leaf) -> Sequence[Edit]:
        seen.append(leaf.text)
        return [Edit(0, len(leaf.text), "x")] if leaf.text == "78051120" else ()

    request = Request(
        (Message("assistant", (ToolCall("1", "t", '{"ssn": 78051120, "n": 1.5, "b": true, "z": null}'),)),)
    )
    new = rewrite_request(request, look)
    call = new.messages[0].tool_calls[0]

    assert call.arguments == {"ssn": "x", "n": 1.5, "b": True, "z": None}
    assert "1.5" in seen
    assert "True" not in seen


def test_a_value_over_two_parts_is_replaced_in_the_first() -> None:
    """Adjacent parts are one text: what replaces a value stands where it begins, and marks of origin stay."""
    request = Request((Message.user("a MA", untrusted("R"), "K b"),))
    parts = rewrite_request(request, edit).messages[0].parts

    assert [part.text for part in parts if isinstance(part, Text)] == ["a x", "", " b"]
    assert parts[1].provenance.is_untrusted  # type: ignore[union-attr]


def test_what_cannot_be_looked_into_is_told() -> None:
    """Pictures and binary files are left as they are and reported with their place."""
    told: list[tuple[str, str]] = []
    image, file = Image(b"\x89PNG"), File(b"%PDF\0", name="a.pdf", media_type="application/pdf")
    request = Request((Message.user("see", image, file),))
    new = rewrite_request(request, edit, opaque=lambda kind, where: told.append((kind, where)))

    assert told == [("image", "messages[0].parts[1]"), ("file", "messages[0].parts[2]")]
    assert request.messages == new.messages


def test_signed_reasoning_that_changes_is_dropped() -> None:
    """A signature holds for the text it was made over: unchanged it goes verbatim, changed it does not go."""
    kept, lost = Reasoning("fine", "sig"), Reasoning(MARK, "sig")
    request = Request((Message("assistant", (kept, lost, Text("hi"))),))

    assert (kept, Text("hi")) == rewrite_request(request, edit).messages[0].parts


def test_names_of_tools_are_kept() -> None:
    """A tool's name is how its call is matched; it stays."""
    request = Request((Message("assistant", (ToolCall("1", MARK, "{}"),)),), tools=(Tool(MARK, "a"),))

    assert request == rewrite_request(request, edit)


@pytest.mark.parametrize("text", ["[" * 300 + "]" * 300, "[" * 100_000])
def test_json_nested_too_deep_is_refused(text: str) -> None:
    """What cannot be inspected to its end is a Blocked, not a RecursionError."""
    with pytest.raises(Blocked) as info:
        rewrite_request(Request((Message("tool", (ToolResult("1", text),)),)), edit)

    assert info.value.control == "privacy.tokens"
    assert "[[" not in str(info.value)


def test_a_number_too_long_to_read_is_text() -> None:
    """JSON that Python refuses to read is walked as plain text."""
    text = '{"n": ' + "1" * 5000 + ', "a": "MARK"}'
    request = Request((Message("tool", (ToolResult("1", text),)),))

    assert MARK not in rewrite_request(request, edit).tool_results[0].text
