"""Quirks: what one kind of server does unlike all others, as the exact bytes that it sends.

A client written against the vendor's documentation meets these for the first time in production. Here a test meets
them first: inside this process through the codec for that server, or over a real socket.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from psf_runtime.errors import ConfigError
from psf_runtime.providers.mock.near import hint
from psf_runtime.providers.mock.quirk_table import TABLE

DialectName = Literal["anthropic", "bedrock", "openai", "responses"]


@dataclass(frozen=True, slots=True)
class Quirk:
    """One answer of one kind of server. Write it as `fault.quirk("vllm.reasoning")`.

    Attributes:
        name: the server, a dot, what it does.
        says: the same in a sentence.
        dialect: what the server speaks; a client of another dialect cannot be given this answer.
        body: of an answer that is not streamed; `status`: its HTTP status.
        events: the pieces of a streamed one, which begins with status 200; without any it is answered like the other.
        server: the server's name in the table of local servers; empty for a hosted one.
    """

    name: str
    says: str
    dialect: DialectName
    body: bytes
    events: tuple[bytes, ...]
    status: int = 200
    server: str = ""

    def __repr__(self) -> str:
        return f"fault.quirk({self.name!r})"

    def streams(self, asked: bool) -> bool:
        """Whether the answer is a stream, where one was asked for."""
        return asked and bool(self.events)


QUIRKS: dict[str, Quirk] = {
    name: Quirk(name, row.says, row.dialect, row.body, row.events, row.status, row.server)
    for name, row in TABLE.items()
}


def quirk_named(name: str) -> Quirk:
    """The quirk of this name. Raises ConfigError, with the nearest name, when there is none."""
    quirk = QUIRKS.get(name)
    if quirk is None:
        raise ConfigError(
            f"there is no quirk {name!r}",
            why=hint(name, QUIRKS),
            change="take one of: " + ", ".join(sorted(QUIRKS)),
        )
    return quirk
