"""Numbers with letters in them: tax and identity numbers of several countries, crypto wallets. One row a kind.

Sources as in ids.py; and BIP 13, 173 and 350 (Bitcoin), EIP-55 (Ethereum), DVLA (UK licences), ICAO 9303.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from psf_runtime.guards.privacy.recognise.checks import mrz, weighted
from psf_runtime.guards.privacy.recognise.ids import CERTAIN, LEAST
from psf_runtime.guards.privacy.recognise.wallets import is_bitcoin, is_ether
from psf_runtime.ports import Detection


def is_dni(text: str) -> bool:
    """Digits modulo 23 give the letter; X, Y, Z stand for 0, 1, 2 in front."""
    number = text[:-1].replace("X", "0").replace("Y", "1").replace("Z", "2")
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23] == text[-1]


_ODD = dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16,
            10, 22, 25, 24, 23), strict=True))  # fmt: skip


def is_codice(text: str) -> bool:
    """Odd places by their own table, even ones by value; the rest modulo 26 is the last letter."""
    values = [int(c) if c.isdigit() else ord(c) - ord("A") for c in text[:15]]
    odd = sum(_ODD[chr(ord("A") + value)] for value in values[::2])
    return chr(ord("A") + (odd + sum(values[1::2])) % 26) == text[15]


def is_nric(text: str) -> bool:
    """Singapore: weights 2, 7, 6, 5, 4, 3, 2; the first letter moves the sum and picks the alphabet."""
    total = weighted(text[1:8], (2, 7, 6, 5, 4, 3, 2))
    if text[0] == "M":
        return "KLJNPQRTUWX"[10 - (total + 3) % 11] == text[8]
    letters = "JZIHGFEDCBA" if text[0] in "ST" else "XWUTRQPNMLK"
    return letters[(total + (4 if text[0] in "TG" else 0)) % 11] == text[8]


def is_dea(text: str) -> bool:
    """US prescribers: the last digit is that of (1st + 3rd + 5th) + 2 x (2nd + 4th + 6th)."""
    return weighted(text[2:8], (1, 2, 1, 2, 1, 2)) % 10 == int(text[8])


def is_nino(text: str) -> bool:
    """Prefixes that are never given out."""
    return text[:2] not in ("BG", "GB", "NK", "KN", "TN", "NT", "ZZ")


def is_corsican(text: str) -> bool:
    """A French number of a department 2A or 2B: its key counts with 19 or 18 there."""
    body = text[:13].replace("2A", "19").replace("2B", "18")
    return 97 - int(body) % 97 == int(text[13:])


def _any(_: str) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Kind:
    """A shape (in upper case, parting signs left out of what is checked), its check, the words that name it."""

    entity: str
    shape: re.Pattern[str]
    check: Callable[[str], bool]
    word: str
    alone: float


def _kind(entity: str, shape: str, check: Callable[[str], bool], word: str, alone: float) -> Kind:
    return Kind(entity, re.compile(rf"(?<![^\W_])(?:{shape})(?![^\W_])"), check, word, alone)


KINDS: tuple[Kind, ...] = (
    _kind("UK_NINO", r"(?i:[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d\d ?\d\d ?\d\d ?[A-D])", is_nino, "nino", 0.6),
    _kind("ES_NIF", r"\d{8}-?[A-HJ-NP-TV-Za-hj-np-tv-z]", is_dni, "es", 0.7),
    _kind("ES_NIE", r"[XYZxyz]-?\d{7}-?[A-HJ-NP-TV-Za-hj-np-tv-z]", is_dni, "es", 0.8),
    _kind("IT_FISCAL_CODE", r"(?i:[A-Z]{6}[0-9LMNP-V]{2}[A-EHLMPRST][0-9LMNP-V]{2}[A-Z][0-9LMNP-V]{3}[A-Z])",
          is_codice, "", CERTAIN),
    _kind("SG_NRIC", r"[STFGMstfgm]\d{7}[A-Za-z]", is_nric, "nric", 0.7),
    _kind("IN_PAN", r"[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z]", _any, "pan", 0.6),
    _kind("MEDICAL_LICENSE", r"[abcdefghjklmprstuxABCDEFGHJKLMPRSTUX][A-Za-z]\d{7}", is_dea, "dea", 0.7),
    _kind("DE_ID_CARD", r"[LMNPRTVWXYCFGHJK][0-9CFGHJKLMNPRTVWXYZ]{8}\d", mrz, "de_id", 0.3),
    _kind("FR_NIR", r"[12] ?\d\d ?\d\d ?2[ABab] ?\d{3} ?\d{3} ?\d\d", is_corsican, "nir", 0.9),
    _kind("DRIVING_LICENCE", r"[A-Z9]{5}\d[0156]\d[0-3]\d\d[A-Z9]{2}[A-Z0-9]{3}", _any, "licence", 0.6),
)  # fmt: skip
_WALLETS = re.compile(
    r"(?<![^\W_])(?:(?:bc1|BC1)[02-9A-Za-z]{11,71}|[13][1-9A-HJ-NP-Za-km-z]{25,34}|(0x[0-9a-fA-F]{40}))(?![^\W_])"
)
_FURTHEST = 3  # characters before the first digit of a word in which a shape with blanks may begin
_CLEAN = str.maketrans("", "", " -")
ENTITIES = frozenset(kind.entity for kind in KINDS) | {"CRYPTO"}


def lettered(text: str, start: int, families: tuple[str, ...]) -> Detection | None:
    """What stands at `start`, where a word of letters and digits begins."""
    wallet = _WALLETS.match(text, start)
    if wallet is not None and (is_ether if wallet.group(1) else is_bitcoin)(wallet.group()):
        return Detection(start, wallet.end(), "CRYPTO", CERTAIN)
    best: Detection | None = None
    for kind in KINDS:
        match = kind.shape.match(text, start)
        if match is None or not kind.check(match.group().translate(_CLEAN).upper()):
            continue
        score = CERTAIN if kind.word in families else kind.alone
        if score >= LEAST and (best is None or score > best.score):
            best = Detection(start, match.end(), kind.entity, score)
    return best
