"""Values that look like personal data and belong to nobody: reserved ranges where there are some, else drawn by chance.

Numbers with a check digit carry a right one, so that a detector that checks them has something to find.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from random import Random

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_WORDS = ("amber", "birch", "cedar", "dune", "ember", "fern", "grove", "heath", "iris", "juniper", "kelp", "linden")
_ISSUERS = (("4", 16), ("51", 16), ("55", 16), ("2223", 16), ("34", 15), ("37", 15), ("6011", 16), ("3530", 16))


def digits(random: Random, count: int) -> str:
    """So many digits."""
    return "".join(random.choices("0123456789", k=count))


def email(random: Random) -> str:
    """An address at a domain that is reserved for examples (RFC 2606)."""
    name = f"{random.choice(_WORDS)}{random.choice('._-')}{random.choice(_WORDS)}{random.randint(1, 999)}"
    return f"{name}@{random.choice(['', 'mail.', 'post.'])}example.{random.choice(['com', 'org', 'net'])}"


def phone(random: Random) -> str:
    """A number of the ranges kept for fiction in the United States and the United Kingdom, in usual spellings."""
    line = f"01{digits(random, 2)}"
    area = random.choice(["202", "212", "305", "415", "617", "702"])
    british = digits(random, 3)
    return random.choice(
        [
            f"{area}-555-{line}",
            f"({area}) 555-{line}",
            f"{area}.555.{line}",
            f"+1 {area} 555 {line}",
            f"+1-{area}-555-{line}",
            f"+44 20 7946 0{british}",
            f"020 7946 0{british}",
        ]
    )


def card(random: Random) -> str:
    """A card number with its Luhn digit."""
    prefix, length = random.choice(_ISSUERS)
    body = prefix + digits(random, length - len(prefix) - 1)
    doubled = [int(sign) * (2 if index % 2 == 0 else 1) for index, sign in enumerate(reversed(body))]
    whole = body + str(-sum(number // 10 + number % 10 for number in doubled) % 10)
    if length == 15 or random.random() < 0.4:
        return whole
    return random.choice([" ", "-"]).join(whole[start : start + 4] for start in range(0, length, 4))


def iban(random: Random) -> str:
    """A German or French account number with its check digits."""
    country, length = random.choice([("DE", 18), ("FR", 23)])
    body = digits(random, length)
    check = 98 - int(body + "".join(str(int(letter, 36)) for letter in country) + "00") % 97
    whole = f"{country}{check:02d}{body}"
    if random.random() < 0.5:
        return whole
    return " ".join(whole[start : start + 4] for start in range(0, len(whole), 4))


def ssn(random: Random) -> str:
    """Three groups that a social security number of the United States may have."""
    area = random.choice([number for number in range(100, 900) if number != 666])
    return f"{area:03d}-{random.randint(1, 99):02d}-{random.randint(1, 9_998):04d}"


def ip(random: Random) -> str:
    """An address of the blocks for documentation (RFC 5737, RFC 3849)."""
    if random.random() < 0.2:
        return f"2001:db8:{random.randint(1, 0xFFFF):x}::{random.randint(1, 0xFFFF):x}"
    return f"{random.choice(['192.0.2', '198.51.100', '203.0.113'])}.{random.randint(1, 254)}"


def mac(random: Random) -> str:
    """A hardware address of the block for documentation (RFC 7042)."""
    return f"00:00:5E:00:53:{random.randint(0, 255):02X}"


def wallet(random: Random) -> str:
    """A Bitcoin address with its checksum."""
    payload = b"\0" + random.randbytes(20)
    payload += hashlib.sha256(hashlib.sha256(payload).digest()).digest()[:4]
    number, text = int.from_bytes(payload, "big"), ""
    while number:
        number, rest = divmod(number, 58)
        text = _BASE58[rest] + text
    return "1" + text


def nhs(random: Random) -> str:
    """A number of the British health service with its check digit."""
    while True:
        body = random.choice("4567") + digits(random, 8)
        check = 11 - sum(int(sign) * (10 - index) for index, sign in enumerate(body)) % 11
        if check != 10:
            return f"{body[:3]} {body[3:6]} {body[6:]}{check % 11}"


def passport(random: Random) -> str:
    """Nine digits."""
    return digits(random, 9)


def itin(random: Random) -> str:
    """A tax number of the United States."""
    return f"9{digits(random, 2)}-{random.randint(70, 88)}-{digits(random, 4)}"


Maker = Callable[[Random], str]
# By our name: how a value is made, and the sentences that it stands in.
VALUES: Mapping[str, tuple[Maker, tuple[str, ...]]] = {
    "EMAIL": (email, ("Please write to {} when it is done.", "The address we have is {}, is it still right?")),
    "PHONE": (phone, ("You can call me on {} after lunch.", "My phone number is {}.", "Telephone: {}.")),
    "CREDIT_CARD": (card, ("The credit card {} was charged twice.", "It was paid with the card {} last week.")),
    "IBAN": (iban, ("Send the refund to the IBAN {}.", "My account is {}, please check.")),
    "US_SSN": (ssn, ("The social security number on the form is {}.", "SSN {} was given at the desk.")),
    "IP": (ip, ("The request came from the IP address {}.", "It answers at {} only.")),
    "MAC": (mac, ("The printer has the MAC address {}.", "Its hardware address is {}.")),
    "CRYPTO": (wallet, ("The bitcoin wallet is {}.",)),
    "UK_NHS": (nhs, ("The NHS number is {}.",)),
    "US_PASSPORT": (passport, ("The passport number is {}.",)),
    "US_ITIN": (itin, ("The individual taxpayer number (ITIN) is {}.",)),
}


def decoy(random: Random) -> str:
    """A sentence with numbers that are no personal data."""
    return random.choice(
        [
            f"The order {digits(random, 4)}-{digits(random, 2)} left the house on time.",
            f"It was fixed in version {random.randint(1, 9)}.{random.randint(0, 20)}.{random.randint(0, 9)}.",
            f"Invoice {random.randint(2020, 2031)}-{digits(random, 5)} says {random.randint(1, 9)},950.00.",
            f"We meet on {random.randint(2028, 2031)}-0{random.randint(1, 9)}-{random.randint(10, 28)} at 14:30.",
            f"Part AX-{digits(random, 5)}/B is {random.randint(10, 99)} mm wide and weighs 310 g.",
            f"Room {random.randint(1, 9)}.{digits(random, 3)} holds {random.randint(10, 90)} people.",
            f"The batch {digits(random, 12)} has passed the test.",
        ]
    )
