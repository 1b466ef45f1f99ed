"""Keys from a file that only its owner may read, and how such a file is made and changed."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from psf_runtime.errors import ConfigError, StateError
from psf_runtime.stores.file_locks import locked_file
from psf_runtime.stores.forking import start_anew_after_fork
from psf_runtime.stores.keys import MAX_TEXT, Keyring, new_keyring, parse_keyring

_CONTROL = "privacy.tokens"
_Seen = tuple[int, int, int]  # inode, size, time of change


class FileKeys:
    """The keyring in a file: the ports `KeyProvider` and `RotatingKeys`. Thread-safe.

    The file must belong to the user of this process, and nobody else may read or write it (mode 0600). It is read
    again when it has changed, so all processes of a machine follow a rotation.

    Args:
        path: of the file. It must not lie beside the state: whoever copies that folder would have both.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self.start_anew()
        start_anew_after_fork(self)

    def start_anew(self) -> None:
        """Nothing read yet, and a lock of its own."""
        self._lock = threading.Lock()
        self._seen: _Seen | None = None
        self._keyring: Keyring | None = None

    def __repr__(self) -> str:
        return "FileKeys(...)"

    @property
    def path(self) -> Path:
        """Where the file is."""
        return self._path

    def names(self) -> bytes:
        """The key for digests. Raises StateError when the file cannot be read, ConfigError when it must not be."""
        return self._read().names

    def current(self) -> int:
        """The newest epoch."""
        return self._read().current

    def key(self, epoch: int) -> bytes:
        """The key of an epoch. Raises StateError when it is not here."""
        return self._read().key(epoch)

    def advance(self) -> int:
        """Add an epoch to the file; returns its number."""
        return self._change(Keyring.advanced).current

    def retire(self, epoch: int) -> None:
        """Destroy an old epoch: what only it could open can be opened no more. The old bytes are overwritten."""
        self._change(lambda keyring: keyring.without(epoch))

    def _read(self) -> Keyring:
        with self._lock:
            seen = _look(self._path)
            if self._keyring is None or seen != self._seen:
                self._keyring = parse_keyring(_text_of(self._path), where="the key file")
                self._seen = seen
            return self._keyring

    def _change(self, change: Callable[[Keyring], Keyring]) -> Keyring:
        with _writing(self._path), locked_file(self._path.with_name(self._path.name + ".lock")):
            _look(self._path)
            keyring = change(parse_keyring(_text_of(self._path), where="the key file"))
            _replace(self._path, keyring)
        return self._read()


def create_key_file(path: str | os.PathLike[str]) -> Path:
    """Make a file with new keys, readable by its owner only. It never overwrites, and refuses a git work tree.

    Raises:
        ConfigError: there is a file of that name, its folder is missing, or it lies in a git work tree.
    """
    target = Path(os.path.abspath(path))
    for folder in target.parents:
        if (folder / ".git").exists():
            raise ConfigError(
                "no key was made: keys do not belong into a git work tree",
                control=_CONTROL,
                why="the folder, or one above it, holds .git",
                change="name a file outside of it, for example in a folder of secrets",
            )
    trouble = ""
    try:
        handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), 0o600)
    except OSError as error:
        trouble = "there is a file of that name" if isinstance(error, FileExistsError) else type(error).__name__
    if trouble:
        raise ConfigError(
            "no key was made", control=_CONTROL, why=trouble, change="name a new file in a folder that exists"
        )
    _write(handle, new_keyring())
    return target


def check_key_file(path: Path) -> None:
    """Raises ConfigError when others may read or write the file, or it belongs to somebody else."""
    _look(path)


def _look(path: Path) -> _Seen:
    with _reading():
        found = os.stat(path)
    problem = ""
    if not stat.S_ISREG(found.st_mode):
        problem = "it is not a file"
    elif os.name == "posix" and found.st_mode & 0o077:
        problem = "others than its owner may read or write it"
    elif os.name == "posix" and found.st_uid not in (os.geteuid(), 0):
        problem = "it belongs to another user"
    elif found.st_size > MAX_TEXT:
        problem = f"it is larger than {MAX_TEXT} bytes"
    if problem:
        raise ConfigError("the key file is not used", control=_CONTROL, why=problem, change="chmod 600 FILE")
    return found.st_ino, found.st_size, found.st_mtime_ns


def _text_of(path: Path) -> str:
    with _reading():
        return path.read_bytes().decode("ascii", "replace")


def _replace(path: Path, keyring: Keyring) -> None:
    """Put the new text in the file's place in one step, then overwrite the bytes of the old one."""
    beside = path.with_name(f"{path.name}.new")
    beside.unlink(missing_ok=True)
    _write(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), keyring)
    with open(path, "r+b") as old:
        os.replace(beside, path)
        size = old.seek(0, os.SEEK_END)
        old.seek(0)
        old.write(b"\0" * size)
        old.flush()
        os.fsync(old.fileno())


def _write(handle: int, keyring: Keyring) -> None:
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(keyring.text())
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _reading() -> Iterator[None]:
    failed = ""
    try:
        yield
    except OSError as error:
        failed = type(error).__name__
    if failed:
        raise StateError(
            "the key file cannot be read", control=_CONTROL, why=failed, change="check the path and its rights"
        )


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    failed = ""
    try:
        yield
    except OSError as error:
        failed = type(error).__name__
    if failed:
        raise StateError(
            f"the key file {path.name} cannot be changed",
            control=_CONTROL,
            why=failed,
            change="the folder must be writable",
        )
