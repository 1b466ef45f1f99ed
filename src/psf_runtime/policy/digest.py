"""A short, stable digest of what a policy says: the same content gives the same digest, in any process."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import date
from typing import Any

from psf_runtime.policy.settings import DOMAINS
from psf_runtime.policy.values import PolicyValues


def digest_of(values: PolicyValues) -> str:
    """Eight hexadecimal digits. Keys do not count, and neither do files and lines."""
    text = json.dumps(canonical(values), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def canonical(values: PolicyValues) -> dict[str, Any]:
    """The content of a policy as JSON values. Holds no key: only whether there is one, and `env:` names."""
    content: dict[str, Any] = {
        "preset": values.preset,
        "state": None if values.state is None else values.state.partition(":")[0],
        "guards": [name_of_guard(guard) for guard in values.guards],
        "waivers": [_plain(waiver) for waiver in values.waivers],
    }
    for table in ("targets", "purposes", "tools"):
        content[table] = {name: _plain(rule) for name, rule in getattr(values, table).items()}
    for domain in DOMAINS:
        content[domain] = _plain(values.settings(domain).values())
    return content


def name_of_guard(guard: Any) -> str:
    """How a guard of your own is named: its module and its name."""
    return f"{module_of_guard(guard)}:{getattr(guard, 'name', '') or type(guard).__qualname__}"


def module_of_guard(guard: Any) -> str:
    """The module that a guard of your own comes from: of its function, if it was made from one."""
    maker = getattr(guard, "fn", guard)
    return str(getattr(maker, "__module__", "") or type(guard).__module__)


def _plain(value: Any) -> Any:
    """Any value of a policy as JSON."""
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    given = {field.name: getattr(value, field.name) for field in fields(value)}
    if "api_key" in given:
        given["api_key"] = _key(given["api_key"])
    return _plain(given)


def _key(api_key: Any) -> str | None:
    """What may be told about a key."""
    if api_key is None:
        return None
    if isinstance(api_key, str) and api_key.startswith("env:"):
        return api_key
    return "given"
