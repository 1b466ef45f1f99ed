"""CertificateGate: a purpose that requires a certificate is served only by targets that hold one."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

from psf_runtime.errors import NotEligible
from psf_runtime.flow.effects import call, now
from psf_runtime.flow.protocols import GuardBase, Session
from psf_runtime.ports import Certificates, Eligibility, TargetFacts
from psf_runtime.types.context import Context
from psf_runtime.types.domain import Domain
from psf_runtime.types.request import Request
from psf_runtime.types.rules import Mode, Purpose
from psf_runtime.types.verdict import Finding

CONTROL = "fitness.certificate"


class _Look(Session):
    def __init__(self, gate: CertificateGate, context: Context) -> None:
        self._gate = gate
        self._context = context

    def on_request(self, request: Request) -> Request:
        """Refuse, or note, a call that no certificate can cover."""
        if self._context.facts.purpose in self._gate.purposes:
            return request
        if self._gate.mode == "enforce":
            raise NotEligible(
                "nothing was sent: no certificate can cover this call.",
                control=CONTROL,
                why="it names no declared purpose",
                change='declare [purposes.NAME] and give purpose="NAME" with the call',
            )
        self._gate.observe(self._context, "")
        return request


class CertificateGate(GuardBase):
    """Two halves of one control. As a guard it looks at the purpose before anything is sent; `eligible` is asked by
    the route for every target, fallbacks included.

    A purpose with `certificate="required"` needs a valid certificate for each target that answers; with `"optional"`
    none. A call without a declared purpose cannot be covered by any certificate. Enforced, that is NotEligible; while
    observed it is the finding `none`, once a call (or once per target that lacks one), and the call goes on.

    `eligible` is a flow: it reads the time and the certificates whenever the route asks, so an end or a revocation
    counts before the next attempt. Not there yet: signatures, and certificates that end when the model's version,
    prompt, contract or guards change.

    Domain 02, fitness for purpose.

    Args:
        certificates: the store that knows them.
        purposes: name -> purpose, from the policy.
        mode: `enforce` or `observe`.
    """

    name = CONTROL
    domain = Domain.FITNESS
    session = _Look
    inside_of = ("accountability.log", "resilience.halt")

    def __init__(self, *, certificates: Certificates, purposes: Mapping[str, Purpose], mode: Mode = "enforce") -> None:
        self.certificates = certificates
        self.purposes = dict(purposes)
        self.mode = mode

    def open(self, context: Context) -> Session:
        """A fresh session for one attempt."""
        return _Look(self, context)

    def eligible(
        self, context: Context, request: Request, target: TargetFacts
    ) -> Generator[Any, Any, tuple[Eligibility, ...]]:
        """Why the target may not take the call, if it may not; a port of the kind `Eligible`, as a flow."""
        purpose = context.facts.purpose
        if purpose is None or purpose not in self.purposes:
            return () if self.mode == "observe" else (Eligibility(CONTROL, "the call names no declared purpose"),)
        if self.purposes[purpose].certificate != "required":
            return ()
        moment = yield from now()
        if (yield from call(self.certificates.valid, purpose, target.name, moment)):
            return ()
        if self.mode == "observe":
            self.observe(context, target.name)
            return ()
        return (Eligibility(CONTROL, f"no valid certificate covers it for purpose {purpose!r}"),)

    def observe(self, context: Context, target: str) -> None:
        """Leave the finding, once per target, however often the route asks."""
        finding = Finding(CONTROL, "none", where=target, observed=True)
        if finding not in context.findings:
            context.findings.append(finding)
