"""CertificateGate: who may serve a purpose that requires a certificate."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from psf_runtime.errors import NotEligible
from psf_runtime.flow.effects import Call, Now
from psf_runtime.guards.fitness import CertificateGate
from psf_runtime.ports import Eligibility, TargetFacts
from psf_runtime.types.context import Context
from psf_runtime.types.request import Facts, Request
from psf_runtime.types.rules import Purpose
from psf_runtime.types.verdict import Finding

REQUEST = Request(())
PURPOSES = {"claims": Purpose(certificate="required"), "chat": Purpose()}


class Certified:
    """Certificates for fixed pairs, until a time."""

    blocking = False

    def __init__(self, *pairs: tuple[str, str], until: float = 100.0) -> None:
        self.pairs = pairs
        self.until = until

    def valid(self, purpose: str, target: str, now: float) -> bool:
        return (purpose, target) in self.pairs and now < self.until


def drive(flow: Generator[Any, Any, Any], *, at: float = 50.0) -> Any:
    """Run a flow with a clock that stands still; stores are asked in place."""
    result = None
    try:
        while True:
            effect = flow.send(result)
            assert isinstance(effect, Now | Call)
            result = at if isinstance(effect, Now) else effect.fn(*effect.args)
    except StopIteration as end:
        return end.value


def gate(mode: Any = "enforce", *pairs: tuple[str, str]) -> CertificateGate:
    return CertificateGate(certificates=Certified(*pairs), purposes=PURPOSES, mode=mode)


def reasons(gate_: CertificateGate, purpose: str | None, target: str = "a", *, at: float = 50.0) -> Any:
    context = Context("c1", facts=Facts(purpose=purpose))
    answer = drive(gate_.eligible(context, REQUEST, TargetFacts(target, "mock")), at=at)
    return answer, context.findings


def test_a_required_certificate_must_be_held_by_the_target() -> None:
    """The certified target passes, another says why not."""
    enforced = gate("enforce", ("claims", "a"))
    assert reasons(enforced, "claims", "a") == ((), [])
    refusal = Eligibility("fitness.certificate", "no valid certificate covers it for purpose 'claims'")
    assert ((refusal,), []) == reasons(enforced, "claims", "b")


def test_the_time_is_read_whenever_the_route_asks() -> None:
    """A certificate that ends during a call does not cover the next attempt."""
    enforced = gate("enforce", ("claims", "a"))
    assert [len(reasons(enforced, "claims", at=at)[0]) for at in (99.0, 100.0)] == [0, 1]


def test_a_purpose_that_requires_none_passes_without_a_word() -> None:
    """In both modes, and the store is not asked."""
    assert [reasons(gate(mode), "chat") for mode in ("enforce", "observe")] == [((), []), ((), [])]


def test_observing_leaves_one_finding_per_target() -> None:
    """However often the route asks."""
    observing = gate("observe")
    context = Context("c1", facts=Facts(purpose="claims"))
    for name in ("a", "a", "b"):
        assert drive(observing.eligible(context, REQUEST, TargetFacts(name, "mock"))) == ()
    expected = [Finding("fitness.certificate", "none", where=name, observed=True) for name in ("a", "b")]
    assert expected == context.findings


@pytest.mark.parametrize("purpose", [None, "unheard-of"])
def test_a_call_without_a_declared_purpose_is_refused_before_the_route(purpose: str | None) -> None:
    """And by the route too, should the guard not stand in the chain."""
    context = Context("c1", facts=Facts(purpose=purpose))
    with pytest.raises(NotEligible) as info:
        gate().open(context).on_request(REQUEST)
    assert info.value.control == "fitness.certificate"
    assert reasons(gate(), purpose)[0][0].why == "the call names no declared purpose"


def test_observed_a_call_without_a_purpose_is_one_finding() -> None:
    """Re-asks within a call do not repeat it, and the route adds nothing."""
    context = Context("c1")
    observing = gate("observe")
    for _ in range(2):
        assert observing.open(context).on_request(REQUEST) is REQUEST
        assert drive(observing.eligible(context, REQUEST, TargetFacts("a", "mock"))) == ()
    assert [Finding("fitness.certificate", "none", observed=True)] == context.findings


def test_a_declared_purpose_passes_the_guard() -> None:
    """Targets are judged later, one by one."""
    context = Context("c1", facts=Facts(purpose="claims"))
    assert gate().open(context).on_request(REQUEST) is REQUEST
    assert context.findings == []
