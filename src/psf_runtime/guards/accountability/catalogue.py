"""Reads the tables that ship with this package."""

from __future__ import annotations

import pkgutil
import tomllib
from typing import Any


def rows_of(file: str, kind: str) -> list[dict[str, Any]]:
    """The tables of one kind in the TOML file beside this module, lists as tuples."""
    data = pkgutil.get_data(__package__ or "", file)
    if data is None:
        raise FileNotFoundError(file)
    rows: list[dict[str, Any]] = tomllib.loads(data.decode("utf-8"))[kind]
    return [{key: tuple(value) if isinstance(value, list) else value for key, value in row.items()} for row in rows]
