"""What went wrong with a database, in the words of a StateError. Nothing of the database's own text is repeated."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from sqlalchemy import exc

from psf_runtime.errors import StateError

CONTROL = "privacy.tokens"
Reason = tuple[str, str]  # why, and what to change

_LOCKED = ("the database is locked by somebody else", "look for a long transaction, backup or tool that holds it")
_CORRUPT = ("the database file is corrupt, or is no database", "restore it from a backup, with its keys")
_FULL = ("there is no room left to write", "make room; nothing was lost")
_DOWN = ("the database cannot be reached", "see whether it runs and can be reached from here")
_READ_ONLY = ("the database can only be read", "give this process the right to write to it")
_LOGIN = ("the database refused the login", "check the user, the password and their rights")
_ABSENT = ("the database, or a table in it, is not there", "create the database, or check its name")
_BUSY = ("all connections to the database are in use", "look for calls that hang in it")
_OTHER = ("the database refused what it was asked", "look at the log of the database")

_SQLITE: Mapping[str, Reason] = {
    "SQLITE_BUSY": _LOCKED,
    "SQLITE_LOCKED": _LOCKED,
    "SQLITE_CORRUPT": _CORRUPT,
    "SQLITE_NOTADB": _CORRUPT,
    "SQLITE_FULL": _FULL,
    "SQLITE_READONLY": _READ_ONLY,
    "SQLITE_PERM": _READ_ONLY,
    "SQLITE_CANTOPEN": _DOWN,
    "SQLITE_IOERR": _DOWN,
}
# PostgreSQL, appendix A, "Error Codes": whole codes first, then classes.
_POSTGRES: Mapping[str, Reason] = {
    "55P03": _LOCKED,
    "40P01": _LOCKED,
    "40001": _LOCKED,
    "57014": _LOCKED,
    "25006": _READ_ONLY,
    "42501": _LOGIN,
    "3D000": _ABSENT,
    "42P01": _ABSENT,
    "28": _LOGIN,
    "53": _FULL,
    "08": _DOWN,
    "57": _DOWN,
    "XX": _CORRUPT,
}


class Conflict(StateError):
    """Somebody else wrote the same thing first: look again and retry."""


def trouble_of(error: exc.SQLAlchemyError) -> StateError:
    """The StateError for an error of the database."""
    if isinstance(error, exc.IntegrityError):
        return Conflict(
            "somebody else changed the state at the same moment",
            control=CONTROL,
            why="a unique index of the database refused the row",
            change="try again",
        )
    why, change = _reason(error)
    return StateError("the state cannot be used", control=CONTROL, why=why, change=change)


def _reason(error: exc.SQLAlchemyError) -> Reason:
    if isinstance(error, exc.TimeoutError):
        return _BUSY
    original = getattr(error, "orig", None)
    if isinstance(original, sqlite3.Error):
        name = getattr(original, "sqlite_errorname", "") or ""
        primary = "_".join(name.split("_")[:2])
        return _SQLITE.get(primary, _OTHER)
    state = getattr(original, "sqlstate", None) or ""
    if not state and isinstance(error, exc.OperationalError | exc.InterfaceError):
        return _DOWN
    return _POSTGRES.get(state) or _POSTGRES.get(state[:2]) or _OTHER


def locked_here() -> StateError:
    """The error when another thread of this process holds the only writer for too long."""
    why, change = _LOCKED
    return StateError("the state cannot be used", control=CONTROL, why=why, change=change)
