"""Where the vendor may cache the front of a request. A hint: it changes price and speed, never the answer.

The setting is `extra["anthropic"]["cache"] = {"tools": "1h", "system": "5m", "messages": "5m"}`: the end of the tools,
the end of the system texts, the end of the conversation, each for five minutes or an hour. A client's markers elsewhere
are dropped: texts may grow or shrink on their way, so a place in the middle has no meaning behind the guards.
"""

from __future__ import annotations

from typing import Any

from psf_runtime.errors import ConfigError
from psf_runtime.providers.dialect.reading import refused
from psf_runtime.providers.dialect.writing import Json

_PLACES = ("tools", "system", "messages")
_TIMES = ("5m", "1h")


def put_markers(body: Json, wanted: dict[str, Any]) -> None:
    """Mark the ends that `wanted` names; a place that the request does not have is left alone."""
    for place, time in wanted.items():
        if place not in _PLACES or time not in _TIMES:
            raise ConfigError(
                "extra field 'cache' names an unknown place or time",
                why="places are tools, system and messages; times are '5m' and '1h'",
                change="cache={'system': '5m'}",
            )
        marker = {"type": "ephemeral", "ttl": time}
        if place == "messages":
            body["cache_control"] = marker  # the server finds the end of the conversation itself
        elif body.get(place):
            body[place][-1] = {**body[place][-1], "cache_control": marker}


def markers_of(fields: Json) -> dict[str, str]:
    """The setting that a client's markers stand for."""
    found: dict[str, str] = {}
    for place in ("tools", "system"):
        value = fields.get(place)
        if isinstance(value, list):
            _note(found, place, value)
    conversation = [{"cache_control": fields.get("cache_control")}]
    messages = fields.get("messages")
    last = messages[-1] if isinstance(messages, list) and messages else None
    content = last.get("content") if isinstance(last, dict) else None
    if isinstance(content, list):
        conversation.extend(content)
    _note(found, "messages", conversation)
    return found


def time_of(marker: Any, where: str) -> str:
    """How long a `cache_control` marker asks for; empty when there is none."""
    if marker is None:
        return ""
    time = marker.get("ttl", "5m") if isinstance(marker, dict) and marker.get("type") == "ephemeral" else None
    if time not in _TIMES or marker.keys() - {"type", "ttl"}:
        raise refused(where, "it must be ephemeral, for 5m or 1h")
    return str(time)


def _note(found: dict[str, str], place: str, holders: list[Any]) -> None:
    for holder in holders:
        time = time_of(holder.get("cache_control"), "cache_control") if isinstance(holder, dict) else ""
        if time:
            found[place] = time
