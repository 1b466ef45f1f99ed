"""IP and MAC addresses."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from psf_runtime.ports import Detection

_V4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w]|\.\d)")
_V6 = re.compile(r"(?<![\w:.])(?=[0-9A-Fa-f.]{0,4}:)[0-9A-Fa-f:]{2,39}+(?:\d{0,3}(?:\.\d{1,3}){3})?(?![\w:])")
_MAC = re.compile(r"(?<![\w:.-])[0-9A-Fa-f]{2}([:-])[0-9A-Fa-f]{2}(?:\1[0-9A-Fa-f]{2}){4}(?![\w:-])")
_MAC_DOTTED = re.compile(r"(?<![\w.])[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}(?![\w.]\w)(?!\w)")
# Behind these four small numbers are no address.
_NUMBERED = ("section ", "version ", "chapter ", "clause ", "release ", "build ")
_HEX = frozenset("0123456789abcdefABCDEF")
# The middle of a V4 address and of a dotted MAC: a search that begins with a dot passes over sentences quickly.
_V4_SHAPE = re.compile(r"\.\d{1,3}\.\d")
_V6_SHAPE = re.compile(r":[0-9A-Fa-f]{0,4}:")
_MAC_SHAPE = re.compile(r"[:-][0-9A-Fa-f]{2}[:-]")
_DOTTED_SHAPE = re.compile(r"\.[0-9A-Fa-f]{4}\.")


def find_ips(text: str) -> list[Detection]:
    """IP addresses, version 4 and 6; not the machine itself (127.0.0.1, ::1) and not 0.0.0.0."""
    found: list[Detection] = []
    if text.count(".") >= 3:
        found += [
            Detection(*m.span(), "IP", 0.9)
            for m in _around(text, _V4_SHAPE, _V4, 3)
            if _is_address(m.group()) and not text[max(0, m.start() - 9) : m.start()].lower().endswith(_NUMBERED)
        ]
    if text.count(":") >= 2:
        found += [Detection(*m.span(), "IP", 0.9) for m in _around(text, _V6_SHAPE, _V6, 4) if _is_v6(m.group())]
    return found


def find_macs(text: str) -> list[Detection]:
    """Hardware addresses: six pairs with `:` or `-`, or three groups with dots."""
    found: list[Detection] = []
    if text.count(":") >= 5 or text.count("-") >= 5:
        found += [Detection(*m.span(), "MAC", 0.95) for m in _around(text, _MAC_SHAPE, _MAC, 2)]
    if text.count(".") >= 2:
        found += [
            Detection(*m.span(), "MAC", 0.8)
            for m in _around(text, _DOTTED_SHAPE, _MAC_DOTTED, 4)
            if not m.group().replace(".", "").isdigit()
        ]
    return found


def _around(text: str, shape: re.Pattern[str], whole: re.Pattern[str], before: int) -> Iterator[re.Match[str]]:
    """The matches of `whole`, tried only where a `shape` from its middle has at most `before` hex digits in front."""
    done = 0
    for middle in shape.finditer(text):
        start = middle.start()
        lowest = max(done, start - before)
        while start > lowest and text[start - 1] in _HEX:
            start -= 1
        match = whole.match(text, start) if start >= done else None
        if match is not None:
            done = match.end()
            yield match


def _is_v6(text: str) -> bool:
    if text.count(":") < 2:
        return False
    groups = [group for group in text.split(":") if group]
    return len(groups) >= 2 and any(map(str.isdigit, text)) and _is_address(text)


def _is_address(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified)
