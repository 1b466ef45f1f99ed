"""Where in a text a token stands: in plain text, in a URL, in an HTML attribute, or in code.

A value restored inside a URL or an attribute would leave with the next click, and in code it would change a program.
In doubt (an open backtick, an open tag) the place counts as the dangerous one.
"""

from __future__ import annotations

import re
from typing import Literal

Place = Literal["text", "url", "attribute", "code"]
_TICKS = re.compile(r"`+|~{3,}|\n")
_FENCE_PREFIX = re.compile(r"[ \t>*+\d.)-]*\Z")
_URL = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*:/\S?|(?:^|[^\w])www\.|\]\(|^\(?(?:mailto|tel|sms|data|javascript|xmpp|sip):|[?&][\w.%\[\]-]+=",
    re.IGNORECASE,
)
_POINTED = re.compile(r"\]\(<[^>\n]*\Z")
_TAG = re.compile(r"<[A-Za-z/!][^\s<>]*\s[^<>]*=")
_RUN_ENDS = " \n\t\r\f\v\u0085\u00a0\u2002\u2003\u2009\u2028\u202f\u3000\u3001\u3002\"'<>`|{}"
_REMEMBERED = 4096


class PlaceFinder:
    """Follows one text from its beginning; `feed` it what stands between tokens, ask `place` at a token."""

    __slots__ = ("_fence", "_line", "_span", "_tail")

    def __init__(self) -> None:
        self._fence = ""
        self._span = 0
        self._line = ""
        self._tail = ""

    def feed(self, text: str) -> None:
        """Go on by `text`."""
        self._tail = (self._tail + text)[-_REMEMBERED:]
        position = 0
        for mark in _TICKS.finditer(text):
            self._line = (self._line + text[position : mark.start()])[-_REMEMBERED:]
            position = mark.end()
            if mark.group() == "\n":
                self._end_of_line()
            else:
                self._ticks(mark.group())
        self._line = (self._line + text[position:])[-_REMEMBERED:]

    def place(self) -> Place:
        """What the next character would stand in."""
        if self._fence or self._span:
            return "code"
        tail = self._tail
        opened = tail.rfind("<")
        if opened > tail.rfind(">") and _TAG.match(tail, opened):
            return "attribute"
        if _URL.search(_last_run(tail)) or ("](<" in tail and _POINTED.search(tail)):
            return "url"
        return "text"

    def _end_of_line(self) -> None:
        if not self._line.strip():
            self._span = 0  # a code span does not reach over an empty line
        self._line = ""

    def _ticks(self, mark: str) -> None:
        alone = _FENCE_PREFIX.match(self._line) is not None
        if self._fence:
            if alone and mark[0] == self._fence[0] and len(mark) >= len(self._fence):
                self._fence = ""
        elif len(mark) >= 3 and alone and not self._span:
            self._fence = mark
        elif mark[0] == "`":
            if not self._span:
                self._span = len(mark)
            elif self._span == len(mark):
                self._span = 0
        self._line += mark


def _last_run(tail: str) -> str:
    """What stands behind the last character that ends a URL."""
    return tail[max(tail.rfind(end) for end in _RUN_ENDS) + 1 :]
