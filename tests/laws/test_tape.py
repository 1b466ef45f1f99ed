"""Law 10 and the tape: a call goes on in another process, or is replayed offline, without asking the model again."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest

from psf_runtime.errors import ApprovalDenied, ApprovalPending, ProviderError, PsfError, TapeDiverged
from psf_runtime.flow.aio import AsyncDriver
from psf_runtime.flow.compose import compose
from psf_runtime.flow.effects import call, call_once, first_of, monotonic, now, random_bytes, sleep, together
from psf_runtime.flow.protocols import ALL, GuardBase, Session, StrategyBase
from psf_runtime.flow.replay import replay
from psf_runtime.flow.sync import SyncDriver
from psf_runtime.flow.tape import Tape
from psf_runtime.flow.world import Journey, World
from psf_runtime.guards.function import guard
from psf_runtime.ports import Answer, Question
from psf_runtime.testing.clock import ManualClock
from psf_runtime.testing.modes import MODES, Mode, default_request, run_in_mode
from psf_runtime.testing.scripted import ScriptedTransport, Silence
from psf_runtime.types.chunks import TextDelta, ToolCallDelta
from psf_runtime.types.context import Context
from psf_runtime.types.messages import Message
from psf_runtime.types.request import Facts, Request
from psf_runtime.types.response import Response
from psf_runtime.types.verdict import Block
from tests.laws.layers import Conform, Fallback, Oversee, Retry, Tokens, Watch

CANARY = "bob@x.example"


class Desk:
    """A reviewer for tests: approves what it was told to approve, once; keeps what was parked."""

    def __init__(self, approved: str | None = None, store: Path | None = None) -> None:
        self.approved = approved
        self.store = store
        self.asked: list[Question] = []
        self.parked: Mapping[str, Any] | None = None

    def ask(self, context: Context, question: Question) -> Answer | None:
        self.asked.append(question)
        context.ticket = "t1"
        if self.approved is None:
            return None
        if question.digest != self.approved:
            raise ApprovalDenied("the approval is for another action", reason_code="action_digest_mismatch")
        if self.store is not None:
            try:
                (self.store / question.digest).touch(exist_ok=False)
            except FileExistsError:
                raise ApprovalDenied("already used", reason_code="already_consumed") from None
        return Answer("approved", by="lee")

    def park(self, context: Context, checkpoint: Mapping[str, Any]) -> Any:
        self.parked = checkpoint
        return "t1"


def layers() -> list[Any]:
    """A person looks at tool calls; below, values are tokens; an error is retried."""
    return [Oversee(), Tokens(), Fallback("m1", "m2"), Retry(2, 1.0)]


def fails_once(body: Sequence[Any]) -> Callable[[Any], Any]:
    """A provider that answers 503 first."""
    count = 0

    def script(_: Any) -> Any:
        nonlocal count
        count += 1
        return [ProviderError("503", status=503)] if count == 1 else body

    return script


TOOL = [[ToolCallDelta(0, "t", "mail", '{"to":"TKN0')], [ToolCallDelta(0, arguments='000Q"}')]]


def parked_call(mode: Mode, made: Callable[[], list[Any]] = layers, body: Sequence[Any] = TOOL) -> tuple[Any, str]:
    """Run a call until it is parked; returns its tape as JSON text, and the digest that a person approves."""
    desk = Desk()
    outcome = run_in_mode(mode, made(), fails_once(body), reviewer=desk, tape=Tape(("oversee",)))
    assert isinstance(outcome.error, ApprovalPending)
    assert outcome.delivered == []
    assert len(outcome.transport.requests) == 2
    assert outcome.transport.live == 0
    assert desk.parked is not None
    return json.dumps(desk.parked["tape"]), desk.asked[0].digest


def forbidden(_: Any) -> Any:
    raise AssertionError("the provider was asked")


def resumed(mode: Mode, text: str, digest: str, made: Callable[[], list[Any]] = layers, **settings: Any) -> Any:
    """Go on with a parked call; a provider that is asked fails the test."""
    tape = Tape.from_data(json.loads(text))
    return run_in_mode(mode, made(), forbidden, reviewer=Desk(digest), tape=tape, **settings)


SCRIPT = """
import json, pathlib, sys
sys.path.insert(0, {root!r})
from psf_runtime.errors import PsfError
from tests.laws.test_tape import Desk, forbidden, layers
from psf_runtime.flow.tape import Tape
from psf_runtime.testing.modes import run_in_mode

mode, text, digest, store = json.loads(sys.stdin.read())
tape = Tape.from_data(json.loads(text))
outcome = run_in_mode(mode, layers(), forbidden, reviewer=Desk(digest, pathlib.Path(store)), tape=tape)
if outcome.error is not None:
    print(type(outcome.error).__name__, getattr(outcome.error, "reason_code", ""))
else:
    print("OK", outcome.response.tool_calls[0].args, len(outcome.transport.requests))
"""


@pytest.mark.parametrize("mode", MODES)
def test_a_parked_call_goes_on_in_another_process(mode: Mode, tmp_path: Path) -> None:
    """Law 10: a fresh process resumes from the JSON tape, the model is not asked, and an approval holds only once."""
    text, digest = parked_call(mode)
    program = tmp_path / "resume.py"
    program.write_text(SCRIPT.format(root=str(Path(__file__).parents[2])))

    def resume(approved: str, how: Mode) -> str:
        done = subprocess.run(
            [sys.executable, str(program)],
            input=json.dumps([how, text, approved, str(tmp_path)]),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return done.stdout.strip() or done.stderr

    assert resume("deadbeef", mode) == "ApprovalDenied action_digest_mismatch"
    other: Mode = "async" if mode.startswith("sync") else "sync"
    assert resume(digest, other) == 'OK {"to":"bob@x.example"} 0'
    assert resume(digest, mode) == "ApprovalDenied already_consumed"


@pytest.mark.parametrize("mode", MODES)
def test_a_resumed_call_delivers_what_was_approved(mode: Mode) -> None:
    """In the same mode, the approved answer is delivered whole, with no sleep repeated and no attempt taken."""
    text, digest = parked_call(mode)
    clock = ManualClock()
    outcome = resumed(mode, text, digest, clock=clock)
    assert outcome.error is None
    assert outcome.response.tool_calls[0].arguments == {"to": CANARY}
    assert clock.slept == []
    assert outcome.context.attempts_left == 50
    assert outcome.context.ticket == "t1"


@pytest.mark.parametrize("mode", MODES)
def test_another_digest_is_refused(mode: Mode) -> None:
    """An approval for another action delivers nothing."""
    text, _ = parked_call(mode)
    outcome = resumed(mode, text, "deadbeef")
    assert isinstance(outcome.error, ApprovalDenied)
    assert outcome.delivered == []


@pytest.mark.parametrize("mode", MODES)
def test_an_approval_holds_for_one_action(mode: Mode) -> None:
    """Other arguments have another digest: what was approved for one answer does not release another."""
    other = [[ToolCallDelta(0, "t", "mail", '{"to":"eve"}')]]
    text, digest = parked_call(mode)
    other_text, other_digest = parked_call(mode, body=other)
    assert digest != other_digest
    assert isinstance(resumed(mode, other_text, digest).error, ApprovalDenied)
    assert resumed(mode, other_text, other_digest).error is None


@pytest.mark.parametrize("mode", MODES)
def test_the_tape_holds_no_clear_value(mode: Mode) -> None:
    """What the tape holds of the conversation is tokens: the value itself is not in it, in no usual encoding."""
    text, _ = parked_call(mode)
    assert "TKN0" in text
    for form in (CANARY, CANARY.encode().hex(), json.dumps(CANARY)[1:-1], "bob"):
        assert form not in text


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    "changed",
    [
        lambda: [Oversee(), Fallback("m1", "m2"), Retry(2, 1.0)],  # tokens left out
        lambda: [Oversee(), Tokens(), Fallback("m2", "m1"), Retry(2, 1.0)],  # another model first
        lambda: [Oversee(), Tokens(), Fallback("m1", "m2")],  # no retry: another model is asked
        lambda: [Oversee(), Stamped(), Tokens(), Fallback("m1", "m2"), Retry(2, 1.0)],  # one more look at the clock
    ],
)
def test_changed_layers_diverge(mode: Mode, changed: Callable[[], list[Any]]) -> None:
    """Other layers than the call was recorded with are TapeDiverged: nothing is sent, nothing delivered."""
    text, digest = parked_call(mode)
    outcome = resumed(mode, text, digest, changed)
    assert isinstance(outcome.error, TapeDiverged)
    assert outcome.delivered == []


@pytest.mark.parametrize("mode", MODES)
def test_a_forged_tape_diverges(mode: Mode) -> None:
    """A tape whose request digest does not fit is TapeDiverged."""
    text, digest = parked_call(mode)
    data = json.loads(text)
    data["branches"][0][1][0][0][1] = "forged"
    outcome = resumed(mode, json.dumps(data), digest)
    assert isinstance(outcome.error, TapeDiverged)


class Stamped(GuardBase):
    """Looks at clocks, draws a random number, writes once and looks something up before the call."""

    name = "stamped"

    def __init__(self, log: list[Any] | None = None) -> None:
        self.log = [] if log is None else log
        shared = self.log

        class StampedSession(Session):
            def on_request(self, request: Request) -> Any:
                seen = [(yield from now()), (yield from monotonic()), (yield from random_bytes(4)).hex()]
                seen.append((yield from call_once(lambda: len(shared))))
                yield from call(shared.append, seen)
                return request

        self.session = StampedSession


@pytest.mark.parametrize("mode", MODES)
def test_times_random_numbers_and_writes_are_taken_from_the_tape(mode: Mode) -> None:
    """Clock, random bytes and writes come from the tape; look-ups run again; another clock changes nothing."""
    first: list[Any] = []
    again: list[Any] = ["not empty"]
    text, digest = parked_call(mode, lambda: [Stamped(first), *layers()])
    clock = ManualClock(start=5.0)
    outcome = resumed(mode, text, digest, lambda: [Stamped(again), *layers()], clock=clock)
    assert outcome.error is None
    assert again == ["not empty", *first]


def test_a_resumed_call_may_be_parked_again() -> None:
    """A call that is resumed while its ticket is open is parked again, with a tape as good as the first."""
    text, digest = parked_call("sync")
    desk = Desk()
    outcome = run_in_mode("async", layers(), forbidden, reviewer=desk, tape=Tape.from_data(json.loads(text)))
    assert isinstance(outcome.error, ApprovalPending)
    assert desk.parked is not None
    assert json.loads(json.dumps(desk.parked["tape"])) == json.loads(text)
    assert resumed("sync", json.dumps(desk.parked["tape"]), digest).error is None


class Joined(StrategyBase):
    """Asks two models at once and joins the answers."""

    name = "joined"
    hold = ALL

    def run(self, context: Any, request: Any, attempt: Any) -> Any:
        first, second = yield from together(*(attempt(request.replace(model=model)) for model in "ab"))
        return first.replace(parts=(*first.parts, *second.parts))


class Raced(StrategyBase):
    """Asks two models; the first to answer wins."""

    name = "raced"
    hold = ALL

    def __init__(self, started: list[str] | None = None) -> None:
        self.started = [] if started is None else started

    def run(self, context: Any, request: Any, attempt: Any) -> Any:
        def early() -> Any:
            self.started.append("a")
            return (yield from attempt(request.replace(model="a")))

        def late() -> Any:
            self.started.append("b")
            yield from sleep(0.0)
            return (yield from attempt(request.replace(model="b")))

        return (yield from first_of(early(), late()))


def approved_after(strategy: StrategyBase, script: Callable[[Any], Any], mode: Mode) -> tuple[str, str]:
    desk = Desk()
    outcome = run_in_mode(mode, [Oversee(), Tokens(), strategy], script, reviewer=desk, tape=Tape())
    assert isinstance(outcome.error, ApprovalPending), outcome.error
    assert desk.parked is not None
    return json.dumps(desk.parked["tape"]), desk.asked[0].digest


@pytest.mark.parametrize("mode", MODES)
def test_a_together_inside_a_recorded_call_replays(mode: Mode) -> None:
    """Branches are recorded apart and replayed apart, in whatever order they run."""
    script = lambda request: [[TextDelta(request.model)], TOOL[0], TOOL[1]]
    text, digest = approved_after(Joined(), script, mode)
    for how in MODES:
        outcome = resumed(how, text, digest, lambda: [Oversee(), Tokens(), Joined()])
        assert outcome.error is None, how
        assert outcome.response.text == "ab"
        assert outcome.transport.requests == []


@pytest.mark.parametrize("mode", MODES)
def test_a_race_inside_a_recorded_call_replays_its_winner_alone(mode: Mode) -> None:
    """On a replay the branch that won wins again, and the loser, cut short at an unknown point, asks nobody."""
    script = lambda request: [Silence(0.2), [TextDelta("slow")]] if request.model == "a" else TOOL

    class Fair(ManualClock):
        """Silences of the slow model really take a little, so that it loses."""

        def sleep(self, seconds: float) -> None:
            if seconds:
                threading_sleep(seconds)

        async def asleep(self, seconds: float) -> None:
            await anyio.sleep(seconds)

    desk = Desk()
    outcome = run_in_mode(mode, [Oversee(), Tokens(), Raced()], script, reviewer=desk, tape=Tape(), clock=Fair())
    assert isinstance(outcome.error, ApprovalPending), outcome.error
    assert desk.parked is not None
    text = json.dumps(desk.parked["tape"])
    for how in MODES:
        started: list[str] = []
        again = resumed(how, text, desk.asked[0].digest, lambda ran=started: [Oversee(), Tokens(), Raced(ran)])
        assert again.error is None, how
        assert started == ["b"], "only the branch that won runs again"
        assert again.response.tool_calls[0].arguments == {"to": CANARY}
        assert again.transport.requests == []


def threading_sleep(seconds: float) -> None:
    """Let other threads run for so long."""
    threading.Event().wait(seconds)


# ---- offline


def recorded(made: Callable[[], list[Any]], script: Callable[[Any], Any], mode: Mode = "sync") -> tuple[Any, Any]:
    """A finished call and its tape, as it comes out of JSON."""
    tape = Tape()
    outcome = run_in_mode(mode, made(), script, tape=tape)
    return outcome, json.loads(json.dumps(tape.to_data()))


FACTS = Facts()


def starts_with_a(response: Response) -> str | None:
    return None if response.text.startswith("a") else "begin with a"


@pytest.mark.parametrize("mode", MODES)
def test_a_recorded_call_replays_offline(mode: Mode) -> None:
    """The same layers make the same answer again: through an error, a retry, a re-ask and a look-up."""
    texts = iter([[ProviderError("503")], [[TextDelta("x TKN0000Q")]], [[TextDelta("a TKN00")], [TextDelta("00Q")]]])
    made = lambda: [Conform(starts_with_a), Tokens(), Retry(2, 1.0), guard(lambda text: True)]
    outcome, data = recorded(made, lambda _: next(texts), mode)
    again = replay(made(), data, default_request(), facts=FACTS)
    assert outcome.response is not None
    assert again.parts == outcome.response.parts
    assert again.text == "a bob@x.example"
    assert again.usage == outcome.response.usage


@pytest.mark.parametrize("strategy", [Joined, Raced])
def test_races_replay_offline(strategy: Any) -> None:
    """`together` and `first_of` replay offline, one branch after the other."""
    outcome, data = recorded(lambda: [strategy()], lambda request: [[TextDelta(request.model)]])
    assert outcome.response is not None
    assert replay([strategy()], data, default_request(), facts=FACTS).text == outcome.response.text


def test_a_replay_shows_a_recorded_call_to_another_guard() -> None:
    """A guard that was not there when the call was recorded judges the same answer."""
    _, data = recorded(lambda: [Tokens()], lambda _: [[TextDelta("hello TKN0000Q")]])
    strict = guard(name="strict")(lambda text: Block("no") if "hello" in text else True)

    async def remote(text: str) -> bool:
        return False

    for layer in (strict, guard(name="strict")(remote)):
        with pytest.raises(PsfError) as caught:
            replay([layer, Tokens()], data, default_request(), facts=FACTS)
        assert caught.value.layer == "strict"


def test_recorded_errors_are_raised_again_offline() -> None:
    """A call that failed fails the same way: class, kind, status."""
    outcome, data = recorded(lambda: [Retry(2, 0.0)], lambda _: [ProviderError("503", kind="overloaded", status=503)])
    assert isinstance(outcome.error, ProviderError)
    log: list[str | None] = []
    with pytest.raises(ProviderError) as caught:
        replay([Retry(2, 0.0), Watch(log)], data, default_request(), facts=FACTS)
    assert (caught.value.kind, caught.value.status) == ("overloaded", 503)
    assert log == ["ProviderError", "ProviderError"]


@pytest.mark.parametrize(
    ("made", "request_"),
    [
        (list, None),  # tokens left out
        (lambda: [Tokens()], Request((Message.user("another question"),), model="m")),
        (lambda: [Tokens(), Retry(2, 0.0), Stamped()], None),  # asks for more
        (lambda: [Answers(), Tokens()], None),  # asks for less
    ],
)
def test_an_offline_replay_that_differs_diverges(made: Callable[[], list[Any]], request_: Request | None) -> None:
    """Another request, other layers, more or fewer effects: TapeDiverged, never an answer."""
    _, data = recorded(lambda: [Tokens()], lambda _: [[TextDelta("a")]])
    with pytest.raises(TapeDiverged):
        replay(made(), data, request_ or default_request(), facts=FACTS)


class Answers(StrategyBase):
    """Answers by itself."""

    name = "answers"

    def run(self, context: Any, request: Any, attempt: Any) -> Any:
        yield from call(len, "")
        return Response()


def test_a_parked_call_cannot_be_finished_offline() -> None:
    """Nobody can be asked offline: the replay of a parked call ends with TapeDiverged."""
    text, _ = parked_call("sync")
    with pytest.raises(TapeDiverged, match="Ask"):
        replay(layers(), json.loads(text), default_request(), facts=FACTS)


@pytest.mark.parametrize("driver", ["sync", "async"])
def test_waiting_for_a_person_before_parking(driver: str) -> None:
    """With `wait`, the driver asks again until the person has decided, on its own clock; the call then goes on."""

    class Slow(Desk):
        def ask(self, context: Context, question: Question) -> Answer | None:
            self.asked.append(question)
            return Answer("approved") if len(self.asked) == 5 else None

    clock, desk = ManualClock(), Slow()
    transport = ScriptedTransport(lambda _: TOOL, clock=clock)
    world = World(transport, desk, clock)
    trip = Journey(Context("c"), Tape(), wait=10.0)
    run = compose([Oversee()])
    if driver == "sync":
        SyncDriver(run, world).complete(trip, default_request())
    else:
        anyio.run(AsyncDriver(run, world).complete, trip, default_request())
    assert len(desk.asked) == 5
    assert 0 < clock.monotonic() < 10
    assert len(transport.requests) == 1
