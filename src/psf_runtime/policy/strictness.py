"""What `Policy.strict()` needs and does not have: all of it at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from psf_runtime.errors import Problem
from psf_runtime.policy.controls import CONTROLS
from psf_runtime.policy.modes import waiver_for
from psf_runtime.policy.rules_check import is_readable, problems_of
from psf_runtime.policy.values import PolicyValues
from psf_runtime.types.rules import Purpose

_DATED = re.compile(r"20\d{2}-\d{2}-\d{2}|20\d{6}|-\d{4}(?=$|@http)")
Needed = frozenset[str]  # names of the controls that make demands
_VENDORS = ("openai:", "openai-responses:", "anthropic:", "bedrock:")


def everything_wrong(values: PolicyValues) -> tuple[list[Problem], list[Problem]]:
    """What is wrong with a policy, and what it lacks besides if it is to be strict."""
    problems = problems_of(values)
    if values.preset != "strict" or not is_readable(values):
        return problems, []
    named = {name for name, _, _ in problems}
    return problems, [lack for lack in lacks_of(values) if lack[0] not in named]


def lacks_of(values: PolicyValues, day: date = date.min) -> list[Problem]:
    """What a strict policy still lacks on a day. A waiver that has ended no longer helps; without a day, each does."""
    needed = frozenset(
        name for name, control in CONTROLS.items() if control.here and waiver_for(values, name, day) is None
    )
    return [
        *_state(needed),
        *_targets(values, needed),
        *_purposes(values, needed),
        *_reviewers(values, needed),
        *_lowered(values),
    ]


def is_dated(model: str) -> bool:
    """Whether a model string names one version of a model, or a model that you run or mock yourself."""
    return not model.startswith(_VENDORS) or _DATED.search(model) is not None


def _state(needed: Needed) -> Iterator[Problem]:
    if "accountability.log" in needed:
        yield (
            "state",
            "memory keeps nothing",
            "a durable log is not in this version yet: until it is, a Waiver for accountability.log",
        )


def _targets(values: PolicyValues, needed: Needed) -> Iterator[Problem]:
    if not values.targets:
        yield ("targets", "there are none", '[targets] NAME = { model = "openai:gpt-4o-2024-08-06", region = "..." }')
    for name, target in values.targets.items():
        if "portability.pin" in needed and not is_dated(target.model):
            yield (f"targets.{name}", "its model has no date", 'a dated model name, as "openai:gpt-4o-2024-08-06"')


def _purposes(values: PolicyValues, needed: Needed) -> Iterator[Problem]:
    if not values.purposes:
        yield ("purposes", "there are none", '[purposes.NAME] owner = "..."  lawful_basis = "..."')
    for name, purpose in values.purposes.items():
        yield from _purpose(values, needed, f"purposes.{name}", purpose)


def _purpose(values: PolicyValues, needed: Needed, where: str, purpose: Purpose) -> Iterator[Problem]:
    table = f"[{where}]"
    if not purpose.owner and "accountability.owner" in needed:
        yield (where, "has no owner", f'{table} owner = "..."')
    if purpose.lawful_basis is None and "privacy.consent" in needed:
        yield (where, "has no lawful basis", f'{table} lawful_basis = "contract", or another')
    if purpose.tools is None and "contracts.tools" in needed:
        yield (where, "has no list of tools", f"{table} tools = [], or names")
    if not purpose.budget and not values.resilience.budget and "resilience.budget" in needed:
        yield (where, "has no budget", f'{table} budget = "200 USD/day"')


def _reviewers(values: PolicyValues, needed: Needed) -> Iterator[Problem]:
    if not values.oversight.reviewers and "oversight.triggers" in needed:
        yield ("oversight.reviewers", "there are none", 'oversight.reviewers = { leads = ["lee@acme.example"] }')


def _lowered(values: PolicyValues) -> Iterator[Problem]:
    """Controls that somebody set to observe although strict enforces every one."""
    for name, control in CONTROLS.items():
        domain, _, key = name.partition(".")
        mode = values.settings(domain).values().get(key)
        lowered = mode == "observe" and control.standard != "observe"
        written = name in values.sources and control.is_weaker(str(mode), than=control.most)
        if lowered or written:  # raising what is written would ignore a line of the file
            yield (name, "strict enforces every control", f'"enforce", or a Waiver for {name}')
