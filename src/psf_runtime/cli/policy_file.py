"""Which policy a command looks at."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from psf_runtime.cli.exits import CommandError
from psf_runtime.policy.environment import choose_policy
from psf_runtime.policy.policy import Policy

FILE = "psf.toml"


def policy_path(option: str | None, environ: Mapping[str, str]) -> str | None:
    """The file that a command reads: `--policy`, else `./psf.toml` if it is there, else $PSF_POLICY.

    Only the command line looks into the working directory; a client never does. None: there is no file.
    Raises CommandError when the file that was asked for is not there.
    """
    if option is not None:
        if not Path(option).is_file():
            raise CommandError(f"there is no file {option}", change="give --policy another path, or make one: psf init")
        return option
    if Path(FILE).is_file():
        return FILE
    return environ.get("PSF_POLICY") or None


def load_policy(option: str | None) -> tuple[Policy, str]:
    """The policy, and where it is from, for people. Raises ConfigError when it cannot be used."""
    path = policy_path(option, os.environ)
    if option is None and path != FILE:
        # This way refuses a PSF_POLICY that is not a whole path.
        return choose_policy(None, os.environ), path or "the standard preset (no psf.toml here)"
    file = path or FILE
    return Policy.from_file(file), file
