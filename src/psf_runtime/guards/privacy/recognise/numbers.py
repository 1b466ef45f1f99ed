"""Numbers that carry a check: payment cards (Luhn), IBAN (mod 97), and US social security numbers."""

from __future__ import annotations

import re

from psf_runtime.ports import Detection

# First digits (low, high) and the lengths that the issuer uses.
_ISSUERS: tuple[tuple[str, str, frozenset[int]], ...] = (
    ("4", "4", frozenset({13, 16, 19})),
    ("51", "55", frozenset({16})),
    ("2221", "2720", frozenset({16})),
    ("34", "34", frozenset({15})),
    ("37", "37", frozenset({15})),
    ("300", "305", frozenset(range(14, 20))),
    ("3095", "3095", frozenset(range(14, 20))),
    ("36", "36", frozenset(range(14, 20))),
    ("38", "39", frozenset(range(14, 20))),
    ("3528", "3589", frozenset(range(16, 20))),
    ("2131", "2131", frozenset({15})),
    ("1800", "1800", frozenset({15})),
    ("2014", "2014", frozenset({15})),
    ("2149", "2149", frozenset({15})),
    ("2200", "2205", frozenset(range(16, 20))),
    ("50", "50", frozenset(range(12, 20))),
    ("56", "69", frozenset(range(12, 20))),
    ("81", "82", frozenset(range(16, 20))),
    ("9792", "9792", frozenset({16})),
    ("1", "1", frozenset({15})),
)
_RUN = re.compile(r"(?<![\w.+])\d(?:[ -]?\d){11,}+(?!\w)")
# The same, or the heart of it, beginning with a plain set of characters: over text without it the search runs three
# times as fast as with the look-behind. So also below.
_RUN_SHAPE = re.compile(r"\d(?:[ -]?\d){11}")
_GROUP = re.compile(r"\d+")
_SHORTEST_CARD, _LONGEST_CARD = 12, 19

_TWO_DIGITS = re.compile(r"\d\d\d*")
_IBAN_START = re.compile(r"(?<![^\W_])[A-Za-z]{2}\d{2}(?=[ -]?[A-Za-z0-9])")
_IBAN_LENGTHS = {
    country: length
    for length, countries in {
        15: "NO", 16: "BE", 18: "DK FO FI GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU XK MN",
        21: "CH HR LI LV", 22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "LY PT ST", 26: "IS TR", 27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HN HU LB NI PL SV", 29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC",
        32: "LC", 33: "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip

_SSN = re.compile(r"(?<![\w-])(?!000|666|9)\d{3}([- ])(?!00)\d{2}\1(?!0000)\d{4}(?!\w|-\d)")
_SSN_SHAPE = re.compile(r"\d\d\d[- ]\d\d[- ]\d{4}")
_NINE_DIGITS = re.compile(r"\d\d{8}")
_SSN_BARE = re.compile(
    r"(?i:\bssn\b|social\s+security)[^\d\n]{0,30}(?<!\d)((?!000|666|9)\d{3}(?!00)\d{2}(?!0000)\d{4})(?!\w)"
)


def find_cards(text: str) -> list[Detection]:
    """Payment cards of 12 to 19 digits with a known first part and a right Luhn digit, in groups or not."""
    found: list[Detection] = []
    if _RUN_SHAPE.search(text) is None:
        return found
    for run in _RUN.finditer(text):
        groups = [(m.start(), m.end()) for m in _GROUP.finditer(text, *run.span())]
        first = 0
        while first < len(groups):
            last = _card_from(text, groups, first)
            if last is None:
                first += 1
                continue
            found.append(Detection(groups[first][0], groups[last][1], "CREDIT_CARD", 0.95))
            first = last + 1
    return found


def _card_from(text: str, groups: list[tuple[int, int]], first: int) -> int | None:
    """The index of the last group of the longest card that begins with group `first`."""
    digits = ""
    best: int | None = None
    for last in range(first, len(groups)):
        start, end = groups[last]
        digits += text[start:end]
        if len(digits) > _LONGEST_CARD:
            break
        if last > first + 1 and text[groups[first][1]] != text[groups[last - 1][1]]:
            break  # another separator than before: another number
        if len(digits) >= _SHORTEST_CARD and _grouped_like_card(groups, first, last) and is_card(digits):
            best = last
    return best


def _grouped_like_card(groups: list[tuple[int, int]], first: int, last: int) -> bool:
    sizes = [end - start for start, end in groups[first : last + 1]]
    return len(sizes) == 1 or (sizes[0] >= 3 and all(2 <= size <= 9 for size in sizes))


def is_card(digits: str) -> bool:
    """Whether these digits can be a card: issuer, length and Luhn."""
    if not any(low <= digits[: len(low)] <= high and len(digits) in lengths for low, high, lengths in _ISSUERS):
        return False
    return luhn(digits)


def luhn(digits: str) -> bool:
    """The check of payment cards (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, character in enumerate(reversed(digits)):
        digit = int(character)
        if place % 2:
            digit = digit * 2 - 9 if digit > 4 else digit * 2
        total += digit
    return total % 10 == 0


def find_ibans(text: str) -> list[Detection]:
    """IBANs with the length of their country and a right check, with or without single spaces."""
    found: list[Detection] = []
    if not any(text[digits.start() - 1 : digits.start()].isalpha() for digits in _TWO_DIGITS.finditer(text)):
        return found
    for head in _IBAN_START.finditer(text):
        length = _IBAN_LENGTHS.get(head.group()[:2].upper())
        if length is None:
            continue
        end, compact = _take(text, head.start(), length)
        if len(compact) == length and not text[end : end + 1].isalnum() and mod97(compact):
            found.append(Detection(head.start(), end, "IBAN", 1.0))
    return found


def _take(text: str, start: int, count: int) -> tuple[int, str]:
    """`count` letters and digits from `start`, over single spaces and hyphens; where they end."""
    taken: list[str] = []
    place = start
    while place < len(text) and len(taken) < count:
        character = text[place]
        if character.isascii() and character.isalnum():
            taken.append(character.upper())
        elif not (character in " -\u00a0" and text[place - 1].isalnum()):
            break
        place += 1
    return place, "".join(taken)


def mod97(compact: str) -> bool:
    """The check of an IBAN without spaces (ISO 13616)."""
    moved = compact[4:] + compact[:4]
    return int("".join(str(int(character, 36)) for character in moved)) % 97 == 1


def find_ssns(text: str) -> list[Detection]:
    """US social security numbers in three groups, or as nine digits behind the words that name them."""
    found: list[Detection] = []
    if _SSN_SHAPE.search(text) is not None:
        found += [Detection(*m.span(), "US_SSN", 0.85) for m in _SSN.finditer(text)]
    if _NINE_DIGITS.search(text) is not None:
        found += [Detection(*m.span(1), "US_SSN", 0.85) for m in _SSN_BARE.finditer(text)]
    return found
