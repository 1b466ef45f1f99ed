"""`Policy`: which controls act on a call, in which mode, and with which rules."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from typing import Any, Final, Literal

from psf_runtime.errors import ConfigError
from psf_runtime.guards.privacy.recipients import actions_for, strictest_of
from psf_runtime.policy.check import CheckFinding, findings_of, one_line
from psf_runtime.policy.controls import CONTROLS
from psf_runtime.policy.digest import digest_of, module_of_guard
from psf_runtime.policy.entities import SECRETS
from psf_runtime.policy.frozen import EMPTY, FrozenTable
from psf_runtime.policy.modes import Effective, chosen, modes, source_of
from psf_runtime.policy.settings import (
    Accountability,
    Contracts,
    Fitness,
    Observability,
    Oversight,
    Portability,
    Privacy,
    Resilience,
)
from psf_runtime.policy.strictness import everything_wrong
from psf_runtime.policy.toml import placed, read_policy_file, refuse
from psf_runtime.policy.values import (
    STANDARD_ACCOUNTABILITY,
    STANDARD_CONTRACTS,
    STANDARD_FITNESS,
    STANDARD_OBSERVABILITY,
    STANDARD_OVERSIGHT,
    STANDARD_PORTABILITY,
    STANDARD_PRIVACY,
    STANDARD_RESILIENCE,
    PolicyValues,
    freeze,
)
from psf_runtime.policy.wording import count
from psf_runtime.types.rules import Purpose, ToolRule, Waiver
from psf_runtime.types.target import Target


class _AsItIs:
    """Stands for an argument of `replace` that was not given."""

    def __repr__(self) -> str:
        return "(as it is)"


AS_IT_IS: Final[Any] = _AsItIs()


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Policy(PolicyValues):
    """Which controls act on a call, in which mode, and with which rules. Frozen; `Policy()` is the standard preset.

    Everything that is wrong with a policy is found when it is made, and listed at once in one ConfigError. Durable
    state keeps the tokens; everything else is in memory in this version. Signed certificates, drift and further
    detectors are still to come, and a policy that asks for them is refused.
    """

    def __post_init__(self) -> None:
        freeze(self)
        problems, lacks = everything_wrong(self)
        if not problems and not lacks:
            return
        what = f"the policy has {count(len(problems) + len(lacks), 'problem')}:"
        if not problems:
            what = f"Policy.strict() lacks {count(len(lacks), 'thing')}:"
        raise ConfigError(what, problems=placed([*problems, *lacks], self.sources))

    @classmethod
    def standard(
        cls,
        *,
        state: str | None = None,
        key: str | None = None,
        guards: Sequence[Any] = (),
        targets: Mapping[str, Target] = EMPTY,
        purposes: Mapping[str, Purpose] = EMPTY,
        tools: Mapping[str, ToolRule] = EMPTY,
        waivers: Sequence[Waiver] = (),
        privacy: Privacy = STANDARD_PRIVACY,
        fitness: Fitness = STANDARD_FITNESS,
        portability: Portability = STANDARD_PORTABILITY,
        contracts: Contracts = STANDARD_CONTRACTS,
        oversight: Oversight = STANDARD_OVERSIGHT,
        observability: Observability = STANDARD_OBSERVABILITY,
        resilience: Resilience = STANDARD_RESILIENCE,
        accountability: Accountability = STANDARD_ACCOUNTABILITY,
    ) -> Policy:
        """Enforces what needs no facts from the application; observes what does, until the first fact is declared.

        Raises:
            ConfigError: something in it is wrong; `.problems` lists everything.
        """
        return cls(
            state=state,
            key=key,
            guards=guards,
            targets=targets,
            purposes=purposes,
            tools=tools,
            waivers=waivers,
            privacy=privacy,
            fitness=fitness,
            portability=portability,
            contracts=contracts,
            oversight=oversight,
            observability=observability,
            resilience=resilience,
            accountability=accountability,
        )

    @classmethod
    def strict(
        cls,
        *,
        state: str | None = None,
        key: str | None = None,
        guards: Sequence[Any] = (),
        targets: Mapping[str, Target] = EMPTY,
        purposes: Mapping[str, Purpose] = EMPTY,
        tools: Mapping[str, ToolRule] = EMPTY,
        waivers: Sequence[Waiver] = (),
        privacy: Privacy = STANDARD_PRIVACY,
        fitness: Fitness = STANDARD_FITNESS,
        portability: Portability = STANDARD_PORTABILITY,
        contracts: Contracts = STANDARD_CONTRACTS,
        oversight: Oversight = STANDARD_OVERSIGHT,
        observability: Observability = STANDARD_OBSERVABILITY,
        resilience: Resilience = STANDARD_RESILIENCE,
        accountability: Accountability = STANDARD_ACCOUNTABILITY,
    ) -> Policy:
        """Enforces everything, and refuses to be made without what that needs.

        Modes that the settings leave at `"observe"` or `"both"` are raised to `"enforce"`. Only a waiver exempts.

        Raises:
            ConfigError: something is wrong or missing; `.problems` lists everything.
        """
        return cls(
            preset="strict",
            state=state,
            key=key,
            guards=guards,
            targets=targets,
            purposes=purposes,
            tools=tools,
            waivers=waivers,
            privacy=privacy,
            fitness=fitness,
            portability=portability,
            contracts=contracts,
            oversight=oversight,
            observability=observability,
            resilience=resilience,
            accountability=accountability,
        )

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Policy:
        """The policy in a file (`psf.toml`). The path is what you give: no folder is searched.

        Raises:
            ConfigError: the file cannot be used; `.problems` lists everything that is wrong, with lines.
        """
        found = read_policy_file(path)
        values = PolicyValues(**found.values, sources=found.sources)
        freeze(values)
        problems, lacks = everything_wrong(values)
        if found.problems or problems:
            raise refuse(found, [*problems, *lacks])
        return cls(**found.values, sources=found.sources)

    def replace(
        self,
        *,
        state: str | None = AS_IT_IS,
        key: str | None = AS_IT_IS,
        guards: Sequence[Any] = AS_IT_IS,
        targets: Mapping[str, Target] = AS_IT_IS,
        purposes: Mapping[str, Purpose] = AS_IT_IS,
        tools: Mapping[str, ToolRule] = AS_IT_IS,
        waivers: Sequence[Waiver] = AS_IT_IS,
        privacy: Privacy = AS_IT_IS,
        fitness: Fitness = AS_IT_IS,
        portability: Portability = AS_IT_IS,
        contracts: Contracts = AS_IT_IS,
        oversight: Oversight = AS_IT_IS,
        observability: Observability = AS_IT_IS,
        resilience: Resilience = AS_IT_IS,
        accountability: Accountability = AS_IT_IS,
    ) -> Policy:
        """Another policy, with some parts changed. What is changed here no longer counts as set by a file.

        Raises:
            ConfigError: the new policy is wrong; `.problems` lists everything.
        """
        given = {
            "state": state,
            "key": key,
            "guards": guards,
            "targets": targets,
            "purposes": purposes,
            "tools": tools,
            "waivers": waivers,
            "privacy": privacy,
            "fitness": fitness,
            "portability": portability,
            "contracts": contracts,
            "oversight": oversight,
            "observability": observability,
            "resilience": resilience,
            "accountability": accountability,
        }
        changes = {name: value for name, value in given.items() if value is not AS_IT_IS}
        return _replaced(self, changes)

    @property
    def name(self) -> Literal["standard", "strict", "custom"]:
        """The preset's name, or `custom` when a control is set weaker than the preset has it."""
        weaker = any(
            chosen(self, control) == "observe" and control.standard != "observe" for control in CONTROLS.values()
        )
        return "custom" if weaker else self.preset

    @property
    def digest(self) -> str:
        """Eight hexadecimal digits that stand for the content."""
        return digest_of(self)

    @property
    def label(self) -> str:
        """Name and digest, as decisions show them: `standard@3f2a91c0`."""
        return f"{self.name}@{self.digest}"

    @property
    def entity_actions(self) -> Mapping[str, str]:
        """The strictest that happens to each entity anywhere, as set; strict blocks secrets whatever is set."""
        blocked = dict.fromkeys(SECRETS, "block") if self.preset == "strict" else {}
        everywhere = actions_for(self.privacy.actions, self.privacy.actions_by_jurisdiction, None)
        strictest = strictest_of(*everywhere).profile
        named = {entity for table in everywhere for entity in table}
        return FrozenTable({**{entity: strictest[entity] for entity in sorted(named)}, **blocked})

    def source_of(self, name: str) -> str:
        """Who set a control, a setting or a guard: `psf.toml:5`, `standard`, `code`, or the guard's module."""
        for guard in self.guards:
            if getattr(guard, "name", None) == name:
                return module_of_guard(guard)
        return source_of(self, name)

    def modes(self, *, day: date, declared: Collection[str] = ()) -> Mapping[str, Effective]:
        """The effective mode of every control on a day; `declared`: controls with a fact in the store."""
        return modes(self, day=day, declared=declared)

    def findings(self, *, day: date, declared: Collection[str] = ()) -> tuple[CheckFinding, ...]:
        """What `psf check` says about this policy on a day; any finding of level `unsafe` fails the check."""
        return findings_of(self, day, declared)

    def one_line(
        self,
        *,
        day: date,
        declared: Collection[str] = (),
        state: str = "memory",
        names: str = "Names are found only in part",
    ) -> str:
        """What a client says once, as a WARNING on the logger `psf_runtime`.

        `state`: what the client really uses; `names`: how well its detectors find names of people.
        """
        return one_line(self, self.name, day, declared=declared, state=state, names=names)

    def __repr__(self) -> str:
        return (
            f"Policy({self.label}, {count(len(self.targets), 'target')}, {count(len(self.purposes), 'purpose')}, "
            f"{count(len(self.waivers), 'waiver')}, {count(len(self.guards), 'guard')})"
        )


def _replaced(policy: Policy, changes: Mapping[str, Any]) -> Policy:
    """The policy with changes, and without the sources of what has changed."""
    kept = {
        name: source
        for name, source in policy.sources.items()
        if not any(name == changed or name.startswith(f"{changed}.") for changed in changes)
    }
    values = {field.name: getattr(policy, field.name) for field in fields(policy)}
    return Policy(**{**values, **changes, "sources": kept})
