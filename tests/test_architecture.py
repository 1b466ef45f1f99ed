"""The house rules that a machine can check."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "psf_runtime"
FILES = sorted(SOURCE.rglob("*.py"))
PUBLISHED = [
    *ROOT.glob("*.md"),
    *ROOT.glob("docs/**/*.md"),
    *ROOT.glob("examples/*"),
    *ROOT.glob("changelog.d/*"),
    ROOT / "NOTICE",
    *FILES,
]
PUBLISHED += [ROOT / "pyproject.toml", *SOURCE.rglob("*.toml")]
# Heavy libraries that are imported where they are needed, so that `import psf_runtime` stays light.
LAZY = (
    "anyio",
    "botocore",
    "certifi",
    "cryptography",
    "gguf",
    "httpx",
    "numpy",
    "opentelemetry",
    "pydantic",
    "rich",
    "structlog",
    "xllamacpp",
)
HOME = re.compile(r"(?<![\w.}])/(?:root|home|users)/\w", re.IGNORECASE)
# Rooms that need a library of an extra to be imported at all: numpy and gguf; presidio.
LATE_OWN = ("psf_runtime.testing.echo_file", "psf_runtime.adapters.presidio_engine")
OPTIONAL = ("anthropic", "boto3", "botocore", "gguf", "numpy", "openai", "presidio_analyzer", "rich", "xllamacpp")
OPTIONAL_ROOMS = ("adapters", "stores", "cli", "testing")
FORBIDDEN = (
    "makes ai safe",
    "compliant",
    "psf certified",
    "psf-certified",
    "certified by psf",
)


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of the body without the docstring; a signature may be as long as it must."""
    body = node.body
    if isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        body = body[1:]
    if not body:
        return 0
    return (body[-1].end_lineno or 0) - body[0].lineno + 1


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return []


def test_files_hold_one_idea() -> None:
    """No file of the library is longer than 400 lines."""
    sizes = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert {str(path): size for path, size in sizes.items() if size > 400} == {}


def test_functions_are_short() -> None:
    """No function body is longer than 40 lines."""
    long = [
        f"{path.relative_to(SOURCE)}:{node.lineno} {node.name} {body_lines(node)}"
        for path in FILES
        for node in functions(parsed(path))
        if body_lines(node) > 40
    ]
    assert long == []


def test_every_module_says_what_it_is() -> None:
    """Each file opens with a docstring."""
    assert [str(path) for path in FILES if not ast.get_docstring(parsed(path))] == []


def test_imports_are_absolute() -> None:
    """A reader sees from an import alone where a name comes from."""
    relative = [
        f"{path.relative_to(SOURCE)}:{node.lineno}"
        for path in FILES
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []


def test_imports_inside_functions_are_for_heavy_libraries_only() -> None:
    """What is ours is imported at the top; a late import is there for the cost of a third-party library."""
    late = []
    for path in FILES:
        for function in functions(parsed(path)):
            for node in ast.walk(function):
                for name in imported(node):
                    if name.partition(".")[0] not in LAZY and name not in LATE_OWN:
                        late.append(f"{path.relative_to(SOURCE)}:{getattr(node, 'lineno', 0)} {name}")
    assert late == []


def test_optional_libraries_stay_in_their_rooms() -> None:
    """A library of an extra is imported only where its absence has a friendly error."""
    strays = []
    for path in FILES:
        room = path.relative_to(SOURCE).parts[0]
        for node in ast.walk(parsed(path)):
            for name in imported(node):
                if name.partition(".")[0] in OPTIONAL and room not in OPTIONAL_ROOMS:
                    strays.append(f"{path.relative_to(SOURCE)} {name}")
    assert strays == []


def test_published_texts_promise_nothing_they_may_not() -> None:
    """No text claims what the library cannot, and none holds a path of somebody's own machine."""
    found = []
    for path in PUBLISHED:
        if path.is_file() and path.suffix in (".md", ".py", ".toml", ""):
            text = path.read_text(encoding="utf-8").lower()
            found += [f"{path.relative_to(ROOT)}: {word}" for word in FORBIDDEN if word in text]
            found += [f"{path.relative_to(ROOT)}: {match}" for match in HOME.findall(text)]
    assert found == []


def test_layers_are_kept() -> None:
    """The import contracts of pyproject.toml hold."""
    script = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run(
        [sys.executable, "-c", script, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=110
    )
    assert done.returncode == 0, done.stdout
