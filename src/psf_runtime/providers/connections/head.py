"""The head of a request, written, and the head of an answer, read: strictly, and within limits. Pure.

Source: RFC 9112. Everything that two readers could understand differently is refused: a bare line feed, a folded
line, white space before a colon, control characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from psf_runtime.errors import ConfigError
from psf_runtime.providers.connections.faults import RemoteProtocolError

MOST_HEAD = 65_536  # bytes
MOST_HEADERS = 256
_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_VALUE = rb"[\t\x20-\x7e\x80-\xff]*"
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: " + _VALUE + rb")?")
_FIELD_LINE = re.compile(rb"(" + _TOKEN + rb"):[\t ]*(" + _VALUE + rb")")
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9a-z]+")
_PLAIN = re.compile(r"[\t\x20-\x7e]*")
_OURS = frozenset({"connection", "content-length", "host", "proxy-authorization", "transfer-encoding", "upgrade"})


def request_head(
    method: str, target: str, host: str, *, headers: Iterable[tuple[str, str]], length: int, further: str = ""
) -> bytes:
    """The bytes before the body; `host` and `content-length` are added.

    Args:
        method, target: of the request line.
        host: value of the host header.
        headers: name and value, names in lower case.
        length: of the body in bytes.
        further: whole lines for a proxy on the way.

    Raises ConfigError for a header that would change the meaning of the message.
    """
    lines = [f"{method} {target} HTTP/1.1\r\nhost: {host}\r\n"]
    for name, value in headers:
        if name in _OURS or _NAME.fullmatch(name) is None or _PLAIN.fullmatch(value) is None:
            raise ConfigError(
                "a header cannot be sent",
                why="its name is reserved, or it holds a line break or another sign that headers must not have",
                change="look for a stray line break in the key or in a further header",
            )
        lines.append(f"{name}: {value}\r\n")
    lines.append(f"{further}content-length: {length}\r\n\r\n")
    return "".join(lines).encode("ascii")


@dataclass(frozen=True, slots=True, repr=False)
class Head:
    """The head of an answer.

    Attributes:
        status: three digits.
        headers: names in lower case; values of a name that comes twice are joined by a comma.
        chunked: whether the body comes in chunks; `length`: its size, None when it ends with the connection.
        keep: whether the connection may serve another call afterwards.
    """

    status: int
    headers: dict[str, str]
    chunked: bool
    length: int | None
    keep: bool


def read_head(data: bytes, *, bodiless: bool = False) -> Head:
    """The head in `data`, which ends before the empty line. Raises RemoteProtocolError.

    `bodiless`: the request was one whose answer has no body (CONNECT).
    """
    lines = data.split(b"\r\n")
    start = _STATUS_LINE.fullmatch(lines[0])
    if start is None:
        raise RemoteProtocolError("the answer does not begin as HTTP/1.1 does")
    if len(lines) - 1 > MOST_HEADERS:
        raise RemoteProtocolError("the answer has too many headers")
    headers: dict[str, str] = {}
    for line in lines[1:]:
        field = _FIELD_LINE.fullmatch(line)
        if field is None:
            raise RemoteProtocolError("a header of the answer is not well formed")
        name = field[1].decode("ascii").lower()
        value = field[2].decode("latin-1").rstrip("\t ")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return _framed(int(start[2]), headers, modern=start[1] == b"1", bodiless=bodiless)


def _framed(status: int, headers: dict[str, str], *, modern: bool, bodiless: bool) -> Head:
    """How long the body is. RFC 9112, section 6.3, without the repairs that it allows."""
    options = {option.strip() for option in headers.get("connection", "").lower().split(",")}
    keep = "close" not in options if modern else "keep-alive" in options
    coding, size = headers.get("transfer-encoding"), headers.get("content-length")
    if coding is not None and (size is not None or not modern or coding.lower() != "chunked"):
        raise RemoteProtocolError("the answer's length is declared twice, or in an unknown coding")
    if size is not None and not (size.isascii() and size.isdecimal() and len(size) <= 18):
        raise RemoteProtocolError("the answer's length is no number")
    if status < 200 or status in (204, 304) or bodiless:
        if coding is not None and status != 304:
            raise RemoteProtocolError("an answer that has no body declares one")
        return Head(status, headers, False, 0, keep)
    length = None if size is None else int(size)
    return Head(status, headers, coding is not None, length, keep and (coding is not None or size is not None))
