"""AWS event-stream frames: cut anywhere, checked twice, bounded before they are kept."""

from __future__ import annotations

import struct
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.errors import ProviderError
from psf_runtime.providers.bedrock import Frame, FrameDecoder, encode_frame
from tests.wire.wire_bedrock import frame
from tests.wire.wire_bedrock_model import frames as frames_of_botocore

names = st.text("abc:-", min_size=1, max_size=12)
headers = st.dictionaries(names, st.text(st.characters(exclude_categories=("Cs",)), max_size=20), max_size=4)
frames = st.lists(st.tuples(headers, st.binary(max_size=60)), max_size=5)


def fed(decoder: FrameDecoder, data: bytes, size: int) -> list[Frame]:
    out: list[Frame] = []
    for start in range(0, len(data), size):
        out += decoder.feed(data[start : start + size])
    return out


@settings(max_examples=150)
@given(sent=frames, size=st.integers(1, 80))
def test_frames_come_out_as_they_went_in(sent: list[tuple[dict[str, str], bytes]], size: int) -> None:
    """What was written is read again, whatever the cut; botocore reads the same."""
    data = b"".join(encode_frame(head, payload) for head, payload in sent)
    decoder = FrameDecoder()
    got = fed(decoder, data, size)
    assert [(dict(item.headers), item.payload) for item in got] == sent
    assert not decoder.pending
    assert [(item.headers, item.payload) for item in frames_of_botocore(data)] == sent


def test_the_bytes_of_a_frame() -> None:
    """A frame written from the published rules by hand is the one we write."""
    head = {":message-type": "event", ":event-type": "messageStart"}
    assert encode_frame(head, b'{"role":"assistant"}') == frame(head, b'{"role":"assistant"}')


def raw_frame(written: bytes, payload: bytes = b"{}") -> bytes:
    prelude = struct.pack("!II", 16 + len(written) + len(payload), len(written))
    prelude += struct.pack("!I", crc32(prelude))
    whole = prelude + written + payload
    return whole + struct.pack("!I", crc32(whole))


def header(name: str, kind: int, value: bytes) -> bytes:
    return bytes((len(name),)) + name.encode() + bytes((kind,)) + value


def test_headers_of_every_type() -> None:
    """All ten types are read; only text is text."""
    written = (
        header("yes", 0, b"")
        + header("no", 1, b"")
        + header("byte", 2, b"\xff")
        + header("short", 3, b"\x01\x00")
        + header("int", 4, struct.pack("!i", -5))
        + header("long", 5, struct.pack("!q", 2**40))
        + header("bytes", 6, b"\x00\x03abc")
        + header("text", 7, b"\x00\x02\xc3\xa9")
        + header("time", 8, struct.pack("!q", 1_700_000_000_000))
        + header("uuid", 9, bytes(range(16)))
    )
    (got,) = FrameDecoder().feed(raw_frame(written))
    assert got.headers == {
        "yes": True,
        "no": False,
        "byte": -1,
        "short": 256,
        "int": -5,
        "long": 2**40,
        "bytes": b"abc",
        "text": "é",
        "time": 1_700_000_000_000,
        "uuid": bytes(range(16)),
    }
    assert (got.text("text"), got.text("int"), got.text("none")) == ("é", "", "")
    assert "é" not in repr(got)
    (theirs,) = frames_of_botocore(raw_frame(written))
    assert theirs.headers == got.headers


BAD_HEADERS = {
    "unknown type": header("a", 10, b""),
    "value too short": header("a", 7, b"\x00\x05abc"),
    "number cut": header("a", 5, b"\x00\x00"),
    "uuid cut": header("a", 9, b"\x00"),
    "name beyond the end": b"\x09ab",
    "nothing after the name": b"\x01a",
    "no length": header("a", 7, b"\x00"),
    "not utf-8": header("a", 7, b"\x00\x01\xff"),
    "written twice": header("a", 0, b"") * 2,
}


@pytest.mark.parametrize("case", BAD_HEADERS)
def test_headers_that_cannot_be_read(case: str) -> None:
    """Headers that break their own rules are a bad response, although every checksum is right."""
    with pytest.raises(ProviderError) as caught:
        FrameDecoder().feed(raw_frame(BAD_HEADERS[case]))
    assert (caught.value.kind, caught.value.retry_safe) == ("bad_response", False)


@settings(max_examples=120)
@given(position=st.integers(0, 10_000), bit=st.integers(0, 7), size=st.integers(1, 40))
def test_one_wrong_bit_is_noticed(position: int, bit: int, size: int) -> None:
    """A frame with any one bit turned never comes out: it is refused, or waited for."""
    data = bytearray(encode_frame({":message-type": "event"}, b'{"text":"hello"}'))
    data[position % len(data)] ^= 1 << bit
    with pytest.raises(ProviderError) as caught:
        fed(FrameDecoder(), bytes(data), size)
    assert caught.value.kind == "bad_response"


def prelude(total: int, header_bytes: int) -> bytes:
    first = struct.pack("!II", total, header_bytes)
    return first + struct.pack("!I", crc32(first))


def test_a_frame_that_is_too_large_is_refused_before_it_is_kept() -> None:
    """Twelve bytes are enough to say no: nothing of a gigabyte frame is waited for."""
    decoder = FrameDecoder(max_frame_bytes=1000)
    assert decoder.feed(prelude(2**30, 100)[:11]) == []
    with pytest.raises(ProviderError, match="too large") as caught:
        decoder.feed(prelude(2**30, 100)[11:])
    assert caught.value.kind == "bad_response"


@pytest.mark.parametrize("size", [1000, 1001])
def test_the_bound_is_the_whole_frame(size: int) -> None:
    """A frame of exactly the largest size passes, one byte more does not."""
    data = encode_frame({}, bytes(size - 16))
    decoder = FrameDecoder(max_frame_bytes=1000)
    if size == 1000:
        assert len(decoder.feed(data)) == 1
        return
    with pytest.raises(ProviderError):
        decoder.feed(data[:12])


@pytest.mark.parametrize(("total", "header_bytes"), [(15, 0), (0, 0), (20, 5), (16, 2**32 - 1), (200_000, 131_073)])
def test_lengths_that_do_not_fit_together(total: int, header_bytes: int) -> None:
    """A total below the least, and headers longer than the frame or the format allows, are refused at once."""
    with pytest.raises(ProviderError) as caught:
        FrameDecoder().feed(prelude(total, header_bytes))
    assert caught.value.kind == "bad_response"


def test_the_middle_of_a_frame_is_pending() -> None:
    """Whoever sees the end of the bytes can tell that a frame was cut."""
    data = encode_frame({"a": "b"}, b"{}")
    for cut in range(1, len(data)):
        decoder = FrameDecoder()
        assert decoder.feed(data[:cut]) == []
        assert decoder.pending


@pytest.mark.parametrize("head", [{"": "a"}, {"a" * 256: "b"}, {"a": "b" * 65_536}])
def test_headers_that_no_frame_can_hold(head: dict[str, str]) -> None:
    """Too long a name or value is an error, never a broken frame."""
    with pytest.raises(ValueError, match="too long"):
        encode_frame(head, b"")
