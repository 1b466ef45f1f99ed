"""Values with right check digits for the recognisers' tests, made from a seed; they belong to nobody but by chance."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from random import Random

BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
Check = Callable[[str], bool]


def digits(random: Random, count: int) -> str:
    """So many digits."""
    return "".join(random.choices("0123456789", k=count))


def ending(body: str, check: Check, *, count: int = 1) -> str | None:
    """The number that begins with `body` and whose last digits satisfy a check; None when no digits do."""
    for last in range(10**count):
        whole = body + str(last).zfill(count)
        if check(whole):
            return whole
    return None


def until(make: Callable[[], str | None]) -> str:
    """The first that is made."""
    while True:
        value = make()
        if value is not None:
            return value


def luhn_digit(body: str) -> str:
    """The digit that ISO/IEC 7812-1 asks for behind some digits: written here once more, apart from the recogniser."""
    total = 0
    for place, sign in enumerate(reversed(body)):
        doubled = int(sign) * (2 if place % 2 == 0 else 1)
        total += doubled // 10 + doubled % 10
    return str(-total % 10)


def card(random: Random) -> str:
    """A card of any range that is in use."""
    prefix, length = random.choice(
        [
            ("4", 13),
            ("4", 16),
            ("4", 19),
            ("51", 16),
            ("55", 16),
            ("2221", 16),
            ("2720", 16),
            ("34", 15),
            ("37", 15),
            ("3001", 14),
            ("36", 14),
            ("3528", 16),
            ("2131", 15),
            ("1800", 15),
            ("6011", 16),
            ("6011", 19),
            ("5018", 12),
            ("6304", 13),
            ("6759", 16),
            ("6799", 19),
            ("62", 16),
            ("62", 19),
        ]
    )
    body = prefix + digits(random, length - len(prefix) - 1)
    whole = body + luhn_digit(body)
    if length not in (16, 19) or random.random() < 0.4:
        return whole
    mark = random.choice(" -")
    return mark.join(whole[start : start + 4] for start in range(0, length, 4))


def iban(random: Random) -> str:
    """An account number with its check digits."""
    country, length = random.choice(
        [("DE", 22), ("FR", 27), ("ES", 24), ("NL", 18), ("NO", 15), ("MT", 31), ("PL", 28)]
    )
    body = digits(random, length - 4)
    check = 98 - int(body + "".join(str(int(letter, 36)) for letter in country) + "00") % 97
    whole = f"{country}{check:02d}{body}"
    return whole if random.random() < 0.5 else " ".join(whole[start : start + 4] for start in range(0, length, 4))


def wallet(random: Random) -> str:
    """A Bitcoin address with its checksum."""
    payload = random.choice([b"\0", b"\5"]) + random.randbytes(20)
    payload += hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
    number, text = int.from_bytes(payload, "big"), ""
    while number:
        number, rest = divmod(number, 58)
        text = BASE58[rest] + text
    return ("1" if payload[0] == 0 else "") + text


def phone(random: Random) -> str:
    """A number in the spellings of several countries."""
    area, exchange, line = random.choice(["202", "312", "415", "617", "702"]), "555", f"01{digits(random, 2)}"
    d = lambda count: digits(random, count)
    return random.choice(
        [
            f"{area}-{exchange}-{line}",
            f"({area}) {exchange}-{line}",
            f"{area}.{exchange}.{line}",
            f"+1 {area} {exchange} {line}",
            f"+1-{area}-{exchange}-{line}",
            f"1 ({area}) {exchange}-{line}",
            f"+1{area}{exchange}{line}",
            f"+1 ({area}){exchange} {line}",
            f"001-{area}-{exchange}-{line}",
            f"({area}){exchange}-{line}x{d(3)}",
            f"{area}-{exchange}-{line} ext. {d(2)}",
            f"+44 20 7946 0{d(3)}",
            f"020 7946 0{d(3)}",
            f"+44 (0)7700 900{d(3)}",
            f"07700 900{d(3)}",
            f"+49 30 {d(7)}",
            f"030/2{d(6)}",
            f"0171 2{d(6)}",
            f"+33 6 12 34 {d(2)} {d(2)}",
            f"06 12 34 {d(2)} {d(2)}",
            f"06.12.34.{d(2)}.{d(2)}",
            f"+34 612 34 {d(2)} {d(2)}",
            f"+39 347 2{d(6)}",
            f"+48 512 345 {d(3)}",
            f"+31 6 1234{d(4)}",
            f"06-1234{d(4)}",
            f"+91 98765 4{d(4)}",
            f"98765 4{d(4)}",
            f"+61 412 345 {d(3)}",
            f"0412 345 {d(3)}",
            f"+55 11 91234-{d(4)}",
            f"(11) 91234-{d(4)}",
            f"+65 9123 4{d(3)}",
            f"+41(0)44 668 18 {d(2)}",
            f"+971 50 123 4{d(3)}",
        ]
    )
