"""Hypothesis strategies for answers: parts of every kind, cut anywhere, tool calls interleaved. Needs `hypothesis`."""

from __future__ import annotations

from hypothesis import strategies as st

from psf_runtime.types.chunks import Chunk, ReasoningDelta, TextDelta, ToolCallDelta

WORDS = (
    "EMAIL_M2T9AX4K",
    "EMAIL_",
    "M2T9",
    "bad",
    "ba",
    "b",
    "a",
    " ",
    "é",
    '"',
    "{",
    "Hi ",
    "\n",
    "\U0001f600",
    "https://",
)


@st.composite
def _pieces(draw: st.DrawFn, words: tuple[str, ...]) -> list[str]:
    """A text, cut at random places; pieces may be empty."""
    text = "".join(draw(st.lists(st.sampled_from(words), min_size=1, max_size=8)))
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=5)))
    return [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]


@st.composite
def answers(draw: st.DrawFn, words: tuple[str, ...] = WORDS) -> list[Chunk]:
    """The chunks of one answer: text, reasoning and tool calls in any order, neighbouring tool calls interleaved."""
    runs: list[list[Chunk]] = []
    tools: list[list[Chunk]] = []
    index = 0
    for kind in draw(st.lists(st.sampled_from("trf"), min_size=1, max_size=5)):
        pieces = draw(_pieces(words))
        if kind == "f":
            tools.append(_tool(index, pieces))
            index += 1
            continue
        runs.extend(_woven(draw, tools))
        tools = []
        runs.append([(TextDelta if kind == "t" else ReasoningDelta)(piece) for piece in pieces])
    runs.extend(_woven(draw, tools))
    return _late(draw, [chunk for run in runs for chunk in run])


def _late(draw: st.DrawFn, chunks: list[Chunk]) -> list[Chunk]:
    """Now and then a last piece of a tool call comes later, in the middle of what follows."""
    last = {chunk.index: place for place, chunk in enumerate(chunks) if isinstance(chunk, ToolCallDelta)}
    movable = [place for place in last.values() if not getattr(chunks[place], "id", "")]
    if not movable or not draw(st.booleans()):
        return chunks
    place = draw(st.sampled_from(movable))
    piece = chunks.pop(place)
    chunks.insert(draw(st.integers(place, len(chunks))), piece)
    return chunks


def _tool(index: int, pieces: list[str]) -> list[Chunk]:
    first: Chunk = ToolCallDelta(index, f"id{index}", "lookup", pieces[0])
    return [first, *(ToolCallDelta(index, arguments=piece) for piece in pieces[1:])]


def _woven(draw: st.DrawFn, tools: list[list[Chunk]]) -> list[list[Chunk]]:
    """Neighbouring tool calls: one after the other, or piece by piece in turn. First pieces keep their order."""
    if len(tools) < 2 or not draw(st.booleans()):
        return tools
    mixed: list[Chunk] = [tool[0] for tool in tools]
    rest = [tool[1:] for tool in tools]
    while any(rest):
        for tool in rest:
            if tool:
                mixed.append(tool.pop(0))
    return [mixed]


@st.composite
def batches(draw: st.DrawFn, words: tuple[str, ...] = WORDS) -> list[list[Chunk]]:
    """An answer as a provider sends it: some chunks at a time."""
    chunks = draw(answers(words))
    size = draw(st.integers(1, 3))
    return [chunks[start : start + size] for start in range(0, len(chunks), size)]
