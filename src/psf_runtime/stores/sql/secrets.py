"""SqlSecrets: small values by name, each of which can be destroyed for good."""

from __future__ import annotations

from sqlalchemy import Connection, and_, delete, select, update

from psf_runtime.stores.sql.data_keys import Owner, insert_if_absent
from psf_runtime.stores.sql.foundation import Foundation, Moment
from psf_runtime.stores.sql.schema import SECRETS
from psf_runtime.stores.sql.seals import seal, unseal
from psf_runtime.stores.token_codes import packed


class SqlSecrets:
    """One small value per tenant and name, sealed under a data key of its own. Thread-safe, also between processes.

    What is dropped is gone here at once, and in backups when the epoch of the keys ends.
    """

    blocking = True

    def __init__(self, foundation: Foundation) -> None:
        self._foundation = foundation

    def __repr__(self) -> str:
        return f"SqlSecrets({self._foundation.database.dialect})"

    def get(self, tenant: str, name: str) -> bytes | None:
        """The value, or None. Raises StateError when the state cannot be used."""
        owner = self._owner(tenant, name)
        return self._foundation.read(lambda connection, _moment: self._value(connection, owner))

    def put(self, tenant: str, name: str, value: bytes, replacing: bytes | None) -> bool:
        """Set the value, if it still is `replacing` (None: there is none). Returns whether it was set."""
        owner = self._owner(tenant, name)

        def work(connection: Connection, moment: Moment) -> bool:
            key = self._foundation.data_keys.ensure(connection, owner, epoch=moment.epoch, now=moment.now)
            if self._value(connection, owner) != replacing:
                return False
            row = {
                "tenant": owner.tenant,
                "name": owner.name,
                "sealed": seal(key.aead, value, _place(owner)),
                "created": moment.now,
            }
            if not insert_if_absent(connection, SECRETS, row):
                mine = and_(SECRETS.c.tenant == owner.tenant, SECRETS.c.name == owner.name)
                connection.execute(update(SECRETS).where(mine).values(sealed=row["sealed"], created=moment.now))
            return True

        return self._foundation.write(work)

    def drop(self, tenant: str, name: str) -> bool:
        """Destroy the value and its key; returns whether there was one."""
        owner = self._owner(tenant, name)

        def work(connection: Connection, _moment: Moment) -> bool:
            mine = and_(SECRETS.c.tenant == owner.tenant, SECRETS.c.name == owner.name)
            there = connection.execute(delete(SECRETS).where(mine)).rowcount > 0
            return self._foundation.data_keys.destroy(connection, owner) and there

        dropped = self._foundation.write(work, alone=True)
        self._foundation.database.overwrite_deleted()
        return dropped

    def _value(self, connection: Connection, owner: Owner) -> bytes | None:
        mine = and_(SECRETS.c.tenant == owner.tenant, SECRETS.c.name == owner.name)
        sealed = connection.execute(select(SECRETS.c.sealed).where(mine)).scalar_one_or_none()
        key = self._foundation.data_keys.find(connection, owner)
        if sealed is None or key is None:
            return None
        return unseal(key.aead, sealed, _place(owner))

    def _owner(self, tenant: str, name: str) -> Owner:
        names = self._foundation.names
        return Owner(names.tenant(tenant), "secret", names.secret(tenant, name))


def _place(owner: Owner) -> bytes:
    return packed("psf.secrets.1", owner.tenant.hex(), owner.name.hex())
