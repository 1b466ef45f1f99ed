"""`psf key`: make the keys of a durable state, or begin a new epoch of them."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from psf_runtime.cli.exits import GOOD, CommandError
from psf_runtime.cli.output import write_json
from psf_runtime.cli.policy_file import load_policy
from psf_runtime.flow.clock import SystemClock
from psf_runtime.policy.environment import choose_state
from psf_runtime.policy.policy import Policy
from psf_runtime.policy.state import open_state
from psf_runtime.stores.keys_file import create_key_file
from psf_runtime.stores.sql.address import state_file


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument("action", choices=("new", "rotate"), help="new: make a key file; rotate: begin a new epoch")
    parser.add_argument("file", metavar="FILE", nargs="?", help="the key file to make (new)")
    parser.add_argument(
        "--policy", metavar="FILE", help="the policy that names state and key (./psf.toml if it is there)"
    )
    parser.add_argument("--state", metavar="URL", help="the state, instead of the policy's")
    parser.add_argument("--retire", action="store_true", help="rotate: destroy the epochs that wrap nothing any more")
    parser.add_argument("--json", action="store_true", help="write JSON")


def run(options: argparse.Namespace) -> int:
    """Make a key file, or rotate the keys of the state that the policy names."""
    return _new(options) if options.action == "new" else _rotate(options)


def _new(options: argparse.Namespace) -> int:
    if options.file is None:
        raise CommandError("which file shall hold the keys?", change="psf key new /run/secrets/psf.keys")
    policy, _ = load_policy(options.policy)
    _refuse_beside_state(Path(options.file), options.state, policy)
    path = create_key_file(options.file)
    if options.json:
        write_json(sys.stdout, {"file": str(path), "epoch": 1, "mode": "0600"})
        return GOOD
    sys.stdout.write(f"made {path}, readable by you only (mode 0600), epoch 1\n")
    sys.stdout.write(f'next: key = "file:{path}" in psf.toml, or PSF_KEY="$(cat {path})"\n')
    sys.stdout.write("keep a copy apart from the backups of the state: without these keys, the state cannot be read\n")
    return GOOD


def _refuse_beside_state(path: Path, option: str | None, policy: Policy) -> None:
    state = state_file(choose_state(option, policy, os.environ))
    if state is None:
        return
    folder = Path(os.path.realpath(state)).parent
    if Path(os.path.realpath(path)).is_relative_to(folder):
        raise CommandError(
            "no key was made: it would lie beside the state",
            why="whoever copies the folder of the state would have its keys too",
            change="name a file in another folder, for example one of secrets",
        )


def _rotate(options: argparse.Namespace) -> int:
    if options.file is not None:
        raise CommandError("psf key rotate takes no file", why="the policy names the key source of the state")
    policy, origin = load_policy(options.policy)
    stores = open_state(policy, options.state, SystemClock()).durable
    if stores is None:
        raise CommandError(
            "there are no keys to rotate: the state is in memory",
            why=f"policy: {origin}",
            change='state = "sqlite:///psf.db" in psf.toml, or --state',
        )
    try:
        report = stores.epochs.rotate()
        idle = [each["epoch"] for each in stores.epochs.epochs() if each["retired"] is None and each["keys"] == 0]
        idle = [epoch for epoch in idle if epoch != report["epoch"]]
        retired = [stores.epochs.retire(epoch)["epoch"] for epoch in idle] if options.retire else []
    finally:
        stores.close()
    left = [epoch for epoch in idle if epoch not in retired]
    if options.json:
        write_json(sys.stdout, {**report, "retired": retired, "not_retired": left})
        return GOOD
    _say_rotated(report, retired, left)
    return GOOD


def _say_rotated(report: Mapping[str, Any], retired: Sequence[int], left: Sequence[int]) -> None:
    sys.stdout.write(f"epoch {report['epoch']} began; {report['rewrapped']} data keys wrapped anew\n")
    for epoch in retired:
        sys.stdout.write(f"epoch {epoch} is destroyed: backups made under it cannot be read any more\n")
    for epoch in left:
        sys.stdout.write(f"epoch {epoch} wraps nothing any more; backups made under it can be read until --retire\n")
