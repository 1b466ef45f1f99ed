"""What the tests of durable stores share: addresses of empty databases, keys, a clock, and stores over them."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine

from psf_runtime.ports import KeyProvider
from psf_runtime.stores.sql.chain import SqlChain
from psf_runtime.stores.sql.database import Database
from psf_runtime.stores.sql.epochs import Epochs
from psf_runtime.stores.sql.foundation import Foundation
from psf_runtime.stores.sql.secrets import SqlSecrets
from psf_runtime.stores.sql.vault import SqlVault

JANE = ("EMAIL", "jane@example.com")
BOB = ("EMAIL", "bob@example.com")
START = 1_800_000_000.0


@dataclass
class Time:
    """A clock that stands still until it is moved."""

    now: float = START

    def __call__(self) -> float:
        return self.now


@dataclass
class Case:
    """One empty database and its keys. Each `foundation` is what another process would have: engines of its own."""

    address: str
    keys: KeyProvider
    time: Time = field(default_factory=Time)
    opened: list[Database] = field(default_factory=list)

    def foundation(self, keys: KeyProvider | None = None, *, lock_seconds: float = 5.0) -> Foundation:
        database = Database(self.address, lock_seconds=lock_seconds)
        self.opened.append(database)
        return Foundation(database, keys or self.keys, clock=self.time)

    def vault(self, keys: KeyProvider | None = None, *, lock_seconds: float = 5.0, **settings: Any) -> SqlVault:
        return SqlVault(self.foundation(keys, lock_seconds=lock_seconds), **settings)

    def chain(self) -> SqlChain:
        return SqlChain(self.foundation())

    def secrets(self) -> SqlSecrets:
        return SqlSecrets(self.foundation())

    def epochs(self, keys: KeyProvider | None = None) -> Epochs:
        return Epochs(self.foundation(keys))

    def sql(self, statement: str, **values: Any) -> list[tuple[Any, ...]]:
        """Run a statement as somebody who may write to the database, and lacks the keys."""
        if self.file is not None:
            with sqlite3.connect(self.file) as connection:
                rows = connection.execute(statement, values).fetchall()
            connection.close()
            return rows
        engine = create_engine(self.address)
        with engine.begin() as connection:
            done = connection.exec_driver_sql(_for_psycopg(statement, values), values or None)
            rows = [tuple(row) for row in done] if done.returns_rows else []
        engine.dispose()
        return rows

    @property
    def file(self) -> Path | None:
        head, _, path = self.address.partition("sqlite:///")
        return Path(path) if not head else None

    def bytes_at_rest(self) -> bytes:
        """Everything that lies in the folder of an SQLite state."""
        assert self.file is not None
        return b"".join(path.read_bytes() for path in sorted(self.file.parent.iterdir()))

    def close(self) -> None:
        for database in self.opened:
            database.close()


def _for_psycopg(statement: str, values: dict[str, Any]) -> str:
    for name in values:
        statement = statement.replace(f":{name}", f"%({name})s")
    return statement
