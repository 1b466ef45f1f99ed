"""What happens to each entity, for everybody who may receive a request: one table, the strictest of all of theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from psf_runtime.errors import ConfigError
from psf_runtime.guards.privacy.actions import check_actions, profile_of, strictest
from psf_runtime.guards.privacy.surrogates import RANGES
from psf_runtime.types.consent_places import lies_within

# Never restored, so that a surrogate of theirs needs no way back: it counts as a mask.
IRREVERSIBLE = frozenset({"CREDIT_CARD"})
_SURROGATE = "surrogate"


@dataclass(frozen=True, slots=True)
class ActionTable:
    """Entity -> action, and the entities whose token looks like a real value.

    A surrogate is as strict as a token: `profile` says `token` for it, or `mask` where nothing is restored.
    """

    profile: Mapping[str, str]
    surrogates: frozenset[str] = frozenset()


def table_of(actions: Mapping[str, str]) -> ActionTable:
    """The whole table for what a policy says. Raises ConfigError for an action, or a surrogate, that does not exist."""
    return strictest_of(actions)


def strictest_of(*tables: Mapping[str, str]) -> ActionTable:
    """One table for several recipients. A surrogate stays one only where all of them want it."""
    plain = [_without_surrogates(table) for table in tables]
    for table in plain:
        check_actions(table)
    wanted = [{entity for entity, action in table.items() if action == _SURROGATE} for table in tables]
    if unknown := set().union(*wanted) - set(RANGES):
        raise ConfigError(
            f"there are no surrogates for {', '.join(sorted(unknown))}",
            control="privacy.tokens",
            why="no range of such values is reserved for examples, so each could be somebody's",
            change=f'"token"; surrogates are there for {", ".join(sorted(RANGES))}',
        )
    profile = profile_of(strictest(*plain) if len(plain) > 1 else (plain[0] if plain else {}))
    everywhere = set.intersection(*wanted) if wanted else set()
    return ActionTable(profile, frozenset(e for e in everywhere if profile[e] == _stands_for(e)))


def actions_for(
    actions: Mapping[str, str], by_jurisdiction: Mapping[str, Mapping[str, str]], jurisdiction: str | None
) -> list[Mapping[str, str]]:
    """The tables that hold for a recipient in a jurisdiction; of an unknown one it is all of them.

    What a jurisdiction's own table names takes the place of what holds everywhere; `DE` lies in `EU`, and its table
    takes the place of that of `EU`.
    """
    if jurisdiction is None:
        return [actions, *({**actions, **table} for table in by_jurisdiction.values())]
    if "+" in jurisdiction:  # in either of several places
        return [table for part in jurisdiction.split("+") for table in actions_for(actions, by_jurisdiction, part)]
    table = dict(actions)
    around = [place for place in by_jurisdiction if lies_within(jurisdiction, (place,))]
    for place in sorted(around, key=lambda place: place == jurisdiction):
        table.update(by_jurisdiction[place])
    return [table]


def _stands_for(entity: str) -> str:
    return "mask" if entity in IRREVERSIBLE else "token"


def _without_surrogates(table: Mapping[str, str]) -> dict[str, str]:
    return {entity: _stands_for(entity) if action == _SURROGATE else action for entity, action in table.items()}
