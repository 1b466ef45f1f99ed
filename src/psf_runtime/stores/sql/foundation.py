"""What all stores of one database share: its tables, its keys, its clock, and the one row about the whole."""

from __future__ import annotations

import hmac
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection, select, update

from psf_runtime.errors import StateError
from psf_runtime.ports import KeyProvider
from psf_runtime.stores.forking import start_anew_after_fork
from psf_runtime.stores.sql.data_keys import DataKeys, insert_if_absent
from psf_runtime.stores.sql.database import Database
from psf_runtime.stores.sql.names import Names
from psf_runtime.stores.sql.schema import EPOCHS, METADATA, SCHEMA, STATE
from psf_runtime.stores.sql.seals import check_of
from psf_runtime.stores.sql.troubles import CONTROL

T = TypeVar("T")
_CLOCK_SLACK = 5000  # milliseconds a clock may go back before nothing that expires is trusted
_CLOCK_STEP = 1000  # milliseconds after which the latest time is written down again


@dataclass(frozen=True, slots=True)
class Moment:
    """What holds for one transaction: the time now and the latest one written down, in milliseconds, the current epoch
    of the keys, and how often something was erased."""

    now: int
    latest: int
    epoch: int
    erasures: int


class Foundation:
    """One database with its keys. Thread-safe.

    The first work makes the tables and checks that the keys are the right ones; nothing is connected before.

    Args:
        clock: seconds since the epoch. More than 5 s behind the latest time in the database: StateError.
    """

    def __init__(self, database: Database, keys: KeyProvider, *, clock: Callable[[], float] = time.time) -> None:
        self.database = database
        self.keys = keys
        self.data_keys = DataKeys(keys)
        self._clock = clock
        self._names: Names | None = None
        self._ready = False
        self._lock = threading.Lock()
        start_anew_after_fork(self)

    def start_anew(self) -> None:
        """In a forked child: a lock of its own."""
        self._lock = threading.Lock()

    @property
    def names(self) -> Names:
        """Digests that stand for names."""
        if self._names is None:
            self._names = Names(self.keys.names())
        return self._names

    def read(self, work: Callable[[Connection, Moment], T]) -> T:
        """Run work that only reads."""
        self._prepare()
        return self.database.read(lambda connection: work(connection, self._moment(connection)))

    def write(self, work: Callable[[Connection, Moment], T], *, alone: bool = False) -> T:
        """Run work that writes, whole or not at all; `alone`: no other writer runs meanwhile."""
        self._prepare()

        def timed(connection: Connection) -> T:
            moment = self._moment(connection)
            if moment.now > moment.latest + _CLOCK_STEP:
                later = update(STATE).where(STATE.c.latest < moment.now).values(latest=moment.now)
                connection.execute(later)
            return work(connection, moment)

        return self.database.write(timed, alone=alone)

    def now(self) -> int:
        """Milliseconds since the epoch."""
        seconds = self._clock()
        if not math.isfinite(seconds) or seconds < 0:
            raise _clock_unsafe("it gives no time")
        return int(seconds * 1000)

    def _moment(self, connection: Connection) -> Moment:
        row = connection.execute(select(STATE.c.epoch, STATE.c.latest, STATE.c.erasures)).one_or_none()
        if row is None:
            raise StateError(
                "the state cannot be used",
                control=CONTROL,
                why="the row that describes it is gone",
                change="restore it from a backup",
            )
        now = self.now()
        if now < row.latest - _CLOCK_SLACK:
            raise _clock_unsafe("it went back by more than 5 s")
        return Moment(now, row.latest, row.epoch, row.erasures)

    def _prepare(self) -> None:
        if self._ready:
            return
        with self._lock:
            if not self._ready:
                self.database.write(self._make_and_check, alone=True)
                self._ready = True

    def _make_and_check(self, connection: Connection) -> None:
        METADATA.create_all(connection)
        names_check, epoch, now = self.names.check, self.keys.current(), self.now()
        first = {
            "id": 1,
            "schema_version": SCHEMA,
            "names_check": names_check,
            "epoch": epoch,
            "latest": now,
            "erasures": 0,
        }
        if insert_if_absent(connection, STATE, first):
            check = check_of(self.keys.key(epoch))
            connection.execute(EPOCHS.insert().values(epoch=epoch, key_check=check, began=now, retired=None))
        row = connection.execute(select(STATE)).one()
        if row.schema_version != SCHEMA:
            raise StateError(
                "the state cannot be used",
                control=CONTROL,
                why=f"it has the form {row.schema_version}; this version of the library knows {SCHEMA}",
                change="use the version of the library that made it",
            )
        known = connection.execute(select(EPOCHS.c.key_check).where(EPOCHS.c.epoch == row.epoch)).scalar_one_or_none()
        fits = hmac.compare_digest(row.names_check, names_check)
        if not fits or known is None or not hmac.compare_digest(known, check_of(self.keys.key(row.epoch))):
            raise StateError(
                "the state cannot be used",
                control=CONTROL,
                why="its keys are others than the ones given",
                change="give the keys that were in use when it was made",
            )


def _clock_unsafe(why: str) -> StateError:
    return StateError(
        "the clock cannot be trusted",
        control=CONTROL,
        why=why,
        change="set the clock of this machine; what expires cannot be told without it",
    )
