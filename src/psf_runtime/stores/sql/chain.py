"""SqlChain: append-only streams of rows, for chains of consent and whatever else must be kept in order."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, select, update

from psf_runtime.errors import StateError
from psf_runtime.stores.sql.data_keys import Owner, insert_if_absent
from psf_runtime.stores.sql.foundation import Foundation, Moment
from psf_runtime.stores.sql.schema import LINKS, STREAMS
from psf_runtime.stores.sql.seals import DataKey, seal, tampered, unseal
from psf_runtime.stores.token_codes import packed

BEGINNING = "0" * 64  # stands before the first row of a stream
_OWNER = Owner(b"", "streams", b"")


class SqlChain:
    """Rows by tenant and stream, in order, sealed. Thread-safe, and safe between processes.

    Rows are only ever added at the end, each in one step with a comparison: whoever adds says which row was the last
    as far as they know. What a row says is none of this class's business; who may vouch for it neither.
    """

    blocking = True

    def __init__(self, foundation: Foundation) -> None:
        self._foundation = foundation

    def __repr__(self) -> str:
        return f"SqlChain({self._foundation.database.dialect})"

    def append(self, tenant: str, stream: str, body: bytes, previous: str) -> bool:
        """Add a row at the end of a stream.

        Args:
            previous: SHA-256 (hex) of the last row ever added to it, also when that was trimmed; of the first, 64
                zeros.

        Returns False when somebody else was first: nothing was added, look again. Raises StateError when the state
        cannot be used.
        """

        def work(connection: Connection, moment: Moment) -> bool:
            place = self._place(tenant, stream)
            key = self._key(connection, moment)
            begun = {
                "tenant": place[0],
                "stream": place[1],
                "name": seal(key.aead, json.dumps([tenant, stream]).encode("ascii"), _name_place(place)),
                "first_number": 1,
                "next_number": 1,
                "end_digest": BEGINNING,
            }
            if previous == BEGINNING:
                insert_if_absent(connection, STREAMS, begun)
            row = connection.execute(select(STREAMS).where(_is_stream(place)).with_for_update()).one_or_none()
            if row is None or row.end_digest != previous:
                return False
            _add(connection, place, row.next_number, body=body, key=key, now=moment.now)
            return True

        return self._foundation.write(work)

    def scan(self, tenant: str, stream: str) -> Sequence[bytes]:
        """Every row of a stream that was not trimmed, oldest first.

        Raises StateError when one is missing or was changed.
        """
        place = self._place(tenant, stream)

        def work(connection: Connection, _moment: Moment) -> tuple[Any, Sequence[Any], DataKey | None]:
            row = connection.execute(select(STREAMS).where(_is_stream(place))).one_or_none()
            if row is None:
                return None, (), None
            mine = and_(LINKS.c.tenant == place[0], LINKS.c.stream == place[1])
            inside = mine & (LINKS.c.number >= row.first_number) & (LINKS.c.number < row.next_number)
            links = connection.execute(select(LINKS).where(inside).order_by(LINKS.c.number)).all()
            return row, links, self._foundation.data_keys.find(connection, _OWNER)

        row, links, key = self._foundation.read(work)
        if row is None:
            return ()
        if key is None or [link.number for link in links] != list(range(row.first_number, row.next_number)):
            raise _gap()
        bodies = [unseal(key.aead, link.sealed, _link_place(place, link.number)) for link in links]
        if bodies and hashlib.sha256(bodies[-1]).hexdigest() != row.end_digest:
            raise tampered()
        return bodies

    def trim(self, tenant: str, stream: str, count: int) -> None:
        """Remove the first `count` rows of a stream."""

        def work(connection: Connection, _moment: Moment) -> None:
            place = self._place(tenant, stream)
            row = connection.execute(select(STREAMS).where(_is_stream(place)).with_for_update()).one_or_none()
            if row is None:
                return
            first = min(row.first_number + max(count, 0), row.next_number)
            connection.execute(update(STREAMS).where(_is_stream(place)).values(first_number=first))
            mine = and_(LINKS.c.tenant == place[0], LINKS.c.stream == place[1], LINKS.c.number < first)
            connection.execute(delete(LINKS).where(mine))

        self._foundation.write(work)
        self._foundation.database.overwrite_deleted()

    def streams(self) -> Sequence[tuple[str, str]]:
        """Every (tenant, stream) that has ever had a row."""

        def work(connection: Connection, _moment: Moment) -> list[tuple[str, str]]:
            rows = connection.execute(select(STREAMS.c.tenant, STREAMS.c.stream, STREAMS.c.name)).all()
            key = self._foundation.data_keys.find(connection, _OWNER)
            if rows and key is None:
                raise _gap()
            return [] if key is None else [_named(key, row) for row in rows]

        return self._foundation.read(work)

    def _key(self, connection: Connection, moment: Moment) -> DataKey:
        """One key for all streams; looked up without a lock, so that appends to different streams do not wait."""
        data_keys = self._foundation.data_keys
        found = data_keys.find(connection, _OWNER)
        return found or data_keys.ensure(connection, _OWNER, epoch=moment.epoch, now=moment.now)

    def _place(self, tenant: str, stream: str) -> tuple[bytes, bytes]:
        names = self._foundation.names
        return names.tenant(tenant), names.stream(tenant, stream)


def _is_stream(place: tuple[bytes, bytes]) -> ColumnElement[bool]:
    return and_(STREAMS.c.tenant == place[0], STREAMS.c.stream == place[1])


def _add(
    connection: Connection, place: tuple[bytes, bytes], number: int, *, body: bytes, key: DataKey, now: int
) -> None:
    connection.execute(
        LINKS.insert().values(
            tenant=place[0],
            stream=place[1],
            number=number,
            sealed=seal(key.aead, body, _link_place(place, number)),
            created=now,
        )
    )
    end = hashlib.sha256(body).hexdigest()
    connection.execute(update(STREAMS).where(_is_stream(place)).values(next_number=number + 1, end_digest=end))


def _named(key: DataKey, row: Any) -> tuple[str, str]:
    tenant, stream = json.loads(unseal(key.aead, row.name, _name_place((row.tenant, row.stream))))
    return tenant, stream


def _link_place(place: tuple[bytes, bytes], number: int) -> bytes:
    return packed("psf.links.1", place[0].hex(), place[1].hex(), str(number))


def _name_place(place: tuple[bytes, bytes]) -> bytes:
    return packed("psf.streams.1", place[0].hex(), place[1].hex())


def _gap() -> StateError:
    return StateError(
        "a row of a stream is missing",
        why="rows are only ever trimmed from the beginning, and this one was not",
        change="restore the state from a backup; look for whoever removed it",
    )
