"""Hypothesis strategies for `check_provider`: requests and answers that any dialect can carry. Needs `hypothesis`."""

from __future__ import annotations

import json

from hypothesis import strategies as st

from psf_runtime.types.chunks import Chunk, TextDelta, ToolCallDelta
from psf_runtime.types.messages import Message, Text, ToolCall, ToolResult
from psf_runtime.types.request import Limits, Request, Tool
from psf_runtime.types.response import Response
from psf_runtime.types.response_head import Usage

MARKER = "PSF_PLANTED_MARKER"  # content of a check: it must come out where answers do, and nowhere else
_SIGNS = st.characters(exclude_categories=["Cs", "Cc"])
_TEXT = st.text(_SIGNS, min_size=1, max_size=24).map(lambda text: f"{text} {MARKER}")
_SCHEMA = {"type": "object", "properties": {"order": {"type": "integer"}}, "required": ["order"]}
_VALUES = st.one_of(st.integers(-(2**40), 2**40), st.text(_SIGNS, max_size=8), st.booleans(), st.none())
_ARGUMENTS = st.dictionaries(st.text("abcdef", min_size=1, max_size=4), _VALUES, max_size=3)
_TOOL = Tool("look_up", "Look up an order.", _SCHEMA)
PLAIN = Request((Message.user(f"hello {MARKER}"),), model="model", limits=Limits(max_tokens=16))


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """A conversation in text, with tools called and answered, or without."""
    messages = [Message.system(draw(_TEXT))] if draw(st.booleans()) else []
    messages.append(Message.user(draw(_TEXT)))
    tools = (_TOOL,) if draw(st.booleans()) else ()
    if tools and draw(st.booleans()):
        call = ToolCall("call_1", "look_up", json.dumps(draw(_ARGUMENTS)))
        messages.append(Message("assistant", (Text(draw(_TEXT)), call)))
        messages.append(Message("tool", (ToolResult("call_1", draw(_TEXT), name="look_up"),)))
    elif draw(st.booleans()):
        messages += [Message.assistant(draw(_TEXT)), Message.user(draw(_TEXT))]
    limits = Limits(
        max_tokens=draw(st.integers(1, 4096)), temperature=draw(st.sampled_from([None, 0.0, 0.5, 1.0])), stop=()
    )
    return Request(tuple(messages), model="model", tools=tools, limits=limits)


@st.composite
def streams(draw: st.DrawFn) -> tuple[list[Chunk], Response]:
    """The deltas of one answer, a text and then tool calls, cut anywhere, and the head that belongs to them."""
    chunks: list[Chunk] = [TextDelta(piece) for piece in _cut(draw, draw(_TEXT))]
    count = draw(st.integers(0, 2))
    for index in range(count):
        pieces = _cut(draw, json.dumps(draw(_ARGUMENTS), ensure_ascii=False))
        chunks.append(ToolCallDelta(index, f"call_{index}", "look_up", pieces[0]))
        chunks += [ToolCallDelta(index, arguments=piece) for piece in pieces[1:]]
    usage = Usage(draw(st.integers(0, 999)), draw(st.integers(0, 999)), reported=True)
    finish = "tool_calls" if count else draw(st.sampled_from(["stop", "length"]))
    return chunks, Response(finish=finish, usage=usage, model="model")  # type: ignore[arg-type]


def _cut(draw: st.DrawFn, text: str) -> list[str]:
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=3)))
    return [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]


def cuts_of(size: int) -> st.SearchStrategy[list[int]]:
    """Places at which a run of bytes is cut."""
    return st.lists(st.integers(0, size), max_size=6).map(sorted)


VECTORS = st.lists(
    st.lists(st.floats(-1, 1, width=32).map(lambda number: number + 0.0), min_size=3, max_size=3),
    min_size=1,
    max_size=1,
)
EMBED = st.lists(_TEXT, min_size=1, max_size=1).map(
    lambda texts: Request(tuple(Message.user(text) for text in texts), model="model", operation="embed")
)
