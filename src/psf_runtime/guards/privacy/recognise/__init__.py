"""Recognisers of personal data: pure functions from a normalised text to spans, in linear time."""

from __future__ import annotations

from collections.abc import Callable

from psf_runtime.guards.privacy.normalise import lower_same_length
from psf_runtime.guards.privacy.recognise import ids, lettered, numbers
from psf_runtime.guards.privacy.recognise.addresses import find_addresses
from psf_runtime.guards.privacy.recognise.contacts import find_emails
from psf_runtime.guards.privacy.recognise.credentials import find_secrets, find_url_credentials
from psf_runtime.guards.privacy.recognise.dates import find_birthdays
from psf_runtime.guards.privacy.recognise.names import find_names
from psf_runtime.guards.privacy.recognise.network import find_ips, find_macs
from psf_runtime.guards.privacy.recognise.numbers import find_numbers
from psf_runtime.guards.privacy.recognise.plain import find_urls, find_uuids
from psf_runtime.ports import Detection

Recogniser = Callable[[str, str], list[Detection]]

ON_NUMBERS = (
    frozenset({"PHONE", "CREDIT_CARD", "IBAN", "DATE_OF_BIRTH", "DATE_TIME"})
    | ids.ENTITIES
    | lettered.ENTITIES
    | numbers.ENTITIES
)
# What each recogniser can find, and itself; it gets the text, and the text in lower case at the same places.
TABLE: tuple[tuple[frozenset[str], Recogniser], ...] = (
    (frozenset({"SECRET"}), find_secrets),
    (frozenset({"URL_CREDENTIALS"}), lambda text, lowered: find_url_credentials(text)),
    (ON_NUMBERS, find_numbers),
    (frozenset({"DATE_OF_BIRTH"}), lambda text, lowered: find_birthdays(lowered)),
    (frozenset({"IP"}), lambda text, lowered: find_ips(text)),
    (frozenset({"MAC"}), lambda text, lowered: find_macs(text)),
    (frozenset({"EMAIL"}), lambda text, lowered: find_emails(text)),
    (frozenset({"ADDRESS"}), find_addresses),
    (frozenset({"URL"}), lambda text, lowered: find_urls(text)),
    (frozenset({"UUID"}), lambda text, lowered: find_uuids(text)),
)
NAMES: tuple[frozenset[str], Recogniser] = (frozenset({"PERSON"}), find_names)
RULE_ENTITIES = frozenset[str]().union(*(entities for entities, _ in TABLE), NAMES[0])
ENTITIES = RULE_ENTITIES | {"LOCATION", "ORGANIZATION"}


def recognise(text: str, recognisers: tuple[Recogniser, ...]) -> list[Detection]:
    """Everything that some recognisers find in a normalised text; spans may overlap."""
    lowered = lower_same_length(text)
    found: list[Detection] = []
    for recogniser in recognisers:
        found += recogniser(text, lowered)
    return found


__all__ = ["ENTITIES", "NAMES", "RULE_ENTITIES", "TABLE", "Recogniser", "recognise"]
