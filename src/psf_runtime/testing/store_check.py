"""`check_store`: the laws of every store port, over yours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal

from psf_runtime.errors import ConfigError
from psf_runtime.testing.stores.cells import check_cells
from psf_runtime.testing.stores.certificates import check_certificates
from psf_runtime.testing.stores.consents import check_consents
from psf_runtime.testing.stores.keys import check_keys
from psf_runtime.testing.stores.ledgers import check_ledger
from psf_runtime.testing.stores.tickets import check_tickets
from psf_runtime.testing.stores.vaults import check_vault

Kind = Literal["cells", "certificates", "consents", "keys", "ledger", "tickets", "vault"]

_SUITES: Mapping[str, Callable[..., None]] = {
    "cells": check_cells,
    "certificates": check_certificates,
    "consents": check_consents,
    "keys": check_keys,
    "ledger": check_ledger,
    "tickets": check_tickets,
    "vault": check_vault,
}
# The method by which each kind is known.
_KNOWN_BY: Mapping[str, str] = {
    "mint": "vault",
    "intend": "ledger",
    "park": "tickets",
    "update": "cells",
    "valid": "certificates",
    "check": "consents",
    "names": "keys",
}


def check_store(make: Callable[[], Any], *, kind: Kind | None = None, clock: Any = None) -> None:
    """Run the laws of a store port on your store.

    Args:
        make: returns an empty store, each time it is called.
        kind: which port; None finds it by the store's methods.
        clock: the ManualClock that the stores of `make` go by; with it, deadlines of tickets are tested too.

    Raises AssertionError that says which law is broken, ConfigError for a store of no known kind.
    """
    found = kind or _kind_of(make())
    if found not in _SUITES:
        raise ConfigError(f"there is no kind of store {found!r}", change="choose from " + ", ".join(sorted(_SUITES)))
    suite = _SUITES[found]
    (partial(suite, clock=clock) if found == "tickets" else suite)(make)


def _kind_of(store: Any) -> str:
    for method, kind in _KNOWN_BY.items():
        if callable(getattr(store, method, None)):
            return kind
    raise ConfigError(
        f"a {type(store).__name__} is none of the known stores",
        why="it has none of the methods " + ", ".join(_KNOWN_BY),
        change="say which one it is: check_store(make, kind='vault')",
    )
