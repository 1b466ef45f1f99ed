"""Recognisers of personal data: pure functions from a normalised text to spans, in linear time."""

from __future__ import annotations

import re
from collections.abc import Callable

from psf_runtime.guards.privacy.recognise.contacts import find_emails
from psf_runtime.guards.privacy.recognise.credentials import find_secrets, find_url_credentials
from psf_runtime.guards.privacy.recognise.names import find_names
from psf_runtime.guards.privacy.recognise.network import find_ips, find_macs
from psf_runtime.guards.privacy.recognise.numbers import find_cards, find_ibans, find_ssns
from psf_runtime.guards.privacy.recognise.phones import find_phones
from psf_runtime.ports import Detection

Recogniser = Callable[[str], list[Detection]]

# What a text must hold before a recogniser is worth its time.
NEEDS_DIGITS = re.compile(r"\d[^\n]{0,3}?\d")

ENTITIES = frozenset(
    {"EMAIL", "PHONE", "CREDIT_CARD", "IBAN", "US_SSN", "IP", "MAC", "URL_CREDENTIALS", "SECRET", "PERSON"}
)
ON_DIGITS: tuple[Recogniser, ...] = (find_cards, find_ibans, find_ssns, find_phones)


def recognise(text: str) -> list[Detection]:
    """Everything the recognisers find in a normalised text, in order of their strictness; spans may overlap."""
    found = find_secrets(text)
    if "://" in text:
        found += find_url_credentials(text)
    if NEEDS_DIGITS.search(text):
        for recogniser in ON_DIGITS:
            found += recogniser(text)
    if ":" in text or "." in text or "-" in text:
        found += find_ips(text)
        found += find_macs(text)
    if "@" in text:
        found += find_emails(text)
    found += find_names(text)
    return found


__all__ = ["ENTITIES", "Recogniser", "recognise"]
