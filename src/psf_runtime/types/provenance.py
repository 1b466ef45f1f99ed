"""Where a text came from, and how far it is trusted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Provenance:
    """The origin of a part.

    `trusted` is the application's own words, `user` is a person's, `untrusted` is everything that reached us
    through a tool, a file or a web page: it may carry instructions that nobody here wrote.
    """

    trust: Literal["trusted", "user", "untrusted"]
    source: str = ""  # a label such as "mail", never a text

    @property
    def is_untrusted(self) -> bool:
        """Whether the part may hold instructions by a stranger."""
        return self.trust == "untrusted"


TRUSTED = Provenance("trusted")
USER = Provenance("user")
UNTRUSTED = Provenance("untrusted")
