"""How a value gets its code: keyed, eight characters, the same on every worker that holds the key.

A token is `ENTITY_CODE8`. The first five characters of the code follow the canonical value, so that `Anna Smith` and
`ANNA SMITH` look related to the model; the last three follow the exact spelling, so that each spelling is restored as
it was written. Alphabet: Crockford's base 32 (no I, L, O, U). A code always holds a digit and a letter, so that no
word and no plain number is mistaken for one.

An entity written `PHONE~64000` gets numbers below 64,000 as codes: what stands for its values comes from a range of
that size, and the unique index sees to it that no two values of a conversation share one. `~0` is no limit.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from collections.abc import Iterator

from psf_runtime.errors import StateError

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_STEM, _TAIL = 5, 3
_TAILS_PER_STEM = 64
_CASELESS = frozenset({"EMAIL", "PERSON"})
_SPACES = re.compile(r"\s+")


def canonical(entity: str, value: str) -> str:
    """The value without differences that do not matter: NFKC, single spaces, and for e-mail and names no case."""
    text = _SPACES.sub(" ", unicodedata.normalize("NFKC", value)).strip()
    return text.casefold() if entity in _CASELESS else text


def packed(*fields: str) -> bytes:
    """Fields joined so that no two different lists give the same bytes."""
    encoded = [field.encode("utf-8", "surrogatepass") for field in fields]
    return b"".join([len(field).to_bytes(4, "big") + field for field in encoded])


def codes(key: bytes, entity: str, value: str) -> Iterator[str]:
    """Codes for a value, best first and without end; whoever keeps the unique index takes the first that is free."""
    plain = canonical(entity, value)
    kind, _, limit = entity.partition("~")
    size = int(limit.partition("~")[0] or 0)
    if size:
        yield from _numbers(key, packed("number", entity, plain), size, kind)
    stem_round = 0
    while True:
        stem = _characters(key, packed("stem", entity, plain, str(stem_round)), _STEM)
        stem_round += 1
        if stem.isdigit() or stem.isalpha():
            continue
        for tail_round in range(_TAILS_PER_STEM):
            yield stem + _characters(key, packed("tail", entity, value, str(tail_round)), _TAIL)


def _numbers(key: bytes, message: bytes, size: int, kind: str) -> Iterator[str]:
    """Every number below `size` as a code, from one that the value names. Raises StateError behind the last."""
    first = int.from_bytes(hmac.digest(key, message, "sha256")[:8], "big") % size
    for step in range(size):
        number = (first + step) % size
        yield "".join([ALPHABET[(number >> (5 * place)) & 31] for place in reversed(range(_STEM + _TAIL))])
    raise StateError(
        f"the range of surrogates for {kind} is used up",
        control="privacy.tokens",
        why=f"it holds {size:,}, and this conversation has taken them all",
        change='begin another conversation, or use the action "token"',
    )


def _characters(key: bytes, message: bytes, count: int) -> str:
    number = int.from_bytes(hmac.digest(key, message, "sha256")[:8], "big")
    return "".join([ALPHABET[(number >> (5 * place)) & 31] for place in range(count)])
