"""Rotation: a new epoch of the keys, data keys wrapped anew under it, and the old epoch destroyed."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, select, update

from psf_runtime.errors import ConfigError, StateError
from psf_runtime.ports import KeyProvider, RotatingKeys
from psf_runtime.stores.sql.data_keys import insert_if_absent
from psf_runtime.stores.sql.foundation import Foundation, Moment
from psf_runtime.stores.sql.schema import EPOCHS, KEYS, STATE
from psf_runtime.stores.sql.seals import check_of
from psf_runtime.stores.sql.troubles import CONTROL

_BATCH = 200


class Epochs:
    """Rotates the keys of a database. Values and tokens stay as they are; only their wrapped keys change.

    Rotation may be interrupted anywhere and be run again: it goes on with what is left.
    """

    def __init__(self, foundation: Foundation) -> None:
        self._foundation = foundation

    def rotate(self) -> dict[str, Any]:
        """Begin a new epoch and wrap every data key under it. Returns `epoch`, and `rewrapped`, how many keys.

        A key file gets its new epoch now. Any other key source must hold it already.

        Raises:
            ConfigError: the key source holds no newer epoch, and cannot make one.
            StateError: the state or a key cannot be used.
        """
        epoch = self._next_epoch()
        self._foundation.write(lambda connection, moment: self._begin(connection, moment, epoch), alone=True)
        rewrapped = 0
        while True:
            done = self._foundation.write(lambda connection, _moment: self._rewrap(connection, epoch), alone=True)
            if done == 0:
                break
            rewrapped += done
        self._foundation.database.overwrite_deleted()
        return {"epoch": epoch, "rewrapped": rewrapped}

    def retire(self, epoch: int) -> dict[str, Any]:
        """Destroy an old epoch: from now on, no backup made under it can be read. Returns `epoch` and `retired_at`.

        Raises:
            ConfigError: it is the current epoch; a key is still wrapped under it; or the key source still holds it and
                cannot destroy it itself.
        """
        self._foundation.read(lambda connection, moment: _refuse_used(connection, moment, epoch))
        keys = self._foundation.keys
        if _holds(keys, epoch):
            if not isinstance(keys, RotatingKeys):
                raise ConfigError(
                    f"epoch {epoch} of the keys is still in the key source",
                    control=CONTROL,
                    why="a source of this kind is changed by whoever runs it",
                    change="destroy it there, then retire it here",
                )
            keys.retire(epoch)

        def work(connection: Connection, moment: Moment) -> int:
            connection.execute(update(EPOCHS).where(EPOCHS.c.epoch == epoch).values(retired=moment.now))
            return moment.now

        return {"epoch": epoch, "retired_at": self._foundation.write(work, alone=True) / 1000}

    def epochs(self) -> list[dict[str, Any]]:
        """Every epoch, oldest first: `epoch`, `began`, `retired` (seconds, or None) and how many `keys` it wraps."""

        def work(connection: Connection, _moment: Moment) -> list[dict[str, Any]]:
            grouped = select(KEYS.c.epoch, func.count().label("keys")).group_by(KEYS.c.epoch)
            used = {row.epoch: row.keys for row in connection.execute(grouped)}
            rows = connection.execute(select(EPOCHS).order_by(EPOCHS.c.epoch)).all()
            return [
                {
                    "epoch": row.epoch,
                    "began": row.began / 1000,
                    "retired": None if row.retired is None else row.retired / 1000,
                    "keys": used.get(row.epoch, 0),
                }
                for row in rows
            ]

        return self._foundation.read(work)

    def _next_epoch(self) -> int:
        """The epoch to rotate to: one that is in the source and not in use yet, or a rotation that did not finish."""
        keys = self._foundation.keys
        current, unfinished = self._foundation.read(_standing)
        if keys.current() > current:
            return keys.current()
        if unfinished:
            return current
        if isinstance(keys, RotatingKeys):
            return keys.advance()
        raise ConfigError(
            "there is no newer epoch to rotate to",
            control=CONTROL,
            why=f"epoch {current} is the newest that the key source holds",
            change="add the next one to the key source of every process, then rotate",
        )

    def _begin(self, connection: Connection, moment: Moment, epoch: int) -> None:
        if epoch <= moment.epoch:
            return
        row = {
            "epoch": epoch,
            "key_check": check_of(self._foundation.keys.key(epoch)),
            "began": moment.now,
            "retired": None,
        }
        insert_if_absent(connection, EPOCHS, row)
        connection.execute(update(STATE).values(epoch=epoch))

    def _rewrap(self, connection: Connection, epoch: int) -> int:
        rows = connection.execute(select(KEYS).where(KEYS.c.epoch < epoch).limit(_BATCH)).all()
        for row in rows:
            self._foundation.data_keys.rewrap(connection, row, epoch)
        return len(rows)


def _standing(connection: Connection, moment: Moment) -> tuple[int, bool]:
    older = connection.execute(select(func.count()).select_from(KEYS).where(KEYS.c.epoch < moment.epoch)).scalar_one()
    return moment.epoch, older > 0


def _refuse_used(connection: Connection, moment: Moment, epoch: int) -> None:
    used = connection.execute(select(func.count()).select_from(KEYS).where(KEYS.c.epoch == epoch)).scalar_one()
    if used or epoch >= moment.epoch:
        raise ConfigError(
            f"epoch {epoch} of the keys is in use",
            control=CONTROL,
            why=f"{used} data keys are wrapped under it" if used else "it is the current one",
            change="rotate first",
        )


def _holds(keys: KeyProvider, epoch: int) -> bool:
    try:
        keys.key(epoch)
    except StateError:
        return False
    return True
