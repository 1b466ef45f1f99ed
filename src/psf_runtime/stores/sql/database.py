"""One database: its connections, its transactions, and what becomes of its errors."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Any, Literal, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy import exc as sa_errors

from psf_runtime.errors import StateError
from psf_runtime.stores.forking import start_anew_after_fork
from psf_runtime.stores.sql.address import checked, state_file
from psf_runtime.stores.sql.sqlite_file import file_replaced, identity_of, opener, prepare_file
from psf_runtime.stores.sql.troubles import Conflict, locked_here, trouble_of

T = TypeVar("T")
Work = Callable[[Connection], T]
_BEGIN = "psf_begin"
_CONFLICT_TRIES = 5
_LOCK_NUMBER = 0x70736601  # any fixed number: it names the store's lock in PostgreSQL
_POOL: dict[str, Any] = {"pool_size": 8, "max_overflow": 24, "pool_timeout": 10}
_POSTGRES_OPTIONS = "-c statement_timeout=15000 -c idle_in_transaction_session_timeout=30000"


class Database:
    """Runs work in transactions. Thread-safe; a forked child opens connections of its own.

    SQLite has one writer at a time, in this process by a lock and between processes by `BEGIN IMMEDIATE`. PostgreSQL
    has many; work that erases or moves keys holds a lock of the whole store alone, other writers share it.

    Args:
        address: `sqlite:///psf.db` or `postgresql+psycopg://...`. Nothing is opened before the first work.
        lock_seconds: how long a lock that somebody else holds is waited for.

    Every error of the database comes out as a StateError; nothing of a failed transaction stays.
    """

    def __init__(self, address: str, *, lock_seconds: float = 5.0) -> None:
        self._lock_seconds = lock_seconds
        self._address = checked(address)
        self._file = state_file(address)
        self._inherited: list[Engine] = []
        self._engine: Engine | None = None
        self._identity: tuple[int, int] | None = None
        self._ending: weakref.finalize[Any, Any] | None = None
        self._locks()
        start_anew_after_fork(self)

    def _locks(self) -> None:
        self._opening = threading.Lock()
        self._writer = threading.Lock()

    def start_anew(self) -> None:
        """In a forked child: the parent's connections are kept unused, because closing them would disturb it."""
        if self._engine is not None:
            self._inherited.append(self._engine)
        if self._ending is not None:
            self._ending.detach()
        self._engine = self._ending = None
        self._locks()

    def __repr__(self) -> str:
        return f"Database({self.dialect})"

    @property
    def dialect(self) -> Literal["sqlite", "postgresql"]:
        """Which kind of database it is."""
        return "postgresql" if self._file is None else "sqlite"

    def close(self) -> None:
        """Close the connections; the next work opens new ones."""
        with self._opening:
            ending, self._engine, self._ending = self._ending, None, None
        if ending is not None:
            ending()

    def read(self, work: Work[T]) -> T:
        """Run work that only reads."""
        return self._guarded(lambda: self._run(work, "BEGIN"))

    def write(self, work: Work[T], *, alone: bool = False) -> T:
        """Run work that writes, whole or not at all; run it again when somebody else wrote the same row first.

        Args:
            alone: no other writer of this store runs meanwhile.
        """
        for _ in range(_CONFLICT_TRIES - 1):
            try:
                return self._write_once(work, alone)
            except Conflict:
                continue
        return self._write_once(work, alone)

    def overwrite_deleted(self) -> bool:
        """Move everything from SQLite's log into the file and empty the log, so that no deleted bytes stay in either.

        Returns whether that was done: a reader may be in the way. PostgreSQL keeps deleted rows until it vacuums.
        What was deleted is deleted in either case, so nothing that goes wrong here is an error.
        """
        if self._file is None:
            return False

        def checkpoint(connection: Connection) -> bool:
            busy = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").scalar_one()
            return int(busy) == 0

        try:
            return self._guarded(lambda: self._run(checkpoint, ""))
        except StateError:
            return False

    def _write_once(self, work: Work[T], alone: bool) -> T:
        if self._file is None:
            return self._guarded(lambda: self._run(_after_lock(work, alone), "BEGIN"))
        if not self._writer.acquire(timeout=2 * self._lock_seconds):
            raise locked_here()
        try:
            return self._guarded(lambda: self._run(work, "BEGIN IMMEDIATE"))
        finally:
            self._writer.release()

    def _run(self, work: Work[T], begin: str) -> T:
        with self._opened().connect() as connection:
            connection = connection.execution_options(**{_BEGIN: begin})
            result = work(connection)
            connection.commit()
            return result

    def _guarded(self, run: Callable[[], T]) -> T:
        trouble: StateError
        try:
            return run()
        except sa_errors.SQLAlchemyError as error:
            trouble = trouble_of(error)
        raise trouble

    def _opened(self) -> Engine:
        engine = self._engine
        if engine is not None:
            if self._file is not None and identity_of(self._file) != self._identity:
                raise file_replaced()
            return engine
        with self._opening:
            if self._engine is None:
                self._engine = self._open()
                self._ending = weakref.finalize(self, self._engine.dispose)  # also when nobody closes it
            return self._engine

    def _open(self) -> Engine:
        if self._file is None:
            options = f"-c lock_timeout={int(self._lock_seconds * 1000)} {_POSTGRES_OPTIONS}"
            arguments = {"connect_timeout": 5, "options": options}
            return create_engine(
                self._address, hide_parameters=True, pool_pre_ping=True, connect_args=arguments, **_POOL
            )
        prepare_file(self._file)
        self._identity = identity_of(self._file)
        connect = opener(self._file, lock_seconds=self._lock_seconds)
        engine = create_engine(self._address, hide_parameters=True, creator=connect, **_POOL)
        event.listen(engine, "begin", _begin)
        return engine


def _begin(connection: Connection) -> None:
    statement = connection.get_execution_options().get(_BEGIN, "BEGIN")
    if statement:
        connection.exec_driver_sql(statement)


def _after_lock(work: Work[T], alone: bool) -> Work[T]:
    function = "pg_advisory_xact_lock" if alone else "pg_advisory_xact_lock_shared"

    def locked(connection: Connection) -> T:
        connection.execute(text(f"SELECT {function}({_LOCK_NUMBER})"))
        return work(connection)

    return locked
