"""What of a request makes it the same request: everything that the model sees, and nothing about who asks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from psf_runtime.testing.cassettes.tape import Data
from psf_runtime.testing.cassettes.tokens import Names, numbered
from psf_runtime.types.as_data import request_to_data
from psf_runtime.types.request import Request

_SHORT = 60  # characters of a value that a difference shows
_CONTENT = frozenset({"text", "args", "data", "description", "url", "signature", "parameters", "schema"})


def asked_data(request: Request) -> tuple[Data, Names]:
    """The request as a cassette keeps it, with numbers for its tokens, and which number stands for which token."""
    data = request_to_data(request)
    for name in ("version", "facts", "model"):
        del data[name]
    for message in data["messages"]:
        for part in message["parts"]:
            part.pop("provenance", None)
    names: Names = {}
    text = orjson.dumps(data, option=orjson.OPT_SORT_KEYS).decode("utf-8")
    return orjson.loads(numbered(text, names)), names


def differences(recorded: Any, now: Any, where: str = "") -> Iterator[str]:
    """Where two requests differ, one line each. Of texts it tells the place and the lengths, never a letter."""
    if isinstance(recorded, dict) and isinstance(now, dict):
        for key in sorted(recorded.keys() | now.keys()):
            yield from differences(recorded.get(key), now.get(key), f"{where}.{key}" if where else key)
    elif isinstance(recorded, list) and isinstance(now, list):
        if len(recorded) != len(now):
            yield f"{where}: recorded {len(recorded)} entries, now {len(now)}"
        for number, (one, other) in enumerate(zip(recorded, now, strict=False)):
            yield from differences(one, other, f"{where}[{number}]")
    elif recorded != now:
        yield _difference(recorded, now, where)


def _difference(recorded: Any, now: Any, where: str) -> str:
    if not (isinstance(recorded, str) and isinstance(now, str)):
        return f"{where}: recorded {_shown(recorded)}, now {_shown(now)}"
    if not _CONTENT.isdisjoint(where.replace("[", ".").split(".")):
        same = next((n for n, (a, b) in enumerate(zip(recorded, now, strict=False)) if a != b), None)
        place = min(len(recorded), len(now)) if same is None else same
        return f"{where}: recorded {len(recorded)} characters, now {len(now)}; the first {place} are the same"
    return f"{where}: recorded {recorded[:_SHORT]!r}, now {now[:_SHORT]!r}"


def _shown(value: Any) -> str:
    """A value in a difference: numbers and words of the dialect as they are, anything larger by its kind."""
    if value is None or isinstance(value, bool | int | float):
        return str(value).lower() if isinstance(value, bool) else str(value)
    return (
        "nothing"
        if value in ("", [], {})
        else {"str": "a text", "list": "a list"}.get(type(value).__name__, "an object")
    )
