"""A request is prepared once, for the strictest of everybody who may receive it, fallbacks included."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from psf_runtime import Blocked, Policy
from psf_runtime.policy import Privacy, Resilience
from psf_runtime.testing import MockProvider, fault
from tests.modes.clients import MODES, Mode, ask, assert_absent, client_for, told

EMAIL = "zoe.quill@canary-mail.example"


def placed(*replies: Any, name: str, where: str | None) -> MockProvider:
    mock = MockProvider(*replies, name=name)
    mock.facts = replace(mock.facts, jurisdiction=where)
    return mock


def policy(**tables: dict[str, str]) -> Policy:
    return Policy.standard(
        privacy=Privacy(actions={"EMAIL": "allow"}, actions_by_jurisdiction=tables), resilience=Resilience(retries=0)
    )


def sent(mock: MockProvider) -> str:
    return "".join(call.outgoing().body.decode() for call in mock.calls)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dead", [fault.overloaded(), ["a first word ", fault.cut()]], ids=["at once", "in the middle"])
def test_a_fallback_gets_what_it_may_have(mode: Mode, dead: Any) -> None:
    """The first target may see an address and dies; the second may not, and neither has received it."""
    german = placed(dead, name="german", where="DE")
    american = placed("ok", name="american", where="US")
    client = client_for(mode, german, fallbacks=[american], policy=policy(US={"EMAIL": "mask"}))
    got = ask(mode, client, f"write to {EMAIL}")

    assert len(german.calls) == 1
    assert bool(american.calls) is (got.error is None)
    assert_absent([EMAIL], sent(german) + sent(american), "the bytes on the wire")
    assert "[email]" in sent(german)
    if got.error is not None:
        assert_absent([EMAIL], told(got.error), "an exception")


@pytest.mark.parametrize("mode", MODES)
def test_alone_it_may_have_more(mode: Mode) -> None:
    """Without the stricter recipient in the plan the address goes where it may go; an unknown place gets a mask."""
    german, nowhere = placed("ok", name="german", where="DE"), placed("ok", name="nowhere", where=None)
    for mock in (german, nowhere):
        ask(mode, client_for(mode, mock, policy=policy(US={"EMAIL": "mask"})), f"write to {EMAIL}").value()

    assert EMAIL in sent(german)
    assert_absent([EMAIL], sent(nowhere), "the bytes to a host in an unknown place")


@pytest.mark.parametrize("mode", MODES)
def test_what_one_of_them_may_not_have_nobody_gets(mode: Mode) -> None:
    """A value that is blocked for the fallback stops the call before the first target is asked."""
    german, american = placed("ok", name="german", where="DE"), placed("ok", name="american", where="US")
    client = client_for(mode, german, fallbacks=[american], policy=policy(US={"EMAIL": "block"}))

    assert isinstance(ask(mode, client, f"write to {EMAIL}").error, Blocked)
    assert (german.calls, american.calls) == ((), ())


@pytest.mark.parametrize("mode", MODES)
def test_surrogates_and_inventions_by_policy(mode: Mode) -> None:
    """Both settings reach the layer: another address leaves, the right one comes back, made-up tokens are masked."""
    mock = MockProvider(lambda request: request.messages[-1].text + " or PHONE_ABCD1234")
    settings = Privacy(actions={"EMAIL": "surrogate"}, invented="mask")
    got = ask(mode, client_for(mode, mock, policy=Policy.standard(privacy=settings)), f"write to {EMAIL}")

    assert got.value().text == f"write to {EMAIL} or [phone]"
    assert "@example.com" in sent(mock)
    assert_absent([EMAIL], sent(mock), "the bytes on the wire")
