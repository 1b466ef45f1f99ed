"""The rows of the vault: how a value is sealed into one, and how rows are read with the keys that open them."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import ColumnElement, Connection, and_, or_, select

from psf_runtime.stores.sql.data_keys import DataKeys, Owner
from psf_runtime.stores.sql.schema import KEYS, VALUES
from psf_runtime.stores.sql.seals import DataKey, seal, unseal

_PREFIX = b"psf.values.1"
_HEAD = struct.Struct(">7I3q")  # seven lengths, the epoch and two times
_WITH_KEYS = select(
    VALUES.c.code,
    VALUES.c.entity,
    VALUES.c.digest,
    VALUES.c.owner_kind,
    VALUES.c.owner,
    VALUES.c.key_id,
    VALUES.c.room_key_id,
    VALUES.c.epoch,
    VALUES.c.sealed,
    VALUES.c.created,
    VALUES.c.expires,
    KEYS.c.epoch.label("key_epoch"),
    KEYS.c.wrapped.label("wrapped"),
).select_from(
    VALUES.outerjoin(
        KEYS,
        and_(
            KEYS.c.tenant == VALUES.c.tenant,
            KEYS.c.kind == VALUES.c.owner_kind,
            KEYS.c.owner == VALUES.c.owner,
            KEYS.c.key_id == VALUES.c.key_id,
        ),
    )
)


@dataclass(frozen=True, slots=True)
class Room:
    """One conversation of one tenant, by their digests."""

    tenant: bytes
    conversation: bytes

    @property
    def owner(self) -> Owner:
        """Who owns the conversation's own key."""
        return Owner(self.tenant, "conversation", self.conversation)

    def holds(self) -> ColumnElement[bool]:
        """The condition for its rows."""
        return and_(VALUES.c.tenant == self.tenant, VALUES.c.conversation == self.conversation)


def alive(now: int) -> ColumnElement[bool]:
    """The condition for rows that are neither erased nor expired."""
    return and_(VALUES.c.erased.is_(None), VALUES.c.expires > now)


def read_rows(connection: Connection, condition: ColumnElement[bool]) -> Sequence[Any]:
    """Rows with the wrapped keys that open them; `wrapped` is None where the key was destroyed."""
    return connection.execute(_WITH_KEYS.where(condition)).all()


class Opener:
    """Opens rows of one conversation within one call; unwraps each key once.

    Args:
        room_key: the conversation's key.
    """

    def __init__(self, data_keys: DataKeys, room: Room, room_key: DataKey) -> None:
        self._data_keys = data_keys
        self._room = room
        self._room_key = room_key
        self._keys: dict[tuple[bytes, int, bytes], AESGCM] = {}

    def is_readable(self, row: Any) -> bool:
        """Whether the keys of a row are still there; without them, it is as good as erased."""
        return row.wrapped is not None and row.room_key_id == self._room_key.key_id

    def value(self, row: Any) -> str:
        """The value in a readable row. Raises StateError when the row is not what was written there."""
        place = _place(self._room, row.code, row)
        return unseal(self._key(row), row.sealed or b"", place).decode("utf-8", "surrogatepass")

    def _key(self, row: Any) -> AESGCM:
        name = (row.key_id, row.key_epoch, row.wrapped)
        if name not in self._keys:
            owner = Owner(self._room.tenant, row.owner_kind, row.owner)
            key = self._data_keys.unwrap(owner, row.key_id, row.key_epoch, row.wrapped)
            self._keys[name] = sealing_key(self._room_key, key)
        return self._keys[name]


def sealing_key(room_key: DataKey, owner_key: DataKey) -> AESGCM:
    """What seals a value: the conversation's key alone, or joined with the subject's."""
    return room_key.aead if owner_key.key_id == room_key.key_id else room_key.joined(owner_key)


@dataclass(frozen=True, slots=True)
class Bound:
    """What the seal of a row binds, beside its place and code. Times are milliseconds since the epoch."""

    entity: str
    digest: bytes
    owner_kind: str
    owner: bytes
    key_id: bytes
    room_key_id: bytes
    epoch: int
    created: int
    expires: int


def sealed_row(room: Room, code: str, value: str, *, bound: Bound, key: AESGCM) -> dict[str, Any]:
    """The row that keeps a value behind a code, sealed for exactly that place."""
    place = _place(room, code, bound)
    return {
        "tenant": room.tenant,
        "conversation": room.conversation,
        "code": code,
        "sealed": seal(key, value.encode("utf-8", "surrogatepass"), place),
        "erased": None,
        **asdict(bound),
    }


def in_any(column: ColumnElement[Any], values: Iterable[Any], *, size: int = 400) -> ColumnElement[bool]:
    """The condition that a column is one of many values; in parts, because a database limits the parts of a list."""
    listed = list(values)
    return or_(*[column.in_(listed[start : start + size]) for start in range(0, max(len(listed), 1), size)])


def _place(room: Room, code: str, row: Any) -> bytes:
    """Where a value belongs, as one byte string that no other place gives; `row` is a row, or a `Bound`.

    All lengths stand in front, so that nothing can move from one field into the next.
    """
    texts = (code.encode(), row.entity.encode(), row.owner_kind.encode())
    fields = (*texts, row.digest or b"", row.owner, row.key_id, row.room_key_id)
    head = _HEAD.pack(*map(len, fields), row.epoch, row.created, row.expires)
    return b"".join((_PREFIX, room.tenant, room.conversation, head, *fields))
