"""The border, call ids, idempotency entries, and targets: the client's small parts by themselves."""

from __future__ import annotations

import pickle
import traceback
from typing import Any

import pytest

from psf_runtime import Client, Policy, Target
from psf_runtime.client import idempotency
from psf_runtime.client.border import bare, crossed, decision_of, public_error
from psf_runtime.client.call_id import new_call_id
from psf_runtime.errors import (
    Blocked,
    ConfigError,
    GuardError,
    ProviderError,
    PsfError,
    RateLimitError,
    RoutesExhausted,
)
from psf_runtime.flow.outcomes import Stopped
from psf_runtime.testing import MockProvider
from psf_runtime.types.decision import Decision
from psf_runtime.types.rules import Purpose
from psf_runtime.types.verdict import Block

CANARY = "canary-4410"


def crossing(error: BaseException, purpose: Purpose | None = None) -> PsfError:
    return public_error(error, call_id="c", decision=None, source_of=lambda name: f"source of {name}", purpose=purpose)


def raised(error: Exception) -> Exception:
    secret = CANARY
    try:
        raise error from KeyError(secret)
    except type(error) as caught:
        return caught


def test_an_error_crosses_as_a_fresh_one() -> None:
    """The public error is another object with the same fields, without frames, cause, context and notes."""
    inner = raised(RateLimitError("slow", kind="rate_limited", target="t", retry_after=3.0, control="x"))
    inner.add_note(CANARY)
    public = crossing(inner)

    assert public is not inner
    assert isinstance(public, RateLimitError)
    assert ("slow", "t", 3.0, "source of x", "c") == (
        public.what,
        public.target,
        public.retry_after,
        public.source,
        public.call_id,
    )
    assert (None, None, None) == (public.__traceback__, public.__cause__, public.__context__)
    assert CANARY not in repr(vars(public))
    assert inner.source == ""


def test_a_verdict_becomes_blocked_with_the_owners_words() -> None:
    """What stopped a call is a plain Blocked; the purpose's safe message goes with it."""
    public = crossing(Stopped(Block("no"), "mine"), Purpose(safe_message="Sorry."))

    assert type(public) is Blocked
    assert ("Sorry.", "mine", "no") == (public.safe_message, public.control, public.why)


def test_a_bug_is_named_by_class_and_place() -> None:
    """An exception that is none of ours becomes GuardError: class, file and line, and none of its text."""
    public = crossing(raised(ValueError(CANARY)))

    assert isinstance(public, GuardError)
    assert "ValueError" in public.what
    assert "test_border_and_ids.py:" in public.why
    assert CANARY not in str(public)


def test_a_group_crosses_whole() -> None:
    """All routes' errors cross fresh, every field is kept, and a pickled copy says the same."""
    group = RoutesExhausted(
        "2 failed", [raised(ProviderError("a", target="a")), Stopped(Block("b"), "g")], retry_after=5.0, retry_safe=True
    )
    public = crossing(group)
    assert isinstance(public, RoutesExhausted)
    twin = pickle.loads(pickle.dumps(public))

    for one in (public, twin, public.fresh()):
        assert (5.0, True, "2 failed") == (one.retry_after, one.retry_safe, one.what)
        assert ["ProviderError", "Blocked"] == [type(inner).__name__ for inner in one.exceptions]
        assert all(inner.__traceback__ is None for inner in one.exceptions)


def test_what_is_outside_of_a_call_crosses_too() -> None:
    """`crossed` gives the value or the public error; an interrupt goes through, bare."""

    def interrupt() -> None:
        secret = CANARY
        raise KeyboardInterrupt from KeyError(secret)

    assert 5 == crossed(lambda: 5).unwrap()
    result = crossed(lambda: raised(ConfigError("x")) and {}["missing"])
    with pytest.raises(GuardError) as caught:
        result.unwrap()
    assert caught.value.__context__ is None
    with pytest.raises(KeyboardInterrupt) as interrupted:
        crossed(interrupt)
    shown = bare(interrupted.value)
    assert CANARY not in "".join(traceback.TracebackException.from_exception(shown, capture_locals=True).format())


def test_decisions_are_found_in_the_chain() -> None:
    """`decision_of` finds the decision on the error, its causes and an SDK's response; loops do not hang it."""
    decision = Decision("1")
    ours = Blocked("no")
    ours.decision = decision
    outer = ValueError()
    outer.__cause__ = ours
    sdk: Any = ValueError()
    sdk.response = type("R", (), {"extensions": {"psf_runtime.decision": decision}})()
    looped = ValueError()
    looped.__context__ = outer_loop = ValueError()
    outer_loop.__context__ = looped

    assert [decision] * 3 == [decision_of(error) for error in (ours, outer, sdk)]
    assert decision_of(looped) is None


def test_call_ids() -> None:
    """Ids are 32 hexadecimal digits of RFC 9562 version 7, sort by time, and differ at the same time."""
    draws = iter(bytes([n]) * 10 for n in range(255))
    early = [new_call_id(1_700_000_000.0, lambda size: next(draws)[:size]) for _ in range(3)]
    late = new_call_id(1_700_000_000.002, lambda size: b"\0" * size)

    assert all(len(one) == 32 and one[12] == "7" and one[16] in "89ab" for one in [*early, late])
    assert len(set(early)) == 3
    assert max(early) < late
    assert f"{1_700_000_000_000:012x}" == early[0][:12]


def test_idempotency_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only so many keys are kept; a call whose key was pushed out never gives its answer to another's key."""
    monkeypatch.setattr(idempotency, "KEPT", 2)
    mock = MockProvider(lambda request: request.messages[0].text.upper(), strict=False)
    client = Client(mock)
    for key in ("a", "b", "c"):
        client.complete(key, idempotency_key=key)
    assert "C" == client.complete("c", idempotency_key="c").text
    assert 3 == len(mock.calls)
    assert "OTHER" == client.complete("other", idempotency_key="a").text
    assert 4 == len(mock.calls)


def test_targets_list_every_problem() -> None:
    """Everything that is wrong with the targets is one ConfigError, also what stands in the policy."""
    policy = Policy.standard(targets={"far": Target("openai:gpt-4o", api_key="k")})
    with pytest.raises(ConfigError) as caught:
        Client("nowhere", fallbacks=["opnai:x", 5, "openai/x"], policy=policy)  # type: ignore[list-item]

    assert 4 == len(caught.value.problems)
    assert "far" in str(caught.value)


def test_targets_of_the_policy() -> None:
    """Without a model the policy's targets are asked in their order; a name from the policy may be the first model."""
    targets = {"one": Target("mock:echo"), "two": Target("mock:echo")}
    policy = Policy.standard(targets=targets)

    assert "one" == Client(policy=policy).complete("hi").model
    assert "two" == Client("two", policy=policy).complete("hi").model
    assert "one -> two" in repr(Client(policy=policy))
    with pytest.raises(ConfigError, match=r"targets\.two"):
        Client("two", policy=policy, api_key="k")


def test_purposes_choose_their_targets() -> None:
    """A purpose's own targets serve it; preview says the same order as the call takes."""
    targets = {"one": Target("mock:echo"), "two": Target("mock:echo")}
    purpose = Purpose(owner="dana", lawful_basis="contract", targets=["two"])
    client = Client(policy=Policy.standard(targets=targets, purposes={"p": purpose}))

    answer = client.complete("hi", purpose="p")
    assert ("two", False) == (answer.model, answer.degraded)
    assert ("two",) == client.preview("hi", purpose="p").targets

    policy = Policy.standard(targets=targets, purposes={"p": purpose})
    named = Client("one", fallbacks=["two"], policy=policy).complete("hi", purpose="p")
    assert ("two", False, 1) == (named.model, named.degraded, len(named.decision.route))


def test_a_client_shows_no_key() -> None:
    """`repr` and `explain` name targets and policy, never a key."""
    client = Client("openai:gpt-4o", api_key="sk-" + CANARY)

    assert CANARY not in repr(client) + str(client.explain()) + repr(client.policy)
