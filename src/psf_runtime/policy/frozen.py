"""Values that cannot be changed: what a policy is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class FrozenTable(dict[Any, Any]):
    """A table that cannot be changed after it is made. Equal to any table with the same entries."""

    def _refuse(self, *_arguments: Any, **_named: Any) -> Any:
        raise TypeError("a policy cannot be changed: use policy.replace(...)")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __reduce__(self) -> Any:
        return FrozenTable, (dict(self),)

    def __copy__(self) -> FrozenTable:
        return self

    def __deepcopy__(self, _memo: Any) -> FrozenTable:
        return self


EMPTY = FrozenTable()


def frozen(value: Any) -> Any:
    """The same value, unchangeable: lists become tuples, tables become read-only, at every depth."""
    if isinstance(value, list | tuple):
        return tuple(frozen(each) for each in value)
    if isinstance(value, Mapping):
        return FrozenTable({key: frozen(each) for key, each in value.items()})
    return value
