"""Personal data in base64, hexadecimal or URL-encoded text: decoded for looking, marked where it stands encoded."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from urllib.parse import unquote

from psf_runtime.ports import Detection

_BASE64 = re.compile(r"(?<![A-Za-z0-9+/_=-])[A-Za-z0-9+/_-]{12,}+={0,2}(?![A-Za-z0-9+/_=-])")
_HEX = re.compile(r"(?<![0-9A-Za-z])(?:[0-9A-Fa-f]{2}){6,}+(?![0-9A-Za-z])")
_URL = re.compile(r"[^\s%\"'<>]{0,64}+(?:%[0-9A-Fa-f]{2}[^\s%\"'<>]{0,64}+){1,400}+")
_MOST_NESTED = 2  # base64 within a URL is looked into, what lies deeper is not

Find = Callable[[str], list[Detection]]


def find_encoded(text: str, find: Find, *, depth: int = 0) -> list[Detection]:
    """The encoded runs of a text that hold something, each with the first entity found in it."""
    found: list[Detection] = []
    if "%" in text:
        found += [hit for match in _URL.finditer(text) for hit in _look(match, unquote(match.group()), find, depth)]
    for pattern, decode in ((_HEX, _from_hex), (_BASE64, _from_base64)):
        for match in pattern.finditer(text):
            plain = decode(match.group())
            if plain is not None:
                found += _look(match, plain, find, depth)
    return found


def _look(match: re.Match[str], plain: str, find: Find, depth: int) -> list[Detection]:
    hits = find(plain)
    if not hits and depth + 1 < _MOST_NESTED:
        hits = find_encoded(plain, find, depth=depth + 1)
    if not hits:
        return []
    best = max(hits, key=lambda hit: hit.score)
    return [Detection(*match.span(), best.entity, best.score)]


def _from_base64(code: str) -> str | None:
    body = code.rstrip("=").replace("-", "+").replace("_", "/")
    if len(body) % 4 == 1:
        return None
    try:
        return _readable(base64.b64decode(body + "=" * (-len(body) % 4), validate=True))
    except binascii.Error:
        return None


def _from_hex(code: str) -> str | None:
    return _readable(bytes.fromhex(code))


def _readable(raw: bytes) -> str | None:
    """The text, when the bytes are one: no control signs, and UTF-8."""
    if any(byte < 9 or 13 < byte < 32 for byte in raw):
        return None
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
