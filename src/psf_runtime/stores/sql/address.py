"""Where a durable state is: `sqlite:///psf.db` or `postgresql+psycopg://user@host/name`, told without SQLAlchemy."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from psf_runtime.errors import ConfigError

_SQLITE = "sqlite:///"
_POSTGRES = "postgresql+psycopg://"
_EXAMPLES = 'state = "sqlite:///psf.db", "sqlite:////var/lib/acme/psf.db" or "postgresql+psycopg://psf@db/psf"'


def is_durable(state: str) -> bool:
    """Whether a `state=` names a database."""
    return state.startswith((_SQLITE, _POSTGRES)) and address_trouble(state) is None


def address_trouble(state: str) -> tuple[str, str] | None:
    """What is wrong with the address of a database, and what to change. Never repeats it: it may hold a password."""
    if state.startswith(_SQLITE):
        name = state.removeprefix(_SQLITE)
        if not name or name.endswith("/") or name == ":memory:" or name.startswith("file:") or "?" in name:
            return "names no file of its own", _EXAMPLES
        return None
    if state.startswith(_POSTGRES):
        try:
            whole = urlsplit(state).path.strip("/") != ""
        except ValueError:
            whole = False
        return None if whole else ("names no database", _EXAMPLES)
    scheme = state.partition(":")[0].partition("+")[0].lower()
    if scheme in ("sqlite", "postgresql", "postgres"):
        return f"is no whole {'sqlite' if scheme == 'sqlite' else 'postgresql'} address", _EXAMPLES
    return "is no state that this library knows", f'state = "memory:", or {_EXAMPLES}'


def state_file(state: str) -> Path | None:
    """The file of an SQLite state, else None."""
    return Path(state.removeprefix(_SQLITE)) if state.startswith(_SQLITE) else None


def checked(state: str) -> str:
    """The address, when it is one. Raises ConfigError."""
    trouble = address_trouble(state)
    if trouble is not None:
        raise ConfigError("the state cannot be used.", problems=[("state", *trouble)])
    return state
