"""`psf preview`: what a provider would receive of a text; nothing is sent."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from psf_runtime.cli.exits import GOOD, CommandError
from psf_runtime.cli.looking import looking_client
from psf_runtime.cli.output import write_json
from psf_runtime.cli.policy_file import load_policy
from psf_runtime.cli.screen import Screen
from psf_runtime.cli.styles import SENT_MARKS
from psf_runtime.client.preview import Preview

MARGIN = 10


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument("text", nargs="?", metavar="TEXT", help="the text; - reads standard input")
    parser.add_argument("--file", metavar="F", help="read the text from a file")
    parser.add_argument("--purpose", metavar="NAME", help="why the call would be made")
    parser.add_argument("--policy", metavar="FILE", help="the policy (./psf.toml if it is there)")
    parser.add_argument("--json", action="store_true", help="write JSON")


def run(options: argparse.Namespace) -> int:
    """Send the text through every layer above the wire, and show what comes out."""
    text = _text(options)
    policy, origin = load_policy(options.policy)
    with looking_client(policy) as client:
        found = client.preview(text, purpose=options.purpose)
    if options.json:
        write_json(sys.stdout, _as_data(found, origin))
    else:
        _show(Screen(sys.stdout, os.environ), found)
    return GOOD


def _text(options: argparse.Namespace) -> str:
    if (options.text is None) == (options.file is None):
        raise CommandError(
            "preview takes one text", change='psf preview "TEXT", psf preview -, or psf preview --file F'
        )
    try:
        if options.file is not None:
            return Path(options.file).read_text(encoding="utf-8")
        return sys.stdin.read() if options.text == "-" else str(options.text)
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(
            "the text cannot be read", why=type(error).__name__, change="give a file that is UTF-8 text"
        ) from None


def _as_data(found: Preview, origin: str) -> dict[str, Any]:
    return {
        "text": found.text,
        "wire": found.wire,
        "tokens": dict(found.tokens),
        "findings": [
            {"control": f.control, "kind": f.kind, "where": f.where, "count": f.count, "observed": f.observed}
            for f in found.findings
        ],
        "targets": list(found.targets),
        "policy": origin,
    }


def _show(screen: Screen, found: Preview) -> None:
    screen.wrapped(found.text, marks=SENT_MARKS)
    screen.line()
    counts = ", ".join(f"{entity} {number}" for entity, number in sorted(found.tokens.items()))
    screen.block("tokens", counts or "none", margin=MARGIN)
    for observed, label in ((False, "found"), (True, "observed")):
        kinds = [
            f"{f.control}: {f.kind}" for f in found.findings if f.observed is observed and f.control != "privacy.tokens"
        ]
        if kinds:
            screen.block(label, " · ".join(dict.fromkeys(kinds)), margin=MARGIN)
    screen.block("targets", " -> ".join(found.targets), margin=MARGIN)
    screen.block("", "Nothing was sent.", margin=MARGIN, style="dim")
