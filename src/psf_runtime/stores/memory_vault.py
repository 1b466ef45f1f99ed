"""MemoryVault: which token stands for which value, in this process only.

Values are held encrypted (AES-256-GCM) under a key that lives and dies with the vault, and bound to their place: a row
moved to another tenant, conversation, code or entity does not open. Nothing touches the disk. What several processes
share lies in a durable state (`stores/sql`).
"""

from __future__ import annotations

import hmac
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from psf_runtime.errors import ConfigError, StateError
from psf_runtime.stores.forking import start_anew_after_fork
from psf_runtime.stores.memory_recall import MemoryRecall
from psf_runtime.stores.token_codes import codes, packed

_SCHEMA = "psf.vault.1"
_NONCE = 12
DrawCodes = Callable[[bytes, str, str], Iterator[str]]


@dataclass(slots=True, repr=False)
class _Conversation:
    """What one conversation knows: a keyed digest of each value, and its sealed row by code.

    `owners`: digest of a row's subject, where one was named; `erased`: codes that never come to mean another value.
    """

    key: bytes
    tokens: dict[bytes, str] = field(default_factory=dict)
    rows: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    owners: dict[str, bytes] = field(default_factory=dict)
    erased: set[str] = field(default_factory=set)


class MemoryVault:
    """A vault in memory, for one process. Thread-safe; a forked child gets its own locks and goes on with a copy.

    Args:
        key: 32 bytes; vaults with the same key give the same value the same token. None draws one.
        max_values: how many values one conversation may hold; one more is a StateError.
        max_conversations: how many conversations are kept; the least recently used one is forgotten first.
        draw: where codes come from; for tests of the unique index.

    Attributes:
        recall: what was found in texts, by digest; it is emptied whenever a conversation is forgotten.
    """

    blocking = False

    def __init__(
        self,
        key: bytes | None = None,
        *,
        max_values: int = 10_000,
        max_conversations: int = 10_000,
        draw: DrawCodes = codes,
    ) -> None:
        if key is not None and len(key) != 32:
            raise ConfigError("the key of a vault has 32 bytes", why=f"this one has {len(key)}", change="psf key new")
        master = key or os.urandom(32)
        self._code_key = hmac.digest(master, b"psf.vault.codes", "sha256")
        self._seal_key = hmac.digest(master, b"psf.vault.seal" + os.urandom(16), "sha256")
        self._cipher: Any = None
        self._max_values = max_values
        self._max_conversations = max_conversations
        self._draw = draw
        self._lock = threading.Lock()
        self._conversations: OrderedDict[tuple[str, str], _Conversation] = OrderedDict()
        self.recall = MemoryRecall()
        start_anew_after_fork(self)

    def start_anew(self) -> None:
        """In a forked child: a lock that another thread held while the process forked would stay locked for ever."""
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"MemoryVault({len(self._conversations)} conversations)"

    def mint(
        self, tenant: str, conversation: str, values: Sequence[tuple[str, str]], *, subject: str | None = None
    ) -> list[str]:
        """The tokens for `(entity, value)` pairs, in order; the same value always gets the same token.

        `subject`: whose data new values are, so that `erase_subject` finds them.
        Raises StateError when the conversation is full; then none of the new values is kept.
        """
        with self._lock:
            room = self._open(tenant, conversation)
            digests = [hmac.digest(room.key, packed(entity, value), "sha256") for entity, value in values]
            fresh = {digest for digest in digests if digest not in room.tokens}
            if len(room.rows) + len(fresh) > self._max_values:
                raise StateError(
                    "the vault holds as many values of this conversation as it may",
                    control="privacy.tokens",
                    why=f"the limit is {self._max_values} values a conversation",
                    change="begin another conversation, or raise max_values",
                )
            before = set() if subject is None else set(room.rows)
            tokens = [
                room.tokens.get(digest) or self._add(room, tenant, conversation, entity, value, digest)
                for digest, (entity, value) in zip(digests, values, strict=True)
            ]
            if subject is not None:
                owner = self._subject(tenant, subject)
                room.owners.update((code, owner) for code in room.rows.keys() - before)
            return tokens

    def known(self, tenant: str, conversation: str) -> Mapping[str, tuple[str, str]]:
        """token -> (entity, value) of everything this conversation knows: a snapshot of its own.

        Raises StateError when a row does not belong where it lies.
        """
        with self._lock:
            room = self._conversations.get((tenant, conversation))
            if room is None:
                return {}
            self._conversations.move_to_end((tenant, conversation))
            rows = list(room.rows.items())
        return {
            f"{entity}_{code}": (entity, self._unseal(tenant, conversation, code, entity, sealed))
            for code, (entity, sealed) in rows
        }

    def forget(self, tenant: str, conversation: str) -> int:
        """Destroy what a conversation knows; returns how many values."""
        with self._lock:
            room = self._conversations.pop((tenant, conversation), None)
        self.recall.clear()  # it holds no text and no conversation, but spans of what this one said
        return 0 if room is None else len(room.rows)

    def erase_subject(self, tenant: str, subject: str) -> dict[str, Any]:
        """Destroy every value that was minted for a subject, in all conversations of the tenant.

        Returns counts: `values`, `conversations` that held any, and `unattributed` values in those conversations that
        were minted for nobody in particular.
        """
        owner = self._subject(tenant, subject)
        values = unattributed = conversations = 0
        with self._lock:
            rooms = [room for (held_by, _), room in self._conversations.items() if held_by == tenant]
            for room in rooms:
                codes = {code for code, whose in room.owners.items() if whose == owner}
                if codes:
                    _destroy(room, codes)
                    values += len(codes)
                    conversations += 1
                    unattributed += sum(code not in room.owners for code in room.rows)
        self.recall.clear()
        return {"values": values, "conversations": conversations, "unattributed": unattributed}

    def _subject(self, tenant: str, subject: str) -> bytes:
        return hmac.digest(self._code_key, packed("subject", tenant, subject), "sha256")

    def _open(self, tenant: str, conversation: str) -> _Conversation:
        place = (tenant, conversation)
        room = self._conversations.get(place)
        if room is None:
            room = _Conversation(hmac.digest(self._code_key, packed(tenant, conversation), "sha256"))
            self._conversations[place] = room
            if len(self._conversations) > self._max_conversations:
                self._conversations.popitem(last=False)
        else:
            self._conversations.move_to_end(place)
        return room

    def _seal(self) -> Any:
        """The cipher, made at the first value: a client that meets none does not load the library (8 MB)."""
        if self._cipher is None:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM

            self._cipher = AESGCM(self._seal_key)
        return self._cipher

    def _add(self, room: _Conversation, tenant: str, conversation: str, entity: str, value: str, digest: bytes) -> str:
        drawn = self._draw(room.key, entity, value)
        code = next(code for code in drawn if code not in room.rows and code not in room.erased)
        nonce = os.urandom(_NONCE)
        place = packed(_SCHEMA, tenant, conversation, code, entity)
        sealed = nonce + self._seal().encrypt(nonce, value.encode("utf-8", "surrogatepass"), place)
        room.rows[code] = (entity, sealed)
        token = f"{entity}_{code}"
        room.tokens[digest] = token
        return token

    def _unseal(self, tenant: str, conversation: str, code: str, entity: str, sealed: bytes) -> str:
        from cryptography.exceptions import InvalidTag

        place = packed(_SCHEMA, tenant, conversation, code, entity)
        try:
            opened: bytes = self._seal().decrypt(sealed[:_NONCE], sealed[_NONCE:], place)
        except InvalidTag:
            opened = b""
            tampered = True
        else:
            tampered = False
        if tampered:
            raise StateError(
                "a row of the vault does not belong where it lies",
                control="privacy.tokens",
                why="its seal does not fit its tenant, conversation, code and entity",
                change="forget the conversation; look for whoever changed it",
            )
        return opened.decode("utf-8", "surrogatepass")


def _destroy(room: _Conversation, codes: set[str]) -> None:
    """Rows, and whatever leads to them; the codes themselves stay taken."""
    room.erased |= codes
    room.tokens = {digest: token for digest, token in room.tokens.items() if token.rpartition("_")[2] not in codes}
    for code in codes:
        del room.rows[code]
        del room.owners[code]
