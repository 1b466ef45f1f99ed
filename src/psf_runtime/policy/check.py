"""What a person should know about a policy before production: the findings of `psf check`, and the one line."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from psf_runtime.policy.controls import CONTROLS, Control, find_control
from psf_runtime.policy.modes import Effective, modes, source_of
from psf_runtime.policy.strictness import lacks_of
from psf_runtime.policy.values import PolicyValues

WARN_DAYS = 14


@dataclass(frozen=True, slots=True)
class CheckFinding:
    """One thing about a policy.

    Attributes:
        level: `unsafe` makes `psf check` fail; `note` does not.
        name: the control or setting; `what`: what is the matter; `change`: what to do; `source`: who set it.
    """

    level: Literal["unsafe", "note"]
    name: str
    what: str
    change: str
    source: str


def findings_of(values: PolicyValues, day: date, declared: Collection[str] = ()) -> tuple[CheckFinding, ...]:
    """Everything that is unsafe or worth a note on a day, in the order of the controls."""
    effective = modes(values, day=day, declared=declared)
    return (
        *_observed(effective),
        *_overridden(values, effective),
        *_waivers(values, day),
        *_lacks(values, day),
        *_owners(values, effective),
        *_allowed(values),
        *_unsigned(values, effective),
        *_state(values),
    )


def _observed(effective: Mapping[str, Effective]) -> Iterator[CheckFinding]:
    for name, entry in effective.items():
        control = CONTROLS[name]
        if entry.mode == "observe":
            yield CheckFinding("unsafe", name, "only observes", _stronger(control), entry.source)
        if entry.mode == "both":
            what = f"observes its weaker half: {control.rest}"
            change = f'{name} = "enforce" for both halves' if control.most == "enforce" else ""
            yield CheckFinding("note", name, what, change, entry.source)


def _stronger(control: Control) -> str:
    """How a control that observes is made to do more, or is excused."""
    if control.fact:
        return f"declare {control.fact}, or a Waiver"
    if control.most == "observe":
        return "a Waiver: this version can only observe it"
    return f'{control.name} = "{control.most}", or a Waiver'


def _overridden(values: PolicyValues, effective: Mapping[str, Effective]) -> Iterator[CheckFinding]:
    """Controls that a file sets to observe, and that a declared fact has turned on."""
    for name, entry in effective.items():
        domain, _, key = name.partition(".")
        written = name in values.sources and values.settings(domain).values().get(key) == "observe"
        if written and entry.mode == "enforce":
            what = f'is set to "observe", and enforces: {entry.note}'
            yield CheckFinding("note", name, what, f'{name} = "enforce" says the same', values.source(name))


def _waivers(values: PolicyValues, day: date) -> Iterator[CheckFinding]:
    for index, waiver in enumerate(values.waivers):
        control = find_control(waiver.control)
        name = control.name if control else waiver.control
        source = values.source(f"waivers.{index}", "code")
        left = (waiver.expires - day).days
        if left < 0:
            what = f"the waiver ended on {waiver.expires}: the control is on again"
            yield CheckFinding("unsafe", name, what, "remove the waiver, or renew it", source)
        elif left <= WARN_DAYS:
            what = f"the waiver ends on {waiver.expires}, in {left} days"
            yield CheckFinding("unsafe", name, what, "remove the waiver, or renew it", source)
        else:
            yield CheckFinding("note", name, f"is waived until {waiver.expires} by {waiver.approver}", "", source)


def _lacks(values: PolicyValues, day: date) -> Iterator[CheckFinding]:
    if values.preset == "strict":
        for name, what, change in lacks_of(values, day):
            yield CheckFinding("unsafe", name, what, change, values.source(name, values.preset))


def _owners(values: PolicyValues, effective: Mapping[str, Effective]) -> Iterator[CheckFinding]:
    """Purposes whose calls an enforcing control will stop."""
    for name, purpose in values.purposes.items():
        where = f"purposes.{name}"
        source = values.source(where, "code")
        if effective["accountability.owner"].mode == "enforce" and not purpose.owner:
            yield CheckFinding("unsafe", where, "has no owner: its calls are blocked", 'owner = "..."', source)
        if effective["privacy.consent"].mode == "enforce" and purpose.lawful_basis is None:
            what = "has no lawful basis: its calls are blocked"
            yield CheckFinding("unsafe", where, what, 'lawful_basis = "contract", or another', source)


def _allowed(values: PolicyValues) -> Iterator[CheckFinding]:
    source = source_of(values, "privacy.actions")
    for entity, action in values.privacy.actions.items():
        if action == "allow":
            yield CheckFinding("unsafe", "privacy.actions", f"{entity} leaves in clear", f'{entity} = "token"', source)
    name = "privacy.actions_by_jurisdiction"
    for place, table in values.privacy.actions_by_jurisdiction.items():
        for entity, action in table.items():
            if action == "allow":
                what = f"{entity} leaves in clear for recipients in {place}"
                yield CheckFinding("unsafe", name, what, f'{entity} = "token"', source_of(values, name))


def _unsigned(values: PolicyValues, effective: Mapping[str, Effective]) -> Iterator[CheckFinding]:
    if effective["fitness.certificate"].mode == "enforce":
        what = "certificates of this version are not signed"
        yield CheckFinding("note", "fitness.certificate", what, "", source_of(values, "fitness.certificate"))


def _state(values: PolicyValues) -> Iterator[CheckFinding]:
    if values.state in (None, "memory:"):
        what = "memory: tokens, tickets, consents and the log end with the process"
        change = 'state = "sqlite:///psf.db" and PSF_KEY (psf key new FILE): keeps the tokens'
    else:
        what = "durable for tokens: tickets, consents, certificates and the log still end with the process"
        change = ""
    yield CheckFinding("note", "state", what, change, source_of(values, "state"))


def one_line(
    values: PolicyValues,
    name: str,
    day: date,
    *,
    declared: Collection[str] = (),
    state: str = "memory",
    names: str = "Names are found only in part",
) -> str:
    """What a client says once, as a WARNING."""
    effective = modes(values, day=day, declared=declared)
    enforcing = sum(entry.mode in ("enforce", "both") for entry in effective.values())
    observing = [word for entry in effective.values() for word in _observed_words(entry)]
    waived = [entry.control for entry in effective.values() if entry.mode == "waived"]
    listed = f": {' '.join(observing)}" if observing else ""
    pieces = [
        f"psf {name}: enforcing {enforcing}, observing {len(observing)}{listed}",
        f"Waived: {' '.join(waived)}" if waived else "",
        names,
        f"State: {state}" + ("; keys: this process only" if state == "memory" else ""),
        "Details: psf check",
        "Next: psf init",
    ]
    return ". ".join(piece for piece in pieces if piece)


def _observed_words(entry: Effective) -> list[str]:
    control = CONTROLS[entry.control]
    words = [control.word] if entry.mode == "observe" else []
    if control.rest and entry.mode in ("observe", "both"):
        words.append(control.rest)
    return words
