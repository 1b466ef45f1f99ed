"""Writes the JSON that `--json` asks for."""

from __future__ import annotations

import json
from typing import Any, TextIO


def write_json(stream: TextIO, value: Any) -> None:
    """One JSON document, readable, in the letters that its texts are written in."""
    stream.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")
