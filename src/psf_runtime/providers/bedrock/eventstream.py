"""AWS event-stream frames, both ways: pure, bounded, both checksums checked.

A frame is: its total length and the length of its headers (4 bytes each, big endian), the CRC-32 of these 8 bytes, the
headers, the payload, the CRC-32 of everything before it. Source: the Smithy specification, "Amazon Event Stream".
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from zlib import crc32

from psf_runtime.errors import ProviderError
from psf_runtime.providers.dialect.toolcalls import bad_response

HeaderValue = bool | int | bytes | str
_PRELUDE = 12
_OVERHEAD = 16  # prelude and last checksum
_MOST_HEADER_BYTES = 131_072
_STRING = 7
_NUMBERS: Mapping[int, struct.Struct] = {
    2: struct.Struct("!b"),
    3: struct.Struct("!h"),
    4: struct.Struct("!i"),
    5: struct.Struct("!q"),
    8: struct.Struct("!q"),  # a time, in milliseconds since the epoch
}
_UUID_BYTES = 16


@dataclass(frozen=True, slots=True, repr=False)
class Frame:
    """One frame: its headers and what it carries."""

    headers: Mapping[str, HeaderValue]
    payload: bytes

    def text(self, name: str) -> str:
        """The header of this name when it is text; empty otherwise."""
        value = self.headers.get(name)
        return value if isinstance(value, str) else ""

    def __repr__(self) -> str:
        return f"Frame({len(self.headers)} headers, {len(self.payload)} bytes)"


class FrameDecoder:
    """Frames from the bytes of one stream, cut anywhere.

    Args:
        max_frame_bytes: size of a whole frame. A larger one is refused as soon as its first 12 bytes are there, before
            the rest is kept: a ProviderError of kind `bad_response`, as for every other fault.
    """

    __slots__ = ("_buffer", "_max", "_needed")

    def __init__(self, *, max_frame_bytes: int = 1_048_576) -> None:
        self._max = max_frame_bytes
        self._buffer = bytearray()
        self._needed = _PRELUDE  # bytes that the next step waits for

    @property
    def pending(self) -> bool:
        """Whether the bytes so far end in the middle of a frame."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that these bytes complete. Raises ProviderError."""
        frames: list[Frame] = []
        buffer = self._buffer
        buffer += data
        while len(buffer) >= self._needed:
            total, header_bytes = self._prelude()
            if len(buffer) < total:
                self._needed = total
                break
            whole = bytes(buffer[:total])
            del buffer[:total]
            self._needed = _PRELUDE
            frames.append(_frame(whole, header_bytes))
        return frames

    def _prelude(self) -> tuple[int, int]:
        total, header_bytes, checksum = struct.unpack_from("!III", self._buffer)
        if crc32(self._buffer[:8]) != checksum:
            raise _damaged("the checksum of a frame's first bytes is wrong")
        if total > self._max:
            raise bad_response(
                "the provider sent a frame that is too large", why=f"a frame may have at most {self._max} bytes"
            )
        if header_bytes > min(total - _OVERHEAD, _MOST_HEADER_BYTES):
            raise _damaged("the lengths in a frame do not fit together")
        return total, header_bytes


def _frame(whole: bytes, header_bytes: int) -> Frame:
    (checksum,) = struct.unpack_from("!I", whole, len(whole) - 4)
    if crc32(memoryview(whole)[:-4]) != checksum:
        raise _damaged("the checksum of a frame is wrong")
    end = _PRELUDE + header_bytes
    return Frame(_headers(whole[_PRELUDE:end]), whole[end:-4])


def _headers(data: bytes) -> dict[str, HeaderValue]:
    headers: dict[str, HeaderValue] = {}
    try:
        at = 0
        while at < len(data):
            name_end = at + 1 + data[at]
            name = data[at + 1 : name_end].decode("utf-8")
            value, at = _value(data, name_end)
            if name in headers:
                raise ValueError
            headers[name] = value
    except (ValueError, IndexError, struct.error):
        headers.clear()
    if data and not headers:
        del data
        raise _damaged("the headers of a frame cannot be read")
    return headers


def _value(data: bytes, at: int) -> tuple[HeaderValue, int]:
    """The value that begins at `at`, and where it ends. Raises ValueError, IndexError or struct.error."""
    kind = data[at]
    at += 1
    if kind in (0, 1):
        return kind == 0, at
    number = _NUMBERS.get(kind)
    if number is not None:
        return number.unpack_from(data, at)[0], at + number.size
    if kind in (6, _STRING):
        (length,) = struct.unpack_from("!H", data, at)
        return _slice(data, at + 2, length, bytes if kind == 6 else _utf8)
    if kind == 9:
        return _slice(data, at, _UUID_BYTES, bytes)
    raise ValueError


def _slice(data: bytes, at: int, length: int, read: Callable[[bytes], HeaderValue]) -> tuple[HeaderValue, int]:
    end = at + length
    if end > len(data):
        raise IndexError
    return read(data[at:end]), end


def _utf8(data: bytes) -> str:
    return data.decode("utf-8")


def _damaged(why: str) -> ProviderError:
    return bad_response("the stream is damaged", why=why)


def encode_frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One frame with text headers. Raises ValueError for a name above 255 bytes or a value above 65,535."""
    written = b"".join(_text_header(name, value) for name, value in headers.items())
    prelude = struct.pack("!II", _OVERHEAD + len(written) + len(payload), len(written))
    frame = prelude + struct.pack("!I", crc32(prelude)) + written + payload
    return frame + struct.pack("!I", crc32(frame))


def _text_header(name: str, value: str) -> bytes:
    key, text = name.encode("utf-8"), value.encode("utf-8")
    if not 0 < len(key) < 256 or len(text) > 65_535:
        raise ValueError("a header of a frame has no name, or is too long")
    return bytes((len(key),)) + key + bytes((_STRING,)) + struct.pack("!H", len(text)) + text
