"""What happens to each entity on its way out, and which of several tables is the strictest."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from psf_runtime.errors import ConfigError, Problem

LITERAL: Final = "LITERAL"  # text that looks like a token and is none; it comes back as it was typed
DEFAULT_ACTION: Final = "token"
DEFAULT_ACTIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "SECRET": "mask",
        "URL_CREDENTIALS": "mask",
        "CREDIT_CARD": "mask",
        # Places, organisations, dates and links carry what a question is about: taking them out costs answers more than
        # it protects, and the tagger is least sure of the first two. Name one in `privacy.actions` to have it replaced.
        "LOCATION": "allow",
        "ORGANIZATION": "allow",
        "DATE_TIME": "allow",
        "URL": "allow",
        "UUID": "allow",
    }
)
_STRICTNESS = {"allow": 0, "token": 1, "hash": 1, "mask": 2, "block": 3}
_AS_SECRET = frozenset({"SECRET", "URL_CREDENTIALS"})


def check_actions(actions: Mapping[str, str]) -> None:
    """Raise ConfigError, listing every entity whose action is not one of `token mask hash block allow`."""
    problems: list[Problem] = [
        (f"privacy.actions.{entity}", f"{action!r} is no action here", "token | mask | hash | block | allow")
        for entity, action in actions.items()
        if action not in _STRICTNESS
    ]
    if problems:
        raise ConfigError("privacy.actions names actions that do not exist", problems=problems)


def strictest(*tables: Mapping[str, str]) -> dict[str, str]:
    """One table for several recipients: per entity the strictest action of any, `allow < token, hash < mask < block`.

    A table that does not name an entity stands for the default action.
    """
    out: dict[str, str] = {}
    for entity in {entity for table in tables for entity in table}:
        wanted = [table.get(entity, DEFAULT_ACTIONS.get(entity, DEFAULT_ACTION)) for table in tables]
        out[entity] = max(wanted, key=lambda action: _STRICTNESS[action])
    return out


def profile_of(actions: Mapping[str, str]) -> Mapping[str, str]:
    """The whole table: the defaults, and what `actions` says otherwise."""
    return MappingProxyType({**DEFAULT_ACTIONS, **actions})


def action_for(profile: Mapping[str, str], entity: str) -> str:
    """The action for an entity."""
    return "token" if entity == LITERAL else profile.get(entity, DEFAULT_ACTION)


def mask(entity: str, value: str) -> str:
    """What stands in place of a value that is never restored."""
    if entity in _AS_SECRET:
        return "[secret]"
    if entity == "CREDIT_CARD":
        digits = "".join(character for character in value if character.isdigit())
        return f"[card ...{digits[-4:]}]"
    return type_word(entity)


def type_word(entity: str) -> str:
    """The readable word for an entity: `[email]`."""
    return f"[{entity.lower().replace('_', ' ')}]"
