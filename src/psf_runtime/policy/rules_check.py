"""What is wrong with purposes, targets, tools, waivers and state, each by itself and together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, fields
from typing import Any, cast

from psf_runtime.errors import Problem
from psf_runtime.policy.checking import hints_of, plain, wrong
from psf_runtime.policy.controls import CONTROLS, find_control, nearest_control
from psf_runtime.policy.entities import entity_trouble
from psf_runtime.policy.money import parse_budget
from psf_runtime.policy.settings import DOMAINS
from psf_runtime.policy.spelling import nearest
from psf_runtime.policy.values import PolicyValues
from psf_runtime.policy.wording import MEMORY_ONLY, NOT_YET, key_trouble, parse_trouble, state_trouble
from psf_runtime.types.rules import Purpose, ToolRule, Waiver
from psf_runtime.types.target import Target

TABLES: Mapping[str, type] = {"targets": Target, "purposes": Purpose, "tools": ToolRule}


def problems_of(values: PolicyValues) -> list[Problem]:
    """Everything that makes a policy unfit to build, whatever its preset."""
    found = [*_state(values), *_kinds(values)]
    if is_readable(values):
        for checks in (_targets(values), _purposes(values), _tools(values), _waivers(values), _guards(values)):
            found += checks
    return found


def is_readable(values: PolicyValues) -> bool:
    """Whether every part is of the right kind, so that rules can read it."""
    return not any(_kinds(values))


def field_problems(cls: type, given: Mapping[str, Any], where: str) -> list[Problem]:
    """What is wrong with the types of the fields of a Purpose, Target, ToolRule or Waiver."""
    found: list[Problem] = []
    for name, value in given.items():
        trouble = wrong(value, hints_of(cls)[name])
        if trouble:
            found.append((f"{where}.{name}", *trouble))
    return found


def missing_fields(cls: type, given: Iterable[str]) -> list[str]:
    """The fields that such a value cannot be without, and that are not given."""
    needed = [
        field.name for field in fields(cast(Any, cls)) if field.default is MISSING and field.default_factory is MISSING
    ]
    return [name for name in needed if name not in given]


def _state(values: PolicyValues) -> Iterator[Problem]:
    if values.state is not None:
        trouble = state_trouble(values.state)
        if trouble:
            yield ("state", *trouble)
    if values.key is not None:
        trouble = key_trouble(values.key)
        if trouble:
            yield ("key", *trouble)


def _kinds(values: PolicyValues) -> Iterator[Problem]:
    preset: Any = values.preset
    if preset not in ("standard", "strict"):
        yield ("preset", 'must be one of "standard" | "strict"', '"standard"')
    for domain, kind in DOMAINS.items():
        if type(getattr(values, domain)) is not kind:
            yield (domain, f"must be a {kind.__name__}(...)", f"{kind.__name__}(...)")
    for table, cls in TABLES.items():
        yield from _table(table, getattr(values, table), cls)
    for name in ("guards", "waivers"):
        if type(getattr(values, name)) is not tuple:
            yield (name, "must be a list", f"{name}=[...]")
    for index, waiver in enumerate(values.waivers if type(values.waivers) is tuple else ()):
        yield from _kind(f"waivers.{index}", waiver, Waiver)


def _table(table: str, rules: Any, cls: type) -> Iterator[Problem]:
    if not isinstance(rules, Mapping):
        yield (table, f"must be a table of {cls.__name__}(...) by name", f'{table}={{"NAME": {cls.__name__}(...)}}')
        return
    for name, rule in rules.items():
        yield from _kind(f"{table}.{name}", rule, cls)


def _kind(where: str, rule: Any, cls: type) -> Iterator[Problem]:
    if type(rule) is not cls:
        yield (where, f"must be a {cls.__name__}(...)", f"{cls.__name__}(...)")
        return
    given = {name: getattr(rule, name) for name in hints_of(cls)}
    yield from field_problems(cls, given, where)


def _targets(values: PolicyValues) -> Iterator[Problem]:
    for name, target in values.targets.items():
        where = f"targets.{name}"
        if target.server is not None and not target.model.startswith("local:"):
            yield (
                f"{where}.server",
                "is for local servers",
                'remove it, or model = "local:NAME@http://127.0.0.1:8000/v1"',
            )
        if target.retention_days is not None and target.retention_days < 0:
            yield (f"{where}.retention_days", "is below 0", "the days that the host keeps texts, or remove it")
        if target.context_tokens is not None and target.context_tokens < 1:
            yield (f"{where}.context_tokens", "is below 1", "the size of the model's window, or remove it")
        if target.price is not None and min(target.price) < 0:
            yield (f"{where}.price", "is below 0", "USD per million tokens: [input, output]")


def _purposes(values: PolicyValues) -> Iterator[Problem]:
    for name, purpose in values.purposes.items():
        where = f"purposes.{name}"
        for target in purpose.targets:
            if target not in values.targets:
                hint = nearest(target, values.targets)
                yield (
                    f"{where}.targets",
                    f"{plain(target)} is no target of this policy",
                    hint or "add it to [targets]",
                )
        if purpose.budget is not None:
            yield from _budget(where, purpose.budget)
        if purpose.retention_days is not None:
            yield (f"{where}.retention_days", f"retention of records {NOT_YET}: {MEMORY_ONLY}", "remove it")
        if "value_above" in purpose.triggers and values.oversight.value_above is None:
            yield (f"{where}.triggers", "value_above has no amount", "oversight.value_above = 1000, or another amount")


def _budget(where: str, budget: str) -> Iterator[Problem]:
    if not CONTROLS["resilience.budget"].here:
        yield (f"{where}.budget", f"a budget {NOT_YET}", "remove it")
        return
    yield from parse_trouble(f"{where}.budget", parse_budget, budget, '"200 USD/day"')


def _tools(values: PolicyValues) -> Iterator[Problem]:
    for name, rule in values.tools.items():
        where = f"tools.{name}"
        if rule.irreversible and not values.oversight.reviewers:
            yield (where, "is irreversible, and there is no reviewer", 'oversight.reviewers = { leads = ["..."] }')
        for entity in rule.restore or ():
            trouble = entity_trouble(entity, values.privacy.detectors)
            if trouble:
                yield (f"{where}.restore", *trouble)


def _waivers(values: PolicyValues) -> Iterator[Problem]:
    for index, waiver in enumerate(values.waivers):
        where = f"waivers.{index}"
        control = find_control(waiver.control)
        if control is None or not control.here:
            hint = nearest_control(waiver.control) or "a name as psf explain prints it"
            yield (where, f"{plain(waiver.control)} is no control of this version", hint)
        elif control.waivable == "never":
            yield (where, f"{control.name} cannot be waived", "remove the waiver")
        elif control.waivable == "standard" and values.preset == "strict":
            yield (where, f"{control.name} cannot be waived in strict", "remove the waiver")
        for name in ("approver", "reason", "compensating_control"):
            if not getattr(waiver, name).strip():
                yield (f"{where}.{name}", "is empty", f"{name} = ...: a waiver has all five fields")


def _guards(values: PolicyValues) -> Iterator[Problem]:
    for index, guard in enumerate(values.guards):
        if isinstance(guard, type) or not (hasattr(guard, "open") or hasattr(guard, "run")):
            yield (f"guards.{index}", "is not a guard", "put @guard on the function, or give an instance of a Guard")
