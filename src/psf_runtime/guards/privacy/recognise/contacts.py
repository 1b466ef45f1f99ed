"""E-mail addresses."""

from __future__ import annotations

import re

from psf_runtime.ports import Detection

_LOCAL_SIGNS = "._%+'-"
_DOMAIN = re.compile(r"(?:\w[\w-]{0,62}\.){1,8}(?:xn--[a-z0-9-]{2,59}|[^\W\d_]{2,24})")
_LONGEST_LOCAL = 64
_URL_LOOKBACK = 300


def find_emails(text: str) -> list[Detection]:
    """E-mail addresses, found from their `@`; not the user part of a URL."""
    found: list[Detection] = []
    at = text.find("@")
    floor = 0
    while at != -1:
        domain = _DOMAIN.match(text, at + 1)
        if domain is not None:
            start = _start_of_local(text, at, floor)
            if start < at and not _inside_url_user(text, at):
                found.append(Detection(start, domain.end(), "EMAIL", 1.0))
                floor = domain.end()
        at = text.find("@", at + 1)
    return found


def _start_of_local(text: str, at: int, floor: int) -> int:
    start = at
    lowest = max(floor, at - _LONGEST_LOCAL)
    while start > lowest and (text[start - 1].isalnum() or text[start - 1] in _LOCAL_SIGNS):
        start -= 1
    while start < at and text[start] in ".'-%":
        start += 1
    return start


def _inside_url_user(text: str, at: int) -> bool:
    """Whether this `@` ends the `user:password` part of a URL."""
    scheme = text.rfind("://", max(0, at - _URL_LOOKBACK), at)
    if scheme == -1:
        return False
    between = text[scheme + 3 : at]
    return not any(character in "/?#" or character.isspace() for character in between)
