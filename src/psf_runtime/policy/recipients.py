"""From a policy's tables of actions to what happens to a request, for everybody who may receive it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from psf_runtime.guards.privacy.recipients import ActionTable, actions_for, strictest_of
from psf_runtime.guards.privacy.surrogates import RANGES
from psf_runtime.policy.checking import Wrong
from psf_runtime.ports import TargetFacts
from psf_runtime.types.request import Request

Actions = Mapping[str, str]  # entity -> action


class Recipients:
    """The table of actions for each target, and for each request: the strictest over its whole plan.

    Args:
        actions: what holds everywhere; `by_jurisdiction`: what takes its place for recipients there.
        forced: what holds whatever is set: secrets of a strict policy, and what a waiver lets through.
        targets: every target of the client; `plans`: per purpose, who may serve it; `default`: who serves the others.
    """

    def __init__(
        self,
        *,
        actions: Actions,
        by_jurisdiction: Mapping[str, Actions],
        forced: Actions,
        targets: Sequence[TargetFacts],
        plans: Mapping[str, Sequence[str]],
        default: Sequence[str],
    ) -> None:
        self._tables = {
            target.name: [{**table, **forced} for table in actions_for(actions, by_jurisdiction, target.jurisdiction)]
            for target in targets
        }
        self._plans = {purpose: frozenset(names) for purpose, names in plans.items()}
        self._default = frozenset(default)
        self._made = {names: self._strictest(names) for names in {self._default, *self._plans.values()}}
        self._everybody = self._strictest(frozenset(self._tables))

    @property
    def required(self) -> Mapping[str, Mapping[str, str]]:
        """Target -> the profile that it requires of a request."""
        return {name: strictest_of(*tables).profile for name, tables in self._tables.items()}

    def table_for(self, request: Request) -> ActionTable:
        """What happens to the personal data of a request, for every recipient of its plan, fallbacks included."""
        names = self._plans.get(request.facts.purpose or "", self._default)
        if request.model and request.model not in names:
            return self._everybody
        return self._made[names]

    def _strictest(self, names: frozenset[str]) -> ActionTable:
        return strictest_of(*(table for name in sorted(names & self._tables.keys()) for table in self._tables[name]))


def surrogate_trouble(entity: str, action: str) -> Wrong | None:
    """What is wrong with a surrogate for an entity and what to change, or None."""
    if action != "surrogate" or entity in RANGES:
        return None
    return (
        f"there are no surrogates for {entity}: no range of such values is reserved for examples",
        f'"token"; surrogates are there for {", ".join(sorted(RANGES))}',
    )
