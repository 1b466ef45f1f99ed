"""Fields of `Request.extra`: each declared with the kind of value it may hold, so that no text travels unseen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from psf_runtime.errors import ConfigError

# A word is `[A-Za-z0-9_.-]{1,64}`; settings are words with words, numbers or yes and no.
ExtraKind = Literal["word", "number", "integer", "boolean", "numbers", "settings"]

_WORD = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def checked_extra(extra: Mapping[str, Any], declared: Mapping[str, ExtraKind], provider: str) -> dict[str, Any]:
    """The fields of `extra` for this provider, each declared and of its kind. Raises ConfigError."""
    fields: dict[str, Any] = {}
    for name, value in extra.items():
        kind = declared.get(name)
        if kind is None:
            raise _undeclared(name, declared, provider)
        if not _fits(value, kind):
            raise ConfigError(
                f"extra field {name!r} for {provider!r} has the wrong kind of value",
                why=f"it must be: {kind}",
                change=f"give {name} a value of that kind, or leave it out",
            )
        fields[name] = value
    return fields


def _undeclared(name: str, declared: Mapping[str, ExtraKind], provider: str) -> ConfigError:
    shown = name if _WORD.fullmatch(name) else "(unnamed)"
    return ConfigError(
        f"extra field {shown!r} is not declared for {provider!r}",
        why="only declared fields leave; known: " + ", ".join(sorted(declared)),
        change=f"leave it out, or declare it: Differences(provider={provider!r}, extra={{..., {shown!r}: 'word'}})",
    )


def _fits(value: Any, kind: ExtraKind) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "word":
        return isinstance(value, str) and _WORD.fullmatch(value) is not None
    if kind == "number":
        return number
    if kind == "integer":
        return number and isinstance(value, int)
    if kind == "boolean":
        return isinstance(value, bool)
    if not isinstance(value, Mapping):
        return False
    if kind == "numbers":
        return all(_fits(key, "word") and _fits(item, "number") for key, item in value.items())
    return all(_fits(key, "word") and _is_setting(item) for key, item in value.items())


def _is_setting(value: Any) -> bool:
    return any(_fits(value, kind) for kind in ("word", "number", "boolean"))
