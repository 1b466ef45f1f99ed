"""The file of an SQLite state: who may read it, where it may lie, and how its connections are set up."""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from collections.abc import Callable
from pathlib import Path

from psf_runtime.errors import ConfigError, StateError

_WAL_TRIES = 100
_CONTROL = "privacy.tokens"
_NETWORK = frozenset(("nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ncpfs", "9p", "fuse.sshfs", "ceph", "glusterfs"))
# Every write is on the disk before the call goes on; what is deleted is overwritten; temporary tables never touch it.
_PRAGMAS = (
    "PRAGMA synchronous=FULL",
    "PRAGMA secure_delete=ON",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA cell_size_check=ON",
    "PRAGMA trusted_schema=OFF",
)


def prepare_file(path: Path) -> None:
    """See to it that the file is there, with mode 0600: SQLite gives its journal the same mode.

    Raises:
        ConfigError: others may read or write it, or it lies on a network file system, where SQLite's locks fail.
        StateError: it cannot be made.
    """
    failed = ""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        mode = os.fstat(handle)
        os.close(handle)
    except OSError as error:
        failed = type(error).__name__
    if failed:
        raise StateError(
            "the state cannot be used",
            control=_CONTROL,
            why=f"its file cannot be opened ({failed})",
            change="the folder must exist, and this process may write to it",
        )
    if not stat.S_ISREG(mode.st_mode):
        raise ConfigError("the state is no file", control=_CONTROL, change='state = "sqlite:///psf.db"')
    if os.name == "posix" and mode.st_mode & 0o077:
        raise ConfigError(
            "the state's file is not used",
            control=_CONTROL,
            why="others than its owner may read or write it",
            change="chmod 600 on the file, and on those beside it that end with -wal and -shm",
        )
    if _file_system(path) in _NETWORK:
        raise ConfigError(
            "an SQLite state cannot lie on a network file system",
            control=_CONTROL,
            why="its locks do not hold there, and two writers would destroy it",
            change='a local disk, or state = "postgresql+psycopg://..."',
        )


def identity_of(path: Path) -> tuple[int, int] | None:
    """Which file lies there, or None: open connections would go on with one that was removed or replaced."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def file_replaced() -> StateError:
    """The error when the file is not the one that was opened."""
    return StateError(
        "the state cannot be used",
        control=_CONTROL,
        why="its file was removed, or replaced by another, while it was in use",
        change="put the file back, or start anew",
    )


def opener(path: Path, *, lock_seconds: float) -> Callable[[], sqlite3.Connection]:
    """Opens connections to the file that is there now, and never makes a new one in its place.

    Transactions are begun by hand, never by the driver. A locked file is waited for as long as `lock_seconds`.
    """
    address = f"{Path(os.path.abspath(path)).as_uri()}?mode=rw"

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            address, uri=True, timeout=lock_seconds, check_same_thread=False, isolation_level=None
        )
        for pragma in _PRAGMAS:
            connection.execute(pragma)
        _write_ahead(connection, lock_seconds / _WAL_TRIES)
        return connection

    return connect


def _write_ahead(connection: sqlite3.Connection, pause: float) -> None:
    """Turn on write-ahead logging, which several first runs may do at once; SQLite does not wait for that itself."""
    for turn in range(_WAL_TRIES):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or turn == _WAL_TRIES - 1:
                raise
            time.sleep(pause)
        else:
            return


def _file_system(path: Path) -> str:
    """The kind of file system under a path, where the system tells; else an empty text."""
    try:
        table = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    place = Path(os.path.realpath(path))
    best, kind = -1, ""
    for line in table.splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        folder = fields[1].replace("\\040", " ")
        if place.is_relative_to(folder) and len(folder) >= best:
            best, kind = len(folder), fields[2]
    return kind
