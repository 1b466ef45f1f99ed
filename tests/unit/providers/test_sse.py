"""The event decoder, on the cases where decoders fail."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.errors import ProviderError
from psf_runtime.providers.sse import SseDecoder


def decode(data: bytes, *cuts: int) -> list[tuple[str, str]]:
    """(name, data) of all events, the bytes cut at these places."""
    decoder = SseDecoder()
    events = []
    edges = [0, *sorted(cuts), len(data)]
    for start, stop in pairwise(edges):
        events += decoder.feed(data[start:stop])
    events += decoder.end()
    return [(event.name, event.data) for event in events]


CASES: dict[str, tuple[bytes, list[tuple[str, str]]]] = {
    "line feeds": (b"data: a\n\ndata: b\n\n", [("", "a"), ("", "b")]),
    "carriage returns": (b"data: a\r\rdata: b\r\r", [("", "a"), ("", "b")]),
    "both": (b"data: a\r\n\r\ndata: b\r\n\r\n", [("", "a"), ("", "b")]),
    "mixed": (b"data: a\r\n\ndata: b\n\r\n", [("", "a"), ("", "b")]),
    "byte order mark": (b"\xef\xbb\xbfdata: a\n\n", [("", "a")]),
    "a byte order mark inside is text": ("data: \ufeffa\n\n".encode(), [("", "\ufeffa")]),
    "no space": (b"data:a\n\n", [("", "a")]),
    "two spaces": (b"data:  a\n\n", [("", " a")]),
    "several data lines": (b"data: a\ndata: b\n\n", [("", "a\nb")]),
    "empty data": (b"data\n\n", [("", "")]),
    "empty data with colon": (b"data:\n\n", [("", "")]),
    "event without data": (b"event: ping\n\ndata: a\n\n", [("", "a")]),
    "retry only": (b"retry: 3000\n\ndata: a\n\n", [("", "a")]),
    "comments": (b":\n\n: hello\ndata: a\n: there\n\n", [("", "a")]),
    "named": (b"event: error\ndata: a\n\ndata: b\n\n", [("error", "a"), ("", "b")]),
    "id and unknown fields": (b"id: 1\nfoo: bar\ndata: a\ndatum: c\n\n", [("", "a")]),
    "invalid UTF-8": (b"data: a\xff\xfeb\n\n", [("", "a\ufffd\ufffdb")]),
    "several bytes a character": ("data: é✓😀\n\n".encode(), [("", "é✓😀")]),
    "no last blank line": (b"data: a\n\ndata: b\n", [("", "a"), ("", "b")]),
    "no last line end": (b"data: a\n\ndata: b", [("", "a"), ("", "b")]),
    "nothing": (b"", []),
    "only blank lines": (b"\n\r\n\r\n\n", []),
}


@pytest.mark.parametrize("case", sorted(CASES))
def test_hard_cases(case: str) -> None:
    """Each hard case gives the events of the standard, as a whole and byte by byte."""
    data, expected = CASES[case]
    assert decode(data) == expected
    assert decode(data, *range(1, len(data))) == expected


pieces = st.lists(
    st.sampled_from(
        [
            b"data: ",
            b"data",
            b"event: x",
            b"\r",
            b"\n",
            b"\r\n",
            b"\n\n",
            b":",
            b" ",
            b"a",
            "é😀".encode(),
            b"\xff",
            b"\xef\xbb\xbf",
            b"retry: 1",
        ]
    ),
    max_size=25,
).map(b"".join)


@settings(max_examples=150)
@given(data=pieces, cuts=st.lists(st.integers(0, 120), max_size=8))
def test_any_cut_gives_the_same_events(data: bytes, cuts: list[int]) -> None:
    """However the bytes are cut, the events are those of the whole."""
    assert decode(data, *(min(cut, len(data)) for cut in cuts)) == decode(data)


@settings(max_examples=60)
@given(data=st.binary(max_size=200))
def test_any_bytes_are_survived(data: bytes) -> None:
    """No bytes make it crash, and what comes out is text."""
    for _, text in decode(data):
        assert text == text.encode("utf-8", "strict").decode()


FLOODS = {
    "a line without end": [b"data: ", *([b"x" * 100] * 20)],
    "a whole line": [b"data: " + b"x" * 2000 + b"\n\n"],
    "a comment": [b": " + b"x" * 2000 + b"\n\n"],
    "many data lines": [b"data: xxxxxxxxxxxxxxxxxxxxxxxx\n"] * 100,
    "no field at all": [b"x" * 100] * 20,
}


def feed_all(decoder: SseDecoder, pieces: list[bytes]) -> None:
    for piece in pieces:
        decoder.feed(piece)


@pytest.mark.parametrize("flood", sorted(FLOODS))
def test_lines_and_events_are_bounded(flood: str) -> None:
    """More than max_event_bytes in a line or an event is a typed error without the bytes."""
    with pytest.raises(ProviderError) as caught:
        feed_all(SseDecoder(max_event_bytes=1000), FLOODS[flood])
    assert caught.value.kind == "bad_response"
    assert "xxx" not in str(caught.value)


def test_many_small_events_are_not_one_large_event() -> None:
    """The bound is for one event: any number of small ones may come, also in one piece."""
    decoder = SseDecoder(max_event_bytes=100)
    assert len(decoder.feed(b"data: 12345678\n\n" * 5000)) == 5000
