"""Which mode every control really has: the preset, what was set, the declared facts, and the waivers of a day."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from psf_runtime.policy.controls import CONTROLS, Control, find_control
from psf_runtime.policy.facts import FACTS, has_budget
from psf_runtime.policy.frozen import FrozenTable
from psf_runtime.policy.settings import DOMAINS
from psf_runtime.policy.values import PolicyValues
from psf_runtime.types.rules import Mode, Waiver

CODE = "code"  # the source of what was set in Python


@dataclass(frozen=True, slots=True)
class Effective:
    """The mode of one control.

    Attributes:
        mode: `enforce`, `observe`, `both` (one half enforced, the other observed), `waived`, or `absent`: this
            version does not have it, or nothing is set that it could act on.
        source: who decided: a preset's name, `psf.toml:5`, `code`, or the fact that turned it on.
        note: more, for people.
    """

    control: str
    mode: Literal["enforce", "observe", "both", "waived", "absent"]
    source: str
    note: str = ""

    @property
    def on(self) -> bool:
        """Whether the control looks at calls at all."""
        return self.mode in ("enforce", "observe", "both")

    @property
    def main(self) -> Mode:
        """How the control itself behaves; ask `on` first."""
        return "observe" if self.mode == "observe" else "enforce"

    @property
    def rest(self) -> Mode:
        """How the half behaves that often errs (the user's own words, other hosts, guesses); ask `on` first."""
        return "enforce" if self.mode == "enforce" else "observe"


def modes(values: PolicyValues, *, day: date, declared: Collection[str] = ()) -> Mapping[str, Effective]:
    """The effective mode of every control on a day.

    Args:
        day: decides which waivers are in force.
        declared: names of `fact` controls for which a fact exists outside of the policy, such as `privacy.consent`
            once the store holds a consent record.
    """
    return FrozenTable({name: _effective(control, values, day, declared) for name, control in CONTROLS.items()})


def chosen(values: PolicyValues, control: Control) -> str | None:
    """The mode that somebody set, or None while it is the standard preset's."""
    domain, _, key = control.name.partition(".")
    settings = values.settings(domain)
    if key not in settings.values() or control.name in ("resilience.halt", "resilience.budget"):
        return None  # these keys hold no mode
    value = getattr(settings, key)
    explicit = control.name in values.sources or value != control.standard
    return str(value) if explicit else None


def source_of(values: PolicyValues, name: str) -> str:
    """Who set a control or a setting: `psf.toml:5`, `code`, or the name of the preset."""
    source = values.source(name)
    if source:
        return source
    domain, _, key = name.partition(".")
    if name in CONTROLS:
        return CODE if chosen(values, CONTROLS[name]) else values.preset
    if domain in DOMAINS:
        return CODE if key in values.settings(domain).changed() else values.preset
    return CODE if getattr(values, name, None) else values.preset


def waiver_for(values: PolicyValues, control: str, day: date) -> Waiver | None:
    """The waiver that is in force for a control on a day, the one that lasts longest."""
    in_force = [waiver for waiver in values.waivers if _is_for(waiver, control) and waiver.holds_on(day)]
    return max(in_force, key=lambda waiver: waiver.expires, default=None)


def _is_for(waiver: Waiver, control: str) -> bool:
    found = find_control(waiver.control)
    return found is not None and found.name == control


def _effective(control: Control, values: PolicyValues, day: date, declared: Collection[str]) -> Effective:
    if not control.here:
        return Effective(control.name, "absent", values.preset, "not in this version")
    waiver = waiver_for(values, control.name, day)
    if waiver is not None:
        source = values.source(f"waivers.{values.waivers.index(waiver)}", CODE)
        return Effective(control.name, "waived", source, f"until {waiver.expires} by {waiver.approver}")
    if control.name == "resilience.budget" and not has_budget(values):
        return Effective(control.name, "absent", values.preset, "no budget is set")
    mode = chosen(values, control) or control.default(values.preset)
    if values.preset == "strict":
        mode = control.most
    if mode == "observe" and control.kind == "fact":
        return _with_facts(control, values, control.name in declared)
    return Effective(control.name, _known(mode), source_of(values, control.name))


def _known(mode: str) -> Literal["enforce", "observe", "both"]:
    if mode == "observe":
        return "observe"
    return "both" if mode == "both" else "enforce"


def _with_facts(control: Control, values: PolicyValues, declared: bool) -> Effective:
    """A control that observes until its first fact is declared."""
    if declared:
        return Effective(control.name, "enforce", "state", f"on because {control.fact} is declared")
    fact = FACTS[control.name](values)
    if fact is None:
        return Effective(control.name, "observe", source_of(values, control.name), f"enforces with {control.fact}")
    return Effective(control.name, "enforce", values.source(fact, fact), f"on because of {fact}")
