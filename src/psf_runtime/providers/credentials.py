"""How a call proves who sends it: headers made from a key, at the last moment and never kept."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Protocol

from psf_runtime.providers.base import Outgoing
from psf_runtime.providers.keys import CalledKey, KeyGetter, no_key

Headers = tuple[tuple[str, str], ...]
_TOKEN = re.compile(r"eyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")


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
        """A key is at hand; the application's own function may wait for one."""
        return isinstance(self.key, CalledKey)

    def headers(self, outgoing: Outgoing, now: float) -> Headers:
        """The one header."""
        key = self.key()
        return ((self.header, f"{self.prefix}{key}"),) if key else ()


@dataclass(frozen=True, slots=True)
class KeyOrToken:
    """Azure's two ways in: a key in `api-key`, or a token of Entra ID as a bearer.

    Which of the two it is shows in its form: a token is a JSON web token, three parts with dots between, and a key has
    no dots. So `api_key=` may be a key, `"env:NAME"`, or a function that renews a token (`get_bearer_token_provider`).
    """

    key: KeyGetter = field(default=no_key, repr=False)

    @property
    def blocking(self) -> bool:
        """The application's own function may wait for a token."""
        return isinstance(self.key, CalledKey)

    def headers(self, outgoing: Outgoing, now: float) -> Headers:
        """The one header."""
        key = self.key()
        if not key:
            return ()
        return (("authorization", f"Bearer {key}"),) if _TOKEN.fullmatch(key) else (("api-key", key),)


NO_CREDENTIALS = KeyHeader()
