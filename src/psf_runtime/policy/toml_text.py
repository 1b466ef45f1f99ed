"""From a file to TOML values: who may write the file, and where its syntax errors are."""

from __future__ import annotations

import os
import re
import stat
import tomllib
from pathlib import Path
from typing import Any

from psf_runtime.errors import ConfigError

LARGEST = 1_000_000  # bytes
_POSITION = re.compile(r"\(at line (\d+), column \d+\)")


def read_text(path: Path) -> str:
    """The text of a policy file.

    Raises:
        ConfigError: there is none, it is not readable, others may write it, it is too large, or it is not UTF-8.
    """
    try:
        with path.open("rb") as file:
            _refuse_shared(path.name, os.fstat(file.fileno()))
            content = file.read(LARGEST + 1)
    except OSError as error:
        raise ConfigError(
            f"{path.name} cannot be read: {type(error).__name__}.",
            change="the path of the policy file; psf init makes one",
        ) from None
    if len(content) > LARGEST:
        raise ConfigError(f"{path.name} is larger than {LARGEST} bytes.", change="keep only settings in it")
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path.name}:{line}: not UTF-8.", change="save the file as UTF-8") from None


def _refuse_shared(name: str, status: os.stat_result) -> None:
    """A policy that others may write is nobody's policy."""
    if not stat.S_ISREG(status.st_mode):
        raise ConfigError(f"{name} is not a regular file.", change="the path of the policy file")
    if status.st_mode & 0o022:
        mode = stat.S_IMODE(status.st_mode)
        raise ConfigError(
            f"{name} may be written by others (mode {mode:04o}).",
            why="whoever writes the policy decides which controls act",
            change=f"chmod go-w {name}",
        )


def parse_text(text: str, name: str) -> dict[str, Any]:
    """The values of a TOML text.

    Raises:
        ConfigError: it is not TOML; says the line, and never repeats what stands there.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _syntax(str(error), text, name) from None
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{name}: not TOML: {type(error).__name__}.", change="a plain TOML file") from None


def _syntax(message: str, text: str, name: str) -> ConfigError:
    found = _POSITION.search(message)
    line = int(found[1]) if found else text.rstrip().count("\n") + 1
    return ConfigError(
        f"{name}:{line}: {_reason(message)}", change="correct this line; the rest is not read until then"
    )


def _reason(message: str) -> str:
    """Why, in closed words: the parser's own message may quote the file."""
    if message.startswith(("Cannot ", "Duplicate")):
        return "the same key or table twice."
    if message.startswith("Invalid date"):
        return "not a day that exists."
    if message.startswith(("Unterminated", "Expected \"'''\"", "Illegal character '\\n'")):
        return "a text without its closing quote."
    if message.startswith("Unclosed"):
        return "a list or table without its closing bracket."
    if message.startswith(("Invalid value", "Expected newline")):
        return 'not a value: texts need quotes ("enforce"), a date is a day that exists (2027-03-31).'
    if message.startswith("Expected '='"):
        return "no = after the key."
    return "not TOML."
