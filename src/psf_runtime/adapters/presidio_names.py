"""Presidio's names and ours, and sentences in which an entity must be found before anybody may rely on it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

_OURS = MappingProxyType(
    {
        "EMAIL_ADDRESS": "EMAIL",
        "PHONE_NUMBER": "PHONE",
        "IBAN_CODE": "IBAN",
        "IP_ADDRESS": "IP",
        "MAC_ADDRESS": "MAC",
    }
)
_THEIRS = MappingProxyType({ours: theirs for theirs, ours in _OURS.items()})
# A token begins with the entity's name, so it must be words in capitals.
_NAME = re.compile(r"(?:[A-Z]{2,24}_)*[A-Z]{2,24}")
LONGEST_NAME = 48


def ours(entity: str) -> str:
    """Our name for an entity of Presidio; one that we do not have keeps its own."""
    return _OURS.get(entity, entity)


def theirs(entity: str) -> str:
    """Presidio's name for an entity, whichever of the two names is given."""
    return _THEIRS.get(entity, entity)


def is_name(entity: str) -> bool:
    """Whether a token can be named after it."""
    return len(entity) <= LONGEST_NAME and _NAME.fullmatch(entity) is not None


# By Presidio's name: sentence -> the value that must be found in it. Published sample values and reserved ranges only.
Samples = Mapping[str, str]
PROBES: Mapping[str, Samples] = MappingProxyType(
    {
        "CREDIT_CARD": {"My credit card is 4111 1111 1111 1111.": "4111 1111 1111 1111"},
        "CRYPTO": {
            "Send it to the wallet 16Yeky6GMjeNkAiNcBY7ZhrLoMSgg1BoyZ today.": "16Yeky6GMjeNkAiNcBY7ZhrLoMSgg1BoyZ"
        },
        "DATE_TIME": {
            "The meeting is on 12/31/2031.": "12/31/2031",
            "Date of birth: 1987-05-23": "1987-05-23",
        },
        "EMAIL_ADDRESS": {"Write to kim.lee@example.org today.": "kim.lee@example.org"},
        "IBAN_CODE": {"The IBAN is DE89370400440532013000.": "DE89370400440532013000"},
        "IP_ADDRESS": {"The IP address of the server is 192.0.2.17.": "192.0.2.17"},
        "MAC_ADDRESS": {"The MAC address is 00:1A:2B:3C:4D:5E.": "00:1A:2B:3C:4D:5E"},
        "MEDICAL_LICENSE": {"The medical certificate DEA is BB1388568.": "BB1388568"},
        "PHONE_NUMBER": {"My phone number is 212-555-5555, call me.": "212-555-5555"},
        "UK_NHS": {"The NHS number is 401 023 2137.": "401 023 2137"},
        "URL": {"See https://www.example.org/guide for more.": "https://www.example.org/guide"},
        "US_BANK_NUMBER": {"My bank account number is 945456787654.": "945456787654"},
        "US_DRIVER_LICENSE": {"My driver license is H12234567.": "H12234567"},
        "US_ITIN": {"My individual taxpayer ITIN is 911-70-1234.": "911-70-1234"},
        "US_PASSPORT": {"My passport number is 912803456.": "912803456"},
        "US_SSN": {"My social security number SSN is 078-05-1126.": "078-05-1126"},
        "UUID": {"The id is 550e8400-e29b-41d4-a716-446655440000.": "550e8400-e29b-41d4-a716-446655440000"},
        "PERSON": {
            "My name is John Smith and I live in London.": "John Smith",
            "Ich heiße Anna Müller und wohne in Berlin.": "Anna Müller",
            "Je m'appelle Marie Dupont et j'habite à Paris.": "Marie Dupont",
            "Me llamo María García y vivo en Madrid.": "María García",
            "Mi chiamo Giulia Rossi e abito a Roma.": "Giulia Rossi",
        },
        "LOCATION": {
            "My name is John Smith and I live in London.": "London",
            "Ich heiße Anna Müller und wohne in Berlin.": "Berlin",
            "Je m'appelle Marie Dupont et j'habite à Paris.": "Paris",
            "Me llamo María García y vivo en Madrid.": "Madrid",
            "Mi chiamo Giulia Rossi e abito a Roma.": "Roma",
        },
        "ORGANIZATION": {
            "She has worked for Microsoft Corporation since last May.": "Microsoft Corporation",
            "Sie arbeitet seit Mai bei der Siemens AG.": "Siemens AG",
            "Elle travaille chez Renault depuis mai.": "Renault",
            "Trabaja en Telefónica desde mayo.": "Telefónica",
        },
        "ES_NIE": {"El NIE es Z8078221M.": "Z8078221M"},
        "ES_NIF": {"Mi NIF es 55555555K.": "55555555K"},
        "IT_DRIVER_LICENSE": {"La patente è AA0123456B.": "AA0123456B"},
        "IT_FISCAL_CODE": {"Il codice fiscale è RSSMRA85T10A562S.": "RSSMRA85T10A562S"},
        "IT_IDENTITY_CARD": {"La carta d'identità è CA12345AB.": "CA12345AB"},
        "IT_PASSPORT": {"Il passaporto è AA1234567.": "AA1234567"},
        "IT_VAT_CODE": {"Partita IVA 01333550323.": "01333550323"},
        "PL_PESEL": {"Mój PESEL to 44051401359.": "44051401359"},
        "NRP": {"He is an American citizen and a Catholic.": "American"},
    }
)
