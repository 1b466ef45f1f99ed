"""Surrogates: values that look real and belong to nobody, for models that stumble over tokens.

They come from ranges that are reserved for examples, so that none is anybody's: `example.com` (RFC 2606), the numbers
555-0100 to 555-0199 of the North American plan, addresses for documentation (RFC 5737, 3849, 7042), social security
numbers that begin with 666 and are never given out, and one range of test cards. Where no range is reserved (names,
IBAN), there is no surrogate.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from psf_runtime.guards.privacy.tokens import LONGEST, Token

_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MARK = "~"
_BEFORE, _BEHIND = r"(?<![\w.+@-])", r"(?![\w@]|[.+-]\w)"  # where a surrogate stands alone
_FREE_BEFORE, _FREE_BEHIND = re.compile(_BEFORE), re.compile(_BEHIND)


@dataclass(frozen=True, slots=True)
class Reserved:
    """A reserved range: how many there are (0: as many as there are codes), and how the n-th is written."""

    size: int
    write: Callable[[int], str]


def _email(number: int) -> str:
    return f"{_code(number).lower()}@example.com"


def _phone(number: int) -> str:
    area, line = divmod(number, 100)
    first, rest = divmod(area, 80)
    second, third = divmod(rest, 10)
    return f"+1{first + 2}{'02345678'[second]}{third}55501{line:02}"


def _ip(number: int) -> str:
    network, host = divmod(number, 254)
    return f"{('192.0.2', '198.51.100', '203.0.113')[network]}.{host + 1}"


def _ip6(number: int) -> str:
    return f"2001:db8::{number >> 32:x}:{number >> 16 & 0xFFFF:x}:{number & 0xFFFF:x}"


def _mac(number: int) -> str:
    return f"00:00:5e:00:53:{number:02x}"


def _ssn(number: int) -> str:
    group, serial = divmod(number, 9999)
    return f"666-{group + 1:02}-{serial + 1:04}"


def _card(number: int) -> str:
    digits = f"424242{number:09}"
    doubled = [int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(digits)]
    total = sum(value - 9 if value > 9 else value for value in doubled)
    return f"{digits}{-total % 10}"


RANGES: Final[Mapping[str, Reserved]] = MappingProxyType(
    {
        "EMAIL": Reserved(0, _email),
        "PHONE": Reserved(64_000, _phone),
        "IP": Reserved(762, _ip),
        "MAC": Reserved(256, _mac),
        "US_SSN": Reserved(99 * 9999, _ssn),
        "CREDIT_CARD": Reserved(10**9, _card),
    }
)
_IP6 = Reserved(0, _ip6)


def range_of(entity: str, value: str) -> Reserved:
    """The range from which a value's surrogate comes."""
    return _IP6 if entity == "IP" and ":" in value else RANGES[entity]


def kept_as(entity: str, value: str, *, turn: int = 0) -> str:
    """The entity under which a vault keeps it: the size of the range is part of the name, and so is the draw."""
    return f"{entity}{_MARK}{range_of(entity, value).size}" + (f"{_MARK}{turn}" if turn else "")


def is_surrogate(kept: str) -> bool:
    """Whether a vault's row is a surrogate's."""
    return _MARK in kept


def plain_entity(kept: str) -> str:
    """The entity of a vault's row."""
    return kept.partition(_MARK)[0]


def written(entity: str, value: str, code: str) -> str:
    """The surrogate that a code stands for."""
    number = 0
    for sign in code:
        number = number * 32 + _DIGITS.index(sign)
    return range_of(entity, value).write(number)


def _code(number: int) -> str:
    return "".join([_DIGITS[number >> 5 * place & 31] for place in range(7, -1, -1)])


class Surrogates:
    """The surrogates of one request, ready to be found in an answer. Case does not matter; a part of one is none."""

    def __init__(self, tokens: Mapping[str, Token]) -> None:
        self._tokens = {text.lower(): token for text, token in tokens.items() if len(text) <= LONGEST - 2}
        longest_first = sorted(self._tokens, key=len, reverse=True)
        self._pattern = re.compile(_BEFORE + "(?:" + "|".join(map(re.escape, longest_first)) + ")" + _BEHIND, re.I)
        self._beginnings = frozenset(text[:size] for text in self._tokens for size in range(1, len(text) + 1))
        self._longest = max(map(len, self._tokens), default=0)

    def __len__(self) -> int:
        return len(self._tokens)

    def find(self, text: str, start: int) -> Iterator[tuple[int, int, Token]]:
        """Where they stand from `start` on."""
        for match in self._pattern.finditer(text, start):
            yield match.start(), match.end(), self._tokens[match.group().lower()]

    def open_at(self, buffer: str) -> int:
        """Where what could still become one begins: one more sign, or two, decide whether it ends where it ends."""
        lowered = buffer.lower()
        if len(lowered) != len(buffer):
            lowered = buffer
        for size in range(min(self._longest + 1, len(lowered)), 0, -1):
            tail = lowered[-size:]
            if tail in self._beginnings or (tail[-1] in ".+-" and tail[:-1] in self._tokens):
                return len(buffer) - size
        return len(buffer)


def stands_alone(text: str, start: int, end: int) -> bool:
    """Whether a surrogate in place of `text[start:end]` could be told from what is beside it."""
    return _FREE_BEFORE.match(text, start) is not None and _FREE_BEHIND.match(text, end) is not None


def present(surrogates: Iterable[str], texts: Iterable[str]) -> set[str]:
    """Those that stand in one of the texts already: an answer could mean either."""
    joined = "\0".join(texts).lower()
    return {surrogate for surrogate in surrogates if surrogate.lower() in joined}
