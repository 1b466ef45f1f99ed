"""Reads psf.toml: every problem of the file at once, each with its line, and the nearest right spelling."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from psf_runtime.errors import ConfigError, Problem
from psf_runtime.policy.checking import hints_of, plain
from psf_runtime.policy.guard_paths import import_guard
from psf_runtime.policy.rules_check import TABLES, field_problems, missing_fields
from psf_runtime.policy.settings import DOMAINS
from psf_runtime.policy.spelling import nearest
from psf_runtime.policy.toml_lines import lines_of
from psf_runtime.policy.toml_text import parse_text, read_text
from psf_runtime.policy.wording import count
from psf_runtime.types.rules import Waiver

TOP = ("preset", "state", "key", "guards", "waivers", *DOMAINS, *TABLES)
_LIMITS = "resilience.timeout, connect_timeout, idle_timeout, retries or attempts"


@dataclass(slots=True)
class FileValues:
    """What a policy file says.

    Attributes:
        name: of the file, as messages show it.
        values: arguments of a policy, from everything that was right.
        sources: where every key stands: `privacy.consent` -> `psf.toml:5`.
        problems: everything that was wrong.
    unknown: the keys that nobody knows, and how a message may show them.
    """

    name: str
    values: dict[str, Any] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    unknown: dict[str, str] = field(default_factory=dict)


def read_policy_file(path: str | os.PathLike[str]) -> FileValues:
    """Read a policy file.

    Raises:
        ConfigError: the file cannot be used at all. What is wrong with its settings is in `.problems`.
    """
    file = Path(path)
    text = read_text(file)
    return read_policy_text(text, file.name)


def read_policy_text(text: str, name: str = "psf.toml") -> FileValues:
    """Read the text of a policy file.

    Raises:
        ConfigError: it is not TOML.
    """
    values = parse_text(text, name)
    found = FileValues(name)
    found.sources = {".".join(path): f"{name}:{line}" for path, line in lines_of(text).items()}
    for key, value in values.items():
        _read(found, key, value)
    return found


def _read(found: FileValues, key: str, value: Any) -> None:
    if key in DOMAINS:
        _domain(found, key, value)
    elif key in TABLES:
        _table(found, key, value)
    elif key == "guards":
        _guards(found, value)
    elif key == "waivers":
        _waivers(found, value)
    elif key in TOP:
        _top(found, key, value)
    else:
        found.unknown[key] = plain(key)
        found.problems.append((key, "unknown key", _top_hint(key)))


def _top_hint(key: str) -> str:
    """Where a key at the top may have been meant to go."""
    homes = [f"{domain}.{key}" for domain, cls in DOMAINS.items() if cls.has(key)]
    return homes[0] if homes else nearest(key, TOP) or f"one of {', '.join(TOP)}"


def _top(found: FileValues, key: str, value: Any) -> None:
    if isinstance(value, str):
        found.values[key] = value
    else:
        found.problems.append((key, "must be a text", '"..."'))


def _domain(found: FileValues, domain: str, value: Any) -> None:
    cls = DOMAINS[domain]
    if not isinstance(value, dict):
        found.problems.append((domain, "must be a table", f"[{domain}], or {domain}.{cls.keys()[0]} = ..."))
        return
    known = _known_keys(found, domain, value, cls.keys())
    troubles = cls.troubles_in(known)
    found.problems += [(f"{domain}.{name}", what, change) for name, what, change in troubles]
    wrong = {name for name, _, _ in troubles}
    found.values[domain] = cls(**{name: each for name, each in known.items() if name not in wrong})


def _known_keys(found: FileValues, where: str, value: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    """The part of a table that has known keys; the others are problems."""
    for key in value:
        if key not in keys:
            found.unknown[f"{where}.{key}"] = f"{where}.{plain(key)}"
            found.problems.append((f"{where}.{key}", *_unknown(where, key, keys)))
    return {key: each for key, each in value.items() if key in keys}


def _unknown(where: str, key: str, keys: tuple[str, ...]) -> tuple[str, str]:
    if (where, key) == ("resilience", "limits"):
        return "holds no mode: limits always act", _LIMITS
    hint = nearest(key, keys)
    return "unknown key", f"{where}.{hint}" if hint else f"one of {', '.join(keys)}"


def _table(found: FileValues, table: str, value: Any) -> None:
    if not isinstance(value, dict):
        found.problems.append((table, "must be a table", f"[{table}.NAME]"))
        return
    rules = {}
    for name, given in value.items():
        rule = _rule(found, f"{table}.{name}", given, TABLES[table])
        if rule is not None:
            rules[name] = rule
    found.values[table] = rules


def _rule(found: FileValues, where: str, given: Any, cls: type) -> Any:
    """A Purpose, Target, ToolRule or Waiver from its table; None when nothing can be made of it."""
    if not isinstance(given, dict):
        found.problems.append((where, "must be a table", f"{{ {next(iter(hints_of(cls)))} = ... }}"))
        return None
    known = _known_keys(found, where, given, tuple(hints_of(cls)))
    problems = field_problems(cls, known, where) + _key_in_file(where, known)
    found.problems += problems
    wrong = {name for name, _, _ in problems}
    right = {name: each for name, each in known.items() if f"{where}.{name}" not in wrong}
    missing = missing_fields(cls, known)
    found.problems += [(where, f"has no {name}", f"{name} = ...") for name in missing]
    return None if missing_fields(cls, right) else cls(**right)


def _key_in_file(where: str, known: Mapping[str, Any]) -> list[Problem]:
    """A key does not belong in a file that is passed around."""
    api_key = known.get("api_key")
    if not isinstance(api_key, str) or (api_key.startswith("env:") and len(api_key) > len("env:")):
        return []
    return [(f"{where}.api_key", "a key does not belong in this file", '"env:NAME", the name of a variable')]


def _waivers(found: FileValues, value: Any) -> None:
    if not isinstance(value, list):
        found.problems.append(("waivers", "must be a list of tables", "[[waivers]]"))
        return
    made = [_rule(found, f"waivers.{number}", given, Waiver) for number, given in enumerate(value)]
    found.values["waivers"] = [waiver for waiver in made if waiver is not None]


def _guards(found: FileValues, value: Any) -> None:
    if not isinstance(value, list):
        found.problems.append(("guards", "must be a list of paths", '["acme.guards:no_competitors"]'))
        return
    guards = []
    for number, path in enumerate(value):
        guard, trouble = import_guard(path)
        if trouble:
            found.problems.append((f"guards.{number}", *trouble))
        else:
            guards.append(guard)
    found.values["guards"] = guards


def placed(problems: list[Problem], sources: Mapping[str, str]) -> list[Problem]:
    """The same problems in the order of the file, with the line of each behind what to change."""
    with_lines = []
    for name, what, change in problems:
        source = _nearest_source(name, sources)
        with_lines.append((_line(source), (name, what, f"{change}   ({source})" if source else change)))
    return [problem for _, problem in sorted(with_lines, key=lambda pair: pair[0])]


def _nearest_source(name: str, sources: Mapping[str, str]) -> str:
    """Where a setting stands, or the table that it belongs to."""
    while name:
        if name in sources:
            return sources[name]
        name = name.rpartition(".")[0]
    return ""


def _line(source: str) -> int:
    number = source.rpartition(":")[2]
    return int(number) if number.isdigit() else 0


def refuse(found: FileValues, more: list[Problem]) -> ConfigError:
    """The one error that lists everything wrong with a file."""
    problems = [
        (found.unknown.get(name, name), what, change)
        for name, what, change in placed([*found.problems, *more], found.sources)
    ]
    return ConfigError(f"{found.name} has {count(len(problems), 'problem')}:", problems=problems)
