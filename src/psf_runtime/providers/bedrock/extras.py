"""`Request.extra["bedrock"]`: what may leave besides the common fields, each value of a closed shape."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from psf_runtime.errors import ConfigError
from psf_runtime.providers.bedrock.tables import NEVER, PROVIDER, SERVICE_FIELDS
from psf_runtime.providers.dialect.extra import ExtraKind, checked_extra

_FREE = "additionalModelRequestFields"
_WORD = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def checked(extra: Mapping[str, Any], model_fields: Mapping[str, ExtraKind]) -> dict[str, Any]:
    """The fields as they go on the wire. Raises ConfigError for what is not declared or has another shape.

    Args:
        extra: the vendor's names with their values.
        model_fields: what `additionalModelRequestFields` may hold.
    """
    out: dict[str, Any] = {}
    for name, value in extra.items():
        if name == _FREE:
            out[name] = _model_fields(value, model_fields)
        elif name in SERVICE_FIELDS:
            out[name] = _service_field(name, value)
        else:
            raise _undeclared(name)
    return out


def _model_fields(value: Any, declared: Mapping[str, ExtraKind]) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return checked_extra(
            value, declared, PROVIDER, declare="BedrockConverse(model_fields={{**MODEL_FIELDS, {name}: 'word'}})"
        )
    raise _wrong(_FREE, "it must be a mapping")


def _service_field(name: str, value: Any) -> dict[str, str]:
    members = SERVICE_FIELDS[name]
    if not isinstance(value, Mapping) or not value:
        raise _wrong(name, "it must be a mapping with: " + ", ".join(members))
    for member, item in value.items():
        pattern = members.get(member)
        if pattern is None:
            raise _wrong(name, "it may hold only: " + ", ".join(members))
        if not isinstance(item, str) or not re.fullmatch(pattern, item, re.ASCII):
            raise _wrong(f"{name}.{member}", f"it must fit {pattern}")
    return dict(value)


def _wrong(name: str, why: str) -> ConfigError:
    return ConfigError(
        f"extra field {name!r} for 'bedrock' has the wrong kind of value",
        why=why,
        change=f"give {name} a value of that kind, or leave it out",
    )


def _undeclared(name: str) -> ConfigError:
    shown = name if _WORD.fullmatch(name) else "(unnamed)"
    known = ", ".join(sorted((_FREE, *SERVICE_FIELDS)))
    return ConfigError(
        f"extra field {shown!r} is not declared for 'bedrock'",
        why=NEVER.get(name, f"only declared fields leave; known: {known}"),
        change=f"leave it out; a setting of one model family belongs in {_FREE}",
    )
