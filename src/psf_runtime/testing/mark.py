"""`@pytest.mark.psf(...)`: what one test may do that others may not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from psf_runtime.errors import ConfigError
from psf_runtime.providers.mock.near import hint

MARK = (
    "psf(network=False, cassette=None, record=None): psf_runtime: let this test reach other machines; play this "
    "cassette; the target that pytest --psf-record asks to write it"
)
_KNOWN = ("network", "cassette", "record")


@dataclass(frozen=True, slots=True)
class Mark:
    """What a test's marks add up to.

    Attributes:
        network: whether its calls may leave this machine.
        cassette: name of the file, from the folder of the test's own; empty without one.
        record: the target that is recorded; `is_recording`: whether that happens now.
        folder: of the test's file.
    """

    network: bool = False
    cassette: str = ""
    record: str = ""
    is_recording: bool = False
    folder: Path = Path()

    @property
    def path(self) -> Path:
        """Where the cassette lies."""
        return self.folder / self.cassette


def mark_of(item: pytest.Item, *, recording: bool) -> Mark:
    """The marks of a test, the nearest first. Raises ConfigError for a word that none of them knows.

    Args:
        recording: whether cassettes are to be written.
    """
    given: dict[str, object] = {}
    for mark in item.iter_markers("psf"):
        for name, value in mark.kwargs.items():
            if name not in _KNOWN:
                raise ConfigError(
                    f"@pytest.mark.psf does not know {name!r}",
                    why=hint(name, _KNOWN),
                    change="it takes " + ", ".join(f"{known}=" for known in _KNOWN),
                )
            given.setdefault(name, value)
        if mark.args:
            raise ConfigError("@pytest.mark.psf takes words only", change='@pytest.mark.psf(cassette="refund.json")')
    cassette, record = str(given.get("cassette") or ""), str(given.get("record") or "")
    writes = recording and bool(cassette)
    if writes and not record:
        raise ConfigError(
            f"the cassette {cassette!r} cannot be written: nobody says which target is to be asked",
            change=f'@pytest.mark.psf(cassette={cassette!r}, record="openai:gpt-4o")',
        )
    return Mark(bool(given.get("network")) or writes, cassette, record, writes, item.path.parent)
