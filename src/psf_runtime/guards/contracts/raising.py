"""Numbers that left as text: which leaves may be personal data, and the way back to what an application asked for.

A number such as `{"phone": 2025550143}` leaves as a token, which is text. So a model is told that the leaf is text, and
once the value is restored, text that is a number becomes one again, before the schema itself is checked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

NUMBERS = frozenset({"integer", "number"})
# What such a number is called, by itself or before a word for a number (`phone`, `phoneNumber`).
_PERSONAL = frozenset({
    "phone", "telephone", "tel", "mobile", "cell", "fax", "ssn", "sin", "tin", "itin", "nino", "nhs", "pesel", "nif",
    "bsn", "aadhaar", "cpf", "cnpj", "tfn", "nric", "iban", "pan", "passport", "licence", "license", "telefon",
})  # fmt: skip
# What is an amount by itself, and somebody's number only with such a word behind it (`account_balance`, `tax_id`).
_NUMBERED = frozenset({
    "account", "card", "tax", "vat", "insurance", "medical", "patient", "national", "identity", "security", "konto",
    "member", "customer", "bank", "driver", "drivers", "health", "social",
})  # fmt: skip
_A_NUMBER = frozenset({"number", "no", "nr", "num", "id", "code", "nummer"})
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,30})\Z")
_DECIMAL = re.compile(r"-?(?:0|[1-9]\d{0,30})\.\d{1,30}\Z")
_DEEPEST = 64


def may_be_personal(name: str) -> bool:
    """Whether a leaf of this name may hold a number that belongs to somebody."""
    words = [word.lower() for word in _WORDS.findall(name)]
    numbered = len(words) > 1 and words[-1] in _A_NUMBER
    if numbered:
        words.pop()
    last = words[-1] if words else ""
    return last in _PERSONAL or last.removesuffix("s") in _PERSONAL or (numbered and last in _NUMBERED)


def raised(data: Any, schema: Mapping[str, Any]) -> Any:
    """The value with numbers where the schema asks for numbers and the model was told to write text."""
    return _raised(data, schema, schema, "", 0)


def _raised(data: Any, schema: Any, root: Mapping[str, Any], name: str, depth: int) -> Any:
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        return data
    parts = list(_parts(schema, root))
    if isinstance(data, str):
        types = {kind for part in parts for kind in types_of(part)}
        return _number(data, types) if types & NUMBERS and "string" not in types and may_be_personal(name) else data
    if isinstance(data, dict):
        return {key: _item(key, value, parts, root, depth) for key, value in data.items()}
    if isinstance(data, list):
        items = next((part["items"] for part in parts if "items" in part), None)
        return data if items is None else [_raised(item, items, root, name, depth + 1) for item in data]
    return data


def _item(key: str, value: Any, parts: list[Mapping[str, Any]], root: Mapping[str, Any], depth: int) -> Any:
    for part in parts:
        properties = part.get("properties", {})
        if key in properties:
            return _raised(value, properties[key], root, key, depth + 1)
    others = next((part["additionalProperties"] for part in parts if "additionalProperties" in part), None)
    return _raised(value, others, root, key, depth + 1)


def _parts(schema: Mapping[str, Any], root: Mapping[str, Any], depth: int = 0) -> Iterator[Mapping[str, Any]]:
    """The schema and whatever it refers to or chooses from."""
    if depth > 8:
        return
    yield schema
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/"):
        target: Any = root
        for step in reference.split("/")[1:]:
            target = target.get(step, {}) if isinstance(target, Mapping) else {}
        if isinstance(target, Mapping):
            yield from _parts(target, root, depth + 1)
    for keyword in ("anyOf", "oneOf", "allOf"):
        for part in schema.get(keyword, ()):
            if isinstance(part, Mapping):
                yield from _parts(part, root, depth + 1)


def types_of(schema: Mapping[str, Any]) -> frozenset[str]:
    """The types that a schema names."""
    kind = schema.get("type", ())
    return frozenset({kind} if isinstance(kind, str) else kind)


def _number(text: str, types: set[str]) -> Any:
    if _NUMBER.match(text):
        return int(text)
    if "number" in types and _DECIMAL.match(text):
        return float(text)
    return text
