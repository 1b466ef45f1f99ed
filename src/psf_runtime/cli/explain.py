"""`psf explain`: the chain of layers, one control, or one failure mode."""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from psf_runtime.cli.clock import today
from psf_runtime.cli.exits import GOOD, CommandError
from psf_runtime.cli.looking import looking_client
from psf_runtime.cli.output import write_json
from psf_runtime.cli.policy_file import load_policy
from psf_runtime.cli.screen import Screen
from psf_runtime.cli.styles import TITLE
from psf_runtime.client.explain import Explanation
from psf_runtime.guards.accountability.controls import Control, controls
from psf_runtime.guards.accountability.failure_modes import FailureMode, failure_modes
from psf_runtime.policy.modes import Effective
from psf_runtime.policy.policy import Policy
from psf_runtime.policy.spelling import nearest

MARGIN = 12


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument(
        "name", nargs="?", metavar="NAME", help="a control (contracts.links, PSF04.C7) or a failure mode (FM07)"
    )
    parser.add_argument("--policy", metavar="FILE", help="the policy (./psf.toml if it is there)")
    parser.add_argument("--json", action="store_true", help="write JSON")


def run(options: argparse.Namespace) -> int:
    """Explain what was asked for."""
    screen = Screen(sys.stdout, os.environ)
    subject = None if options.name is None else find(options.name)
    if isinstance(subject, FailureMode):
        data = _mode_data(subject)
        show = _mode_rows(subject)
    else:
        policy, origin = load_policy(options.policy)
        if subject is None:
            return _chain(screen, policy, origin, as_json=options.json)
        effective = policy.modes(day=today())[subject.name]
        data = _control_data(subject, effective)
        show = _control_rows(subject, effective)
    if options.json:
        write_json(sys.stdout, data)
        return GOOD
    title, *rows = show
    screen.wrapped(title[1], style=TITLE)
    for label, text in rows:
        if text:
            screen.block(f"  {label}", text, margin=MARGIN)
    return GOOD


def find(name: str) -> Control | FailureMode:
    """The control or failure mode of that name or number. Raises CommandError, with the nearest spelling."""
    known: dict[str, Control | FailureMode] = {}
    for control in controls():
        known |= {control.name: control, control.id: control}
    for mode in failure_modes():
        known |= {mode.id: mode, mode.name: mode}
    by_lower = {key.lower(): value for key, value in known.items()}
    found = by_lower.get(name.lower())
    if found is not None:
        return found
    close = nearest(name, known)
    raise CommandError(
        f"there is no control or failure mode {name!r}",
        change=f"psf explain {close}" if close else "see the names of all controls with: psf explain",
    )


def _chain(screen: Screen, policy: Policy, origin: str, *, as_json: bool) -> int:
    with looking_client(policy) as client:
        explanation = client.explain()
    if as_json:
        write_json(sys.stdout, {"policy": policy.label, "from": origin, **explanation.to_dict()})
        return GOOD
    screen.line(f"policy {policy.label}, from {origin}", style=TITLE)
    screen.line()
    _show_chain(screen, explanation)
    return GOOD


def _show_chain(screen: Screen, explanation: Explanation) -> None:
    """The table; what does not fit beside a layer goes on below it."""
    header = ("layer", "mode", "holds first chunk", "from")
    rows = [header, *((row.layer, row.mode, row.holds, row.source) for row in explanation.rows)]
    notes = ["", *(row.note for row in explanation.rows)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(header))]
    margin = sum(widths) + 2 * len(widths)
    for number, (row, note) in enumerate(zip(rows, notes, strict=True)):
        cells = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        if note.startswith("--"):
            screen.line(cells.rstrip())
            screen.line(_rule(note, screen.width), style="cyan")
        elif note and screen.width - margin >= MARGIN * 2:
            screen.block(cells, note, margin=margin)
        else:
            screen.line(cells.rstrip(), style=TITLE if number == 0 else "")
            if note:
                screen.block("", note, margin=4, style="dim")
    screen.line()
    screen.block("route", " -> ".join(explanation.route), margin=7)
    screen.block("state", explanation.state, margin=7)


def _rule(note: str, width: int) -> str:
    """The line below which no personal data goes, as long as it fits."""
    return note if len(note) <= width else "-- below this line: tokens in place of personal data --"


def _control_rows(control: Control, effective: Effective) -> list[tuple[str, str]]:
    return [
        ("", f"{control.name} ({control.id})"),
        ("does", control.title),
        ("mode", effective.mode + (f", {effective.note}" if effective.note else "")),
        ("set by", effective.source),
        ("needs", control.needs_fact),
        ("code", ", ".join(control.implemented_by)),
        ("proof", ", ".join(control.proved_by)),
        ("criteria", ", ".join(control.references)),
        ("failures", ", ".join(_failures_of(control))),
    ]


def _failures_of(control: Control) -> list[str]:
    return [f"{mode.id} {mode.name}" for mode in failure_modes() if control.name in mode.controls]


def _control_data(control: Control, effective: Effective) -> dict[str, Any]:
    return {
        "id": control.id,
        "name": control.name,
        "domain": control.domain.value,
        "title": control.title,
        "mode": effective.mode,
        "set_by": effective.source,
        "note": effective.note,
        "needs_fact": control.needs_fact,
        "implemented_by": list(control.implemented_by),
        "proved_by": list(control.proved_by),
        "references": list(control.references),
        "failure_modes": [text.partition(" ")[0] for text in _failures_of(control)],
    }


def _mode_rows(mode: FailureMode) -> list[tuple[str, str]]:
    lists = (("OWASP LLM", mode.owasp_llm), ("OWASP agentic", mode.owasp_asi), ("ATLAS", mode.atlas))
    elsewhere = [f"{name}: {', '.join(numbers)}" for name, numbers in lists if numbers]
    return [
        ("", f"{mode.id} {mode.name}"),
        ("what", mode.what),
        ("we", mode.we),
        ("you", mode.you),
        ("first", mode.response),
        ("controls", ", ".join(mode.controls)),
        ("elsewhere", "; ".join(elsewhere)),
    ]


def _mode_data(mode: FailureMode) -> dict[str, Any]:
    return {
        "id": mode.id,
        "name": mode.name,
        "what": mode.what,
        "we": mode.we,
        "you": mode.you,
        "response": mode.response,
        "controls": list(mode.controls),
        "owasp_llm": list(mode.owasp_llm),
        "owasp_asi": list(mode.owasp_asi),
        "atlas": list(mode.atlas),
    }
