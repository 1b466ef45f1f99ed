"""SqlVault: which token stands for which value, for all processes that share a database and its keys."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection

from psf_runtime.errors import ConfigError, StateError
from psf_runtime.stores.memory_recall import MemoryRecall
from psf_runtime.stores.sql.data_keys import Owner
from psf_runtime.stores.sql.foundation import Foundation, Moment
from psf_runtime.stores.sql.minting import DrawCodes, Minter, MintRules
from psf_runtime.stores.sql.seals import DataKey
from psf_runtime.stores.sql.shredding import Shredder, Swept, Tombstones
from psf_runtime.stores.sql.value_rows import Opener, Room, alive, read_rows
from psf_runtime.stores.token_codes import codes

DAY = 86400.0
_SWEEP_EVERY, _SWEEP_AGAIN = 3_600_000, 60_000  # milliseconds


class SqlVault:
    """A durable vault: SQLite for one machine, PostgreSQL for many. Thread-safe, and safe over a fork.

    The same value has the same token in a conversation, whichever worker meets it first: the unique indexes of the
    database decide. Values are sealed under the conversation's key, joined with the key of the subject if the call
    names one: destroying either destroys the value. Those keys are wrapped by the keys of a `KeyProvider`. Nothing is
    cached between calls, so what one process forgets or erases is gone in all of them.

    Args:
        foundation: the database with its keys.
        retention_seconds: how long a value is kept after it was first met. Then its token restores nothing any
            more, until the value is met again.
        max_values: how many values one conversation may hold; one more is a StateError.
        epoch_seconds: how long an epoch of the keys is planned to last; receipts are dated by it.
        lasting: conversations whose values get the same tokens again after they were forgotten or have expired,
            because something else keeps the tokens, as an index of vectors does. The price: whoever holds the keys of
            the state can confirm a guess about a token in old texts, also after it was forgotten.
        draw: where codes come from; for tests of the unique index.

    Attributes:
        recall: what was found in texts, by digest, in this process. It is emptied whenever anything is erased
            anywhere, at the next look into the vault.
    """

    blocking = True

    def __init__(
        self,
        foundation: Foundation,
        *,
        retention_seconds: float = 30 * DAY,
        max_values: int = 10_000,
        epoch_seconds: float = 30 * DAY,
        lasting: Collection[str] = (),
        draw: DrawCodes = codes,
    ) -> None:
        if retention_seconds < 1 or max_values < 1 or epoch_seconds < 1:
            raise ConfigError("retention, epochs and the size of a vault must be above zero", control="privacy.tokens")
        self._foundation = foundation
        self._retention = int(retention_seconds * 1000)
        self._max_values = max_values
        self._lasting = frozenset(lasting)
        self._draw = draw
        self._shredder = Shredder(foundation, epoch_seconds=epoch_seconds)
        self._erasures_seen = -1
        self._next_sweep = 0
        self.recall = MemoryRecall()

    def __repr__(self) -> str:
        return f"SqlVault({self._foundation.database.dialect})"

    def mint(
        self, tenant: str, conversation: str, values: Sequence[tuple[str, str]], *, subject: str | None = None
    ) -> list[str]:
        """The tokens for `(entity, value)` pairs, in order; the same value always gets the same token.

        Args:
            subject: whose data new values are; they are destroyed with that subject's key. None: nobody's.

        Raises StateError when the vault cannot be used, or the conversation is full; then nothing new is kept.
        """
        if not values:
            return []
        if not all(entity.isascii() and entity.isprintable() for entity, _ in values):
            raise ConfigError("the name of an entity is plain ASCII", control="privacy.tokens", change='"PATIENT_ID"')
        wanted = dict.fromkeys((entity, value) for entity, value in values)
        room = self._room(tenant, conversation)
        owner = room.owner
        if subject is not None:
            owner = Owner(room.tenant, "subject", self._foundation.names.subject(tenant, subject))

        codes_key = self._foundation.names.codes(tenant, conversation) if conversation in self._lasting else None
        rules = MintRules(self._max_values, self._retention, self._draw, codes_key)

        def look(connection: Connection, moment: Moment) -> dict[tuple[str, str], str]:
            self._notice(moment)
            return self._minter(connection, moment, room, owner).known(wanted)

        def make(connection: Connection, moment: Moment) -> dict[tuple[str, str], str]:
            minter = self._minter(connection, moment, room, owner)
            return minter.mint(wanted, rules=rules)

        tokens = self._foundation.read(look)
        if len(tokens) < len(wanted):
            tokens = self._foundation.write(make)
            self._sweep_when_due()
        return [tokens[entity, value] for entity, value in values]

    def known(self, tenant: str, conversation: str) -> Mapping[str, tuple[str, str]]:
        """token -> (entity, value) of everything this conversation knows: a snapshot of its own.

        Raises StateError when the vault cannot be used, or a row does not belong where it lies.
        """
        room = self._room(tenant, conversation)

        def work(connection: Connection, moment: Moment) -> tuple[DataKey | None, Sequence[Any]]:
            self._notice(moment)
            key = self._foundation.data_keys.find(connection, room.owner)
            return key, () if key is None else read_rows(connection, room.holds() & alive(moment.now))

        key, rows = self._foundation.read(work)
        if key is None:
            return {}
        opener = Opener(self._foundation.data_keys, room, key)
        readable = [row for row in rows if opener.is_readable(row)]
        return {f"{row.entity}_{row.code}": (row.entity, opener.value(row)) for row in readable}

    def forget(self, tenant: str, conversation: str) -> int:
        """Destroy what a conversation knows, its key first; returns how many values."""
        destroyed = self._shredder.forget(self._room(tenant, conversation))
        self.recall.clear()
        return destroyed

    def erase_subject(self, tenant: str, subject: str) -> dict[str, Any]:
        """Destroy a subject's key and values in every conversation; returns a receipt (see `Shredder.erase`)."""
        receipt = self._shredder.erase(tenant, subject)
        self.recall.clear()
        return receipt

    def tombstones(self, tenant: str, conversation: str) -> Tombstones:
        """Which tokens of a conversation were erased, and when: what a restore says instead of a value."""
        return self._shredder.tombstones(self._room(tenant, conversation))

    def sweep(self) -> Swept:
        """Remove what is past its retention; returns what was removed, and the database keeps the count.

        Minting does so once an hour by itself.
        """
        swept = self._shredder.sweep()
        self._next_sweep = self._foundation.now() + _SWEEP_EVERY
        return swept

    def _sweep_when_due(self) -> None:
        """Whoever writes sweeps, once an hour in each process; a sweep that fails is tried again a minute later."""
        now = self._foundation.now()
        if now < self._next_sweep:
            return
        self._next_sweep = now + _SWEEP_AGAIN
        with suppress(StateError):  # the call has what it came for; nothing past its time is handed out anyway
            self.sweep()

    def _room(self, tenant: str, conversation: str) -> Room:
        names = self._foundation.names
        return Room(names.tenant(tenant), names.conversation(tenant, conversation))

    def _minter(self, connection: Connection, moment: Moment, room: Room, owner: Owner) -> Minter:
        return Minter(connection, moment, room=room, owner=owner, keys=self._foundation.data_keys)

    def _notice(self, moment: Moment) -> None:
        """Let go of what was remembered, when something was erased since, in whatever process."""
        if moment.erasures != self._erasures_seen:
            self.recall.clear()
            self._erasures_seen = moment.erasures
