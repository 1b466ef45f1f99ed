"""One subject's chain, opened: found by the subject's name, read whole and verified, written at the end.

The name of a subject is kept nowhere. A keyed digest of it finds an alias: a sealed secret of 32 random bytes, and how
far the chains go. From the secret come the chain's own name and the key of the sealed fields. Once the alias is
destroyed nobody can tell whose chain it was, whatever keys they hold, and the sealed fields open for nobody; the chain
itself still verifies.
"""

from __future__ import annotations

import base64
import hmac
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from psf_runtime.errors import ConfigError, StateError
from psf_runtime.stores.consent_chain_signer import derived
from psf_runtime.stores.consent_chain_storage import AliasStorage, ConsentStorage
from psf_runtime.stores.sealing import Sealer
from psf_runtime.types.consent import START, Head, Link, LinkKind
from psf_runtime.types.consent_links import LONGEST_ROW, SKEW, Signer, check_head, digest_of, signed_row, verify_chain
from psf_runtime.types.plain import canonical_bytes, from_canonical_bytes

_TRIES = 32  # how often a write that somebody else was faster with is tried again
_PLACE = "consent.alias"
_LONGEST_NAME = 2_000  # characters
_SHORT = 256  # links of a chain that is remembered as verified
_MOST_VERIFIED = 1_000  # chains
MOST_CONVERSATIONS = 1_000  # of one subject; older ones are no longer known to be the subject's


@dataclass(frozen=True, slots=True, repr=False)
class Alias:
    """Whose chain it is: the subject's secret, and how far each of the subject's streams goes.

    Attributes:
        name: keyed digest of the subject, under which the alias is kept.
        secret: random; the chain's name and the sealed fields come from it.
        conversations: whose values in the vault are the subject's, oldest first.
        kept: the bytes as they are kept.
    """

    tenant: str
    name: str
    secret: bytes
    stream: str
    heads: Mapping[str, Head]
    conversations: tuple[str, ...]
    kept: bytes | None

    def person(self, name: str) -> str:
        """Keyed digest of somebody who acts in this chain; of the subject itself, the name of the chain."""
        return _person(self.secret, self.tenant, name)

    def seal(self, text: str, stream: str) -> str:
        """A text that only this subject's secret opens, for a link of this stream."""
        sealer = Sealer(derived(self.secret, "seal"))
        return base64.b64encode(sealer.seal(text.encode("utf-8", "surrogatepass"), (self.stream, stream))).decode()

    def open(self, link: Link) -> str:
        """The sealed text of a link, or "". Raises StateError when it was not sealed for this link's stream."""
        if not link.sealed:
            return ""
        sealer = Sealer(derived(self.secret, "seal"))
        return sealer.open(base64.b64decode(link.sealed), (self.stream, link.stream)).decode("utf-8", "surrogatepass")


class ChainBook:
    """Finds, reads and writes the chains of subjects.

    Args:
        key: the key of the state: finds and seals aliases.
        signer: signs links.
    """

    def __init__(self, key: bytes, *, rows: ConsentStorage, aliases: AliasStorage, signer: Signer) -> None:
        self._find_key = derived(key, "find")
        self._sealer = Sealer(derived(key, "alias"))
        self._rows = rows
        self._aliases = aliases
        self._verified: dict[tuple[str, str], tuple[tuple[bytes, ...], tuple[Link, ...]]] = {}
        self.signer = signer

    def find(self, tenant: str, subject: str) -> Alias | None:
        """The alias of a subject, or None for one that is not known here."""
        return self.find_named(tenant, self._name(tenant, subject))

    def find_named(self, tenant: str, name: str) -> Alias | None:
        """The alias under a name that `find` has returned, or None."""
        kept = self._aliases.get(tenant, name)
        return None if kept is None else self._opened(tenant, name, kept)

    def find_or_begin(self, tenant: str, subject: str) -> Alias:
        """The alias of a subject; a new one when there is none."""
        for _ in range(_TRIES):
            found = self.find(tenant, subject)
            if found is not None:
                return found
            secret = os.urandom(32)
            stream = _person(secret, tenant, subject)
            fresh = Alias(tenant, self._name(tenant, subject), secret, stream, {}, (), None)
            kept = self._sealed(fresh)
            if self._aliases.put(tenant, fresh.name, kept, None):
                return replace(fresh, kept=kept)
        raise _busy()

    def drop(self, alias: Alias) -> bool:
        """Destroy an alias: nobody can tell any more whose chain it was."""
        self._verified.pop((alias.tenant, alias.stream), None)
        return self._aliases.drop(alias.tenant, alias.name)

    def read(self, alias: Alias, stream: str | None = None, start: Head = START) -> tuple[Link, ...]:
        """A chain of the subject, verified whole, after `start`. Raises StateError when it does not hold."""
        name = alias.stream if stream is None else stream
        return self.read_stream(alias.tenant, name, start=start, head=alias.heads.get(name))

    def read_stream(
        self, tenant: str, stream: str, *, start: Head = START, head: Head | None = None
    ) -> tuple[Link, ...]:
        """Any chain, verified, after `start`. Rows that `start` covers and that are still there are passed over."""
        rows = tuple(self._rows.scan(tenant, stream))
        if start.sequence:
            covered = next((i for i, row in enumerate(rows) if digest_of(row) == start.digest), None)
            rows = rows if covered is None else rows[covered + 1 :]
            return verify_chain(rows, tenant=tenant, stream=stream, signer=self.signer, start=start, head=head)
        known = self._verified.get((tenant, stream))
        if known is not None and known[0] == rows:
            check_head(known[1], head)
            return known[1]
        links = verify_chain(rows, tenant=tenant, stream=stream, signer=self.signer, head=head)
        self._remember(tenant, stream, rows, links)
        return links

    def _remember(self, tenant: str, stream: str, rows: tuple[bytes, ...], links: tuple[Link, ...]) -> None:
        """The same bytes hold the same links: a chain that has not changed is not worked out again."""
        if len(rows) <= _SHORT:
            if len(self._verified) >= _MOST_VERIFIED:
                self._verified.clear()
            self._verified[tenant, stream] = (rows, links)

    def append(
        self, alias: Alias, kind: LinkKind, data: Mapping[str, Any], *, now: float, sealed: str = ""
    ) -> tuple[Alias, Link]:
        """Add a link to the chain of the subject; returns the alias as it is now, and the link.

        Raises StateError when the chain does not hold, or when the clock stands before its last link.
        """
        box = alias.seal(sealed, alias.stream) if sealed else ""
        link = self.append_to(alias.tenant, alias.stream, kind, data, now=now, sealed=box, known=alias)
        return self._noted(alias, alias.stream, Head(link.sequence, link.digest), ""), link

    def append_to(
        self,
        tenant: str,
        stream: str,
        kind: LinkKind,
        data: Mapping[str, Any],
        *,
        now: float,
        sealed: str = "",
        known: Alias | None = None,
    ) -> Link:
        """Add a link to a chain after all of it was verified; `known`: whose chain it is, where that is known."""
        for _ in range(_TRIES):
            links = self.read(known) if known is not None else self.read_stream(tenant, stream)
            if links and now < max(link.time for link in links) - SKEW:
                raise _clock()
            last = Head(links[-1].sequence, links[-1].digest) if links else START
            link = self._added(Link(tenant, stream, last.sequence + 1, last.digest, now, kind, data, sealed))
            if link is not None:
                return link
        raise _busy()

    def append_use(
        self, alias: Alias, stream: str, data: Mapping[str, Any], *, now: float, start: Head, conversation: str
    ) -> tuple[Alias, Link]:
        """Add a use to one of the subject's other chains. Only the end is looked at: such a chain may be long."""
        if len(conversation) > _LONGEST_NAME:
            raise _too_long("the name of a conversation")
        last = max(alias.heads.get(stream, START), start, key=lambda head: head.sequence)
        for _ in range(_TRIES):
            link = self._added(Link(alias.tenant, stream, last.sequence + 1, last.digest, now, "use", data))
            if link is not None:
                return self._noted(alias, stream, Head(link.sequence, link.digest), conversation), link
            links = self.read(alias, stream, start)
            last = Head(links[-1].sequence, links[-1].digest) if links else start
        raise _busy()

    def _added(self, link: Link) -> Link | None:
        """The link, once it is kept; None when somebody else was faster."""
        body = signed_row(link, self.signer)
        if len(body) > LONGEST_ROW:
            raise _too_long("a link")
        if not self._rows.append(link.tenant, link.stream, body, link.previous):
            return None
        return replace(link, digest=digest_of(body))

    def trim_until(self, tenant: str, stream: str, digest: str) -> None:
        """Remove the rows of a chain up to the one with this digest."""
        rows = self._rows.scan(tenant, stream)
        place = next((index for index, row in enumerate(rows) if digest_of(row) == digest), None)
        if place is not None:
            self._rows.trim(tenant, stream, place + 1)

    def streams(self) -> Sequence[tuple[str, str]]:
        """Every chain that is kept."""
        return self._rows.streams()

    def _noted(self, alias: Alias, stream: str, head: Head, conversation: str) -> Alias:
        """Note how far a chain goes now. When the alias was destroyed meanwhile it stays destroyed."""
        for _ in range(_TRIES):
            changed = _changed(alias, stream, head, conversation)
            value = self._sealed(changed)
            if self._aliases.put(alias.tenant, alias.name, value, alias.kept):
                return replace(changed, kept=value)
            kept = self._aliases.get(alias.tenant, alias.name)
            if kept is None:
                return changed
            alias = self._opened(alias.tenant, alias.name, kept)
        raise _busy()

    def _name(self, tenant: str, subject: str) -> str:
        return hmac.digest(self._find_key, _packed(tenant, subject), "sha256").hex()[:32]

    def _sealed(self, alias: Alias) -> bytes:
        heads = {stream: [head.sequence, head.digest] for stream, head in alias.heads.items()}
        value = {
            "secret": base64.b64encode(alias.secret).decode(),
            "stream": alias.stream,
            "heads": heads,
            "conversations": list(alias.conversations),
        }
        return self._sealer.seal(canonical_bytes(value), (_PLACE, alias.tenant, alias.name))

    def _opened(self, tenant: str, name: str, kept: bytes) -> Alias:
        value = from_canonical_bytes(self._sealer.open(kept, (_PLACE, tenant, name)))
        heads = {stream: Head(*head) for stream, head in value["heads"].items()}
        secret, talks = base64.b64decode(value["secret"]), tuple(value["conversations"])
        return Alias(tenant, name, secret, value["stream"], heads, talks, kept)


def _changed(alias: Alias, stream: str, head: Head, conversation: str) -> Alias:
    """The alias with a head that never goes back, and with one more conversation, if it is a new one."""
    newest = max(alias.heads.get(stream, START), head, key=lambda one: one.sequence)
    talks = alias.conversations
    if conversation and conversation not in talks:
        talks = (*talks, conversation)[-MOST_CONVERSATIONS:]
    return replace(alias, heads={**alias.heads, stream: newest}, conversations=talks)


def _person(secret: bytes, tenant: str, name: str) -> str:
    return "s_" + hmac.digest(derived(secret, "person"), _packed(tenant, name), "sha256").hex()[:32]


def _packed(tenant: str, name: str) -> bytes:
    return f"{len(tenant)}:{tenant}{name}".encode("utf-8", "surrogatepass")


def _clock() -> StateError:
    return StateError(
        "nothing was written: the clock stands before the last link of the chain",
        control="privacy.consent",
        why=f"it was moved back by more than {SKEW:.0f} s",
        change="set the clock right",
    )


def _too_long(what: str) -> ConfigError:
    return ConfigError(
        f"nothing was written: {what} is too long", control="privacy.consent", change="give shorter names and ids"
    )


def _busy() -> StateError:
    return StateError(
        "nothing was written: others write to this chain without a pause",
        control="privacy.consent",
        change="try again",
    )
