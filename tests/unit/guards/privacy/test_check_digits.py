"""Numbers with a check digit: each valid one is found, and none with one digit changed."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.guards.privacy import Builtin
from psf_runtime.guards.privacy.recognise import ids, lettered
from psf_runtime.guards.privacy.recognise.checks import mrz, verhoeff
from psf_runtime.guards.privacy.recognise.wallets import is_bitcoin, is_ether, keccak256
from tests.unit.guards.privacy.making import card, digits, ending, iban, until, wallet

RULES = Builtin(names="off")
SEEDS = st.integers(0, 2**32)


def pesel(random: Random) -> str | None:
    return ending(
        f"{digits(random, 2)}0{random.randint(1, 9)}{random.randint(10, 28)}{digits(random, 4)}", ids.is_pesel
    )


def nir(random: Random) -> str | None:
    body = f"{random.choice('12')}{digits(random, 2)}{random.randint(1, 12):02d}{digits(random, 8)}"
    return f"{body}{97 - int(body) % 97:02d}"


def lead(low: str, count: int, check: Callable[[str], bool], *, last: int = 1) -> Callable[[Random], str | None]:
    """A maker of numbers whose first digit is one of `low`, with so many digits, the last of them checking."""
    return lambda random: ending(random.choice(low) + digits(random, count - 1 - last), check, count=last)


def letter(body: Callable[[Random], str], check: Callable[[str], bool]) -> Callable[[Random], str | None]:
    """A maker of numbers that end with a letter."""

    def make(random: Random) -> str | None:
        begin = body(random)
        return next((begin + last for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if check(begin + last)), None)

    return make


def codice(random: Random) -> str:
    return (
        f"RSS{''.join(random.choices('BCDFGLMNPRSTVZ', k=3))}{digits(random, 2)}{random.choice('ABCDEHLMPRST')}"
        f"{random.randint(10, 28)}H{digits(random, 3)}"
    )


NUMBERS: dict[str, tuple[str, Callable[[Random], str | None]]] = {
    "UK_NHS": ("NHS", lead("4567", 10, ids.is_nhs)),
    "DE_TAX_ID": ("Steuer-ID", lead("123456789", 11, ids.is_de_tax)),
    "FR_NIR": ("numéro de sécurité sociale", nir),
    "PL_PESEL": ("PESEL", pesel),
    "PL_NIP": ("NIP", lead("123456789", 10, ids.is_nip)),
    "NL_BSN": ("BSN", lead("123456789", 9, ids.is_bsn)),
    "IN_AADHAAR": ("Aadhaar", lead("23456789", 12, ids.is_aadhaar)),
    "AU_TFN": ("TFN", lead("123456789", 9, ids.is_tfn)),
    "AU_ABN": ("ABN", lead("123456789", 11, ids.is_abn, last=2)),
    "AU_MEDICARE": ("Medicare", lambda random: _medicare(random)),
    "BR_CPF": ("CPF", lead("123456789", 11, ids.is_cpf, last=2)),
    "BR_CNPJ": ("CNPJ", lead("123456789", 14, ids.is_cnpj, last=2)),
    "CA_SIN": ("SIN", lead("12345679", 9, ids.is_sin)),
    "ES_NIF": ("DNI", letter(lambda random: digits(random, 8), lettered.is_dni)),
    "ES_NIE": ("NIE", letter(lambda random: random.choice("XYZ") + digits(random, 7), lettered.is_dni)),
    "SG_NRIC": ("NRIC", letter(lambda random: random.choice("STFGM") + digits(random, 7), lettered.is_nric)),
    "IT_FISCAL_CODE": ("codice fiscale", letter(codice, lettered.is_codice)),
    "MEDICAL_LICENSE": ("DEA", lambda random: ending("BM" + digits(random, 6), lettered.is_dea)),
    "DE_ID_CARD": ("Personalausweis", lambda random: ending("L01X00T" + digits(random, 2), mrz)),
    "CREDIT_CARD": ("card", lambda random: _card_alone(random)),
    "IBAN": ("IBAN", iban),
    "CRYPTO": ("wallet", wallet),
}


def _card_alone(random: Random) -> str | None:
    """A card whose digits do not happen to be a French or Brazilian number too: then nobody can tell."""
    number = card(random)
    other = {14: ids.is_cnpj, 15: ids.is_nir}.get(len(number))
    return None if other is not None and other(number) else number


def _medicare(random: Random) -> str | None:
    nine = ending(random.choice("23456") + digits(random, 7), ids.is_medicare)
    return None if nine is None else nine + "1"


def made(entity: str, seed: int) -> tuple[str, str]:
    """A sentence that names a number, and the number."""
    word, make = NUMBERS[entity]
    random = Random(seed)
    value = until(lambda: make(random))
    return f"The {word} is {value}, we think.", value


@pytest.mark.parametrize("entity", list(NUMBERS))
@settings(max_examples=25, deadline=None)
@given(seed=SEEDS)
def test_a_valid_number_is_found(entity: str, seed: int) -> None:
    """Behind the word that names it, a number with a right check is found whole, under its own name."""
    text, value = made(entity, seed)

    assert [(entity, value)] == [(hit.entity, text[hit.start : hit.end]) for hit in RULES.find(text)]


# Checks that notice every single changed digit; modulus 10 or 11 with a folded rest, or with two checks, does as well.
EXACT = [
    entity
    for entity in NUMBERS
    if entity
    not in (
        "AU_MEDICARE",
        "MEDICAL_LICENSE",
        "DE_ID_CARD",
        "BR_CPF",
        "BR_CNPJ",
        "UK_NHS",
        "PL_PESEL",
        "IT_FISCAL_CODE",
        "SG_NRIC",
    )
]


@pytest.mark.parametrize("entity", EXACT)
@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, by=st.integers(1, 9))
def test_one_changed_digit_is_noticed(entity: str, seed: int, by: int) -> None:
    """With another last digit it is not that number any more."""
    text, value = made(entity, seed)
    place = max(index for index, sign in enumerate(value) if sign.isdigit())
    changed = value[:place] + str((int(value[place]) + by) % 10) + value[place + 1 :]
    text = text.replace(value, changed)

    assert (entity, changed) not in [(hit.entity, text[hit.start : hit.end]) for hit in RULES.find(text)]


def test_published_values() -> None:
    """Samples of the standards themselves: Verhoeff, Keccak, BIP 173, BIP 350, EIP-55."""
    assert verhoeff("2363")
    assert keccak256(b"").hex() == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    assert is_bitcoin("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4")
    assert is_bitcoin("bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr")
    assert not is_bitcoin("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5")
    assert is_ether("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")
    assert not is_ether("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD")
