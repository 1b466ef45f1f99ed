"""How a value gets its code: keyed, eight characters, the same on every worker that holds the key.

A token is `ENTITY_CODE8`. The first five characters of the code follow the canonical value, so that `Anna Smith` and
`ANNA SMITH` look related to the model; the last three follow the exact spelling, so that each spelling is restored as
it was written. Alphabet: Crockford's base 32 (no I, L, O, U). A code always holds a digit and a letter, so that no
word and no plain number is mistaken for one.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from collections.abc import Iterator

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
    stem_round = 0
    while True:
        stem = _characters(key, packed("stem", entity, plain, str(stem_round)), _STEM)
        stem_round += 1
        if stem.isdigit() or stem.isalpha():
            continue
        for tail_round in range(_TAILS_PER_STEM):
            yield stem + _characters(key, packed("tail", entity, value, str(tail_round)), _TAIL)


def _characters(key: bytes, message: bytes, count: int) -> str:
    number = int.from_bytes(hmac.digest(key, message, "sha256")[:8], "big")
    return "".join([ALPHABET[(number >> (5 * place)) & 31] for place in range(count)])
