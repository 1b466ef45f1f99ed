"""What `format` says of a string, checked on the restored answer: a model may not be told, for its tokens have none."""

from __future__ import annotations

import ipaddress
import re
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time
from types import MappingProxyType
from typing import Any

Steps = tuple[str | int, ...]
_DEEPEST = 64
_LONGEST = 4_096  # characters: what is longer has none of these formats
_EMAIL = re.compile(r"[^\s@<>()\[\],;:\"\\]{1,64}@(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W_](?:[\w-]{0,61}[^\W_])?\Z")
_HOST = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\Z"
)
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+\Z")


def _reads(reader: Callable[[str], Any]) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            reader(text)
        except ValueError:
            return False
        return True

    return check


# Other formats are remarks, as the specification allows.
_CHECKS: Mapping[str, Callable[[str], bool]] = MappingProxyType(
    {
        "email": lambda text: _EMAIL.match(text) is not None,
        "hostname": lambda text: len(text) <= 253 and _HOST.match(text) is not None,
        "uri": lambda text: _URI.match(text) is not None,
        "date": lambda text: len(text) == 10 and _reads(date.fromisoformat)(text),
        "date-time": lambda text: text[10:11] in ("T", "t", " ") and _reads(datetime.fromisoformat)(text.upper()),
        "time": _reads(time.fromisoformat),
        "ipv4": _reads(ipaddress.IPv4Address),
        "ipv6": _reads(ipaddress.IPv6Address),
        "uuid": lambda text: len(text) == 36 and _reads(uuid.UUID)(text),
    }
)


def format_faults(data: Any, schema: Mapping[str, Any]) -> Iterator[tuple[Steps, str]]:
    """Strings that do not have the format that the schema asks for: their place, and the kind of fault."""
    yield from _faults(data, schema, schema, (), 0)


def _faults(data: Any, schema: Any, root: Mapping[str, Any], steps: Steps, depth: int) -> Iterator[tuple[Steps, str]]:
    if not isinstance(schema, Mapping) or depth > _DEEPEST:
        return
    if isinstance(data, str):
        wanted = schema.get("format")
        check = _CHECKS.get(wanted) if isinstance(wanted, str) else None
        if check is not None and (len(data) > _LONGEST or not check(data)):
            yield steps, "format"
    elif isinstance(data, dict):
        properties = schema.get("properties", {})
        for key, value in data.items():
            part = properties.get(key, schema.get("additionalProperties"))
            yield from _faults(value, part, root, (*steps, key), depth + 1)
    elif isinstance(data, list):
        for index, item in enumerate(data):
            yield from _faults(item, schema.get("items"), root, (*steps, index), depth + 1)
    for part in (_referred(schema, root), *schema.get("allOf", ())):
        yield from _faults(data, part, root, steps, depth + 1)
    for keyword in ("anyOf", "oneOf"):
        yield from _of_the_best(data, schema.get(keyword, ()), root, steps, depth)


def _of_the_best(
    data: Any, choices: Any, root: Mapping[str, Any], steps: Steps, depth: int
) -> Iterator[tuple[Steps, str]]:
    """The faults of the choice that has the fewest: one choice has to fit, not all."""
    best: list[tuple[Steps, str]] | None = None
    for choice in choices:
        if isinstance(data, str) and isinstance(choice, Mapping) and choice.get("type", "string") != "string":
            continue
        faults = list(_faults(data, choice, root, steps, depth + 1))
        if best is None or len(faults) < len(best):
            best = faults
    yield from best or ()


def _referred(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    reference = schema.get("$ref")
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return None
    target: Any = root
    for step in reference.split("/")[1:]:
        target = target.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(target, Mapping) else None
    return target
