"""Orders to the model inside texts that strangers wrote."""

from __future__ import annotations

from dataclasses import dataclass

from psf_runtime.errors import Blocked
from psf_runtime.flow.protocols import GuardBase, Session
from psf_runtime.guards.contracts.injection_rules import VERSION, find
from psf_runtime.guards.contracts.texts import Place, places
from psf_runtime.types.context import Context
from psf_runtime.types.domain import Domain
from psf_runtime.types.request import Request
from psf_runtime.types.rules import Mode
from psf_runtime.types.verdict import Finding

# The rules look at the text alone, so what they found in an earlier turn is remembered.
_KIND = f"contracts.injection {VERSION}"


class InjectionSession(Session):
    """Reads every text of the request once."""

    def __init__(self, guard: ScreenInjection, context: Context) -> None:
        self._guard = guard
        self._context = context

    def on_request(self, request: Request) -> Request:
        """Untrusted parts may stop the call; a person's own words never do."""
        stopping: list[Finding] = []
        for place in places(request):
            if place.role in ("system", "assistant") and not place.provenance.is_untrusted:
                continue
            for finding in self._findings(place):
                self._context.findings.append(finding)
                if not finding.observed:
                    stopping.append(finding)
        if stopping:
            source = ", ".join(sorted({finding.where for finding in stopping}))
            raise Blocked(
                "nothing was sent: an untrusted part gives orders to the model.",
                control="contracts.injection",
                why=f"{stopping[0].kind} in {source}",
                change="remove that part, or mark a source that you wrote yourself as trusted",
                failure_mode="FM02",
                findings=stopping,
            )
        return request

    def _findings(self, place: Place) -> list[Finding]:
        observed = self._guard.mode == "observe" or not place.provenance.is_untrusted
        return [
            Finding("contracts.injection", kind, place.where, count=times, observed=observed)
            for kind, times in self._context.found(_KIND, place.text, _found)
        ]


def _found(text: str) -> tuple[tuple[str, int], ...]:
    return tuple(find(text).items())


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenInjection(GuardBase):
    """Finds orders to the model (override, role, prompt theft, secrecy, template marks) by rules.

    In untrusted parts (tool results, files, `untrusted(...)` texts) they stop the call; in a person's own words they
    are a finding only, because such rules err and people have reasons to write such words. With `mode="observe"` both
    are findings. Rules know nine European languages, Chinese, Japanese and Korean, and miss what is paraphrased: they
    are one layer, not proof. The other defence is that untrusted text never speaks with the application's voice.

    A trained classifier and a published error rate are still to come. Source: framework domain 04.
    """

    name = "contracts.injection"
    domain = Domain.CONTRACTS
    session = InjectionSession
    outside_of = ("privacy.tokens",)

    mode: Mode = "enforce"

    def open(self, context: Context) -> Session:
        """A session for one attempt."""
        return InjectionSession(self, context)
