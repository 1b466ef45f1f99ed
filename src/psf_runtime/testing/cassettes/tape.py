"""A cassette's file: JSON, read field by field, with no fact of the call that names a person."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from psf_runtime.errors import ConfigError

VERSION = 1
LARGEST = 33_554_432  # bytes
Data = dict[str, Any]


@dataclass(frozen=True, slots=True, repr=False)
class Entry:
    """One call: what was asked, as `asked_data` writes it, and what was answered."""

    asked: Data
    answer: Data


@dataclass(slots=True, repr=False)
class Cassette:
    """The calls of one test.

    Attributes:
        target: the name of the target that answered; `capabilities`: what it could do.
        masked: values in answers that were masked when it was written, counted by entity.
    """

    target: str
    capabilities: tuple[str, ...] = ()
    entries: list[Entry] = field(default_factory=list)
    masked: dict[str, int] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """The file's content."""
        value = {
            "psf_cassette": VERSION,
            "target": self.target,
            "capabilities": sorted(self.capabilities),
            "masked": self.masked,
            "calls": [{"asked": entry.asked, "answer": entry.answer} for entry in self.entries],
        }
        return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"


def load(path: Path) -> Cassette:
    """The cassette in a file. Raises ConfigError when it is missing, too large, or something else."""
    try:
        size = path.stat().st_size
        data = path.read_bytes() if size <= LARGEST else b""
    except OSError as error:
        raise ConfigError(
            f"the cassette {path.name!r} cannot be read",
            why=type(error).__name__,
            change='write it once: pytest --psf-record, with @pytest.mark.psf(cassette=..., record="openai:gpt-4o")',
        ) from None
    return _parsed(data, path)


def _parsed(data: bytes, path: Path) -> Cassette:
    try:
        value = orjson.loads(data)
        if value["psf_cassette"] == VERSION:
            return Cassette(
                str(value["target"]),
                tuple(map(str, value["capabilities"])),
                [Entry(_object(call["asked"]), _object(call["answer"])) for call in value["calls"]],
                {str(entity): int(count) for entity, count in value.get("masked", {}).items()},
            )
        why = f"its form is not version {VERSION}"
    except (ValueError, KeyError, TypeError, AttributeError):
        why = "it is no cassette, or too large"
    raise ConfigError(
        f"the cassette {path.name!r} cannot be used", why=why, change="write it anew: pytest --psf-record"
    )


def _object(value: Any) -> Data:
    if not isinstance(value, Mapping):
        raise TypeError("no object")
    return dict(value)


def save(cassette: Cassette, path: Path) -> None:
    """Write it whole or not at all: a test run that is stopped leaves the old file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        beside.write_bytes(cassette.to_bytes())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
