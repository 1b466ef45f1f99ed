"""How a call proves who sends it: headers made from a key, at the last moment and never kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from psf_runtime.providers.base import Outgoing
from psf_runtime.providers.keys import KeyGetter, no_key

Headers = tuple[tuple[str, str], ...]


class Credentials(Protocol):
    """Makes the headers that let a call in.

    `blocking` is True while they may wait for the world (a chain of places to look in): async callers then use a
    thread.
    """

    @property
    def blocking(self) -> bool:
        """Whether `headers` may wait for the world now."""
        ...

    def headers(self, outgoing: Outgoing, now: float) -> Headers:
        """The headers for this call. `now`: seconds since the epoch. Raises ConfigError and AuthenticationError."""
        ...


@dataclass(frozen=True, slots=True)
class KeyHeader:
    """A key in a header of its own; no header when there is no key.

    Attributes:
        key: returns the key, or None.
        header: its name, in lower case; `prefix`: in front of the key.
    """

    key: KeyGetter = field(default=no_key, repr=False)
    header: str = "authorization"
    prefix: str = "Bearer "

    @property
    def blocking(self) -> bool:
        """A key is at hand."""
        return False

    def headers(self, outgoing: Outgoing, now: float) -> Headers:
        """The one header."""
        key = self.key()
        return ((self.header, f"{self.prefix}{key}"),) if key else ()


NO_CREDENTIALS = KeyHeader()
