"""Tool calls: declared, allowed, valid; and how a tool is declared."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from psf_runtime.errors import Blocked, ConfigError
from psf_runtime.guards.contracts import ScreenTools, tool_from
from psf_runtime.types.chunks import Chunk, TextDelta, ToolCallDelta
from psf_runtime.types.context import Context
from psf_runtime.types.request import Facts, Tool
from psf_runtime.types.response import Response
from psf_runtime.types.rules import Purpose
from psf_runtime.types.verdict import Reask
from tests.unit.guards.contracts.drive import Run, request


def pay(amount: Annotated[int, Field(ge=1)], to: str = "me") -> str:
    """Pay somebody.

    More about it.

    Args:
        amount: in euros.
        to (str): whom.

    Returns:
        to: nothing.
    """
    return to


ASKED = request(tools=(tool_from(pay), Tool("ping", "", None)))
RULES = {"support": Purpose(tools=["ping"]), "open": Purpose()}


def screened(name: str, args: str, *, purpose: str | None = None, finish: Any = "tool_calls", **settings: Any) -> Run:
    chunks: list[Chunk] = [
        TextDelta("I pay. "),
        ToolCallDelta(0, "i", name, args[:7]),
        ToolCallDelta(0, arguments=args[7:]),
    ]
    context = Context("c", facts=Facts(purpose=purpose))
    return Run(ScreenTools(**settings), ASKED, [*chunks, TextDelta("Done.")], Response(finish=finish), context)


def test_a_valid_call_comes_out_in_order() -> None:
    """Text before it at once, the call and what follows when it has been checked."""
    run = screened("pay", '{"amount": 5}', purpose="open", purposes=RULES)
    assert run.error is None
    assert [type(part).__name__ for part in run.response.parts] == ["Text", "ToolCall", "Text"]
    assert run.response.tool_calls[0].arguments == {"amount": 5}


@pytest.mark.parametrize(
    ("args", "where", "kind"),
    [
        ('{"amount": 0}', "tool_calls[0].amount", "minimum"),
        ('{"amount": 1, "jane": 2}', "tool_calls[0].*", "extra"),
        ("{}", "tool_calls[0].amount", "missing"),
        ("", "tool_calls[0].amount", "missing"),
        ('{"amount": ', "tool_calls[0]", "not_json"),
        ("[1]", "tool_calls[0]", "not_object"),
        ('{"amount": ' + "[" * 99, "tool_calls[0]", "too_deep"),
    ],
)
def test_bad_arguments_ask_again(args: str, where: str, kind: str) -> None:
    """With path and kind only; nothing of the call was delivered."""
    run = screened("pay", args)
    assert isinstance(run.verdict, Reask)
    assert f"- {where}: {kind}" in run.verdict.feedback
    assert "jane" not in run.verdict.feedback
    assert run.response.tool_calls == ()
    observed = screened("pay", args, mode="observe")
    assert [(f.kind, f.observed) for f in observed.context.findings] == [(kind, True)]
    assert len(observed.response.tool_calls) == 1


def test_a_truncated_call_is_not_handed_out() -> None:
    """Even when what is there happens to be valid."""
    assert isinstance(screened("pay", '{"amount": 5}', finish="length").verdict, Reask)


@pytest.mark.parametrize(
    ("name", "settings", "purpose", "kind"),
    [
        ("jane_tool", {}, None, "tool.undeclared"),
        ("pay", {"purposes": RULES}, "support", "tool.forbidden"),
        ("ping", {"purposes": RULES, "require_list": True}, "open", "tool.no_list"),
        ("ping", {"require_list": True}, None, "tool.no_list"),
    ],
)
def test_undeclared_and_forbidden_tools_stop_the_call(
    name: str, settings: dict[str, Any], purpose: str | None, kind: str
) -> None:
    """Blocked, FM06; a name that the model made up is not shown."""
    run = screened(name, '{"amount": 1}' if name == "pay" else "{}", purpose=purpose, **settings)
    assert isinstance(run.error, Blocked)
    assert (run.error.control, run.error.findings[0].kind) == ("contracts.tools", kind)
    assert "jane" not in str(run.error)
    assert run.response.tool_calls == ()
    observed = screened(name, '{"amount": 1}' if name == "pay" else "{}", purpose=purpose, mode="observe", **settings)
    assert (observed.error, observed.kinds) == (None, [kind])


def test_the_number_and_size_of_calls_is_bounded() -> None:
    """A million calls, or one without end, stop the call early."""
    many = [ToolCallDelta(index, str(index), "ping", "{}") for index in range(200)]
    assert isinstance(Run(ScreenTools(), ASKED, many).error, Blocked)
    assert isinstance(Run(ScreenTools(), ASKED, [ToolCallDelta(0, "i", "ping", "a" * 1_000_001)]).error, Blocked)


def test_a_wrong_schema_is_refused_before_sending() -> None:
    """The keyword is named."""
    assert isinstance(Run(ScreenTools(), request(tools=(Tool("a", "", {"not": {}}),)), []).error, ConfigError)


def test_a_function_becomes_a_tool() -> None:
    """Name, first paragraph, types, constraints, defaults, descriptions of the arguments."""
    tool = tool_from(pay)
    assert (tool.name, tool.description) == ("pay", "Pay somebody.")
    assert tool.parameters["properties"]["amount"] == {"minimum": 1, "type": "integer", "description": "in euros."}
    assert tool.parameters["properties"]["to"] == {"default": "me", "type": "string", "description": "whom."}
    assert (tool.parameters["required"], tool.parameters["additionalProperties"]) == (["amount"], False)


class Where(BaseModel):
    city: str


@dataclass
class Spot:
    kind: Literal["a", "b"]


class Weather:
    """Weather."""

    def look(self, where: Where) -> str:
        """Look out of the window."""
        return where.city


@pytest.mark.parametrize(
    ("given", "name", "key"),
    [
        (Tool("look", "x", Where), "look", "city"),
        (Tool("look", "x", Spot), "look", "kind"),
        (Tool("look", "x", {"type": "object", "properties": {"a": {}}}), "look", "a"),
        ({"type": "function", "function": {"name": "look", "parameters": {"properties": {"a": {}}}}}, "look", "a"),
        ({"name": "look", "parameters": {"properties": {"a": {}}}}, "look", "a"),
        (Weather().look, "look", "where"),
    ],
)
def test_other_ways_to_declare_a_tool(given: Any, name: str, key: str) -> None:
    """A Tool with a model, a dataclass or a schema; an OpenAI dict; a bound method."""
    tool = tool_from(given)
    assert tool.name == name
    assert key in tool.parameters["properties"]


def test_a_tool_without_parameters_takes_none() -> None:
    """An empty object, closed."""
    assert tool_from(Tool("ping")).parameters == {"type": "object", "properties": {}, "additionalProperties": False}


def undocumented(a: int) -> int:
    return a


def untyped(a) -> int:  # type: ignore[no-untyped-def]
    """Do."""
    return int(a)


def starred(*a: int) -> None:
    """Do."""


def strange(a: functools.partial) -> None:  # type: ignore[type-arg]
    """Do."""


@pytest.mark.parametrize(
    "given",
    [
        undocumented, untyped, starred, strange, 5, Where, {"type": "web_search"}, {"function": {"name": "a", "x": 1}},
        Tool("bad name"), Tool("a", "", {"type": "array"}), Tool("a", "", object()), Tool("a", "", {"$ref": "http://x"}),
    ],
)  # fmt: skip
def test_what_cannot_be_a_tool_is_refused(given: Any) -> None:
    """Each with what is missing."""
    with pytest.raises(ConfigError) as info:
        tool_from(given)
    assert info.value.change
