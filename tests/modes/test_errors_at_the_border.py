"""What crosses the border when something breaks inside: the typed error, short, alone, and without content."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from psf_runtime import AsyncClient, Policy, PsfError, decision_of, guard
from psf_runtime.errors import Blocked, ContractViolation, GuardError, ProviderError, RoutesExhausted, StateError
from psf_runtime.flow.protocols import GuardBase, Session, StrategyBase
from psf_runtime.guards.function import FunctionGuard
from psf_runtime.testing import ManualClock, MockProvider, fault
from psf_runtime.types.verdict import Block
from tests.modes.clients import MODES, Got, Mode, ask, assert_absent, assert_nothing_open, client_for, frames_of, told

CANARY = "zoe.quill@canary-mail.example"
SAID = f"write to {CANARY} today"
modes = pytest.mark.parametrize("mode", MODES)


class Boom(Exception):
    """An error of a user's own, full of content."""


def boom(*_: Any, **__: Any) -> Any:
    text = f"{SAID}: {CANARY}"
    try:
        raise KeyError(text)
    except KeyError as error:
        raise Boom(text) from error


def in_hook(hook: str) -> Any:
    """A guard of one's own that breaks in one hook."""
    session = type("Breaking", (Session,), {hook: boom})
    return type("Mine", (GuardBase,), {"name": "mine", "session": session})()


class Strategy(StrategyBase):
    """A strategy of one's own that breaks after it has seen the answer."""

    name = "mine"

    def run(self, context: Any, request: Any, attempt: Any) -> Any:
        """Ask, and break."""
        response = yield from attempt(request)
        boom(response)
        return response


def function_guard(on: Any) -> FunctionGuard:
    return guard(on=on, name="mine")(lambda text: boom(text))


# Places where something breaks: what is changed in a client, and the error that its caller must get.
def _guards(made: Callable[[], Any]) -> Callable[[Mode, pytest.MonkeyPatch], Any]:
    return lambda mode, _: client_for(mode, MockProvider(said), policy=Policy.standard(guards=[made()]))


def said(request: Any) -> str:
    return str(request.messages[-1].text)


def _store(path: str) -> Callable[[Mode, pytest.MonkeyPatch], Any]:
    def make(mode: Mode, patch: pytest.MonkeyPatch) -> Any:
        client = client_for(mode, MockProvider(said))
        store, _, method = path.partition(".")
        patch.setattr(type(getattr(client._core.state, store)), method, boom)
        return client

    return make


def _reply(*replies: Any) -> Callable[[Mode, pytest.MonkeyPatch], Any]:
    return lambda mode, _: client_for(mode, MockProvider(*replies, clock=ManualClock()))


def _routes(mode: Mode, _: pytest.MonkeyPatch) -> Any:
    first = MockProvider(*[fault.server_error()] * 3, name="a", clock=ManualClock())
    return client_for(mode, first, fallbacks=[MockProvider(*[fault.overloaded()] * 3, name="b")])


BREAKS: dict[str, tuple[Any, type[PsfError]]] = {
    "input guard": (_guards(lambda: function_guard("input")), GuardError),
    "output guard": (_guards(lambda: function_guard("output")), GuardError),
    "on_request": (_guards(lambda: in_hook("on_request")), GuardError),
    "on_chunk": (_guards(lambda: in_hook("on_chunk")), GuardError),
    "on_end": (_guards(lambda: in_hook("on_end")), GuardError),
    "on_response": (_guards(lambda: in_hook("on_response")), GuardError),
    "strategy": (_guards(Strategy), PsfError),
    "block": (_guards(lambda: guard(name="mine")(lambda text: Block("no"))), Blocked),
    "vault known": (_store("vault.known"), PsfError),
    "vault mint": (_store("vault.mint"), PsfError),
    "log intent": (_store("ledger.intend"), StateError),
    "log outcome": (_store("ledger.conclude"), StateError),
    "provider raises": (_reply(boom), PsfError),
    "provider's own error": (_reply(Boom(CANARY)), PsfError),
    "provider fails": (_reply(*[fault.server_error()] * 3), ProviderError),
    "stream cut": (_reply(*[["a", fault.cut()]] * 3), ProviderError),
    "all routes": (_routes, RoutesExhausted),
}


@modes
@pytest.mark.parametrize("place", sorted(BREAKS))
def test_nothing_of_the_content_crosses(mode: Mode, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever it breaks, the error holds no content, locals included; no cause, no context; 4 frames at most."""
    make, kind = BREAKS[place]
    got = ask(mode, make(mode, monkeypatch), SAID)
    error = got.error

    assert isinstance(error, kind), repr(error)
    assert_absent([CANARY], told(error), f"the error of {place}")
    assert error.__cause__ is None
    assert error.__context__ is None
    frames = frames_of(error)
    assert len(frames) <= 4, f"{len(frames)} frames of ours: {' > '.join(frames)}"
    assert error.call_id
    assert error.decision is decision_of(error)
    assert error.decision.call_id == error.call_id
    assert not got.finished
    check_pickled(error)


def check_pickled(error: PsfError) -> None:
    """A round trip through pickle keeps every field."""
    twin = pickle.loads(pickle.dumps(error))

    assert type(twin) is type(error)
    assert str(twin) == str(error)
    assert sorted(vars(twin)) == sorted(vars(error))
    assert twin.decision == error.decision
    if isinstance(error, RoutesExhausted):
        assert isinstance(twin, RoutesExhausted)
        assert [str(inner) for inner in error.exceptions] == [str(inner) for inner in twin.exceptions]
        assert [inner.target for inner in error.exceptions] == ["a", "b"]  # type: ignore[attr-defined]


@modes
@pytest.mark.parametrize("on", ["input", "output"])
def test_a_failing_guard_is_easy_to_find(mode: Mode, on: str) -> None:
    """The GuardError of a user's guard names the guard, the hook, the class, and file and line: never the text."""

    @guard(on=on, name="no_competitors")
    def no_competitors(text: str) -> bool:
        raise Boom(text)

    got = ask(mode, client_for(mode, MockProvider(said), policy=Policy.standard(guards=[no_competitors])), SAID)
    error = got.error

    assert isinstance(error, GuardError)
    assert "no_competitors" == error.layer == error.control
    assert {"input": "on_request", "output": "on_response"}[on] == error.hook
    assert "Boom" in error.what
    assert f"test_errors_at_the_border.py:{no_competitors.fn.__code__.co_firstlineno + 2}" in error.why
    assert "no_competitors" in error.why
    assert_absent([CANARY], told(error), "the error")


@modes
def test_an_error_inside_an_error(mode: Mode) -> None:
    """Called while the user handles an error of theirs, ours holds no cause; only theirs is chained."""
    client = client_for(mode, MockProvider(said), policy=Policy.standard(guards=[in_hook("on_response")]))
    got = Got(client)
    try:
        raise ValueError("the user's own")
    except ValueError:
        got = ask(mode, client, SAID)

    assert isinstance(got.error, GuardError)
    assert got.error.__cause__ is None
    assert type(got.error.__context__) in (ValueError, type(None))


@pytest.mark.parametrize("mode", ["complete", "async complete"])
def test_contract_messages_stay_inside(mode: Mode) -> None:
    """What a validator of one's own says about a value is in no error."""
    from psf_runtime import Contract

    contract = Contract({"type": "object"}, business=[lambda value: f"{CANARY} is unknown"], max_reasks=0)
    got = ask(mode, client_for(mode, MockProvider('{"a": 1}')), SAID, output=contract)

    assert isinstance(got.error, ContractViolation)
    assert_absent([CANARY], told(got.error), "the error")


@pytest.mark.parametrize("mode", MODES)
def test_a_key_pressed_takes_no_content_with_it(mode: Mode) -> None:
    """KeyboardInterrupt comes through as itself, without the frames that hold the prompt; the log has its end."""

    def interrupt(request: Any) -> str:
        raise KeyboardInterrupt

    mock = MockProvider(interrupt)
    client = client_for(mode, mock)
    with pytest.raises(KeyboardInterrupt) as caught:
        ask(mode, client, SAID)
    if not mode.startswith("async"):
        assert_absent([CANARY], told(caught.value), "the interrupt")
    assert_nothing_open(Got(client), mock)


def test_a_cancellation_takes_no_content_with_it() -> None:
    """The exception that ends a cancelled task holds no prompt in its frames of ours."""
    client = AsyncClient(MockProvider([fault.stall()]))
    found: list[str] = []

    async def work() -> None:
        with anyio.move_on_after(0.03):
            try:
                await client.complete(SAID)
            except BaseException as error:
                found.append(told(error))
                raise

    anyio.run(work)
    assert len(found) == 1
    assert_absent([CANARY], found[0], "the cancellation")


@pytest.mark.parametrize("mode", ["complete", "async complete"])
def test_stores_behind_the_faces(mode: Mode) -> None:
    """Errors of `tickets` and `consents` cross the same border: no content, no inner frames."""
    from tests.modes.clients import do

    client = client_for(mode, MockProvider("x"))
    for method, args, rest in (
        (client.tickets.edit, ("t1", [{"to": CANARY}]), {"by": "lee"}),
        (client.tickets.answer, ("t1", CANARY), {"by": "lee"}),
        (client.consents.grant, (), {"subject": CANARY, "purpose": "", "recipients": ["x"]}),
    ):
        with pytest.raises(PsfError) as caught:
            do(mode, method, *args, **rest)
        assert_absent([CANARY], told(caught.value), "the error")
        assert caught.value.__context__ is None
