"""Chunks put together the short way and the long way are the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from psf_runtime.flow.pieces import accumulate, one_chunk
from psf_runtime.types.chunks import Chunk, ReasoningDelta, TextDelta, ToolCallDelta
from psf_runtime.types.response import Response, explode
from psf_runtime.types.response import accumulate as accumulate_any
from psf_runtime.types.response_head import Usage

HEAD = Response(
    finish="length",
    usage=Usage(1, 2, 3, 4, reported=True),
    model="m",
    model_version="v",
    provider="p",
    handle="h",
    raw={"id": "x"},
)
CHUNKS: st.SearchStrategy[Chunk] = st.one_of(
    st.builds(TextDelta, st.text(max_size=3)),
    st.builds(TextDelta, st.text(max_size=3)),
    st.builds(ReasoningDelta, st.text(max_size=3)),
    st.builds(ToolCallDelta, st.integers(0, 1), arguments=st.text(max_size=3)),
)


@given(st.one_of(st.lists(CHUNKS, max_size=5), st.lists(st.builds(TextDelta, st.text(max_size=3)), max_size=5)))
def test_both_ways_make_the_same_response(chunks: list[Chunk]) -> None:
    """Every field of the head is kept, and the parts are in normal form."""
    assert accumulate(chunks, HEAD) == accumulate_any(chunks, HEAD)


@given(st.lists(CHUNKS, max_size=5))
def test_one_chunk_is_what_a_response_would_be_taken_apart_into(chunks: list[Chunk]) -> None:
    """For text alone, and for nothing else."""
    one = one_chunk(chunks)
    if all(type(chunk) is TextDelta for chunk in chunks):
        assert one == list(explode(accumulate_any(chunks, HEAD)))
    else:
        assert one is None
