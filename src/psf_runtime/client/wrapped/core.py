"""The engine of a wrapped client: one of ours, which also notices calls whose facts were lost on the way."""

from __future__ import annotations

import logging
import threading
from typing import Any

from psf_runtime.client.ambient import facts
from psf_runtime.client.arguments import Arguments
from psf_runtime.client.calls import Call
from psf_runtime.client.core import Core
from psf_runtime.types.verdict import Finding

LOGGER = logging.getLogger("psf_runtime")
LOST = "facts.lost_in_thread"


class FactsSeen:
    """Remembers, for one wrapped client, that its calls come with `facts(...)`."""

    def __init__(self) -> None:
        self._seen = False
        self._told = False

    def lost(self, block: facts | None) -> bool:
        """Whether a call without facts is one whose facts were lost: in a thread that was given no context."""
        if block is not None:
            self._seen = True
            return False
        return self._seen and threading.current_thread() is not threading.main_thread()

    def tell(self) -> None:
        """Say it once."""
        if self._told:
            return
        self._told = True
        LOGGER.warning(
            "a call in a thread has no facts, while others of this client do: a bare thread pool does not carry "
            "facts(...). Use asyncio.to_thread, contextvars.copy_context().run, or a with block inside the thread"
        )


class WrappedCore(Core):
    """One engine of a wrapped client."""

    def __init__(self, *, seen: FactsSeen, **settings: Any) -> None:
        super().__init__(None, **settings)
        self._seen = seen

    def prepare(self, arguments: Arguments) -> Call:
        """As in Core. A call whose facts were lost carries a finding: it never has another caller's facts."""
        call = super().prepare(arguments)
        if self._seen.lost(call.block):
            self._seen.tell()
            call.context.findings.append(Finding("client.facts", LOST, observed=True))
        return call
