"""What is personal only in its place and is looked for on request: web addresses and UUIDs."""

from __future__ import annotations

import re

from psf_runtime.ports import Detection

_UUID = re.compile(r"(?<![\w-])[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}(?![\w-])")
_UUID_MIDDLE = re.compile(r"-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-")
_SCHEME = re.compile(r"(?i:https?|ftp|wss?)://[^\s<>\"'`{}|\\^]{3,2000}+")
_WWW = re.compile(r"(?<![\w@./-])(?i:www)\.[^\s<>\"'`{}|\\^]{3,2000}+")
_ENDS = ".,;:!?)]"
ENTITIES = frozenset({"URL", "UUID"})


def find_urls(text: str) -> list[Detection]:
    """Web addresses with a scheme or `www.`; a bare `word.word` is none."""
    found: list[Detection] = []
    if "://" in text:
        found += [_url(text, match) for match in _SCHEME.finditer(text)]
    if "www." in text.lower():
        found += [_url(text, match) for match in _WWW.finditer(text)]
    return found


def _url(text: str, match: re.Match[str]) -> Detection:
    end = match.end()
    while text[end - 1] in _ENDS:
        end -= 1
    return Detection(match.start(), end, "URL", 0.6)


def find_uuids(text: str) -> list[Detection]:
    """Identifiers of RFC 9562 in their usual form."""
    if _UUID_MIDDLE.search(text) is None:
        return []
    return [Detection(*match.span(), "UUID", 0.9) for match in _UUID.finditer(text)]
