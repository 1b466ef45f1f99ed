"""What counts as data of a request, and whether an address carries any of it."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import unquote

from psf_runtime.guards.contracts.invisible import clean
from psf_runtime.guards.contracts.texts import places
from psf_runtime.types.messages import ToolCall
from psf_runtime.types.request import Request

FindValues = Callable[[str], Iterable[tuple[int, int]]]

_SHORTEST_WORD = 6
_SHORTEST_VALUE = 4
_URL = re.compile(r"(?:[a-z][a-z0-9+.-]{1,20}:)?//[^\s<>\"'`]+|www\.[^\s<>\"'`]+", re.IGNORECASE)
_CLOSERS = ".,;:!?*_~`'\")]}>"
_WORD = re.compile(r"[^\W_]+")
_JOINED = re.compile(r"[\w.+%-]+@[\w.-]+|\+?\d[\d ()./-]{4,}\d|[^\W_]+(?:[-_.][^\W_]+)+|[^\W_]+")
_ENCODED = re.compile(r"[A-Za-z0-9+/_-]{8,}")
_HEX = re.compile(r"[0-9a-fA-F]{12,}")
_AUTHORITY = re.compile(
    r"(?:(?!www\.)[a-z][a-z0-9+.-]{0,20}:)?[/\\]*(?P<host>[^/\\?#]*)(?P<rest>.*)", re.IGNORECASE | re.DOTALL
)


def trimmed(url: str) -> str:
    """An address without the punctuation that follows it in a sentence."""
    return url.rstrip(_CLOSERS)


def split(url: str) -> tuple[str, str, str]:
    """(user information, host, the rest) of an address as a browser reads it."""
    match = _AUTHORITY.match(url)
    if match is None:
        return "", "", url
    user, _, host = match["host"].rpartition("@")
    host, _, port = host.partition(":")
    # A port that is no number is no port, and may hold anything: it stays with the rest.
    rest = match["rest"] if not port or port.isdigit() else f":{port}{match['rest']}"
    return user, host.rstrip(".").casefold(), rest


def squash(text: str) -> str:
    """Letters and digits only, casefolded: what stays the same whatever separators are put between them."""
    return "".join(_WORD.findall(text)).casefold()


class RequestData:
    """The words, values and addresses of one request.

    A *word* has at least six letters or digits. A *value* is an e-mail address and what `find_values` marks; without
    `find_values` it is anything with a digit in it that is at least six letters or digits long. Addresses are taken
    out before words are collected: what stands only inside an address is not data. An address that a person or the
    application wrote may come back verbatim; a host that only untrusted parts mention is a stranger's.
    """

    def __init__(self, request: Request, *, find_values: FindValues | None = None) -> None:
        self.words: set[str] = set()
        self.values: set[str] = set()
        self.trusted_urls: set[str] = set()
        self._hosts: set[str] = set()
        self._strange: set[str] = set()
        self._find_values = find_values
        for place in places(request):
            ours = place.role in ("system", "user") and not place.provenance.is_untrusted
            theirs = place.provenance.is_untrusted
            self._add(clean(place.text), ours=ours, theirs=theirs)
        for message in request.messages:
            for part in message.parts:
                if isinstance(part, ToolCall):
                    self._add(clean(part.args), ours=False, theirs=False)
        self.strange_hosts = self._strange - self._hosts

    def _add(self, text: str, *, ours: bool, theirs: bool) -> None:
        for match in _URL.finditer(text):
            url = trimmed(match.group())
            host = split(url)[1]
            if ours:
                self.trusted_urls.add(url)
                self._hosts.add(host)
            elif theirs:
                self._strange.add(host)
        rest = _URL.sub(" ", text)
        for match in _JOINED.finditer(rest):
            self._add_joined(match.group())
        if self._find_values is not None:
            for start, end in self._find_values(text):
                value = squash(text[start:end])
                if len(value) >= _SHORTEST_VALUE and not _URL.match(text[start:end]):
                    self.values.add(value)

    def _add_joined(self, joined: str) -> None:
        whole = squash(joined)
        guessed = self._find_values is None and any(sign.isdigit() for sign in whole)
        if len(whole) >= _SHORTEST_WORD and (guessed or "@" in joined):
            self.values.add(whole)
        for word in _WORD.findall(joined):
            if len(word) >= _SHORTEST_WORD:
                self.words.add(word.casefold())

    def carried(self, url: str, *, strict: bool) -> bool:
        """Whether an address carries data of the request.

        `strict` is for what loads by itself (pictures, styles, frames): there any word counts anywhere. In a link that
        a person must follow a plain word counts in query, fragment and user information, but not in the path, where
        the title of every page about the subject would be hit. Values, and anything encoded, count everywhere.
        """
        user, host, rest = split(_unquoted(url))
        path, mark, query = rest.partition("?")
        path, hash_mark, fragment = path.partition("#")
        told = " ".join((user, query if mark else "", fragment if hash_mark else ""))
        # The last two labels are somebody's registered name, and a word in it says nothing; a value there does.
        labels = " ".join(host.split(".")[:-2]) if "." in host else host
        everywhere = f"{labels} {user} {rest}"
        if self._has_value(rest if host in self._hosts and not user else user + host + rest):
            return True
        return self._has_word(told) or self._has_encoded(everywhere) or (strict and self._has_word(f"{labels} {path}"))

    def _has_word(self, text: str) -> bool:
        return any(word.casefold() in self.words for word in _WORD.findall(text))

    def _has_value(self, text: str) -> bool:
        squashed = squash(text)
        return len(squashed) >= _SHORTEST_VALUE and any(value in squashed for value in self.values)

    def _has_encoded(self, text: str) -> bool:
        return any(self._has_word(plain) or self._has_value(plain) for plain in _decodings(text))


def _unquoted(url: str) -> str:
    """Percent escapes undone, three times over."""
    for _ in range(3):
        plain = unquote(url.replace("+", " ") if "?" in url else url)
        if plain == url:
            return url
        url = plain
    return url


def _decodings(text: str) -> Iterator[str]:
    """What the runs in `text` say when they are read as base64 or hex, from each offset at which they may begin."""
    for match in _HEX.finditer(text):
        for offset in (0, 1):
            digits = match.group()[offset:]
            yield bytes.fromhex(digits[: len(digits) // 2 * 2]).decode("utf-8", "replace")
    for match in _ENCODED.finditer(text):
        run = match.group().translate(str.maketrans("-_", "+/"))
        for offset in range(4):
            plain = _base64(run[offset:])
            if plain:
                yield plain


def _base64(run: str) -> str:
    usable = run[: len(run) - 1] if len(run) % 4 == 1 else run
    try:
        return base64.b64decode(usable + "=" * (-len(usable) % 4)).decode("utf-8", "replace")
    except binascii.Error:
        return ""
