"""The bare values of a policy: what `Policy` adds meaning to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from psf_runtime.policy.controls import Preset
from psf_runtime.policy.frozen import EMPTY, FrozenTable, frozen
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
from psf_runtime.policy.settings_base import Settings
from psf_runtime.types.rules import Purpose, ToolRule, Waiver
from psf_runtime.types.target import Target

# the standard preset, made once
STANDARD_PRIVACY = Privacy()
STANDARD_FITNESS = Fitness()
STANDARD_PORTABILITY = Portability()
STANDARD_CONTRACTS = Contracts()
STANDARD_OVERSIGHT = Oversight()
STANDARD_OBSERVABILITY = Observability()
STANDARD_RESILIENCE = Resilience()
STANDARD_ACCOUNTABILITY = Accountability()


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PolicyValues:
    """Everything that somebody can set in a policy, in Python or in psf.toml.

    Attributes:
        preset: which modes hold where nothing else is said.
        state: where tickets, consents and the log are kept; None leaves the choice to the environment.
        key: where the key of a durable state comes from (`env:PSF_KEY`).
        guards: guards of your own, in order.
        sources: who set what (`privacy.consent` -> `psf.toml:5`); does not count when policies are compared.
    """

    preset: Preset = "standard"
    state: str | None = None
    key: str | None = None
    guards: Sequence[Any] = ()
    targets: Mapping[str, Target] = EMPTY
    purposes: Mapping[str, Purpose] = EMPTY
    tools: Mapping[str, ToolRule] = EMPTY
    waivers: Sequence[Waiver] = ()
    privacy: Privacy = STANDARD_PRIVACY
    fitness: Fitness = STANDARD_FITNESS
    portability: Portability = STANDARD_PORTABILITY
    contracts: Contracts = STANDARD_CONTRACTS
    oversight: Oversight = STANDARD_OVERSIGHT
    observability: Observability = STANDARD_OBSERVABILITY
    resilience: Resilience = STANDARD_RESILIENCE
    accountability: Accountability = STANDARD_ACCOUNTABILITY
    sources: Mapping[str, str] = field(default=EMPTY, compare=False)

    def settings(self, domain: str) -> Settings:
        """The settings of a domain, by its slug."""
        found: Settings = getattr(self, domain)
        return found

    def source(self, name: str, otherwise: str = "") -> str:
        """Who set something (`psf.toml:5`), if that is known."""
        return self.sources.get(name, otherwise)


def freeze(values: PolicyValues) -> None:
    """Make every list and table of a new policy unchangeable, for use while it is being made; leaves other values."""
    for name in ("guards", "waivers"):
        if isinstance(getattr(values, name), list):
            object.__setattr__(values, name, tuple(getattr(values, name)))
    for name in ("targets", "purposes", "tools"):
        if isinstance(getattr(values, name), Mapping):
            table = {key: _frozen_rule(rule) for key, rule in getattr(values, name).items()}
            object.__setattr__(values, name, FrozenTable(table))
    object.__setattr__(values, "sources", FrozenTable(values.sources))


def _frozen_rule(rule: Any) -> Any:
    """The same rule with tuples in place of lists, so that it can be compared and not changed."""
    if not isinstance(rule, Purpose | ToolRule | Target):
        return rule
    lists = {name: getattr(rule, name) for name in rule.__slots__ if isinstance(getattr(rule, name), list)}
    return replace(rule, **{name: frozen(value) for name, value in lists.items()})
