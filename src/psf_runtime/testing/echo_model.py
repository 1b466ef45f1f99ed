"""The echo model: a language model for tests and demonstrations that repeats the last message it was sent.

One file of 13 MB that any llama.cpp server can serve. Its weights are computed on this machine in about a second:
nothing is trained, nothing is downloaded. The server around it is real, so templates, streams, tool calls, grammars
and errors are those of a real server, and the prompt decides what comes back.

Limit: a text in which the same 16 bytes occur twice is cut short or repeated.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from psf_runtime.errors import ConfigError

FILE_NAME = "echo-model-1.gguf"  # the number changes with the weights or the template
_MAGIC = b"GGUF"  # how such a file begins


def echo_model(folder: Path | None = None) -> Path:
    """The path of the model, built on first use.

    Args:
        folder: where it is kept; None is `psf-runtime` in $XDG_CACHE_HOME, or in `~/.cache`.

    Raises ConfigError when the extra `demo` is missing, or the folder cannot be written.
    """
    path = (folder or cache_folder()) / FILE_NAME
    if not _is_model(path):
        _build(path)
    return path


def cache_folder() -> Path:
    """Where results that can be computed again are kept."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    # A relative path there is invalid and to be ignored (XDG Base Directory Specification).
    root = Path(base) if os.path.isabs(base) else Path.home() / ".cache"
    return root / "psf-runtime"


def missing_extra(name: str) -> ConfigError:
    """The error for a package of the extra `demo` that is not installed."""
    return ConfigError(
        f"the echo server needs {name}",
        why="it belongs to an extra that is not installed",
        change="pip install 'psf-runtime[demo]'",
    )


def _is_model(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


def _build(path: Path) -> None:
    """Write beside the path and rename, so that no other process ever sees half a file."""
    try:
        from psf_runtime.testing.echo_file import write_model  # needs numpy and gguf
    except ImportError as error:
        raise missing_extra(error.name or "gguf") from None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix="building-") as workshop:
            unfinished = Path(workshop) / FILE_NAME
            write_model(unfinished)
            unfinished.replace(path)
    except OSError as error:
        raise ConfigError(
            "the echo model cannot be kept",
            why=f"{path.parent} cannot be written ({type(error).__name__})",
            change="make the folder writable, or set XDG_CACHE_HOME",
        ) from None
