"""The kill switch: no call starts while it is on, and a running one stops."""

from __future__ import annotations

from psf_runtime.errors import Halted
from psf_runtime.flow.protocols import NONE, GuardBase, Session
from psf_runtime.ports import HaltSwitch
from psf_runtime.types.chunks import Chunk
from psf_runtime.types.context import Context
from psf_runtime.types.domain import Domain
from psf_runtime.types.request import Facts, Request

CONTROL = "resilience.halt"


def halted(reason: str, *, running: bool = False) -> Halted:
    """The error of a call that the kill switch stopped; `running`: it had already been sent."""
    return Halted(
        "the call was stopped: the kill switch is on." if running else "nothing was sent: the kill switch is on.",
        control=CONTROL,
        why=reason,
        change="psf halt off, when whoever switched it on agrees",
    )


class HaltSession(Session):
    """Asks the switch before anything is sent, and again at every chunk."""

    def __init__(self, switch: HaltSwitch, facts: Facts) -> None:
        self._switch = switch
        self._facts = facts
        self._target: str | None = None

    def on_request(self, request: Request) -> Request:
        """Raises Halted while the switch is on."""
        reason = self._switch.reason(self._facts, None)
        if reason is not None:
            raise halted(reason)
        return request

    def on_chunk(self, chunk: Chunk) -> Chunk:
        """Raises Halted when the switch was turned on in the meantime."""
        reason = self._switch.reason(self._facts, self._target)
        if reason is not None:
            raise halted(reason, running=True)
        return chunk


class Halt(GuardBase):
    """Stops every call while the switch is on, with `Halted`.

    It stands outside of everything that costs time, so nothing is prepared for a call that may not run, and no
    chunk is delivered after the switch was turned on. `HaltWatch` is its other half, next to the provider. There is
    no observing mode: a kill switch that only watches is none.
    """

    name = CONTROL
    domain = Domain.RESILIENCE
    session = HaltSession
    hold = NONE
    outside_of = ("privacy.consent", "privacy.tokens", "resilience.route", "resilience.attempt")

    def __init__(self, *, switch: HaltSwitch) -> None:
        self._switch = switch

    def open(self, context: Context) -> Session:
        """A session for one attempt."""
        return HaltSession(self._switch, context.facts)


class WatchSession(HaltSession):
    """As HaltSession, for the target that is being asked."""

    def on_request(self, request: Request) -> Request:
        """Remember the target; what must be asked before a send is asked by the layer around this one."""
        self._target = request.model or None
        return request


class HaltWatch(GuardBase):
    """Stops a running stream at the provider when the switch is turned on, whatever the layers outside hold back.

    It stands inside the attempt. An answer that is asked for whole (not streamed) passes here when it is complete. The
    switch is asked at every chunk, so its `reason` must be quick: an attribute, an entry of a mapping, at most one
    system call now and then.
    """

    name = "resilience.halt_watch"
    domain = Domain.RESILIENCE
    session = WatchSession
    hold = NONE
    inside_of = ("resilience.route", "resilience.attempt")

    def __init__(self, *, switch: HaltSwitch) -> None:
        self._switch = switch

    def open(self, context: Context) -> Session:
        """A session for one attempt."""
        return WatchSession(self._switch, context.facts)
