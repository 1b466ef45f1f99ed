"""The public door: exactly these names, and next to nothing loaded to open it."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import psf_runtime

ROOT = Path(__file__).parents[1]
HEAVY = ("httpx", "pydantic", "presidio_analyzer", "opentelemetry", "structlog", "sqlalchemy", "anyio", "asyncio")
NAMES = """
AsyncClient Client Completion Contract Decision File Image Message Policy Purpose Target Ticket Tool ToolRule Waiver
Allow Block Escalate Reask Reroute Rewrite Verdict
ApprovalPending Blocked ConfigError ProviderError PsfError
decision_of facts guard untrusted wrap
"""


def test_the_root_exports_exactly_the_promised_names() -> None:
    """32 names, sorted, nothing else."""
    assert psf_runtime.__all__ == sorted(NAMES.split())
    assert len(psf_runtime.__all__) == 32


@pytest.mark.parametrize("name", NAMES.split())
def test_every_name_can_be_imported(name: str) -> None:
    """The door loads what it names."""
    assert getattr(psf_runtime, name) is not None
    assert name in dir(psf_runtime)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """As with any module."""
    with pytest.raises(AttributeError, match="Clint"):
        psf_runtime.Clint  # noqa: B018


@pytest.mark.parametrize("door", ["errors", "types", "policy", "guards", "testing"])
def test_the_other_doors_open(door: str) -> None:
    """Everything that a door lists can be had there."""
    module = importlib.import_module(f"psf_runtime.{door}")
    for name in getattr(module, "__all__", ()):
        assert getattr(module, name) is not None


def test_importing_the_package_loads_nothing_heavy() -> None:
    """`import psf_runtime` in a fresh process loads no third-party library and no event loop."""
    script = f"import sys, psf_runtime; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_page_of_errors_is_what_the_classes_say() -> None:
    """docs/errors.md shows every public error once, as it prints today."""
    script = ROOT / "tools" / "write_errors_doc.py"
    done = subprocess.run([sys.executable, str(script), "--check"], capture_output=True, text=True)
    assert done.returncode == 0, "run: python tools/write_errors_doc.py"


def test_the_page_of_errors_shows_every_class() -> None:
    """No public error class is missing from the page."""
    text = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    errors = importlib.import_module("psf_runtime.errors")
    classes = [
        name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, errors.PsfError)
    ]
    assert [name for name in classes if f"\n## {name}\n" not in text] == []
