"""Waivers: which controls are off today, by whose word, and which exceptions end soon."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from psf_runtime.errors import ConfigError, Problem
from psf_runtime.guards.accountability.controls import control
from psf_runtime.types.rules import Waiver

_WORDS = ("control", "approver", "reason", "compensating_control")


def check_waivers(waivers: Iterable[Waiver]) -> tuple[Waiver, ...]:
    """The same waivers. Raises ConfigError that lists every unknown control and every missing field."""
    checked = tuple(waivers)
    problems: list[Problem] = []
    for position, waiver in enumerate(checked):
        problems.extend(_problems(f"waivers[{position}]", waiver))
    if problems:
        raise ConfigError("a waiver is incomplete or waives nothing", problems=problems)
    return checked


def active(waivers: Iterable[Waiver], day: date) -> dict[str, Waiver]:
    """The waivers in force on a day, by the control's name; of several for one control the one that lasts longest."""
    found: dict[str, Waiver] = {}
    for waiver in check_waivers(waivers):
        name = control(waiver.control).name
        if waiver.holds_on(day) and (name not in found or found[name].expires < waiver.expires):
            found[name] = waiver
    return found


def expiring(waivers: Iterable[Waiver], day: date, *, days: int = 14) -> tuple[Waiver, ...]:
    """The waivers in force on a day that end within `days` days of it, the first to end first."""
    last = day + timedelta(days=days)
    return tuple(sorted((one for one in active(waivers, day).values() if one.expires <= last), key=lambda w: w.expires))


def _problems(where: str, waiver: Waiver) -> list[Problem]:
    problems = [
        (where, f"has no {word}", f"all five fields are needed: add {word}")
        for word in _WORDS
        if not _is_written(getattr(waiver, word))
    ]
    if type(waiver.expires) is not date:
        problems.append((where, "has no day on which it ends", "give expires as a date without a time"))
    if _is_written(waiver.control) and not _is_known(waiver.control):
        problems.append((where, "names a control that does not exist", "see their names with: psf explain"))
    return problems


def _is_written(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_known(name: str) -> bool:
    try:
        control(name)
    except ConfigError:
        return False
    return True
