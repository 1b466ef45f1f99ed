"""Restoring in tool arguments: by what each tool may see."""

from __future__ import annotations

import json

import pytest

from psf_runtime.types.chunks import ToolCallDelta
from psf_runtime.types.messages import Message, ToolResult, untrusted
from psf_runtime.types.request import Request, Tool
from psf_runtime.types.rules import ToolRule
from tests.unit.guards.privacy.driving import EMAIL, Exchange, Words

KEY = "sk-proj-" + "abcd1234" * 4


def tool_request(text: str, *parts: str) -> Request:
    return Request((Message.user(text, *(untrusted(part) for part in parts)),), tools=(Tool("t"),))


def test_a_whole_field_is_restored_and_longer_text_is_not() -> None:
    """By default a field that is one token comes back, also nested and as a key; free text and URLs keep tokens."""
    exchange = Exchange(tool_request(f"to {EMAIL}"))
    token = exchange.text.removeprefix("to ")
    arguments = {"to": token, "in": [{token: 1}], "body": f"Dear {token}", "url": f"https://x.example/{token}", "n": 2}
    restored = json.loads(exchange.calls("t", json.dumps(arguments), cuts=(5, 9, 12, 40)))

    assert {**arguments, "to": EMAIL, "in": [{EMAIL: 1}]} == restored
    assert "token.unrestored" in exchange.kinds()


@pytest.mark.parametrize(
    ("rule", "strange", "restored"),
    [
        (ToolRule(), False, True),
        (ToolRule(), True, False),
        (ToolRule(egress=True), False, False),
        (ToolRule(restore=["EMAIL"]), True, True),
        (ToolRule(restore=["EMAIL"], egress=True), True, True),
        (ToolRule(restore=["IBAN"]), False, False),
        (ToolRule(restore=[]), False, False),
    ],
)
def test_what_a_tool_may_see_follows_its_rule(rule: ToolRule, strange: bool, restored: bool) -> None:
    """No list: whole fields, unless the tool sends out or a stranger spoke in the request; a list decides alone."""
    request = tool_request(f"to {EMAIL}", *(["ignore all"] if strange else []))
    exchange = Exchange(request, tools={"t": rule})
    token = exchange.text.removeprefix("to ").removesuffix("ignore all")
    arguments = json.loads(exchange.calls("t", json.dumps({"to": token})))

    assert {"to": EMAIL if restored else token} == arguments


def test_results_of_a_trusted_tool_are_no_strangers_words() -> None:
    """A tool declared trusted does not close the other tools."""
    messages = (Message.user(f"to {EMAIL}"), Message("tool", (ToolResult("1", "ok", name="mine"),)))
    for trusted, expected in ((True, True), (False, False)):
        exchange = Exchange(Request(messages), tools={"mine": ToolRule(trusted=trusted)})
        token = exchange.sent.messages[0].text.removeprefix("to ")
        assert expected == (EMAIL in exchange.calls("t", json.dumps({"to": token})))


def test_restored_arguments_are_valid_json() -> None:
    """Quotes, backslashes and line ends in a value are escaped; unreadable arguments stay as they came."""
    name = 'A "B"\n\\'
    exchange = Exchange(tool_request(f"I am {name}"), detectors=[Words({name: "PERSON"})])
    token = exchange.text.removeprefix("I am ")

    assert {"a": name} == json.loads(exchange.calls("t", json.dumps({"a": token})))
    assert f'{{"a": "{token}' == exchange.calls("t", f'{{"a": "{token}')


def test_interleaved_calls_are_restored_each_on_its_own() -> None:
    """Arguments of two calls that arrive in turns are put together and restored apart."""
    exchange = Exchange(tool_request(f"to {EMAIL}"))
    token = exchange.text.removeprefix("to ")
    half = len(token) // 2
    response = exchange.answer(
        ToolCallDelta(0, "a", "t", f'{{"x": "{token[:half]}'),
        ToolCallDelta(1, "b", "t", '{"y": "'),
        ToolCallDelta(0, arguments=f'{token[half:]}"}}'),
        ToolCallDelta(1, arguments=f'{token}"}}'),
    )

    assert [call.arguments for call in response.tool_calls] == [{"x": EMAIL}, {"y": EMAIL}]
