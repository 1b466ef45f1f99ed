"""The desk: one approval, one exact action, one requester, one use."""

from __future__ import annotations

import os
import threading
from typing import Any

import pytest

from psf_runtime.errors import ApprovalDenied, Blocked, BudgetExceeded, ConfigError, StateError
from psf_runtime.ports import Question
from psf_runtime.stores.memory_tickets import MemoryTickets
from psf_runtime.stores.sealing import Sealer
from psf_runtime.types.canonical import action_digest
from psf_runtime.types.context import Context
from psf_runtime.types.messages import Message, Text, ToolCall
from psf_runtime.types.request import Facts, Request
from psf_runtime.types.response import Response
from psf_runtime.types.response_head import Usage

CONTROL = "oversight.triggers"
CANARY = "canary@example.org"


class Clock:
    """Wall time in a test's hands."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    async def asleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(clock: Clock) -> MemoryTickets:
    return MemoryTickets(clock=clock)


def call(call_id: str = "c1", *, user: str | None = "u", tenant: str = "acme", ticket: str | None = None) -> Context:
    return Context(call_id, facts=Facts(user=user, tenant=tenant, purpose="refunds"), ticket=ticket)


def texts(text: str = "hello") -> Response:
    return Response((Text(text),), usage=Usage(3, 4, reported=True), model="m")


def pays(args: str = '{"amount": 5}') -> Response:
    return Response((Text("I pay."), ToolCall("1", "pay", args)), finish="tool_calls", model="m")


def question(context: Context, response: Response | None, *, control: str = CONTROL, **rest: Any) -> Question:
    request = Request((Message.user(f"write to {CANARY}"),), facts=context.facts)
    return Question(control, "a rule says so", action_digest(control, request, response), request, response, **rest)


def opened(desk: MemoryTickets, response: Response | None, **facts: Any) -> str:
    context = call(**facts)
    assert desk.ask(context, question(context, response)) is None
    assert context.ticket is not None
    return context.ticket


def asked(desk: MemoryTickets, response: Response | None, ticket: str | None, **facts: Any) -> Any:
    context = call(ticket=ticket, **facts)
    return desk.ask(context, question(context, response))


def code_of(desk: MemoryTickets, response: Response | None, ticket: str | None, **facts: Any) -> str:
    with pytest.raises(ApprovalDenied) as info:
        asked(desk, response, ticket, **facts)
    return info.value.reason_code


# ---- asking


def test_a_new_question_opens_a_ticket_with_a_deadline(desk: MemoryTickets) -> None:
    """The ticket says what is wanted, of which purpose and tenant, until when, and nothing of the content."""
    ticket = desk.get(opened(desk, pays()))
    assert (
        ticket.kind,
        ticket.state,
        ticket.control,
        ticket.reason,
    ) == ("authorisation", "open", CONTROL, "a rule says so")
    assert (ticket.created, ticket.deadline) == (1_000.0, 1_000.0 + 4 * 3600)
    assert (ticket.tenant, ticket.purpose, ticket.by) == ("acme", "refunds", None)
    assert CANARY not in repr(ticket)


@pytest.mark.parametrize(
    ("response", "triggers", "kind"),
    [
        (pays(), (), "authorisation"),
        (texts(), ("rights",), "verification"),
        (texts(), ("low_confidence",), "escalation"),
        (None, (), "escalation"),
    ],
)
def test_the_kind_says_what_is_wanted_of_a_person(
    desk: MemoryTickets, response: Response | None, triggers: tuple[str, ...], kind: str
) -> None:
    """An action is authorised, an answer verified, a doubt looked into."""
    context = call()
    desk.ask(context, question(context, response, triggers=triggers))
    assert kind == desk.list()[0].kind


def test_the_same_call_asking_again_finds_its_ticket(desk: MemoryTickets) -> None:
    """Polling opens no second ticket."""
    context = call()
    for _ in range(3):
        assert desk.ask(context, question(context, pays())) is None
    assert [context.ticket] == [ticket.id for ticket in desk.list()]


def test_equal_questions_of_one_user_join(desk: MemoryTickets) -> None:
    """Another call of the same user with the same action waits for the same ticket; another user or tenant does not."""
    first = opened(desk, pays())
    assert first == opened(desk, pays(), call_id="c2")
    others = {opened(desk, pays(), user="v"), opened(desk, pays(), tenant="other"), opened(desk, pays(), user=None)}
    assert first not in others
    assert len(others) == 3


def test_another_action_of_the_same_call_supersedes_the_open_one(desk: MemoryTickets) -> None:
    """The model was asked again and answered something else: the first question is void."""
    first = opened(desk, pays())
    second = opened(desk, pays('{"amount": 6}'))
    assert [desk.get(one).state for one in (first, second)] == ["superseded", "open"]
    assert code_of(desk, pays(), first) == "superseded"


def test_ids_sort_by_time(desk: MemoryTickets, clock: Clock) -> None:
    """Also within one millisecond."""
    ids = []
    for number in range(6):
        ids.append(opened(desk, texts(str(number)), call_id=f"c{number}"))
        clock.now += 0.5 if number % 2 else 0.0
    assert sorted(ids) == ids


# ---- answers


def test_an_approved_action_is_handed_out_once(desk: MemoryTickets) -> None:
    """The second time is `already_consumed`, by ticket or by call."""
    ticket = opened(desk, pays())
    desk.approve(ticket, by="lee", reason="invoice checked")
    answer = asked(desk, pays(), ticket)
    assert (answer.kind, answer.by, answer.response) == ("approved", "lee", None)
    assert (
        desk.get(ticket).state,
        desk.get(ticket).by,
        desk.get(ticket).note,
    ) == ("consumed", "lee", "invoice checked")
    assert code_of(desk, pays(), ticket) == "already_consumed"
    assert code_of(desk, pays(), None) == "already_consumed"


def test_an_approved_text_may_be_read_again(desk: MemoryTickets) -> None:
    """Reading does no harm twice."""
    ticket = opened(desk, texts())
    desk.approve(ticket, by="lee", reason="")
    assert [asked(desk, texts(), ticket).kind for _ in range(3)] == ["approved"] * 3
    assert desk.get(ticket).state == "approved"


def test_an_approved_request_is_used_once(desk: MemoryTickets) -> None:
    """What was approved before the model was asked lets it be asked once."""
    ticket = opened(desk, None)
    desk.approve(ticket, by="lee")
    assert asked(desk, None, ticket).kind == "approved"
    assert code_of(desk, None, ticket) == "already_consumed"


def test_only_one_of_many_threads_gets_the_approval(desk: MemoryTickets) -> None:
    """However many resume at once."""
    ticket = opened(desk, pays())
    desk.approve(ticket, by="lee")
    outcomes: list[str] = []
    barrier = threading.Barrier(8)

    def resume() -> None:
        barrier.wait()
        try:
            outcomes.append(asked(desk, pays(), ticket).kind)
        except ApprovalDenied as denied:
            outcomes.append(denied.reason_code)

    threads = [threading.Thread(target=resume) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["already_consumed"] * 7 + ["approved"]


@pytest.mark.parametrize("decide", [True, False])
def test_an_approval_holds_for_its_action_only(desk: MemoryTickets, decide: bool) -> None:
    """A ticket whose values now mean something else is refused, decided or not, and stays unused."""
    ticket = opened(desk, pays())
    if decide:
        desk.approve(ticket, by="lee")
    assert code_of(desk, pays('{"amount": 5000}'), ticket) == "action_digest_mismatch"
    assert ("approved" if decide else "open") == desk.get(ticket).state


@pytest.mark.parametrize("facts", [{"user": "v"}, {"tenant": "other"}, {"user": None}, {"user": "U"}])
def test_an_id_is_no_capability(desk: MemoryTickets, facts: dict[str, Any]) -> None:
    """Another user or tenant who learnt the id gets nothing."""
    ticket = opened(desk, pays())
    desk.approve(ticket, by="lee")
    assert code_of(desk, pays(), ticket, **facts) == "not_requester"
    assert desk.get(ticket).state == "approved"


def test_no_user_is_not_the_user_with_an_empty_name(desk: MemoryTickets) -> None:
    """A call without a user and one whose user is "" are strangers."""
    assert code_of(desk, pays(), opened(desk, pays(), user=None), user="") == "not_requester"


def test_an_unknown_id_is_denied(desk: MemoryTickets) -> None:
    """By ask, get and decisions alike."""
    assert code_of(desk, pays(), "t000") == "unknown"
    for call_ in (lambda: desk.get("t000"), lambda: desk.approve("t000", by="lee"), lambda: desk.contents("t000")):
        with pytest.raises(ApprovalDenied) as info:
            call_()
        assert info.value.reason_code == "unknown"


def test_a_rejection_is_an_error_with_its_ticket(desk: MemoryTickets) -> None:
    """The caller learns who said no; the contents are gone."""
    ticket = opened(desk, pays())
    desk.reject(ticket, by="lee", reason="not our customer")
    with pytest.raises(ApprovalDenied) as info:
        asked(desk, pays(), ticket)
    assert ("rejected", ticket, "lee") == (info.value.reason_code, info.value.ticket.id, info.value.ticket.by)
    with pytest.raises(ApprovalDenied):
        desk.contents(ticket)


def test_after_the_deadline_the_answer_is_no(desk: MemoryTickets, clock: Clock) -> None:
    """At the deadline itself, for the caller and for the reviewer."""
    ticket = opened(desk, pays())
    clock.now += 4 * 3600 - 1
    assert desk.get(ticket).state == "open"
    clock.now += 1
    with pytest.raises(ApprovalDenied) as info:
        desk.approve(ticket, by="lee")
    assert info.value.reason_code == "expired"
    assert code_of(desk, pays(), ticket) == "expired"


def test_a_clock_that_goes_back_closes_what_is_open(desk: MemoryTickets, clock: Clock) -> None:
    """Five seconds are forgiven; what was decided before stays decided."""
    decided = opened(desk, pays(), call_id="c0", user="w")
    desk.approve(decided, by="lee")
    ticket = opened(desk, pays())
    clock.now -= 5
    assert desk.get(ticket).state == "open"
    clock.now -= 0.1
    assert code_of(desk, pays(), ticket) == "expired"
    assert desk.get(decided).state == "approved"
    assert desk.get(opened(desk, texts(), call_id="c9")).state == "open"


# ---- editing and answering


def test_edited_arguments_take_the_place_of_the_models(desk: MemoryTickets) -> None:
    """Ids, names and texts stay; it is handed out once."""
    ticket = opened(desk, pays())
    desk.edit(ticket, [{"amount": 4, "to": "ä"}], by="lee", reason="less")
    answer = asked(desk, pays(), ticket)
    assert (answer.kind, answer.by) == ("edited", "lee")
    assert (Text("I pay."), ToolCall("1", "pay", '{"amount": 4, "to": "ä"}')) == answer.response.parts
    assert code_of(desk, pays(), ticket) == "already_consumed"


def test_an_edited_text_takes_the_place_of_the_models(desk: MemoryTickets) -> None:
    """Usage and model are still the model's."""
    ticket = opened(desk, texts())
    desk.edit(ticket, "good day", by="lee", reason="")
    answer = asked(desk, texts(), ticket)
    assert texts("good day") == answer.response
    assert asked(desk, texts(), ticket).kind == "edited"


@pytest.mark.parametrize(
    ("response", "value"),
    [(pays(), "text"), (pays(), []), (pays(), [{}, {}]), (texts(), [{}]), (None, "text"), (pays(), [{"a": object()}])],
)
def test_an_edit_that_does_not_fit_changes_nothing(desk: MemoryTickets, response: Any, value: Any) -> None:
    """The ticket stays open."""
    ticket = opened(desk, response)
    with pytest.raises(ConfigError):
        desk.edit(ticket, value, by="lee", reason="")
    assert desk.get(ticket).state == "open"


@pytest.mark.parametrize("response", [pays(), texts(), None])
def test_a_persons_answer_is_labelled_and_calls_no_tool(desk: MemoryTickets, response: Response | None) -> None:
    """It may be read again, whatever the model wanted to do."""
    ticket = opened(desk, response)
    desk.answer(ticket, "We call you.", by="lee", reason="")
    answers = [asked(desk, response, ticket) for _ in range(2)]
    assert [answer.kind for answer in answers] == ["answered", "answered"]
    answer = answers[0].response
    assert ((Text("We call you."),), "stop", "human") == (answer.parts, answer.finish, answer.model)
    assert (Usage() if response is None else response.usage) == answer.usage


# ---- who decides


@pytest.mark.parametrize("by", ["Lee@acme.example", "lee@acme.example", " LEE@acme.example "])
def test_nobody_approves_their_own_question(desk: MemoryTickets, by: str) -> None:
    """Not by approving, editing or answering, in no spelling; taking it back is allowed."""
    ticket = opened(desk, texts(), user="lee@acme.example")
    for decide in (
        lambda: desk.approve(ticket, by=by),
        lambda: desk.edit(ticket, "x", by=by),
        lambda: desk.answer(ticket, "x", by=by),
    ):
        with pytest.raises(Blocked, match="may not approve it"):
            decide()
    assert desk.reject(ticket, by=by).state == "rejected"


def test_a_decision_needs_a_name(desk: MemoryTickets) -> None:
    """An anonymous yes is none."""
    ticket = opened(desk, texts())
    for decide in (lambda: desk.approve(ticket, by=" "), lambda: desk.reject(ticket, by="")):
        with pytest.raises(ConfigError, match="by="):
            decide()
    assert desk.get(ticket).state == "open"


def test_a_decision_is_taken_once(desk: MemoryTickets) -> None:
    """A later yes does not overrule a no, nor a no a yes."""
    yes, no = opened(desk, texts()), opened(desk, texts("other"), call_id="c2")
    desk.approve(yes, by="lee")
    desk.reject(no, by="lee")
    with pytest.raises(Blocked, match="decided already"):
        desk.reject(yes, by="kim")
    with pytest.raises(ApprovalDenied):
        desk.approve(no, by="kim")
    assert [desk.get(one).state for one in (yes, no)] == ["approved", "rejected"]


def test_the_reviewer_sees_resolved_values(desk: MemoryTickets) -> None:
    """The contents are the request and the answer as they were asked about."""
    request, response = desk.contents(opened(desk, pays()))
    assert f"write to {CANARY}" == request.messages[0].text
    assert pays() == response


def test_lists_filter_by_state_and_tenant(desk: MemoryTickets) -> None:
    """Oldest first."""
    first, second = opened(desk, texts()), opened(desk, texts(), tenant="other", call_id="c2")
    desk.approve(first, by="lee")
    assert [first, second] == [one.id for one in desk.list()]
    assert [second] == [one.id for one in desk.list(state="open")]
    assert [first] == [one.id for one in desk.list(tenant="acme")]
    assert list(desk.list(state="open", tenant="acme")) == []


# ---- several questions in one call


def test_a_second_question_gives_back_the_first_approval_until_it_is_answered(desk: MemoryTickets) -> None:
    """One call, two controls: both approvals are used together, once."""
    run = call()
    assert desk.ask(run, question(run, pays(), control="contracts.output")) is None
    first = run.ticket
    desk.approve(first or "", by="lee")
    run = call(ticket=first)
    assert desk.ask(run, question(run, pays(), control="contracts.output")).kind == "approved"
    assert desk.ask(run, question(run, pays())) is None
    second = run.ticket
    assert [desk.get(one or "").state for one in (first, second)] == ["approved", "open"]
    desk.approve(second or "", by="kim")
    run = call(ticket=second)
    kinds = [desk.ask(run, question(run, pays(), control=name)).kind for name in ("contracts.output", CONTROL)]
    assert kinds == ["approved", "approved"]
    again = call(ticket=second)
    with pytest.raises(ApprovalDenied) as info:
        desk.ask(again, question(again, pays(), control="contracts.output"))
    assert info.value.reason_code == "already_consumed"


def test_an_approval_that_was_given_back_is_still_used_once(desk: MemoryTickets) -> None:
    """While one run waits for a second person, another run uses the first approval: the waiting run ends with a no."""
    first = opened(desk, pays())
    desk.approve(first, by="lee")
    waiting = call(ticket=first)
    desk.ask(waiting, question(waiting, pays()))
    assert desk.ask(waiting, question(waiting, pays(), control="contracts.output")) is None
    other = call(ticket=first)
    assert desk.ask(other, question(other, pays())).kind == "approved"
    desk.approve(waiting.ticket or "", by="kim")
    with pytest.raises(ApprovalDenied) as info:
        desk.ask(waiting, question(waiting, pays(), control="contracts.output"))
    assert info.value.reason_code == "already_consumed"


def test_the_same_run_may_be_told_again_and_ask_something_new(desk: MemoryTickets) -> None:
    """A loop inside one run asks twice about the same action, then about another: no approval is lost or stretched."""
    first = opened(desk, pays())
    desk.approve(first, by="lee")
    run = call(ticket=first)
    assert [desk.ask(run, question(run, pays())).kind for _ in range(2)] == ["approved"] * 2
    assert desk.ask(run, question(run, pays('{"amount": 6}'))) is None
    assert first != run.ticket


# ---- parking


def test_a_parked_call_comes_back_for_its_requester(desk: MemoryTickets) -> None:
    """And for nobody else, whatever they know."""
    context = call()
    desk.ask(context, question(context, pays()))
    ticket = desk.park(context, {"tape": ["é", 1.5, None]})
    assert desk.checkpoint(ticket.id, tenant="acme", user="u") == {"tape": ["é", 1.5, None]}
    for tenant, user in (("acme", "v"), ("other", "u"), ("acme", None)):
        with pytest.raises(ApprovalDenied) as info:
            desk.checkpoint(ticket.id, tenant=tenant, user=user)
        assert info.value.reason_code == "not_requester"


def test_parking_again_keeps_the_newest_of_the_same_call_and_the_first_of_another(desk: MemoryTickets) -> None:
    """A joined call does not replace what the first one parked."""
    first, joined = call(), call("c2")
    for context in (first, joined):
        desk.ask(context, question(context, pays()))
    desk.park(first, {"n": 1})
    desk.park(joined, {"n": 2})
    desk.park(first, {"n": 3})
    assert desk.checkpoint(first.ticket or "", tenant="acme", user="u") == {"n": 3}


@pytest.mark.parametrize("end", ["reject", "expire", "consume"])
def test_a_call_that_has_ended_cannot_be_resumed(desk: MemoryTickets, clock: Clock, end: str) -> None:
    """The reason is the ticket's."""
    context = call()
    desk.ask(context, question(context, pays()))
    ticket = desk.park(context, {}).id
    if end == "reject":
        desk.reject(ticket, by="lee")
    elif end == "expire":
        clock.now += 4 * 3600
    else:
        desk.approve(ticket, by="lee")
        asked(desk, pays(), ticket)
    with pytest.raises(ApprovalDenied) as info:
        desk.checkpoint(ticket, tenant="acme", user="u")
    assert {"reject": "rejected", "expire": "expired", "consume": "already_consumed"}[end] == info.value.reason_code


def test_what_was_not_parked_cannot_be_resumed(desk: MemoryTickets) -> None:
    """And a checkpoint that is no JSON is not parked."""
    context = call()
    desk.ask(context, question(context, pays()))
    with pytest.raises(ConfigError):
        desk.park(context, {"a": object()})
    with pytest.raises(StateError):
        desk.checkpoint(context.ticket or "", tenant="acme", user="u")


def test_sealed_rows_cannot_be_swapped(desk: MemoryTickets) -> None:
    """A checkpoint or a question put into another ticket does not open; such a ticket may only be rejected."""
    tickets = []
    for number in range(2):
        context = call(f"c{number}")
        desk.ask(context, question(context, texts(str(number))))
        tickets.append(desk.park(context, {"n": number}).id)
    one, other = (desk._rows[ticket] for ticket in tickets)
    one.checkpoint, other.checkpoint = other.checkpoint, one.checkpoint
    one.question, other.question = other.question, one.question
    for broken in (
        lambda: desk.checkpoint(tickets[0], tenant="acme", user="u"),
        lambda: desk.contents(tickets[0]),
        lambda: desk.approve(tickets[0], by="lee"),
    ):
        with pytest.raises(StateError, match="Tampered"):
            broken()
    assert len(desk.list()) == 2
    assert desk.reject(tickets[0], by="lee").state == "rejected"


def test_nothing_at_rest_shows_content(clock: Clock) -> None:
    """Neither names nor texts are in a row; only digests and sealed bytes."""
    desk = MemoryTickets(clock=clock, sealer=Sealer(b"k" * 32))
    context = call(user=CANARY)
    desk.ask(context, question(context, pays(f'{{"to": "{CANARY}"}}')))
    desk.park(context, {"original": CANARY})
    row = desk._rows[context.ticket or ""]
    kept = [getattr(row, name) for name in row.__slots__]
    assert not any(CANARY in repr(value) for value in kept)
    assert CANARY not in repr(desk)


# ---- limits


def test_one_user_cannot_flood_the_reviewers(clock: Clock) -> None:
    """Over the quota is a no, never a pass; other users are not concerned, and decided tickets do not count."""
    desk = MemoryTickets(clock=clock, quota=2)
    first = opened(desk, texts("a"), call_id="c1")
    opened(desk, texts("b"), call_id="c2")
    with pytest.raises(BudgetExceeded, match="too many questions"):
        opened(desk, texts("c"), call_id="c3")
    opened(desk, texts("c"), call_id="c3", user="v")
    desk.approve(first, by="lee")
    opened(desk, texts("c"), call_id="c3")
    assert len(desk.list()) == 4


def test_ended_tickets_make_room_first_and_open_ones_never(clock: Clock) -> None:
    """A ticket that made room is unknown, which is a no."""
    desk = MemoryTickets(clock=clock, capacity=3)
    kept, decided, ended = (opened(desk, texts(name), call_id=name) for name in "abc")
    desk.approve(decided, by="lee")
    desk.reject(ended, by="lee")
    fourth = opened(desk, texts("d"), call_id="d")
    assert [kept, decided, fourth] == [one.id for one in desk.list()]
    fifth = opened(desk, texts("e"), call_id="e")
    assert [kept, fourth, fifth] == [one.id for one in desk.list()]
    assert code_of(desk, texts("b"), decided, call_id="b") == "unknown"
    with pytest.raises(BudgetExceeded, match="too many"):
        opened(desk, texts("f"), call_id="f")


@pytest.mark.parametrize("setting", [{"deadline_seconds": 0}, {"quota": 0}, {"capacity": 0}])
def test_settings_that_make_no_sense_are_refused(clock: Clock, setting: dict[str, Any]) -> None:
    """When the desk is made, not when somebody waits."""
    with pytest.raises(ConfigError):
        MemoryTickets(clock=clock, **setting)


def test_a_forked_child_cannot_use_its_parents_approvals(desk: MemoryTickets) -> None:
    """The approval would otherwise be worth one execution in each process."""
    ticket = opened(desk, pays())
    desk.approve(ticket, by="lee")
    with desk._lock:
        child = os.fork()
        if child == 0:
            try:
                asked(desk, pays(), ticket)
            except ApprovalDenied as denied:
                os._exit(0 if denied.reason_code == "unknown" else 1)
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    assert asked(desk, pays(), ticket).kind == "approved"
