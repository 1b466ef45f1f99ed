"""Rules over the source itself: where a bare `yield` may stand, and what may not be imported or called."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import psf_runtime

ROOT = Path(psf_runtime.__file__).parent
LEAVES = {"flow/effects.py", "flow/leaf.py"}
DRIVERS = {f"flow/{name}.py" for name in ("clock", "sync", "aio", "lanes", "branches", "world", "tape")}
WORLDLY = {"time", "random", "asyncio", "socket", "threading", "secrets", "subprocess", "select", "anyio"}
# An offline replay of an async guard needs an event loop; nothing else of it touches the world.
LAZY = {"flow/replay.py": {"anyio"}}
FORBIDDEN_IMPORTS = {"pickle", "marshal", "shelve", "dill", "yaml", "cloudpickle"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
PLAIN_ITERATORS = ("Iterator", "Iterable", "Generator[None", "AsyncIterator")
Function = ast.FunctionDef | ast.AsyncFunctionDef


def sources(*folders: str) -> list[Path]:
    roots = [ROOT / folder for folder in folders] or [ROOT]
    return sorted(path for root in roots for path in root.rglob("*.py"))


def short(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def own_nodes(function: Function) -> Iterator[ast.AST]:
    """The nodes of a function without those of functions inside it."""
    waiting = list(ast.iter_child_nodes(function))
    while waiting:
        node = waiting.pop()
        if isinstance(node, Function | ast.Lambda):
            continue
        yield node
        waiting.extend(ast.iter_child_nodes(node))


def is_plain_iterator(function: Function) -> bool:
    """Whether a generator says that it is no flow: it is annotated as an iterator of values."""
    return function.returns is not None and ast.unparse(function.returns).startswith(PLAIN_ITERATORS)


def bare_yields(tree: ast.Module) -> list[int]:
    """Lines of every `yield` in a function that may be a flow."""
    return [
        node.lineno
        for function in ast.walk(tree)
        if isinstance(function, Function) and not is_plain_iterator(function)
        for node in own_nodes(function)
        if isinstance(node, ast.Yield)
    ]


def imports_of(tree: ast.Module) -> set[str]:
    """The top-level names of all modules that are imported, anywhere in the file."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def calls_of(tree: ast.Module) -> set[str]:
    return {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}


@pytest.mark.parametrize("path", sources("flow", "guards"), ids=short)
def test_only_leaf_helpers_yield(path: Path) -> None:
    """Guards and strategies ask the world only through helpers: a bare `yield` of theirs is a mistake."""
    if short(path) not in LEAVES:
        assert bare_yields(tree_of(path)) == []


@pytest.mark.parametrize("path", sources(), ids=short)
def test_nothing_runs_data_as_code(path: Path) -> None:
    """No pickle, no marshal, no YAML, no eval or exec, anywhere."""
    tree = tree_of(path)
    assert imports_of(tree) & FORBIDDEN_IMPORTS == set()
    assert calls_of(tree) & FORBIDDEN_CALLS == set()


@pytest.mark.parametrize("path", sources("types", "flow", "guards"), ids=short)
def test_only_drivers_touch_the_world(path: Path) -> None:
    """Types, guards and the engine are pure: clocks, random numbers, sockets, tasks and threads are the drivers'."""
    if short(path) not in DRIVERS:
        assert imports_of(tree_of(path)) & WORLDLY <= LAZY.get(short(path), set())


def test_the_rules_find_what_they_look_for() -> None:
    """The checks themselves work: a flow with a bare yield, a hidden import and a call of eval are found."""
    flow = (
        "def f() -> Flow[int]:\n    x = yield 3\ndef g():\n    def h() -> Iterator[int]:\n        yield 1\n    yield\n"
    )
    assert bare_yields(ast.parse(flow)) == [2, 6]
    assert "pickle" in imports_of(ast.parse("def f():\n    import pickle.x\n"))
    assert "time" in imports_of(ast.parse("from time import sleep"))
    assert calls_of(ast.parse("eval('1')")) == {"eval"}
    assert bare_yields(tree_of(ROOT / "flow/effects.py")) != []
