"""Check digits: one small function for each, from digits to right or wrong."""

from __future__ import annotations

from collections.abc import Sequence


def luhn(digits: str) -> bool:
    """The check of payment cards and of Canadian insurance numbers (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, character in enumerate(reversed(digits)):
        digit = int(character)
        if place % 2:
            digit = digit * 2 - 9 if digit > 4 else digit * 2
        total += digit
    return total % 10 == 0


def mod97(compact: str) -> bool:
    """The check of an IBAN without spaces (ISO 13616)."""
    moved = compact[4:] + compact[:4]
    return int("".join(str(int(character, 36)) for character in moved)) % 97 == 1


def weighted(digits: str, weights: Sequence[int]) -> int:
    """The sum of each digit times its weight."""
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


_VERHOEFF_TIMES = (
    "0123456789", "1234067895", "2340178956", "3401289567", "4012395678",
    "5987604321", "6598710432", "7659821043", "8765932104", "9876543210",
)  # fmt: skip
_VERHOEFF_MOVES = (
    "0123456789", "1576283094", "5803796142", "8916043527",
    "9453126870", "4286573901", "2793806415", "7046913258",
)  # fmt: skip


def verhoeff(digits: str) -> bool:
    """J. Verhoeff's check (1969), used by Aadhaar."""
    state = 0
    for place, digit in enumerate(reversed(digits)):
        state = int(_VERHOEFF_TIMES[state][int(_VERHOEFF_MOVES[place % 8][int(digit)])])
    return state == 0


def mod11_10(digits: str) -> bool:
    """ISO/IEC 7064 MOD 11,10: the check of the German tax number."""
    product = 10
    for digit in digits[:-1]:
        total = (int(digit) + product) % 10 or 10
        product = total * 2 % 11
    return (11 - product) % 10 == int(digits[-1])


def mrz(text: str) -> bool:
    """The check digit of machine-readable papers (ICAO 9303): weights 7, 3, 1."""
    values = (int(character, 36) for character in text[:-1])
    return sum(value * (7, 3, 1)[place % 3] for place, value in enumerate(values)) % 10 == int(text[-1])


def is_birthday(year: int, month: int, day: int) -> bool:
    """Whether there is such a day. The century may be unknown: year 0 to 99 counts as a leap year when it divides."""
    if not 1 <= month <= 12:
        return False
    longest = 31 - (month in (4, 6, 9, 11))
    if month == 2:
        longest = 29 if year % 4 == 0 else 28
    return 1 <= day <= longest
