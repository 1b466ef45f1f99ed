"""Fields of `Request.extra`: each declared with the kind of value it may hold, so that no text travels unseen."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal

from psf_runtime.errors import ConfigError

# A word is `[A-Za-z0-9_.-]{1,64}`; words are a list of them; settings are words with words, numbers or yes and no.
ExtraKind = Literal["word", "words", "number", "integer", "boolean", "numbers", "settings"]

_WORD = re.compile(r"[A-Za-z0-9_.-]{1,64}")


_DECLARE = "Differences(provider={provider}, extra={{..., {name}: 'word'}})"


def checked_extra(
    extra: Mapping[str, Any], declared: Mapping[str, ExtraKind], provider: str, *, declare: str = _DECLARE
) -> dict[str, Any]:
    """The fields of `extra` for this provider, each declared and of its kind. Raises ConfigError.

    `declare` is the line that would declare a field, for the error: a format with `{provider}` and `{name}`.
    """
    fields: dict[str, Any] = {}
    for name, value in extra.items():
        kind = declared.get(name)
        if kind is None:
            raise _undeclared(name, declared, provider, declare)
        if not _fits(value, kind):
            raise ConfigError(
                f"extra field {name!r} for {provider!r} has the wrong kind of value",
                why=f"it must be: {kind}",
                change=f"give {name} a value of that kind, or leave it out",
            )
        fields[name] = value
    return fields


def _undeclared(name: str, declared: Mapping[str, ExtraKind], provider: str, declare: str) -> ConfigError:
    shown = name if _WORD.fullmatch(name) else "(unnamed)"
    return ConfigError(
        f"extra field {shown!r} is not declared for {provider!r}",
        why="only declared fields leave; known: " + ", ".join(sorted(declared)),
        change="leave it out, or declare it: " + declare.format(provider=repr(provider), name=repr(shown)),
    )


def _fits(value: Any, kind: ExtraKind) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "word":
        return isinstance(value, str) and _WORD.fullmatch(value) is not None
    if kind == "words":
        return isinstance(value, list | tuple) and all(_fits(item, "word") for item in value)
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
