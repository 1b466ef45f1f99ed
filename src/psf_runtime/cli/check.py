"""`psf check`: whether a policy is safe, and what would make it safer."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass
from typing import Any

from psf_runtime.cli.clock import today
from psf_runtime.cli.exits import FAILED, GOOD, error_text
from psf_runtime.cli.output import write_json
from psf_runtime.cli.policy_file import load_policy, policy_path
from psf_runtime.cli.screen import Screen
from psf_runtime.cli.styles import BAD, FAINT, TITLE
from psf_runtime.cli.styles import GOOD as GREEN
from psf_runtime.cli.versions import EXTRAS, missing_modules, versions
from psf_runtime.errors import ConfigError
from psf_runtime.policy.check import CheckFinding
from psf_runtime.policy.policy import Policy
from psf_runtime.policy.wording import count

MARGIN = 26
FAILS, OBSERVES, NOTE = "unsafe", "observes", "note"
BEGIN = "To begin: `psf init` writes a psf.toml with comments; `psf demo` shows the controls at work."


@dataclass(frozen=True, slots=True)
class Checked:
    """The findings of one policy, each with what it means here.

    `unsafe` fails the check; `observes` fails it in production only; `note` never does.
    """

    rows: tuple[tuple[str, CheckFinding], ...]
    production: bool

    @property
    def failing(self) -> int:
        """How many findings fail the check."""
        levels = (FAILS, OBSERVES) if self.production else (FAILS,)
        return sum(level in levels for level, _ in self.rows)


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument("--policy", metavar="FILE", help="the policy (./psf.toml if it is there)")
    parser.add_argument(
        "--env", choices=("development", "production"), default="development", help="production: observing fails too"
    )
    parser.add_argument("--json", action="store_true", help="write JSON")


def run(options: argparse.Namespace) -> int:
    """Check the policy for today."""
    path = policy_path(options.policy, os.environ)  # a file that is not there is a usage error, not a failed check
    try:
        policy, origin = load_policy(options.policy)
    except ConfigError as error:
        return _refused(error, as_json=options.json)
    checked = Checked(_rows(policy), options.env == "production")
    if options.json:
        write_json(sys.stdout, _as_data(checked, policy, origin))
    else:
        _show(Screen(sys.stdout, os.environ), checked, policy, origin, begin=path is None)
    return FAILED if checked.failing else GOOD


def _refused(error: ConfigError, *, as_json: bool) -> int:
    if as_json:
        problems = [{"name": name, "what": what, "change": change} for name, what, change in error.problems]
        write_json(sys.stdout, {"ok": False, "error": error.what, "problems": problems})
    else:
        sys.stdout.write(f"{error_text(error)}\n")
    return FAILED


def _rows(policy: Policy) -> tuple[tuple[str, CheckFinding], ...]:
    day = today()
    observing = {name for name, effective in policy.modes(day=day).items() if effective.mode == "observe"}
    rows = []
    for finding in policy.findings(day=day):
        merely_observes = finding.name in observing and finding.what == "only observes"
        level = OBSERVES if merely_observes else FAILS if finding.level == "unsafe" else NOTE
        rows.append((level, finding))
    order = (FAILS, OBSERVES, NOTE)
    return tuple(sorted(rows, key=lambda row: order.index(row[0])))


def _as_data(checked: Checked, policy: Policy, origin: str) -> dict[str, Any]:
    return {
        "ok": not checked.failing,
        "policy": policy.label,
        "from": origin,
        "environment": "production" if checked.production else "development",
        "findings": [
            {"level": level, "name": f.name, "what": f.what, "change": f.change, "from": f.source}
            for level, f in checked.rows
        ],
        "versions": versions(),
        "extras": {extra: not missing_modules(extra) for extra in EXTRAS},
    }


def _show(screen: Screen, checked: Checked, policy: Policy, origin: str, *, begin: bool) -> None:
    screen.line(f"policy {policy.label}, from {origin}", style=TITLE)
    for level, title in (
        (FAILS, "Unsafe"),
        (OBSERVES, "Observing: leaves a finding, stops nothing"),
        (NOTE, "Worth knowing"),
    ):
        found = [finding for each, finding in checked.rows if each == level]
        if found:
            screen.line()
            screen.line(f"{title} ({len(found)})", style=BAD if level == FAILS else TITLE)
            for finding in found:
                _show_finding(screen, finding, level)
    _show_installed(screen)
    screen.line()
    _show_verdict(screen, checked)
    if begin:
        screen.wrapped(BEGIN)


def _show_finding(screen: Screen, finding: CheckFinding, level: str) -> None:
    text = finding.change if level == OBSERVES else finding.what + (f"; {finding.change}" if finding.change else "")
    where = f" ({finding.source})" if ":" in finding.source else ""
    screen.block(f"  {finding.name}", f"{text}{where}", margin=MARGIN)


def _show_installed(screen: Screen) -> None:
    screen.line()
    screen.block("  versions", ", ".join(f"{name} {number}" for name, number in versions().items()), margin=MARGIN)
    here = [extra for extra in EXTRAS if not missing_modules(extra)]
    away = [f"{extra} (pip install 'psf-runtime[{extra}]')" for extra in EXTRAS if missing_modules(extra)]
    screen.block("  extras", ", ".join(here) or "none", margin=MARGIN)
    if away:
        screen.block("  not installed", ", ".join(away), margin=MARGIN, style=FAINT)


def _show_verdict(screen: Screen, checked: Checked) -> None:
    if checked.failing:
        screen.line(f"{count(checked.failing, 'finding')} to deal with: the check failed", style=BAD)
        return
    observing = sum(level == OBSERVES for level, _ in checked.rows)
    more = f"; {observing} only observe, which --env production does not accept" if observing else ""
    screen.wrapped(f"nothing unsafe{more}", style=GREEN)
