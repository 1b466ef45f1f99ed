"""Gates before the recognisers: they never pass over what the long way finds."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.guards.privacy.normalise import lower_same_length
from psf_runtime.guards.privacy.recognise import addresses, credentials, dates, names, network

WORDS = (
    "my name is", "ich heiße", "ICH HEISSE", "je m’appelle", "mi chiamo", "meu nome é", "nazywam się", "Dear", "Hi",
    "Estimado", "Cara", "Mr.", "Dr. ", "Señora", "Sr ", "Doña", "Maria", "Özil", "Best regards,\n", "Saludos\n", "\n",
    ",", "phone", "TÉLÉPHONE", "Móvil", "call me at", "dıal", "dİal", "text me", "whatſapp", "celular", "SſN",
    "social security", "number ", "+45 32 12 34 56", "(030) 1234567", "202-555-0123", "555-0123", "123-45-6789",
    "123456789", "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00", "dk5000400440116243", "10.0.0.1",
    "2001:db8::1", "::1", "12 High Street", "Hauptstraße 12", "rue de la Paix 3", "12 rue du Moulin",
    "born on 3 May 1987", "my address is 12 high street", "Via Roma 12", "ghp_" + "a1B2" * 9, "AKIAABCDEFGHIJKLMNOP",
    "password: x1y2z3",
    "aabb.ccdd.eeff", "1a:2b:3c:4d:5e:6f", "x12", "2024-05-03", "0", "00", "+", "-", " ", " ", " ", "\u00a0", "(", ")",
)  # fmt: skip
TEXTS = st.lists(st.sampled_from(WORDS), max_size=12).map("".join)
RECOGNISERS = (
    lambda text, lowered: network.find_ips(text),
    lambda text, lowered: network.find_macs(text),
    lambda text, lowered: dates.find_birthdays(lowered),
    names.find_names,
    addresses.find_addresses,
    credentials.find_secrets,
)


def everything(text: str) -> list[Any]:
    return [recogniser(text, lower_same_length(text)) for recogniser in RECOGNISERS]


def every_match(text: str, shape: Any, whole: Any, before: int) -> Any:
    """The long way of `network._around`: the search for the pattern itself."""
    return whole.finditer(text)


def without_gates(text: str) -> list[Any]:
    """What the recognisers find when every gate is open."""
    table = tuple((pattern, ("",)) for pattern, _ in addresses._TABLE)
    with (
        patch.object(network, "_around", every_match),
        patch.object(dates, "_STEMS", ("",)),
        patch.object(addresses, "_TABLE", table),
        patch.object(addresses, "_LIVES_STEMS", ("",)),
        patch.object(credentials, "_long_runs", lambda text: text),
        patch.object(names, "_PATTERNS", tuple((p, score, lower, ("",)) for p, score, lower, _ in names._PATTERNS)),
    ):
        return everything(text)


@settings(max_examples=400, deadline=None)
@given(TEXTS)
def test_no_gate_hides_a_value(text: str) -> None:
    """What is found with the gates is what is found without."""
    assert everything(text) == without_gates(text)
