"""The tables. Names of tenants, conversations, subjects and streams are in them only as keyed digests; values, sealed.

Times are milliseconds since the epoch. What an attacker who can write to the database may do is delete, or bring back
an older copy of the whole; whatever is changed or moved does not open.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text

SCHEMA = 1
METADATA = MetaData()
_NUMBER = BigInteger().with_variant(Integer(), "sqlite")  # a strict table of SQLite knows no BIGINT


def _binary(name: str, *, key: bool = False, null: bool = False) -> Column[bytes]:
    return Column(name, LargeBinary, primary_key=key, nullable=null)


def _text(name: str, *, key: bool = False) -> Column[str]:
    return Column(name, Text, primary_key=key, nullable=False)


def _number(name: str, *, key: bool = False, null: bool = False) -> Column[int]:
    return Column(name, _NUMBER, primary_key=key, nullable=null, autoincrement=False)


def _table(name: str, *columns: Column[bytes] | Column[str] | Column[int] | Index) -> Table:
    return Table(name, METADATA, *columns, sqlite_strict=True)


# One row: which schema, whose keys, which epoch is current; the latest time seen; how often something was erased.
STATE = _table(
    "psf_state",
    _number("id", key=True),
    _number("schema_version"),
    _binary("names_check"),
    _number("epoch"),
    _number("latest"),
    _number("erasures"),
)

EPOCHS = _table(
    "psf_epochs",
    _number("epoch", key=True),
    _binary("key_check"),
    _number("began"),
    _number("retired", null=True),
)

# Data keys, wrapped by the key of an epoch. A table of its own, so that it can have a short backup of its own.
KEYS = _table(
    "psf_keys",
    _binary("tenant", key=True),
    _text("kind", key=True),
    _binary("owner", key=True),
    _binary("key_id"),
    _number("epoch"),
    _binary("wrapped"),
    _number("created"),
    Index("psf_keys_by_epoch", "epoch"),
)

# What stands behind each token, sealed under the keys of its conversation and, if one is named, its subject. An erased
# row keeps its code, so that the code never comes to mean something else.
VALUES = _table(
    "psf_values",
    _binary("tenant", key=True),
    _binary("conversation", key=True),
    _text("code", key=True),
    _text("entity"),
    _binary("digest", null=True),
    _text("owner_kind"),
    _binary("owner"),
    _binary("key_id"),
    _binary("room_key_id"),
    _number("epoch"),
    _binary("sealed", null=True),
    _number("created"),
    _number("expires"),
    _number("erased", null=True),
    Index("psf_values_by_digest", "tenant", "conversation", "digest", unique=True),
    Index("psf_values_by_owner", "tenant", "owner_kind", "owner"),
    Index("psf_values_by_expiry", "expires"),
)

# That something was destroyed, and when: never what.
ERASURES = _table(
    "psf_erasures",
    _binary("id", key=True),
    _binary("tenant"),
    _text("kind"),
    _binary("owner"),
    _number("at"),
    _number("items"),
    _number("epoch"),
    Index("psf_erasures_by_owner", "tenant", "kind", "owner"),
)

# Append-only streams: one row about each, with the digest of its last link, and one row per link.
STREAMS = _table(
    "psf_streams",
    _binary("tenant", key=True),
    _binary("stream", key=True),
    _binary("name"),
    _number("first_number"),
    _number("next_number"),
    _text("end_digest"),
)

LINKS = _table(
    "psf_links",
    _binary("tenant", key=True),
    _binary("stream", key=True),
    _number("number", key=True),
    _binary("sealed"),
    _number("created"),
)

# Small values by name, each under a data key of its own: when the key goes, so does the value, in backups too.
SECRETS = _table(
    "psf_secrets",
    _binary("tenant", key=True),
    _binary("name", key=True),
    _binary("sealed"),
    _number("created"),
)
