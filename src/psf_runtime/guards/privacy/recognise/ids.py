"""National and tax numbers made of digits alone, each with its check. One row a number.

Sources: the issuers' descriptions as gathered by python-stdnum and Wikipedia's lists of national identification numbers
(read for the rules; no code was taken): SSA and IRS (US), NHS Data Dictionary and HMRC (UK), section 139b AO (DE),
INSEE (FR), GUS and MF (PL), RvIG (NL), UIDAI (IN), ATO and Services Australia (AU), Receita Federal (BR), CRA (CA).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from psf_runtime.guards.privacy.recognise.checks import is_birthday, luhn, mod11_10, verhoeff, weighted
from psf_runtime.guards.privacy.recognise.clusters import Number
from psf_runtime.ports import Detection

Check = Callable[[str], bool]
CERTAIN = 0.95  # with the word that names it
NEARLY = 0.93  # another word stands nearer
LEAST = 0.4  # below, a find is none


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of number: how its groups may be written, what parts them, its check, and the words that name it.

    `alone` is the score without such a word; below LEAST the word is needed.
    """

    entity: str
    sizes: tuple[tuple[int, ...], ...]
    marks: str
    check: Check
    word: str
    alone: tuple[float, ...]


def is_ssn(d: str) -> bool:
    """Areas 000, 666 and 900 to 999, group 00 and serial 0000 were never given out."""
    return d[:3] not in ("000", "666") and d[0] != "9" and d[3:5] != "00" and d[5:] != "0000"


def is_itin(d: str) -> bool:
    """Begins with 9; the middle lies in the ranges of the IRS."""
    middle = int(d[3:5])
    return d[0] == "9" and (50 <= middle <= 65 or 70 <= middle <= 88 or 90 <= middle <= 92 or 94 <= middle <= 99)


def is_nhs(d: str) -> bool:
    """Modulus 11 with weights 10 to 2."""
    return (11 - weighted(d[:9], range(10, 1, -1)) % 11) % 11 == int(d[9]) and len(set(d)) > 1


def is_utr(d: str) -> bool:
    """The first digit checks the other nine."""
    return "21987654321"[weighted(d[1:], (6, 7, 8, 9, 10, 5, 4, 3, 2)) % 11] == d[0]


def is_de_tax(d: str) -> bool:
    """No leading zero; among the first ten digits one or two repeat, no more."""
    return d[0] != "0" and 7 <= len(set(d[:10])) <= 9 and mod11_10(d)


def is_nir(d: str) -> bool:
    """97 minus the rest of the number is its key; sex and month are in range."""
    month = int(d[3:5])
    return d[0] in "12" and (1 <= month <= 12 or 20 <= month <= 42) and 97 - int(d[:13]) % 97 == int(d[13:])


def is_pesel(d: str) -> bool:
    """Weights 1, 3, 7, 9; the month says the century."""
    day = is_birthday(int(d[:2]), int(d[2:4]) % 20, int(d[4:6]))
    return day and (10 - weighted(d[:10], (1, 3, 7, 9) * 3) % 10) % 10 == int(d[10])


def is_nip(d: str) -> bool:
    """Modulus 11; an office has no leading zeros."""
    return d[:3] != "000" and weighted(d[:9], (6, 5, 7, 2, 3, 4, 5, 6, 7)) % 11 == int(d[9])


def is_bsn(d: str) -> bool:
    """The eleven test, with -1 for the last digit."""
    return len(set(d)) > 1 and (weighted(d[:8], range(9, 1, -1)) - int(d[8])) % 11 == 0


def is_aadhaar(d: str) -> bool:
    """Does not begin with 0 or 1; Verhoeff."""
    return d[0] in "23456789" and d != d[::-1] and verhoeff(d)


def is_tfn(d: str) -> bool:
    """The weighted sum is a multiple of 11."""
    return len(set(d)) > 1 and weighted(d, (1, 4, 3, 7, 5, 8, 6, 9, 10)) % 11 == 0


def is_medicare(d: str) -> bool:
    """The ninth digit checks the first eight."""
    return d[0] in "23456" and weighted(d[:8], (1, 3, 7, 9, 1, 3, 7, 9)) % 10 == int(d[8])


def is_abn(d: str) -> bool:
    """One less at the front, then modulus 89."""
    return d[0] != "0" and weighted(str(int(d[0]) - 1) + d[1:], (10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19)) % 89 == 0


def is_cpf(d: str) -> bool:
    """Two check digits, modulus 11."""
    if len(set(d)) == 1:
        return False
    first = weighted(d[:9], range(10, 1, -1)) * 10 % 11 % 10
    return first == int(d[9]) and weighted(d[:10], range(11, 1, -1)) * 10 % 11 % 10 == int(d[10])


def is_cnpj(d: str) -> bool:
    """Two check digits, modulus 11, weights 2 to 9 from the right."""
    weights = (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)
    first = weighted(d[:12], weights[1:]) % 11
    second = weighted(d[:13], weights) % 11
    return len(set(d)) > 1 and d[12:] == f"{0 if first < 2 else 11 - first}{0 if second < 2 else 11 - second}"


def is_sin(d: str) -> bool:
    """Luhn; 8 is not given out, and 0 stands in examples only."""
    return d[0] != "8" and luhn(d)


def _any(d: str) -> bool:
    return len(set(d)) > 1


RULES: tuple[Rule, ...] = (
    Rule("US_SSN", ((3, 2, 4), (9,)), "- ", is_ssn, "ssn", (0.85, 0)),
    Rule("US_ITIN", ((3, 2, 4), (9,)), "- ", is_itin, "itin", (0.85, 0)),
    Rule("US_EIN", ((2, 7),), "-", _any, "ein", (0.2,)),
    Rule("UK_NHS", ((3, 3, 4), (10,)), " -", is_nhs, "nhs", (0.45, 0.2)),
    Rule("UK_UTR", ((10,), (5, 5)), " ", is_utr, "utr", (0.1, 0.1)),
    Rule("DE_TAX_ID", ((11,), (2, 3, 3, 3)), " ", is_de_tax, "de_tax", (0.2, 0.5)),
    Rule("FR_NIR", ((15,), (1, 2, 2, 2, 3, 3, 2), (13, 2)), " ", is_nir, "nir", (0.6, 0.9, 0.6)),
    Rule("PL_PESEL", ((11,),), "", is_pesel, "pesel", (0.45,)),
    Rule("PL_NIP", ((3, 3, 2, 2), (3, 2, 2, 3), (10,)), "- ", is_nip, "nip", (0.6, 0.6, 0.1)),
    Rule("NL_BSN", ((9,), (4, 2, 3), (3, 3, 3)), " .", is_bsn, "bsn", (0.1, 0.3, 0.2)),
    Rule("IN_AADHAAR", ((4, 4, 4), (12,)), " -", is_aadhaar, "aadhaar", (0.6, 0.3)),
    Rule("AU_TFN", ((3, 3, 3), (9,)), " ", is_tfn, "tfn", (0.3, 0.1)),
    Rule("AU_MEDICARE", ((4, 5, 1), (10,), (4, 5, 2)), " ", is_medicare, "medicare", (0.5, 0.1, 0.3)),
    Rule("AU_ABN", ((2, 3, 3, 3), (11,)), " ", is_abn, "abn", (0.6, 0.2)),
    Rule("BR_CPF", ((3, 3, 3, 2), (11,)), ".-", is_cpf, "cpf", (0.9, 0.3)),
    Rule("BR_CNPJ", ((2, 3, 3, 4, 2), (14,)), ".-/", is_cnpj, "cnpj", (0.95, 0.4)),
    Rule("CA_SIN", ((3, 3, 3), (9,)), "- ", is_sin, "sin", (0.3, 0.1)),
)
_BY_SIZES: dict[tuple[int, ...], list[tuple[Rule, float]]] = {}
for _rule in RULES:
    for _sizes, _alone in zip(_rule.sizes, _rule.alone, strict=True):
        _BY_SIZES.setdefault(_sizes, []).append((_rule, _alone))
SIZES = frozenset(_BY_SIZES)
ENTITIES = frozenset(rule.entity for rule in RULES)


def national(number: Number, families: tuple[str, ...]) -> Detection | None:
    """What a number is, when one of the rules fits: of several that fit, the one that a word names, then the surest."""
    best: Detection | None = None
    nearest = families[-1] if families else ""
    for rule, alone in _BY_SIZES.get(number.sizes, ()):
        if not _parted(number.marks, rule.marks) or not rule.check(number.digits):
            continue
        if rule.word in families:
            score = CERTAIN if rule.word == nearest else NEARLY
        else:
            score = alone * (0.5 if nearest == "order" else 1)
        if score >= LEAST and (best is None or score > best.score):
            best = Detection(number.start, number.end, rule.entity, score)
    return best


def _parted(marks: tuple[str, ...], allowed: str) -> bool:
    if not marks:
        return True
    if allowed in ("- ", " -"):
        return len(set(marks)) == 1 and marks[0] in allowed and len(marks[0]) == 1
    return all(len(mark) == 1 and mark in allowed for mark in marks)
