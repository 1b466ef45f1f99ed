"""Parts of a known name are replaced, each by its own token, and nothing is merged."""

from __future__ import annotations

import pytest

from psf_runtime.guards.privacy.aliases import name_parts, no_aliases
from psf_runtime.stores.memory_vault import MemoryVault
from tests.unit.guards.privacy.driving import EMAIL, Exchange, Words, told

ANNA = Words({"Anna Kowalski": "PERSON"})
NOBODY = Words({})


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Anna Kowalski", ["Anna", "Kowalski"]),
        ("Ludwig van Beethoven", ["Ludwig", "Beethoven"]),
        ("Jean-Luc O’Neill", ["Jean-Luc", "O’Neill"]),
        ("Will Marlowe", ["Marlowe"]),
        ("J. Marlowe", ["Marlowe"]),
        ("Anna", []),
        ("anna kowalski", []),
        ("Anna of the Five Long Towers", []),
        ("Room 12", []),
    ],
)
def test_parts_of_full_names(name: str, parts: list[str]) -> None:
    """Words of a full name; no particles, initials, ordinary words, and nothing of what is no full name."""
    assert list(name_parts("PERSON", name)) == parts


def test_other_entities_have_no_parts() -> None:
    """An address or a company is one thing."""
    assert list(name_parts("ORGANIZATION", "Acme Stores")) == []


def test_a_part_is_hidden_where_no_detector_sees_it() -> None:
    """In the same text and in later turns of the conversation; each spelling comes back as it was."""
    vault = MemoryVault(b"v" * 32)
    text = "Anna Kowalski called. Kowalski wants a refund; tell Anna."
    first = Exchange(told(text, conversation="c"), vault=vault, detectors=[ANNA])
    later = Exchange(told("did anna or Kowalski call?", conversation="c"), vault=vault, detectors=[NOBODY])

    assert "Kowalski" not in first.text
    assert "Anna" not in first.text
    assert first.says(first.text) == text
    assert "Kowalski" not in later.text
    assert later.says(later.text) == "did anna or Kowalski call?"


def test_parts_are_not_merged() -> None:
    """Two people who share a first name stay two, and the shared name is neither's token."""
    exchange = Exchange(
        "Anna Kowalski and Anna Marlowe met. Anna paid.",
        detectors=[Words({"Anna Kowalski": "PERSON", "Anna Marlowe": "PERSON"})],
    )
    one, _, two, _, both, *_ = exchange.text.split()

    assert len({one, two, both}) == 3


def test_words_that_hold_a_part_stay() -> None:
    """Only whole words count; and a word that is written small is no name, unless the name stands alone somewhere."""
    exchange = Exchange("Anna Kowalski lives in Berg; an anna is a coin, annas are coins.", detectors=[ANNA])
    called = Exchange("Anna Kowalski? Yes, Anna. anna is here.", detectors=[ANNA])

    assert exchange.sent.stamp.find_leak(exchange.text.encode()) is None
    assert exchange.text.endswith(" lives in Berg; an anna is a coin, annas are coins.")
    assert "anna" not in called.text.lower()
    assert called.sent.stamp.find_leak(called.text.encode()) is None


@pytest.mark.parametrize(
    "text", ["请联系Anna谢谢", "Anna는 왔다", "“Anna”", "É\u0301Anna", "%20Anna", "x\u00adAnna", "Anna\\n"]
)
def test_what_stands_alone_is_the_same_before_and_after(text: str) -> None:
    """What the last look would stop was replaced before, whatever script or sign stands beside a name."""
    exchange = Exchange(f"Anna Kowalski, Anna: {text}", detectors=[ANNA])

    assert exchange.sent.stamp.find_leak(exchange.text.encode()) is None
    assert exchange.says(exchange.text) == f"Anna Kowalski, Anna: {text}"


def test_names_beside_scripts_without_spaces_are_replaced() -> None:
    """Chinese and Korean put no space between a name and the next word."""
    for text in ("请联系Anna谢谢", "Anna는 왔다"):
        assert "Anna" not in Exchange(f"Anna Kowalski, Anna: {text}", detectors=[ANNA]).text


def test_other_conversations_know_nothing_of_it() -> None:
    """A part is known where the name is known."""
    vault = MemoryVault(b"v" * 32)
    Exchange(told("Anna Kowalski", conversation="c"), vault=vault, detectors=[ANNA])

    assert Exchange(told("Anna", conversation="d"), vault=vault, detectors=[NOBODY]).text == "Anna"


def test_aliases_are_what_you_say() -> None:
    """None, or any function of entity and value."""
    plain = Exchange("Anna Kowalski, Anna", detectors=[ANNA], aliases=no_aliases)
    own = Exchange(f"{EMAIL} alias jdoe", detectors=[Words({EMAIL: "EMAIL"})], aliases=lambda entity, value: ["jdoe"])

    assert plain.text.endswith(", Anna")
    assert "jdoe" not in own.text
    assert own.says(own.text) == f"{EMAIL} alias jdoe"
