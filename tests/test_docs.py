"""What the documents show is run: a reader may copy any block."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from psf_runtime.policy.toml import read_policy_text

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")])
FENCE = re.compile(r"(<!-- not run: [^\n]*-->\n)?^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DEMO = "python3 -m venv .venv && .venv/bin/pip install -q '.[demo]' && .venv/bin/psf demo\n"
SUITE = "python3 -m venv .venv && .venv/bin/pip install -q -e '.[all,dev]' && .venv/bin/pytest\n"


def blocks(document: Path, language: str) -> list[str]:
    """The blocks of a language in a document that are not marked as not to be run."""
    found = FENCE.findall(document.read_text(encoding="utf-8"))
    return [text for mark, kind, text in found if kind == language and not mark]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_python_block_runs(document: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The blocks of one document run one after the other, in one namespace."""
    namespace: dict[str, object] = {"__name__": "documentation"}
    for number, block in enumerate(blocks(document, "python")):
        exec(compile(block, f"{document.name}, block {number + 1}", "exec"), namespace)
    capsys.readouterr()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_policy_in_the_documents_loads(document: Path) -> None:
    """A toml block is a policy that this version accepts."""
    for block in blocks(document, "toml"):
        assert read_policy_text(block).problems == []


def test_the_first_two_commands_are_the_promised_ones() -> None:
    """A newcomer pastes the first block to see it work, and the second to run the whole suite."""
    assert blocks(ROOT / "README.md", "sh")[:2] == [DEMO, SUITE]


def test_links_between_documents_lead_somewhere() -> None:
    """A relative link in a document names a file or folder that exists."""
    broken = []
    for document in DOCUMENTS:
        for link in re.findall(r"\]\(([^)#]+)\)", document.read_text(encoding="utf-8")):
            if "://" not in link and not (document.parent / link).exists():
                broken.append(f"{document.name}: {link}")
    assert broken == []
