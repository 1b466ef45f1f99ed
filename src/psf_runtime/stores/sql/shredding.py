"""Forgetting, erasing and sweeping: the key goes first, then the rows, then the bytes they left in the file."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, not_, select, update

from psf_runtime.stores.sql.data_keys import Owner
from psf_runtime.stores.sql.foundation import Foundation, Moment
from psf_runtime.stores.sql.schema import EPOCHS, ERASURES, KEYS, STATE, VALUES
from psf_runtime.stores.sql.value_rows import Room, alive

_NOT_REACHED = (
    "values filed under another subject, or under none",
    "copies outside of this state, and what providers keep",
)


@dataclass(frozen=True, slots=True)
class Tombstones:
    """What was erased in a conversation. Times are seconds since the epoch.

    Attributes:
        forgotten: when the whole conversation was last forgotten, or None.
        tokens: when each single token's value was erased.
    """

    forgotten: float | None
    tokens: dict[str, float]


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep removed: values, tombstones of values erased before, and keys that nothing needed any more."""

    values: int
    tombstones: int
    keys: int

    def as_dict(self) -> dict[str, int]:
        """For a record."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Erased:
    """What one erasure found: how many of each."""

    values: int
    conversations: int
    keys: int
    unattributed: int
    at: int
    epoch: int
    epoch_began: int


class Shredder:
    """Destroys. Each piece of work has the store to itself, so that no writer puts back what is being erased.

    Args:
        epoch_seconds: how long an epoch of the keys is planned to last.
    """

    def __init__(self, foundation: Foundation, *, epoch_seconds: float) -> None:
        self._foundation = foundation
        self._epoch_seconds = epoch_seconds

    def forget(self, room: Room) -> int:
        """Destroy a conversation's key and rows; returns how many values it knew."""

        def work(connection: Connection, moment: Moment) -> int:
            count = _count(connection, room.holds() & alive(moment.now))
            self._foundation.data_keys.destroy(connection, room.owner)
            connection.execute(delete(VALUES).where(room.holds()))
            _note(connection, moment, kind="conversation", tenant=room.tenant, owner=room.conversation, items=count)
            return count

        destroyed = self._foundation.write(work, alone=True)
        self._foundation.database.overwrite_deleted()
        return destroyed

    def erase(self, tenant: str, subject: str) -> dict[str, Any]:
        """Destroy a subject's key, and the value of every row that was sealed under it. Returns a receipt:

        `subject` (its digest), `erased_at`, counts (`values`, `conversations`, `keys`), the `epoch` that last wrapped
        the key, `backups_unreadable_at` (seconds since the epoch; None: the epoch is overdue, and ends when it is
        retired), `files` (`overwritten`: no byte is left in the live files; `pending`: a reader was in the way, erase
        again; `until_epoch_ends`: PostgreSQL overwrites its files in its own time), `unattributed` (values in the same
        conversations that were filed under no subject) and `not_reached`.
        """
        names = self._foundation.names
        owner = Owner(names.tenant(tenant), "subject", names.subject(tenant, subject))
        found = self._foundation.write(lambda connection, moment: self._erase(connection, moment, owner), alone=True)
        overwritten = self._foundation.database.overwrite_deleted()
        files = "overwritten" if overwritten else "pending"
        if self._foundation.database.dialect == "postgresql":
            files = "until_epoch_ends"
        ends = found.epoch_began / 1000 + self._epoch_seconds
        return {
            "kind": "subject_erasure",
            "subject": owner.name.hex(),
            "erased_at": found.at / 1000,
            "values": found.values,
            "conversations": found.conversations,
            "keys": found.keys,
            "epoch": found.epoch,
            "backups_unreadable_at": ends if ends > found.at / 1000 else None,
            "files": files,
            "unattributed": found.unattributed,
            "not_reached": list(_NOT_REACHED),
        }

    def tombstones(self, room: Room) -> Tombstones:
        """What was erased in a conversation."""

        def work(connection: Connection, _moment: Moment) -> Tombstones:
            whole = and_(ERASURES.c.tenant == room.tenant, ERASURES.c.kind == "conversation")
            mine = and_(whole, ERASURES.c.owner == room.conversation)
            at = connection.execute(select(func.max(ERASURES.c.at)).where(mine)).scalar_one_or_none()
            query = select(VALUES.c.entity, VALUES.c.code, VALUES.c.erased).where(
                room.holds(), VALUES.c.erased.is_not(None)
            )
            tokens = {f"{row.entity}_{row.code}": row.erased / 1000 for row in connection.execute(query)}
            return Tombstones(None if at is None else at / 1000, tokens)

        return self._foundation.read(work)

    def sweep(self) -> Swept:
        """Remove rows past their retention, and keys that have no row left; the count is kept."""

        def work(connection: Connection, moment: Moment) -> Swept:
            past = VALUES.c.expires <= moment.now
            values = _delete(connection, past & VALUES.c.erased.is_(None))
            tombstones = _delete(connection, past)
            if not values and not tombstones:
                return Swept(0, 0, 0)
            unused = and_(KEYS.c.kind.in_(("conversation", "subject")), not_(_is_needed()))
            keys = connection.execute(delete(KEYS).where(unused)).rowcount
            if values:
                _note(connection, moment, kind="sweep", items=values)
            return Swept(values, tombstones, keys)

        swept = self._foundation.write(work, alone=True)
        if swept != Swept(0, 0, 0):
            self._foundation.database.overwrite_deleted()
        return swept

    def _erase(self, connection: Connection, moment: Moment, owner: Owner) -> _Erased:
        mine = and_(VALUES.c.tenant == owner.tenant, VALUES.c.owner_kind == owner.kind, VALUES.c.owner == owner.name)
        live = mine & VALUES.c.erased.is_(None)
        rooms = [
            Room(owner.tenant, name)
            for name in connection.execute(select(VALUES.c.conversation).where(live).distinct()).scalars()
        ]
        began = connection.execute(select(EPOCHS.c.began).where(EPOCHS.c.epoch == moment.epoch)).scalar_one()
        keys = int(self._foundation.data_keys.destroy(connection, owner))
        dead = {"erased": moment.now, "digest": None, "sealed": None}
        values = connection.execute(update(VALUES).where(live).values(dead)).rowcount
        unattributed = 0
        for room in rooms:
            left = _count(connection, room.holds() & VALUES.c.erased.is_(None))
            unattributed += _count(
                connection, room.holds() & VALUES.c.erased.is_(None) & (VALUES.c.owner_kind == "conversation")
            )
            if left == 0:  # its codes could still confirm a guess about what was said
                keys += int(self._foundation.data_keys.destroy(connection, room.owner))
        _note(connection, moment, kind=owner.kind, tenant=owner.tenant, owner=owner.name, items=values)
        return _Erased(values, len(rooms), keys, unattributed, moment.now, moment.epoch, began)


def _is_needed() -> ColumnElement[bool]:
    """Whether a key has a row that it opens, or a conversation that it finds values in."""
    opens = exists().where(
        VALUES.c.tenant == KEYS.c.tenant, VALUES.c.owner_kind == KEYS.c.kind, VALUES.c.owner == KEYS.c.owner
    )
    finds = exists().where(
        KEYS.c.kind == "conversation", VALUES.c.tenant == KEYS.c.tenant, VALUES.c.conversation == KEYS.c.owner
    )
    return opens | finds


def _count(connection: Connection, condition: ColumnElement[bool]) -> int:
    return connection.execute(select(func.count()).select_from(VALUES).where(condition)).scalar_one()


def _delete(connection: Connection, condition: ColumnElement[bool]) -> int:
    return connection.execute(delete(VALUES).where(condition)).rowcount


def _note(
    connection: Connection, moment: Moment, *, kind: str, items: int, tenant: bytes = b"", owner: bytes = b""
) -> None:
    """Write down that something was destroyed, and tell all processes to let go of what they remember."""
    connection.execute(
        ERASURES.insert().values(
            id=os.urandom(16),
            tenant=tenant,
            kind=kind,
            owner=owner,
            at=moment.now,
            items=items,
            epoch=moment.epoch,
        )
    )
    connection.execute(update(STATE).values(erasures=STATE.c.erasures + 1))
