"""Where data keys are kept: wrapped by the key of an epoch, and bound to their owner."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import ColumnElement, Connection, Row, Table, and_, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from psf_runtime.errors import StateError
from psf_runtime.ports import KeyProvider
from psf_runtime.stores.keys import KEY_BYTES
from psf_runtime.stores.sql.schema import KEYS
from psf_runtime.stores.sql.seals import DataKey, seal, unseal, wrapping_key
from psf_runtime.stores.sql.troubles import CONTROL
from psf_runtime.stores.token_codes import packed

Kind = Literal["conversation", "subject", "streams", "secret"]
_KEY_ID_BYTES = 16
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose key it is: digests of the tenant, and of the conversation, subject or small value."""

    tenant: bytes
    kind: Kind
    name: bytes


class DataKeys:
    """Finds, makes and destroys data keys, within the transaction it is given.

    Nothing is kept between calls: a key that another process destroyed is gone here too.
    """

    def __init__(self, keys: KeyProvider) -> None:
        self._keys = keys

    def find(self, connection: Connection, owner: Owner, *, lock: bool = False) -> DataKey | None:
        """The owner's key, or None. With `lock`, nobody else changes it before the transaction ends."""
        query = select(KEYS.c.key_id, KEYS.c.epoch, KEYS.c.wrapped).where(is_of(owner))
        row = connection.execute(query.with_for_update() if lock else query).one_or_none()
        return None if row is None else self.unwrap(owner, row.key_id, row.epoch, row.wrapped)

    def ensure(self, connection: Connection, owner: Owner, *, epoch: int, now: int) -> DataKey:
        """The owner's key, locked; made now when there is none."""
        for _ in range(_TRIES):
            found = self.find(connection, owner, lock=True)
            if found is not None:
                return found
            fresh = DataKey(os.urandom(_KEY_ID_BYTES), os.urandom(KEY_BYTES))
            values = {
                "tenant": owner.tenant,
                "kind": owner.kind,
                "owner": owner.name,
                "key_id": fresh.key_id,
                "epoch": epoch,
                "wrapped": self.wrap(owner, fresh, epoch),
                "created": now,
            }
            if insert_if_absent(connection, KEYS, values):
                return fresh
        raise StateError("the key of a row keeps disappearing", control=CONTROL, why="it is erased all the time")

    def destroy(self, connection: Connection, owner: Owner) -> bool:
        """Destroy the owner's key; what it sealed cannot be opened any more. Returns whether there was one."""
        return connection.execute(delete(KEYS).where(is_of(owner))).rowcount > 0

    def wrap(self, owner: Owner, key: DataKey, epoch: int) -> bytes:
        """The key, sealed by an epoch's key for its place."""
        return seal(wrapping_key(self._keys.key(epoch)), key.secret, _place(owner, key.key_id, epoch))

    def unwrap(self, owner: Owner, key_id: bytes, epoch: int, wrapped: bytes) -> DataKey:
        """The key. Raises StateError when it lies in the wrong place, or the epoch's key cannot be had."""
        secret = unseal(wrapping_key(self._keys.key(epoch)), wrapped, _place(owner, key_id, epoch))
        return DataKey(key_id, secret)

    def rewrap(self, connection: Connection, row: Row[tuple[bytes, str, bytes, bytes, int, bytes]], epoch: int) -> None:
        """Wrap one key anew, under another epoch. The values it sealed are not touched."""
        owner = Owner(row.tenant, row.kind, row.owner)
        key = self.unwrap(owner, row.key_id, row.epoch, row.wrapped)
        wrapped = self.wrap(owner, key, epoch)
        connection.execute(KEYS.update().where(is_of(owner)).values(epoch=epoch, wrapped=wrapped))


def is_of(owner: Owner) -> ColumnElement[bool]:
    """The condition for an owner's row."""
    return and_(KEYS.c.tenant == owner.tenant, KEYS.c.kind == owner.kind, KEYS.c.owner == owner.name)


def insert_if_absent(connection: Connection, table: Table, values: Mapping[str, object]) -> bool:
    """Insert a row unless one with its key is there; returns whether it was inserted."""
    column = next(iter(table.primary_key))  # asked back, because not every driver counts inserted rows
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    done = connection.execute(insert(table).values(dict(values)).on_conflict_do_nothing().returning(column))
    return done.first() is not None


def _place(owner: Owner, key_id: bytes, epoch: int) -> bytes:
    return packed("psf.keys.1", owner.tenant.hex(), owner.kind, owner.name.hex(), key_id.hex(), str(epoch))
