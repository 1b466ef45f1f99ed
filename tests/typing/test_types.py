"""The public surface under mypy strict: what it promises is so, and what is wrong is found, with the right code."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import files
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
_EXPECTED = re.compile(r"# expected: ([a-z-]+)$")
_REPORTED = re.compile(r"mistakes\.py:(\d+): error: .*\[([a-z-]+)\]$")


@pytest.fixture(name="report", scope="module")
def _report() -> list[str]:
    """What mypy says of the three files, with the settings of pyproject.toml."""
    names = [str(HERE / name) for name in ("calls.py", "kit.py", "mistakes.py")]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--no-error-summary", *names],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=115,
    )
    return [line for line in done.stdout.splitlines() if ": error: " in line or ": note: Reveal" in line]


def test_what_the_types_promise_is_so(report: list[str]) -> None:
    """Every `assert_type` holds: values, streams, resumed calls, wrapped clients, the test kit."""
    assert [line for line in report if "mistakes.py" not in line] == []


def test_what_is_wrong_is_found(report: list[str]) -> None:
    """Each mistake is reported on its line, with its code, and nothing else is."""
    lines = (HERE / "mistakes.py").read_text(encoding="utf-8").splitlines()
    expected = {number: found[1] for number, line in enumerate(lines, 1) if (found := _EXPECTED.search(line))}
    reported = {int(found[1]): found[2] for line in report if (found := _REPORTED.search(line))}
    assert reported == expected
    assert [line for line in report if "mistakes.py" in line and not _REPORTED.search(line)] == []
    assert len(expected) == 13


def test_pyright_agrees(tmp_path: Path) -> None:
    """Pyright's rules, strict, find nothing in what users would write either."""
    settings = {
        "typeCheckingMode": "strict",
        "include": [str(HERE / "calls.py"), str(HERE / "kit.py")],
        "venvPath": str(Path(sys.prefix).parent),
        "venv": Path(sys.prefix).name,
        "extraPaths": [str(ROOT / "src")],
    }
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "basedpyright", "--project", str(tmp_path), "--outputjson"],
        capture_output=True,
        text=True,
        timeout=115,
    )
    report = json.loads(done.stdout)
    assert [entry["message"] for entry in report["generalDiagnostics"] if entry["severity"] == "error"] == []
    assert report["summary"]["filesAnalyzed"] == 2


def test_the_package_says_that_it_is_typed() -> None:
    """`py.typed` lies in the package, where the wheel takes everything from."""
    assert (ROOT / "src" / "psf_runtime" / "py.typed").read_bytes() == b""
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'packages = ["src/psf_runtime"]' in settings
    assert "Typing :: Typed" in settings
    assert files("psf-runtime") is not None
