"""`psf halt`: stop all calls, let them run again, or see which it is."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from psf_runtime.cli.exits import GOOD, CommandError
from psf_runtime.cli.output import write_json
from psf_runtime.cli.policy_file import load_policy
from psf_runtime.errors import StateError
from psf_runtime.policy.environment import is_halted


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument("action", choices=("on", "off", "show"), help="on: stop all calls; off: let them run again")
    parser.add_argument("--policy", metavar="FILE", help="the policy that names the file (./psf.toml if it is there)")
    parser.add_argument("--json", action="store_true", help="write JSON")


def run(options: argparse.Namespace) -> int:
    """Make, remove or look at the file that the policy names."""
    path = _halt_path(options.policy)
    try:
        if options.action == "on":
            path.touch()
        elif options.action == "off":
            path.unlink(missing_ok=True)
        exists = path.exists()
    except OSError as error:
        raise StateError(
            f"the halt file {path} cannot be used", why=type(error).__name__, change="check the folder and its rights"
        ) from None
    _say(path, exists, as_json=options.json)
    return GOOD


def _halt_path(option: str | None) -> Path:
    policy, origin = load_policy(option)
    file = policy.resilience.halt_file
    if file is None:
        raise CommandError(
            "the policy names no halt file",
            why=f"policy: {origin}",
            change='resilience.halt = "file:/run/psf.halt" in psf.toml; PSF_HALT=1 halts one process',
        )
    return Path(file)


def _say(path: Path, exists: bool, *, as_json: bool) -> None:
    environment = is_halted(os.environ)
    if as_json:
        write_json(sys.stdout, {"halted": exists, "file": str(path), "environment": environment})
        return
    state = "halted: no call runs while this file exists" if exists else "calls run"
    sys.stdout.write(f"{state}   ({path})\n")
    if environment:
        sys.stdout.write("PSF_HALT is set here: processes that inherit it are halted too\n")
