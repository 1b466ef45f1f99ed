"""Where the key of a target comes from. No key is ever in a repr, a message or a log."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from psf_runtime.errors import ConfigError

KeyGetter = Callable[[], str | None]
_KEY = re.compile(r"[\x21-\x7e]{1,4096}")


class FixedKey:
    """A key that does not change."""

    __slots__ = ("_key",)

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self) -> str:
        """The key."""
        return self._key

    def __repr__(self) -> str:
        return "FixedKey(hidden)"


class CalledKey:
    """A key that the application's own function returns each time it is needed, so that it can be renewed."""

    __slots__ = ("_call", "_target")

    def __init__(self, call: Callable[[], str], target: str) -> None:
        self._call = call
        self._target = target

    def __call__(self) -> str:
        """The key of this moment. Raises ConfigError when the function fails, without its text."""
        failed = ""
        key: object = None
        try:
            key = self._call()
        except Exception as error:
            failed = type(error).__name__
        if not failed and isinstance(key, str) and _KEY.fullmatch(key.strip()):
            return key.strip()
        del key
        raise ConfigError(
            f"{self._target}: the function given as api_key returned no key",
            why=f"it raised {failed}" if failed else "a key is text of printable signs without blanks",
            change="look at that function; nothing was sent",
        )

    def __repr__(self) -> str:
        return "CalledKey(hidden)"


def no_key() -> None:
    """The key of a target that needs none."""
    return


def key_from(value: str | Callable[[], str], environ: Mapping[str, str], target: str) -> KeyGetter:
    """What `api_key=` means: a key, `"env:NAME"`, or a callable. Raises ConfigError when there is none."""
    if callable(value):
        return CalledKey(value, target)
    name = value.removeprefix("env:") if value.startswith("env:") else ""
    key = environ.get(name, "") if name else value
    if _KEY.fullmatch(key.strip()):
        return FixedKey(key.strip())
    shown = name if re.fullmatch(r"[A-Z0-9_a-z]{1,64}", name) else "api_key"
    missing = not key.strip()
    del key, value
    raise ConfigError(
        f"{target}: {shown} holds no key",
        why="it is not set" if missing else "a key is text of printable signs without blanks",
        change=f"set {shown}",
    )
