"""Evidence: an intent before anything runs, an outcome however the call ends, an owner where one is needed."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Mapping
from typing import Any

import pytest

from psf_runtime.errors import ApprovalPending, Blocked, ProviderTimeout, StateError
from psf_runtime.flow.effects import Call, Now, now
from psf_runtime.flow.outcomes import Stopped
from psf_runtime.guards.accountability import Evidence, conclude_cancelled
from psf_runtime.types.context import AttemptOutcome, Context
from psf_runtime.types.messages import Message, Text
from psf_runtime.types.request import Facts, Request
from psf_runtime.types.response import Response
from psf_runtime.types.response_head import Usage
from psf_runtime.types.rules import Purpose
from psf_runtime.types.verdict import Block, Finding

CANARY = "canary@example.org"
REQUEST = Request((Message.user(CANARY),))
ANSWER = Response((Text(CANARY),), finish="length")
PURPOSES = {"claims": Purpose(owner="dana@acme.example"), "orphan": Purpose()}
FACTS = Facts(purpose="claims", subject=f"customer:{CANARY}", user=f"agent:{CANARY}", tenant="acme")


class Book:
    """A ledger that remembers, and fails when told: `fails` maps a method's name to an error."""

    blocking = False

    def __init__(self, fails: Mapping[str, Exception] | None = None, receipt: Any = None) -> None:
        self.lines: list[tuple[str, str, dict[str, Any]]] = []
        self.fails = dict(fails or {})
        self.receipt = receipt

    def intend(self, record: Mapping[str, Any]) -> str:
        return self._write("intend", "e1", record)

    def conclude(self, entry: str, record: Mapping[str, Any]) -> Any:
        self._write("conclude", entry, record)
        return self.receipt

    def _write(self, kind: str, entry: str, record: Mapping[str, Any]) -> str:
        if kind in self.fails:
            raise self.fails[kind]
        self.lines.append((kind, entry, json.loads(json.dumps(record))))
        return entry

    @property
    def outcomes(self) -> list[str]:
        return [record["outcome"] for kind, _, record in self.lines if kind == "conclude"]


class Inside:
    """What stands inside: runs `act` once, after one effect."""

    committed = False

    def __init__(self, act: Callable[[], Response]) -> None:
        self.act = act
        self.runs = 0

    def __call__(self, request: Request) -> Generator[Any, Any, Response]:
        yield from now()
        self.runs += 1
        return self.act()


def raising(error: BaseException) -> Callable[[], Response]:
    def act() -> Response:
        raise error

    return act


def step(flow: Generator[Any, Any, Any], effect: Any) -> Any:
    """Perform one effect and return the next; a store's error is thrown into the flow."""
    if isinstance(effect, Now):
        return flow.send(1_000.0)
    assert isinstance(effect, Call)
    assert effect.once
    failure: Exception | None = None
    try:
        result = effect.fn(*effect.args)
    except Exception as error:
        failure = error
    return flow.send(result) if failure is None else flow.throw(failure)


def run(evidence: Evidence, inside: Inside, context: Context) -> Response:
    flow = evidence.run(context, REQUEST, inside)
    effect = next(flow)
    try:
        while True:
            effect = step(flow, effect)
    except StopIteration as end:
        answer: Response = end.value
        return answer


def evidence_for(book: Book, **rest: Any) -> Evidence:
    return Evidence(ledger=book, purposes=PURPOSES, policy_digest="p-1", key=b"key", **rest)


# ---- records


def test_an_intent_is_written_before_anything_inside_runs_and_an_outcome_after() -> None:
    """With names, counts and times."""
    book, context = Book(), Context("c1", facts=FACTS)
    seen: list[int] = []

    def act() -> Response:
        seen.append(len(book.lines))
        context.route.append(AttemptOutcome("a", "ok", 12, 200))
        context.findings.extend(
            [Finding("x.y", "EMAIL", count=2), Finding("x.y", "EMAIL"), Finding("z", "q", observed=True)]
        )
        context.tokens["EMAIL"] = 3
        context.usage = Usage(5, 6, reported=True)
        context.note("late_result", "slow")
        return ANSWER

    assert run(evidence_for(book), Inside(act), context) == ANSWER
    assert seen == [1]
    (_, first, intent), (_, second, outcome) = book.lines
    assert (first, second) == ("e1", "e1")
    assert tuple(intent[key] for key in ("call_id", "at", "tenant", "purpose", "owner", "policy")) == (
        "c1",
        1_000.0,
        "acme",
        "claims",
        "dana@acme.example",
        "p-1",
    )
    assert tuple(outcome[key] for key in ("call_id", "outcome", "control", "owner")) == (
        "c1",
        "length",
        "",
        "dana@acme.example",
    )
    assert outcome["route"] == [{"target": "a", "outcome": "ok", "ms": 12, "status": 200}]
    assert (outcome["findings"], outcome["observed"]) == ({"x.y: EMAIL": 3}, {"z: q": 1})
    assert (outcome["tokens"], outcome["notes"]) == ({"EMAIL": 3}, {"slow: late_result": 1})
    assert tuple(outcome["usage"][key] for key in ("input_tokens", "output_tokens", "reported")) == (5, 6, True)


def test_no_record_holds_content_or_a_person_in_clear() -> None:
    """Not the prompt, not the answer, not who asked or whom it is about; errors by class only."""
    book = Book()
    run(evidence_for(book), Inside(lambda: ANSWER), Context("c1", facts=FACTS))
    with pytest.raises(ValueError, match=CANARY):
        run(evidence_for(book), Inside(raising(ValueError(CANARY))), Context("c2", facts=FACTS))
    assert len(book.lines) == 4
    assert CANARY not in json.dumps(book.lines)
    assert book.outcomes == ["length", "ValueError"]


def test_people_are_keyed_digests_per_tenant() -> None:
    """Equal within a tenant and a key, and not comparable beyond."""

    def subject(tenant: str, key: bytes, subject: str | None = "customer:42") -> Any:
        book = Book()
        evidence = Evidence(ledger=book, purposes={}, policy_digest="", key=key)
        run(evidence, Inside(lambda: ANSWER), Context("c", facts=Facts(subject=subject, tenant=tenant)))
        return book.lines[0][2]["subject"]

    assert subject("a", b"k") == subject("a", b"k")
    assert len({subject("a", b"k"), subject("b", b"k"), subject("a", b"l")}) == 3
    assert subject("a", b"k", None) is None


@pytest.mark.parametrize(
    ("error", "outcome", "control"),
    [
        (ProviderTimeout("slow"), "ProviderTimeout", ""),
        (Blocked("no", control="contracts.size"), "Blocked", "contracts.size"),
        (Stopped(Block("rule"), "no_competitors"), "Blocked", "no_competitors"),
        (ApprovalPending("wait", control="oversight.triggers"), "pending", "oversight.triggers"),
        (RuntimeError("bug"), "RuntimeError", ""),
    ],
)
def test_every_error_is_an_outcome_and_goes_on(error: Exception, outcome: str, control: str) -> None:
    """The same exception reaches the caller."""
    book = Book()
    with pytest.raises(type(error)) as info:
        run(evidence_for(book), Inside(raising(error)), Context("c1", facts=FACTS))
    assert error is info.value
    assert (outcome, control) == (book.lines[1][2]["outcome"], book.lines[1][2]["control"])


# ---- the log is down


def test_without_an_intent_nothing_runs() -> None:
    """The log failing in any way is StateError, and its own words are not repeated."""
    inside = Inside(lambda: ANSWER)
    with pytest.raises(StateError, match="did not take the intent") as info:
        run(evidence_for(Book({"intend": OSError(CANARY)})), inside, Context("c1", facts=FACTS))
    assert inside.runs == 0
    assert CANARY not in str(info.value)
    assert info.value.__context__ is None
    locked = StateError("locked")
    with pytest.raises(StateError) as again:
        run(evidence_for(Book({"intend": locked})), inside, Context("c1", facts=FACTS))
    assert locked is again.value


def test_an_answer_without_a_recorded_outcome_is_not_delivered() -> None:
    """StateError instead of the answer, and the intent stays an orphan."""
    book = Book({"conclude": OSError()})
    with pytest.raises(StateError, match="did not take the outcome"):
        run(evidence_for(book), Inside(lambda: ANSWER), Context("c1", facts=FACTS))
    assert [kind for kind, _, _ in book.lines] == ["intend"]


def test_a_failed_call_keeps_its_own_error_when_the_log_fails_too() -> None:
    """A note tells that the outcome is missing."""
    context = Context("c1", facts=FACTS)
    with pytest.raises(ProviderTimeout):
        run(evidence_for(Book({"conclude": OSError()})), Inside(raising(ProviderTimeout("slow"))), context)
    assert [note.kind for note in context.notes] == ["outcome_not_recorded"]
    assert "accountability.concluded" not in context.shared


def test_a_receipt_is_kept_for_the_caller() -> None:
    """None in memory; what a durable log gives otherwise."""
    context = Context("c1", facts=FACTS)
    run(evidence_for(Book(receipt={"leaf": 7})), Inside(lambda: ANSWER), context)
    assert context.shared["accountability.receipt"] == {"leaf": 7}
    bare = Context("c2", facts=FACTS)
    run(evidence_for(Book()), Inside(lambda: ANSWER), bare)
    assert "accountability.receipt" not in bare.shared


# ---- owner


@pytest.mark.parametrize("purpose", ["orphan", "unheard-of", None])
def test_without_an_owner_the_call_is_observed_or_blocked_on_record(purpose: str | None) -> None:
    """Observed: one finding. Enforced: nothing inside runs, and the log knows of it."""
    context = Context("c1", facts=Facts(purpose=purpose))
    run(evidence_for(Book()), Inside(lambda: ANSWER), context)
    assert [Finding("accountability.owner", "none", observed=True)] == context.findings
    assert context.owner is None
    book, inside = Book(), Inside(lambda: ANSWER)
    with pytest.raises(Blocked) as info:
        run(evidence_for(book, mode_owner="enforce"), inside, Context("c2", facts=Facts(purpose=purpose)))
    assert (info.value.control, inside.runs, book.outcomes) == ("accountability.owner", 0, ["Blocked"])


def test_a_named_owner_is_looked_up_for_the_decision() -> None:
    """No finding then, in either mode."""
    for mode in ("observe", "enforce"):
        context = Context("c1", facts=FACTS)
        run(evidence_for(Book(), mode_owner=mode), Inside(lambda: ANSWER), context)
        assert (context.owner, context.findings) == ("dana@acme.example", [])


# ---- cancelled


def began(evidence: Evidence, context: Context) -> Generator[Any, Any, Any]:
    """A flow that has written its intent and waits inside."""
    flow = evidence.run(context, REQUEST, Inside(lambda: ANSWER))
    effect = next(flow)
    while "accountability.intent" not in context.shared:
        effect = step(flow, effect)
    return flow


def test_a_dropped_call_writes_nothing_while_it_closes_and_is_concluded_by_its_driver() -> None:
    """Once: a second conclusion does nothing."""
    book, context = Book(), Context("c1", facts=FACTS)
    began(evidence_for(book), context).close()
    assert book.outcomes == []
    assert [note.kind for note in context.notes] == ["cancelled"]
    assert [conclude_cancelled(book, context, at=2_000.0) for _ in range(2)] == [True, False]
    assert book.outcomes == ["cancelled"]
    assert (book.lines[1][1], book.lines[1][2]["at"]) == ("e1", 2_000.0)


def test_a_cancellation_passes_through_without_an_effect() -> None:
    """Whatever is thrown by an event loop goes on at once."""

    class Cancelled(BaseException):
        pass

    book, context = Book(), Context("c1", facts=FACTS)
    flow = began(evidence_for(book), context)
    with pytest.raises(Cancelled):
        flow.throw(Cancelled())
    assert book.outcomes == []


def test_a_call_that_never_began_or_has_ended_is_not_concluded_again() -> None:
    """A driver may always ask."""
    book, context = Book(), Context("c1", facts=FACTS)
    assert not conclude_cancelled(book, context, at=0.0)
    run(evidence_for(book), Inside(lambda: ANSWER), context)
    assert not conclude_cancelled(book, context, at=0.0)
    assert book.outcomes == ["length"]


def test_concluding_a_cancelled_call_never_raises() -> None:
    """The cancellation must not be masked by a log that is down."""
    book, context = Book({"conclude": OSError()}), Context("c1", facts=FACTS)
    began(evidence_for(book), context).close()
    assert not conclude_cancelled(book, context, at=0.0)
    assert [note.kind for note in context.notes] == ["cancelled", "outcome_not_recorded"]


def test_a_receipt_for_a_cancelled_call_is_kept_too() -> None:
    """A durable log proves cancelled calls as well."""
    book, context = Book(receipt={"leaf": 1}), Context("c1", facts=FACTS)
    began(evidence_for(book), context).close()
    assert conclude_cancelled(book, context, at=0.0)
    assert context.shared["accountability.receipt"] == {"leaf": 1}
