"""How much of what was planted in generated sentences is found, and how much of what is found was planted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random

import pytest

from psf_runtime.guards.privacy import Builtin
from psf_runtime.guards.privacy.recall import RECALL
from tests.unit.guards.privacy.making import card, digits, iban, phone, wallet

COUNT = 400
FRAMES = {
    "PHONE": (
        "We have {} on file.",
        "You can reach me on {} after lunch.",
        "Contact: {}",
        "{} is what she gave us.",
        "Our new number: {}, please note it.",
        "Ring {} or come by.",
    ),
    "CREDIT_CARD": ("It was paid with {} last week.", "The number {} was charged twice.", "{}"),
    "IBAN": ("Please pay to {} by Friday.", "{} is the account.", "Transfer it ({})."),
    "CRYPTO": ("Send it to {} today.", "{}"),
    "EMAIL": ("Write to {} when it is done.", "<{}>", "cc: {};"),
    "ADDRESS": ("The parcel goes to {}.", "She lives at {} since May.", "{}"),
    "DATE_OF_BIRTH": ("Date of birth: {}", "She was born on {} in the north.", "geboren am {}", "né le {}"),
}


def email(random: Random) -> str:
    name = random.choice(["jo", "a.b", "dana+news", "x_y-z", "o'neil", "jürgen"])
    host = random.choice(["", "mail."]) + random.choice(["example", "müller", "a-b"])
    return f"{name}@{host}.{random.choice(['com', 'de'])}"


def address(random: Random) -> str:
    house, five = random.randint(1, 199), digits(random, 4) + "7"
    return random.choice(
        [
            f"{house} Maple Street",
            f"{house} North Oak Avenue, Springfield, IL {five}",
            f"{house}b High Street, Leeds LS1 4AB",
            f"Gartenstraße {house}, {five} Bremen",
            f"Lindenallee {house}",
            f"{house} rue du Moulin, {five} Lyon",
            f"Calle Mayor {house}",
            f"Via Garibaldi {house}, {five} Torino",
            f"Prinsengracht {house}, 1015 CJ Amsterdam",
        ]
    )


def birthday(random: Random) -> str:
    year, month, day = random.randint(1930, 2010), random.randint(1, 12), random.randint(1, 28)
    return random.choice([f"{year}-{month:02d}-{day:02d}", f"{day:02d}.{month:02d}.{year}", f"{month}/{day}/{year}"])


MAKERS: dict[str, Callable[[Random], str]] = {
    "PHONE": phone,
    "CREDIT_CARD": card,
    "IBAN": iban,
    "CRYPTO": wallet,
    "EMAIL": email,
    "ADDRESS": address,
    "DATE_OF_BIRTH": birthday,
}
# Recall and precision that must be reached.
BARS = {
    "PHONE": 0.9,
    "CREDIT_CARD": 0.99,
    "IBAN": 0.99,
    "CRYPTO": 0.99,
    "EMAIL": 0.99,
    "ADDRESS": 0.9,
    "DATE_OF_BIRTH": 0.95,
}


def negative(random: Random) -> str:
    """A sentence with something that is no personal data."""
    d = lambda count: digits(random, count)
    return random.choice(
        [
            f"Order {d(10)} left on time.",
            f"Invoice 2024-{d(5)} is open.",
            f"ISBN 978-3-16-{d(6)}-0 is out of print.",
            f"It took until 17{d(8)} in the log.",
            f"Version {d(1)}.{d(2)}.{d(1)} is out.",
            f"It costs {d(2)},950.00 in all.",
            f"def f(x{d(2)}, y): return a@b",
            f"id 550e8400-e29b-41d4-a716-4466{d(8)}",
            f"commit {random.randbytes(20).hex()}",
            f"sha256 {random.randbytes(32).hex()}",
            f"2024-05-{random.randint(10, 28)}T10:{random.randint(10, 59)}:00Z ok",
            f"Room {d(1)}.{d(3)} holds {d(2)} people.",
            f"batch {d(12)} passed",
            f"on 12/0{random.randint(1, 9)}/2024 at 14:30",
            f"pi is 3.14159{d(5)}",
            f"lines {d(3)}-{d(3)} of part AX-{d(5)}/B",
            f"{d(3)}x{d(4)} pixels, {d(1)},{d(3)},{d(3)} rows",
            f"tracking number {d(12)}",
            f"the ratio {d(1)}:{d(2)}, GPU RTX {d(4)}",
            f"section 4.2.{d(1)}.{d(1)}, page {d(3)}",
        ]
    )


@pytest.fixture(scope="module")
def counts() -> dict[str, Counter[str]]:
    """Per entity: planted, hit, found, right. The names tier is off: no sentence holds a name."""
    detector, random = Builtin(names="off"), Random("held out")
    table: dict[str, Counter[str]] = {entity: Counter() for entity in MAKERS}
    for _ in range(COUNT):
        for entity, make in MAKERS.items():
            value, frame = make(random), random.choice(FRAMES[entity])
            text = frame.format(value) + " " + negative(random)
            start = frame.index("{}")
            found = [(hit.entity, hit.start, hit.end) for hit in detector.find(text)]
            table[entity]["planted"] += 1
            table[entity]["hit"] += (entity, start, start + len(value)) in found
            for kind, begin, end in found:
                if kind in table:
                    table[kind]["found"] += 1
                    table[kind]["right"] += kind == entity and begin < start + len(value) and start < end
    return table


@pytest.mark.parametrize("entity", list(BARS))
def test_recall_and_precision(entity: str, counts: dict[str, Counter[str]]) -> None:
    """Both reach their bar, exact spans, beside orders, versions, prices, hashes and code."""
    count = counts[entity]
    recall, precision = count["hit"] / count["planted"], count["right"] / count["found"]

    assert recall >= BARS[entity], (recall, precision)
    assert precision >= BARS[entity] - 0.02, (recall, precision)


def test_the_table_of_measured_recall_is_not_better_than_measured(counts: dict[str, Counter[str]]) -> None:
    """What the package says of its own recall is what is measured here, or less."""
    for entity, count in counts.items():
        assert RECALL[entity].recall <= count["hit"] / count["planted"] + 0.005, entity


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("my name is john miller and i live in leeds", "john miller"),
        ("please call maria kowalski tomorrow", "maria kowalski"),
        ("i spoke with peter jackson about it", "peter jackson"),
    ],
)
def test_names_in_lower_case(text: str, name: str) -> None:
    """Chat in lower case is no hole."""
    assert [("PERSON", name)] == [(hit.entity, text[hit.start : hit.end]) for hit in Builtin().find(text)]


def test_ordinary_prose_holds_no_names() -> None:
    """Sentences about things lose nothing to the names tier."""
    text = (
        "The delivery was late because the printer had to be repaired. Most of the time the supplier answers in a day. "
        "By now the report is ready, and the committee will look at the draft after lunch. To be honest, nobody asked "
        "for the second version. In the end we kept the old one, as it was cheaper and lighter."
    )
    assert Builtin().find(text) == []
