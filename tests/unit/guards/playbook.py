"""A hand-driven world for strategies: scripted attempts, a clock that only moves when told, everything remembered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from psf_runtime.errors import ProviderError, ProviderTimeout
from psf_runtime.flow.effects import Call, Flow, Monotonic, Now, Random, Sleep
from psf_runtime.ports import TargetFacts
from psf_runtime.types.context import Context
from psf_runtime.types.messages import Message, Text
from psf_runtime.types.request import Facts, Request
from psf_runtime.types.response import Response
from psf_runtime.types.response_head import Usage

USAGE = Usage(1000, 500, reported=True)


def answer(text: str = "hello", **head: Any) -> Response:
    head.setdefault("usage", USAGE)
    return Response((Text(text),), **head)


def asking(text: str = "hi", **fields: Any) -> Request:
    return Request((Message.user(text),), **fields)


def context(**fields: Any) -> Context:
    facts = {name: fields.pop(name) for name in ("purpose", "user", "tenant", "tags", "conversation") if name in fields}
    return Context("call-1", facts=Facts(**facts), **fields)


def target(name: str, **fields: Any) -> TargetFacts:
    return TargetFacts(name, fields.pop("provider", "mock"), **fields)


def failing(kind: str = "server_error", **fields: Any) -> ProviderError:
    fields.setdefault("retry_safe", True)
    return ProviderError(f"the provider failed: {kind}", kind=kind, **fields)


@dataclass
class Step:
    """What one attempt does: takes `seconds`, runs `meanwhile`, delivers something (`commits`), then ends."""

    outcome: Response | BaseException
    seconds: float = 0.0
    commits: bool = False
    meanwhile: Callable[[], None] | None = None


@dataclass
class Playbook:
    """Runs one strategy over scripted attempts.

    `steps` are Responses, errors or Steps, one per attempt; `asked` remembers the models, `slept` the waits. The
    clock stands at 100 s and moves by sleeps and steps only; random numbers are all `fraction`.
    """

    strategy: Any
    steps: Sequence[Any] = ()
    fraction: float = 0.5
    clock: float = 100.0
    wall: float = 1_000_000.0
    committed: bool = False
    asked: list[str] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    context: Context = field(default_factory=context)

    def __post_init__(self) -> None:
        self._left = [step if isinstance(step, Step) else Step(step) for step in self.steps]

    def __call__(self, request: Request) -> Flow[Response]:
        """The attempt that the strategy is given."""
        yield from ()
        self.context.attempts_left -= 1
        self.asked.append(request.model)
        step = self._left.pop(0)
        self.pass_time(step.seconds)
        self.committed = self.committed or step.commits
        if step.meanwhile is not None:
            step.meanwhile()
        if isinstance(step.outcome, BaseException):
            raise step.outcome
        return step.outcome

    def pass_time(self, seconds: float) -> None:
        self.clock += seconds
        self.wall += seconds

    def play(self, request: Request | None = None) -> Response:
        """Run to the end; every scripted step must have been used."""
        response = drive(self.strategy.run(self.context, request or asking(), self), self)
        assert self._left == []
        return response

    def perform(self, effect: Any) -> Any:
        deadline = self.context.deadline
        if deadline is not None and self.clock >= deadline:
            raise ProviderTimeout("the time for the whole call is used up", kind="deadline_exceeded")
        match effect:
            case Sleep(seconds=seconds):
                self.slept.append(seconds)
                self.pass_time(seconds)
                return None
            case Monotonic():
                return self.clock
            case Now():
                return self.wall
            case Random(size=size):
                return min(int(self.fraction * 2 ** (8 * size)), 2 ** (8 * size) - 1).to_bytes(size, "big")
            case Call(fn=fn, args=args):
                return fn(*args)
        raise AssertionError(effect)


def drive(flow: Flow[Any], world: Playbook) -> Any:
    """Run a flow by hand."""
    try:
        effect = next(flow)
        while True:
            try:
                value = world.perform(effect)
            except Exception as error:
                effect = flow.throw(error)
            else:
                effect = flow.send(value)
    except StopIteration as stop:
        return stop.value
