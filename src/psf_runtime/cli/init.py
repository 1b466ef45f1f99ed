"""`psf init`: write a psf.toml with comments, ready to be filled in."""

from __future__ import annotations

import argparse
import pkgutil
import sys
from pathlib import Path

from psf_runtime.cli.exits import GOOD, CommandError
from psf_runtime.cli.output import write_json
from psf_runtime.cli.policy_file import FILE

MODE = 0o644  # a policy that others may write is refused when it is read


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument("--policy", metavar="FILE", default=FILE, help="where to write it (./psf.toml)")
    parser.add_argument("--json", action="store_true", help="write JSON")


def run(options: argparse.Namespace) -> int:
    """Write the file; one that is there is never touched."""
    path = Path(options.policy)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(starter())
        path.chmod(MODE)
    except FileExistsError:
        raise CommandError(
            f"{path} is there already; it was not touched", change="look at it with: psf check"
        ) from None
    except OSError as error:
        raise CommandError(
            f"{path} cannot be written", why=type(error).__name__, change="give --policy another path"
        ) from None
    if options.json:
        write_json(sys.stdout, {"written": str(path)})
    else:
        sys.stdout.write(f"{path} written. Fill in what is yours, then: psf check\n")
    return GOOD


def starter() -> str:
    """The text of the file."""
    data = pkgutil.get_data(__package__ or "", "starter.toml")
    if data is None:
        raise FileNotFoundError("starter.toml")
    return data.decode("utf-8")
