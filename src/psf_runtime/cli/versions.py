"""Which version runs, and which extras are installed."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

EXTRAS = {  # extra -> the modules that it brings
    "bedrock": ("botocore",),
    "demo": ("rich", "gguf", "numpy", "xllamacpp"),
    "postgres": ("sqlalchemy", "psycopg"),
    "presidio": ("presidio_analyzer",),
    "sql": ("sqlalchemy",),
}


def own_version() -> str:
    """The version of psf-runtime, or `unknown` when it runs from a folder that was never installed."""
    try:
        return version("psf-runtime")
    except PackageNotFoundError:
        return "unknown"


def missing_modules(extra: str) -> tuple[str, ...]:
    """What an extra still lacks; empty when it is installed. Nothing is imported."""
    return tuple(name for name in EXTRAS[extra] if find_spec(name) is None)


def versions() -> dict[str, str]:
    """Versions of what runs: this library, Python, and what it stands on."""
    found = {"psf-runtime": own_version(), "python": platform.python_version()}
    for name in ("httpx", "pydantic", "cryptography"):
        found[name] = version(name)
    return found
