"""Minting: how a value gets its token, within one transaction in which nobody else changes the conversation."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, select

from psf_runtime.errors import StateError
from psf_runtime.stores.sql.data_keys import DataKeys, Owner
from psf_runtime.stores.sql.foundation import Moment
from psf_runtime.stores.sql.schema import VALUES
from psf_runtime.stores.sql.seals import DataKey, tampered
from psf_runtime.stores.sql.value_rows import Bound, Opener, Room, alive, in_any, read_rows, sealed_row, sealing_key
from psf_runtime.stores.token_codes import packed

Pair = tuple[str, str]  # entity and value
DrawCodes = Callable[[bytes, str, str], Iterator[str]]
_PART = 2000  # values looked up in one statement
_CODE_ROUNDS = 10_000


@dataclass(frozen=True, slots=True, repr=False)
class MintRules:
    """How new values are kept.

    Attributes:
        limit: values that a conversation may hold; `retention`: milliseconds that a value is kept.
        draw: where codes come from; `codes_key`: keys them, None: the conversation's own key, which ends with it.
    """

    limit: int
    retention: int
    draw: DrawCodes
    codes_key: bytes | None = None


class Minter:
    """Looks up and makes the tokens of one conversation, in one transaction.

    Args:
        owner: whose data new values are: the conversation itself, or a subject.
    """

    def __init__(self, connection: Connection, moment: Moment, *, room: Room, owner: Owner, keys: DataKeys) -> None:
        self._connection = connection
        self._moment = moment
        self._room = room
        self._owner = owner
        self._keys = keys

    def known(self, wanted: Iterable[Pair]) -> dict[Pair, str]:
        """The tokens of those values that have one, each checked against what its row holds."""
        room_key = self._keys.find(self._connection, self._room.owner)
        return {} if room_key is None else self._known(room_key, wanted)

    def mint(self, wanted: Iterable[Pair], *, rules: MintRules) -> dict[Pair, str]:
        """The tokens of all of them; what has none gets one."""
        room_key = self._ensure(self._room.owner)
        tokens = self._known(room_key, wanted)
        fresh = {pair: digest_of(room_key, pair) for pair in wanted if pair not in tokens}
        if not fresh:
            return tokens
        self._clear(list(fresh.values()))
        self._refuse_too_many(len(fresh), rules.limit)
        draws = {pair: rules.draw(rules.codes_key or room_key.codes, *pair) for pair in fresh}
        chosen = self._choose_codes(draws)
        self._insert(room_key, fresh, chosen, rules.retention)
        return tokens | {pair: f"{pair[0]}_{code}" for pair, code in chosen.items()}

    def _known(self, room_key: DataKey, wanted: Iterable[Pair]) -> dict[Pair, str]:
        by_digest = {digest_of(room_key, pair): pair for pair in wanted}
        opener = Opener(self._keys, self._room, room_key)
        tokens: dict[Pair, str] = {}
        for part in _parts(list(by_digest)):
            condition = self._room.holds() & alive(self._moment.now) & in_any(VALUES.c.digest, part)
            for row in read_rows(self._connection, condition):
                if not opener.is_readable(row):  # what is left of it means nothing
                    continue
                pair = by_digest[row.digest]
                if (row.entity, opener.value(row)) != pair:
                    raise tampered()
                tokens[pair] = f"{row.entity}_{row.code}"
        return tokens

    def _ensure(self, owner: Owner) -> DataKey:
        return self._keys.ensure(self._connection, owner, epoch=self._moment.epoch, now=self._moment.now)

    def _clear(self, digests: Sequence[bytes]) -> None:
        """Remove rows of these values that are expired, or whose key is gone: the values are minted anew."""
        for part in _parts(digests):
            self._connection.execute(delete(VALUES).where(self._room.holds(), in_any(VALUES.c.digest, part)))

    def _refuse_too_many(self, more: int, limit: int) -> None:
        mine = self._room.holds() & alive(self._moment.now)
        held = self._connection.execute(select(func.count()).select_from(VALUES).where(mine)).scalar_one()
        if held + more > limit:
            raise StateError(
                "the vault holds as many values of this conversation as it may",
                control="privacy.tokens",
                why=f"the limit is {limit} values a conversation",
                change="begin another conversation, or raise max_values",
            )

    def _choose_codes(self, draws: Mapping[Pair, Iterator[str]]) -> dict[Pair, str]:
        """A code for each value that no row of this conversation has, erased ones included."""
        chosen: dict[Pair, str] = {}
        taken: set[str] = set()
        for _ in range(_CODE_ROUNDS):
            drawn = {pair: next(draw) for pair, draw in draws.items() if pair not in chosen}
            if not drawn:
                return chosen
            for part in _parts(list(drawn.values())):
                query = select(VALUES.c.code).where(self._room.holds(), in_any(VALUES.c.code, part))
                taken.update(self._connection.execute(query).scalars())
            for pair, code in drawn.items():
                if code not in taken:
                    chosen[pair] = code
                    taken.add(code)
        raise StateError("no free code was found for a value", control="privacy.tokens", why="too many are taken")

    def _insert(
        self, room_key: DataKey, digests: Mapping[Pair, bytes], chosen: Mapping[Pair, str], retention: int
    ) -> None:
        owner_key = room_key if self._owner == self._room.owner else self._ensure(self._owner)
        key = sealing_key(room_key, owner_key)
        rows: list[dict[str, Any]] = []
        for pair, code in chosen.items():
            bound = Bound(
                entity=pair[0],
                digest=digests[pair],
                owner_kind=self._owner.kind,
                owner=self._owner.name,
                key_id=owner_key.key_id,
                room_key_id=room_key.key_id,
                epoch=self._moment.epoch,
                created=self._moment.now,
                expires=self._moment.now + retention,
            )
            rows.append(sealed_row(self._room, code, pair[1], bound=bound, key=key))
        self._connection.execute(VALUES.insert(), rows)


def digest_of(room_key: DataKey, pair: Pair) -> bytes:
    """The digest by which a value is found: keyed, so that no guess can be confirmed without the conversation's key."""
    return hmac.digest(room_key.digests, packed(*pair), "sha256")


def _parts(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), _PART):
        yield items[start : start + _PART]
