"""Sentences that several places of the policy say, and small checks that come with them."""

from __future__ import annotations

import re
from collections.abc import Callable

from psf_runtime.stores.sql.address import address_trouble

NOT_YET = "is not in this version yet"
MEMORY_ONLY = "this version keeps them in memory only"
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_KEY = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:\S.*")
_HOST = re.compile(rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})*", re.IGNORECASE)


def host_trouble(host: str) -> bool:
    """Whether a text is not the bare name of a host (`acme.example`)."""
    return _HOST.fullmatch(host) is None


def state_trouble(state: object) -> tuple[str, str] | None:
    """What is wrong with a `state=` setting and what to change, or None. Never repeats it: it may hold a password."""
    if state == "memory:":
        return None
    if not isinstance(state, str):
        return "must be a text", '"memory:"'
    return address_trouble(state)


def key_trouble(key: object) -> tuple[str, str] | None:
    """What is wrong with a `key=` setting and what to change, or None. Never repeats it: it may be a key itself."""
    if isinstance(key, str) and _KEY.fullmatch(key):
        return None
    return "must say where the keys of the state are", '"env:PSF_KEY", or "file:/run/secrets/psf.keys"'


def halt_trouble(halt: str) -> tuple[str, str] | None:
    """What is wrong with a `resilience.halt` setting and what to change, or None."""
    if halt.startswith("file:/") and len(halt) > len("file:/"):
        return None
    return "is not a file by its whole path", '"file:/run/psf.halt"'


def parse_trouble(name: str, parse: Callable[[str], object], text: str, example: str) -> list[tuple[str, str, str]]:
    """The problem with a setting that `parse` does not understand, if there is one."""
    try:
        parse(text)
    except ValueError as error:
        return [(name, str(error), example)]
    return []


def count(number: int, noun: str) -> str:
    """A number and its noun: `1 problem`, `3 problems`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
