"""Re-asks, and what happens when they are spent."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from psf_runtime.errors import ContractViolation
from psf_runtime.flow.effects import Ask
from psf_runtime.flow.outcomes import Stopped
from psf_runtime.guards.contracts import Conform, Contract
from psf_runtime.ports import Answer
from psf_runtime.types.context import Context
from psf_runtime.types.messages import Message, Text, ToolCall
from psf_runtime.types.request import Request
from psf_runtime.types.response import Response
from psf_runtime.types.verdict import Block, Finding, Reask
from tests.unit.guards.contracts.drive import request


def says(text: str, **rest: Any) -> Response:
    return Response(parts=(Text(text),), **rest)


class Inside:
    """What stands inside the strategy: gives the scripted answers and remembers what it was asked."""

    def __init__(self, *answers: Response | Exception, committed: bool = False) -> None:
        self.answers = list(answers)
        self.asked: list[Request] = []
        self.committed = committed

    def __call__(self, request: Request) -> Generator[Any, Any, Response]:
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer
        yield


def run(contract: Contract[Any] | None, inside: Inside, answer: Answer | None = None) -> tuple[Response, Context]:
    context = Context("c1")
    if contract is not None:
        context.shared["contracts.output"] = contract
    flow = Conform().run(context, request(Message.user("how many?")), inside)
    try:
        effect = next(flow)
        assert isinstance(effect, Ask)
        assert effect.question.control == "contracts.output"
        flow.send(answer)
    except StopIteration as stop:
        return stop.value, context
    raise AssertionError("the flow went on")


def test_an_answer_that_fits_is_handed_on() -> None:
    """The value is where the client finds it, and the model was given the schema."""
    inside = Inside(says('{"value": 5}'))
    response, context = run(Contract(int), inside)
    assert response == says('{"value": 5}')
    assert context.shared["contracts.output.value"] == 5
    assert inside.asked[0].output == Contract(int).schema()


def test_a_re_ask_holds_paths_and_kinds_only() -> None:
    """The model sees its own answer, then lines of (path, kind) and the names of checks, never what a check said."""

    def small(value: int) -> str | bool:
        return value < 10 or f"jane has {value}"

    inside = Inside(says('{"value": 50}'), says('{"value": 5}'))
    response, context = run(Contract(int, business=[small]), inside)
    own, told = inside.asked[1].messages[-2:]
    assert (own.role, own.text, told.role) == ("assistant", '{"value": 50}', "user")
    assert "- the whole answer: business.small" in told.text
    assert "jane" not in told.text
    assert response.text == '{"value": 5}'
    assert [finding.kind for finding in context.findings] == ["business: business.small"]


def test_when_re_asks_are_spent_it_raises() -> None:
    """With paths and kinds, without values; a truncated answer counts as one that does not fit."""
    inside = Inside(says("{}", finish="length"), says("jane"))
    with pytest.raises(ContractViolation) as info:
        run(Contract(int), inside)
    assert info.value.errors == (("", "not_json"),)
    assert "jane" not in str(info.value)
    assert "truncated" in inside.asked[1].messages[-1].text
    with pytest.raises(ContractViolation, match="no re-ask"):
        run(Contract(int, max_reasks=0), Inside(says('{"value": 1}', finish="length")))


def test_after_delivery_there_is_no_re_ask() -> None:
    """A part of the answer has left: the caller is told at the end."""
    inside = Inside(says("x"), committed=True)
    with pytest.raises(ContractViolation, match="already been delivered"):
        run(Contract(int, on_fail=lambda _: 0), inside)
    assert len(inside.asked) == 1


def test_open_tool_calls_are_not_checked() -> None:
    """There is no value yet."""
    response = Response(parts=(ToolCall("i", "n", "{}"),), finish="tool_calls")
    assert run(Contract(int), Inside(response))[1].shared.keys() == {"contracts.output"}


def test_without_a_contract_everything_passes() -> None:
    """Text is text."""
    inside = Inside(says("hello"))
    assert run(None, inside)[0] == says("hello")
    assert inside.asked[0].output is None


def test_a_guard_inside_may_want_another_answer() -> None:
    """Its feedback is sent; when re-asks are spent, or something was delivered, it is a ContractViolation."""
    wish = Stopped(Reask("call again", (Finding("contracts.tools", "not_json", "tool_calls[0]"),)), "contracts.tools")
    inside = Inside(wish, says("fine"))
    response, context = run(None, inside)
    assert response == says("fine")
    assert inside.asked[1].messages[-1] == Message.user("call again")
    assert [finding.kind for finding in context.findings] == ["not_json"]
    for inside in (Inside(wish, wish), Inside(wish, committed=True)):
        with pytest.raises(ContractViolation) as info:
            run(None, inside)
        assert (info.value.control, info.value.errors) == ("contracts.tools", (("tool_calls[0]", "not_json"),))


def test_other_verdicts_go_on_outward() -> None:
    """A Block is not for this strategy."""
    with pytest.raises(Stopped):
        run(Contract(int), Inside(Stopped(Block("no"), "x")))


def test_a_safe_value_takes_its_place() -> None:
    """Marked as degraded; the text that did not fit is gone."""
    contract: Contract[Any] = Contract(int, max_reasks=0, on_fail=lambda error: len(error.errors))
    response, context = run(contract, Inside(says("secret")))
    assert (response.text, context.degraded, context.shared["contracts.output.value"]) == ("1", True, 1)


def test_a_person_may_mend_it() -> None:
    """What they wrote is held to the contract too; agreeing to a wrong answer does not make it right."""
    contract: Contract[Any] = Contract(int, max_reasks=0, on_fail="escalate")
    response, context = run(contract, Inside(says("x")), Answer("edited", response=says("7")))
    assert (response.text, context.shared["contracts.output.value"]) == ("7", 7)
    for answer in (Answer("edited", response=says("y")), Answer("approved")):
        with pytest.raises(ContractViolation):
            run(contract, Inside(says("x")), answer)


def test_repair_is_counted() -> None:
    """A fence that was taken off is a finding."""
    _, context = run(Contract(int, repair=True), Inside(says("```json\n5\n```")))
    assert [finding.kind for finding in context.findings] == ["output.repaired"]
