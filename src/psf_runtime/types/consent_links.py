"""Consent chains as bytes: one canonical row per link, and the check of a whole chain. Pure: no store, no clock."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, Protocol, TypeVar

from psf_runtime.errors import ConfigError, StateError
from psf_runtime.types.consent import START, ConsentEvent, Head, Link, UseLink
from psf_runtime.types.plain import canonical_bytes, from_canonical_bytes

SCHEMA = "psf.consent.1"
SKEW = 5.0  # seconds that clocks of one fleet may differ
_KINDS = frozenset({"consent", "use", "restriction", "erasure", "retention"})
_KEYS = frozenset({"schema", "tenant", "stream", "sequence", "previous", "time", "kind", "data", "sealed"})
LONGEST_ROW = 1_000_000  # bytes
T = TypeVar("T", ConsentEvent, UseLink)


class Signer(Protocol):
    """Signs links, and knows its own signatures again."""

    @property
    def algorithm(self) -> str:
        """Its name, as receipts show it."""
        ...

    def sign(self, data: bytes) -> str:
        """A signature, printable."""
        ...

    def verify(self, data: bytes, signature: str) -> bool:
        """Whether the signature is this signer's, over exactly these bytes."""
        ...


def digest_of(body: bytes) -> str:
    """The digest of a row, in hex: what the next link covers."""
    return hashlib.sha256(body).hexdigest()


def signed_row(link: Link, signer: Signer) -> bytes:
    """A link as the bytes that are kept, with its signature."""
    content = _content(link)
    return canonical_bytes({"link": content, "signature": signer.sign(canonical_bytes(content))})


def data_of(value: ConsentEvent | UseLink) -> dict[str, Any]:
    """An event or a use as plain JSON, by its field names."""
    data = {one.name: getattr(value, one.name) for one in fields(value)}
    return {name: list(item) if isinstance(item, tuple) else item for name, item in data.items()}


def event_of(link: Link) -> ConsentEvent:
    """The event in a link. Raises StateError when it holds something else."""
    return _value_of(link, ConsentEvent)


def use_of(link: Link) -> UseLink:
    """The use in a link. Raises StateError when it holds something else."""
    return _value_of(link, UseLink)


def verify_chain(
    rows: Sequence[bytes],
    *,
    tenant: str,
    stream: str,
    signer: Signer,
    start: Head = START,
    head: Head | None = None,
) -> tuple[Link, ...]:
    """Every link of a chain, oldest first, when every single one holds.

    Args:
        start: where the rows begin: the last link that was removed for good.
        head: how far the chain is known to go; it may go further, but not less far and not elsewhere.

    Raises:
        StateError: a link was edited, swapped, removed, doubled or put in, or was signed by somebody else.
    """
    links: list[Link] = []
    last, time = start, float("-inf")
    for body in rows:
        link = _read(body, signer)
        _must(link.tenant == tenant and link.stream == stream, "a link belongs to another chain")
        _must(link.sequence == last.sequence + 1, "a link is missing, doubled or out of order")
        _must(link.previous == last.digest, "a link does not cover the one before it")
        _must(link.time >= time - SKEW, "a link is older than the one before it")
        last, time = Head(link.sequence, link.digest), max(time, link.time)
        links.append(link)
    check_head(links, head, start=start)
    return tuple(links)


def check_head(links: Sequence[Link], head: Head | None, *, start: Head = START) -> None:
    """Raise StateError unless verified links after `start` go at least as far as they are known to, and through it."""
    if head is None or head.sequence <= start.sequence:
        return
    place = head.sequence - start.sequence - 1
    _must(place < len(links), "links at the end are missing")
    _must(links[place].digest == head.digest, "a link was put in the place of another")


def broken(why: str) -> StateError:
    """The error for a chain that does not hold."""
    return StateError(
        "a consent chain does not hold: nothing may rest on it",
        control="privacy.consent",
        why=why,
        change="restore the state from a backup with its key; look for whoever changed it",
    )


def _content(link: Link) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "tenant": link.tenant,
        "stream": link.stream,
        "sequence": link.sequence,
        "previous": link.previous,
        "time": link.time,
        "kind": link.kind,
        "data": dict(link.data),
        "sealed": link.sealed,
    }


def _read(body: bytes, signer: Signer) -> Link:
    """One row, if its signature fits and its bytes are the only ones that say the same."""
    _must(0 < len(body) <= LONGEST_ROW, "a row has an impossible size")
    try:
        row = from_canonical_bytes(body)
        same = canonical_bytes(row) == body
    except (StateError, ConfigError):
        same, row = False, None
    _must(same and isinstance(row, dict) and row.keys() == {"link", "signature"}, "a row is not what was written")
    content, signature = row["link"], row["signature"]
    _must(isinstance(content, dict) and content.keys() == _KEYS and isinstance(signature, str), "a row lacks a field")
    _must(signer.verify(canonical_bytes(content), signature), "a signature does not fit its link")
    _must(content["schema"] == SCHEMA and content["kind"] in _KINDS, "a link is of a kind that nobody knows")
    names = ("tenant", "stream", "sequence", "previous", "time", "kind", "data", "sealed")
    link = Link(**{name: content[name] for name in names}, signature=signature)
    return replace(link, digest=digest_of(body))


def _value_of(link: Link, kind: type[T]) -> T:
    data: Mapping[str, Any] = link.data
    _must(data.keys() == {one.name for one in fields(kind)}, "a link lacks a field, or has one too many")
    values: dict[str, Any] = {name: tuple(item) if isinstance(item, list) else item for name, item in data.items()}
    return kind(**values)


def _must(holds: bool, why: str) -> None:
    if not holds:
        raise broken(why)
