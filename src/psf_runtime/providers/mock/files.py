"""A reply that lies in a file beside the tests."""

from __future__ import annotations

from pathlib import Path

from psf_runtime.errors import ConfigError

LONGEST = 4_194_304  # bytes


def text_of_file(path: Path) -> str:
    """The text of a file, UTF-8. Raises ConfigError when it cannot be read, is too long, or is no text."""
    try:
        size = path.stat().st_size
        if size <= LONGEST:
            return path.read_text(encoding="utf-8")
        why = f"it has {size} bytes, and at most {LONGEST} are read"
    except (OSError, UnicodeDecodeError) as error:
        why = type(error).__name__
    raise ConfigError(
        f"the reply in the file {path.name!r} cannot be used",
        why=why,
        change="give the path of a UTF-8 text, as Path(__file__).with_name('answer.txt')",
    )
