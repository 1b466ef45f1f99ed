"""One transport in front of many: each request goes to the target it names."""

from __future__ import annotations

from collections.abc import Mapping

from psf_runtime.errors import ConfigError
from psf_runtime.ports import Source, Transport
from psf_runtime.types.request import Request


class TargetTransport:
    """Sends each request to the transport of the target that `request.model` names.

    A call can only name a declared target: an address in `request.model` is an unknown name like any other.

    Args:
        targets: transport per name of a target.
    """

    def __init__(self, targets: Mapping[str, Transport]) -> None:
        self._targets = dict(targets)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all targets, in the order given."""
        return tuple(self._targets)

    def open(self, request: Request, *, stream: bool, left: float | None) -> Source:
        """As `Transport.open`. Raises ConfigError for an unknown target."""
        return self._transport(request.model).open(request, stream=stream, left=left)

    async def aopen(self, request: Request, *, stream: bool, left: float | None) -> Source:
        """As `Transport.aopen`. Raises ConfigError for an unknown target."""
        return await self._transport(request.model).aopen(request, stream=stream, left=left)

    def close(self) -> None:
        """Close every transport that can be closed."""
        for transport in self._targets.values():
            close = getattr(transport, "close", None)
            if close is not None:
                close()

    async def aclose(self) -> None:
        """Close every transport that can be closed."""
        for transport in self._targets.values():
            aclose = getattr(transport, "aclose", None)
            if aclose is not None:
                await aclose()
                continue
            close = getattr(transport, "close", None)
            if close is not None:
                close()

    def _transport(self, name: str) -> Transport:
        transport = self._targets.get(name)
        if transport is not None:
            return transport
        raise ConfigError(
            "the request names no declared target",
            why="known: " + (", ".join(sorted(self._targets)) or "none"),
            change="declare the target when the client is made; a call can only name it",
        )
