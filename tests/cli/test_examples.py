"""Every script in examples/ runs as it is, and prints what its first line says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "examples"
SHOWS = {
    "approval.py": ("is open; nothing was paid", "go to GB82 WEST 1234 5698 7654 32", "the model was asked 1 time\n"),
    "fallback.py": ("PL61 1090 1014 0000 0712 1981 2874", "degraded: True", "busy: RateLimitError\nmock:echo: ok"),
    "quickstart.py": ("Tell EMAIL_", "Tell jane.doe@example.com (+1 202 555 0143)", "sent as tokens  EMAIL 1, PHONE 1"),
    "streaming.py": ("+1 202 555 0178 et écrira à zoe@example.net.\n", "sent as tokens"),
    "structured.py": ("413.5\n", "the model was asked 2 times", "write to EMAIL_"),
}


def test_every_script_is_run_here() -> None:
    """None is forgotten."""
    assert sorted(path.name for path in FOLDER.glob("*.py")) == sorted(SHOWS)


@pytest.mark.parametrize("name", sorted(SHOWS))
def test_it_runs_and_shows_what_it_says(name: str, tmp_path: Path) -> None:
    """In an empty folder, without a key, without a policy, with warnings as errors."""
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "SYSTEMROOT") if key in os.environ}
    environ = {**kept, "PYTHONUTF8": "1"}
    command = [sys.executable, "-W", "error", str(FOLDER / name)]
    ran = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, encoding="utf-8")
    assert ran.returncode == 0, ran.stderr
    assert [text for text in SHOWS[name] if text not in ran.stdout] == []
    assert list(tmp_path.iterdir()) == []
