"""The order of layers is fixed by meaning: a wrong one is an error that prints the right one, never re-sorted."""

from __future__ import annotations

from collections.abc import Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

from psf_runtime.errors import ConfigError, Problem
from psf_runtime.flow.protocols import GuardBase, Layer, Session, is_strategy, name_of


def check_order(layers: Sequence[Layer]) -> None:
    """Raise ConfigError when a layer stands on the wrong side of another, or declares what it cannot keep."""
    names = [name_of(layer) for layer in layers]
    problems: list[Problem] = []
    for position, layer in enumerate(layers):
        for other in getattr(layer, "inside_of", ()):
            if other in names[position + 1 :]:
                problems.append((names[position], f"stands outside of {other}", f"put it inside of {other}"))
        for other in getattr(layer, "outside_of", ()):
            if other in names[:position]:
                problems.append((names[position], f"stands inside of {other}", f"put it outside of {other}"))
        problems.extend(_declarations(layer))
    if problems:
        raise ConfigError(
            "the order of the layers is wrong" if _any_order(problems) else "a layer declares what it cannot keep",
            problems=problems,
            change=_advice(layers, names),
        )


def _any_order(problems: list[Problem]) -> bool:
    return any(wrong.startswith("stands ") for _, wrong, _ in problems)


def _declarations(layer: Any) -> list[Problem]:
    if is_strategy(layer):
        return []
    name = name_of(layer)
    session = getattr(layer, "session", None)
    if not (isinstance(session, type) and issubclass(session, Session)):
        return [(name, "has no session class", "set `session` to the class that open() returns")]
    if session is Session and getattr(type(layer), "open", None) is not GuardBase.open:
        return [(name, "opens sessions of its own, but `session` is the empty base", "set `session` to their class")]
    changes = session.on_chunk is not Session.on_chunk or session.on_end is not Session.on_end
    if layer.on_error == "allow" and changes:
        return [(name, "on_error='allow' on a guard that transforms chunks", "set on_error='stop'")]
    return []


def _advice(layers: Sequence[Layer], names: list[str]) -> str:
    order = _right_order(layers, names)
    if order is None:
        return "take one of the declarations back: they contradict each other, and no order keeps them all"
    return f"outermost first: {' > '.join(order)}"


def _right_order(layers: Sequence[Layer], names: list[str]) -> list[str] | None:
    """The nearest order that keeps every declaration; None where they contradict each other."""
    sorter: TopologicalSorter[str] = TopologicalSorter()
    present = set(names)
    for name, layer in zip(names, layers, strict=True):
        sorter.add(name)
        for outer in getattr(layer, "inside_of", ()):
            if outer in present:
                sorter.add(name, outer)
        for inner in getattr(layer, "outside_of", ()):
            if inner in present:
                sorter.add(inner, name)
    try:
        sorter.prepare()
    except CycleError:
        return None
    order: list[str] = []
    ready: set[str] = set()
    while sorter.is_active():
        ready.update(sorter.get_ready())
        following = min(ready, key=names.index)
        ready.discard(following)
        order.append(following)
        sorter.done(following)
    return order
