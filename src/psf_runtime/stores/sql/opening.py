"""The door to durable state: the one module of this folder that works without SQLAlchemy."""

from __future__ import annotations

from collections.abc import Callable, Collection
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from psf_runtime.errors import ConfigError
from psf_runtime.ports import KeyProvider
from psf_runtime.stores.sql.address import checked, state_file

if TYPE_CHECKING:
    from psf_runtime.stores.sql.stores import SqlStores

_NEEDED = {"sql": ("sqlalchemy",), "postgres": ("sqlalchemy", "psycopg")}


def open_stores(
    state: str, keys: KeyProvider, *, clock: Callable[[], float], lasting: Collection[str] = ()
) -> SqlStores:
    """The stores of a database. Nothing is connected, and no file made, before the first use.

    Args:
        state: `sqlite:///psf.db` or `postgresql+psycopg://...`.
        clock: seconds since the epoch.
        lasting: conversations whose tokens stay the same (see `SqlVault`).

    Raises ConfigError for an address that is none, and when an extra is not installed.
    """
    address = checked(state)
    extra = "postgres" if state_file(address) is None else "sql"
    missing = [name for name in _NEEDED[extra] if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"this state needs {' and '.join(missing)}",
            control="privacy.tokens",
            why="it is not installed",
            change=f"pip install 'psf-runtime[{extra}]'",
        )
    # Loaded only here: everything behind this door imports SQLAlchemy at its top.
    made = import_module("psf_runtime.stores.sql.stores")
    stores: SqlStores = made.SqlStores(address, keys, clock=clock, lasting=lasting)
    return stores
