"""The names of what detectors find: what `privacy.actions` and a tool's `restore` may speak of."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

from psf_runtime.adapters.presidio_names import PROBES, ours
from psf_runtime.policy.checking import Wrong, plain
from psf_runtime.policy.spelling import nearest

Action = Literal["token", "surrogate", "mask", "hash", "block", "allow"]
ENTITIES = (
    "EMAIL",
    "PHONE",
    "PERSON",
    "CREDIT_CARD",
    "IBAN",
    "US_SSN",
    "IP",
    "MAC",
    "URL_CREDENTIALS",
    "SECRET",
    "ADDRESS",
    "DATE_OF_BIRTH",
    "PASSPORT",
    "DRIVING_LICENCE",
    "BANK_ACCOUNT",
    "MEDICAL_ID",
    "MEDICAL_LICENSE",
    "CRYPTO",
    "US_ITIN",
    "US_EIN",
    "UK_NHS",
    "UK_NINO",
    "UK_UTR",
    "DE_TAX_ID",
    "DE_ID_CARD",
    "FR_NIR",
    "ES_NIF",
    "ES_NIE",
    "IT_FISCAL_CODE",
    "PL_PESEL",
    "PL_NIP",
    "NL_BSN",
    "IN_AADHAAR",
    "IN_PAN",
    "AU_TFN",
    "AU_MEDICARE",
    "AU_ABN",
    "BR_CPF",
    "BR_CNPJ",
    "CA_SIN",
    "SG_NRIC",
    "LOCATION",
    "ORGANIZATION",
    "DATE_TIME",
    "URL",
    "UUID",
)
LATER_ENTITIES = ("NRP", "DATE")
SECRETS = ("SECRET", "URL_CREDENTIALS")
# Whether it really finds them is seen when a client is made; some need a model.
PRESIDIO = tuple(sorted({ours(entity) for entity in PROBES} - set(ENTITIES)))


def entity_trouble(entity: str, detectors: Collection[str] = ("builtin",)) -> Wrong | None:
    """What is wrong with the name of an entity and what to change, or None."""
    known = (*ENTITIES, *PRESIDIO) if "presidio" in detectors else ENTITIES
    if entity in known:
        return None
    if entity in PRESIDIO:
        return f"the built-in detector finds no {entity}", 'privacy.detectors = ["builtin", "presidio"], or remove it'
    if entity in LATER_ENTITIES:
        return f"no detector of this version finds {entity}", f"remove it; there are {', '.join(known)}"
    hint = nearest(entity, known)
    return f"{plain(entity)} is no entity that a detector finds", hint or f"one of {', '.join(known)}"


def action_trouble(entity: str, action: str, detectors: Collection[str] = ("builtin",)) -> Wrong | None:
    """What is wrong with an action for an entity and what to change, or None."""
    if entity in SECRETS and action not in ("mask", "block"):
        return (
            f"{entity} can only be masked or blocked",
            '"mask" | "block"; to switch it off, a Waiver for privacy.secrets',
        )
    return entity_trouble(entity, detectors)
