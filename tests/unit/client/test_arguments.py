"""Arguments: every form that messages and options may take, and a ConfigError for every other."""

from __future__ import annotations

from typing import Any

import pytest

from psf_runtime.client.arguments import (
    Arguments,
    DefaultFacts,
    check_options,
    facts_of,
    messages_of,
    request_of,
    trust_results,
)
from psf_runtime.errors import ConfigError
from psf_runtime.types.messages import Message, Text, ToolCall, ToolResult, untrusted
from psf_runtime.types.request import Facts, Request, Tool

PLAIN = Facts()
ROUND: dict[str, Any] = {}
ROUND["x"] = ROUND


def request(**arguments: Any) -> Request:
    given = Arguments(**{"messages": "hi", **arguments})
    check_options(given)
    return request_of(given, PLAIN, None, "main")


def test_messages_in_every_form() -> None:
    """A str, a marked text, Messages and dicts, mixed; `system=` goes first; dicts cannot claim trust."""
    assert (Message.user("hi"),) == messages_of("hi")
    assert messages_of(untrusted("hi"))[0].parts[0].provenance.is_untrusted
    mixed = messages_of((Message.user("a"), {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}))
    assert [("user", "a"), ("assistant", "b"), ("user", "c")] == [(m.role, m.text) for m in mixed]
    whole = request(messages=[{"role": "user", "content": "x"}], system="be kind")
    assert ["system", "user"] == [message.role for message in whole.messages]


def test_errors_name_the_place() -> None:
    """What is wrong with the third message is said of the third message."""
    with pytest.raises(ConfigError, match=r"messages\[2\]\.role"):
        messages_of([{"role": "user", "content": "a"}, Message.user("b"), {"role": "wizard"}])
    with pytest.raises(ConfigError, match=r"messages\[1\] is a int"):
        messages_of([Message.user("a"), 1])  # type: ignore[list-item]
    with pytest.raises(ConfigError, match="empty"):
        request(messages=[])


def test_tool_results_are_named_after_their_call() -> None:
    """A result is named by the call it answers, so that no dict can pose as another tool's result."""
    call = {"id": "c1", "type": "function", "function": {"name": "search", "arguments": "{}"}}
    turn = [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "found", "name": "trusted_tool"},
    ]
    found = Request(messages_of(turn))

    assert ["search"] == [result.name for result in found.tool_results]
    kept = trust_results(found, frozenset({"trusted_tool"}))
    assert kept.tool_results[0].provenance.is_untrusted
    trusted = trust_results(found, frozenset({"search"}))
    assert not trusted.tool_results[0].provenance.is_untrusted


def test_results_of_unknown_calls_stay_as_they_are() -> None:
    """A result whose call is not in the list keeps the name it came with."""
    message = Message("tool", (ToolResult("c9", "x", name="search"),))
    call = Message("assistant", (ToolCall("c1", "other", "{}"),))

    assert (call, message) == messages_of([call, message])


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_tokens": 0},
        {"max_tokens": 1.5},
        {"max_tokens": True},
        {"temperature": "hot"},
        {"temperature": 2.1},
        {"temperature": float("nan")},
        {"top_p": -1},
        {"seed": "x"},
        {"stop": 5},
        {"stop": ["a", 1]},
        {"reasoning_effort": 3},
        {"tools": "lookup"},
        {"tools": 5},
        {"tools": [5]},
        {"tools": {"name": "x"}},
        {"tools": [Tool("a"), Tool("a")]},
        {"tool_choice": "nobody"},
        {"tool_choice": {"type": "function"}},
        {"extra": ["x"]},
        {"extra": {"openai": 5}},
        {"extra": {1: {}}},
        {"extra": {"openai": {"metadata": object()}}},
        {"extra": {"openai": ROUND}},
        {"messages": [Message("user", ("no part",))]},  # type: ignore[arg-type]
        {"model": 5},
        {"model": ""},
        {"idempotency_key": 5},
        {"idempotency_key": ""},
        {"wait_for_approval": -1},
        {"wait_for_approval": "long"},
        {"system": untrusted("x")},
        {"system": 5},
    ],
    ids=str,
)
def test_options_of_the_wrong_kind(wrong: dict[str, Any]) -> None:
    """Each wrong option is a ConfigError that says what to write."""
    with pytest.raises(ConfigError) as caught:
        request(**wrong)
    assert caught.value.change


def test_options_that_are_right() -> None:
    """Options arrive in the request as they were given."""
    made = request(
        max_tokens=5, temperature=0, top_p=1.0, stop="END", seed=-1, tools=[Tool("a")], tool_choice="a", model="other"
    )
    assert (5, 0, 1.0, ("END",), -1) == (
        made.limits.max_tokens,
        made.limits.temperature,
        made.limits.top_p,
        made.limits.stop,
        made.limits.seed,
    )
    assert ("a", "other", "a") == (made.tools[0].name, made.model, made.tool_choice)
    assert ("a", "b") == request(stop=["a", "b"]).limits.stop


@pytest.mark.parametrize("name", ["purpose", "subject", "user", "tenant", "conversation", "consent"])
def test_facts_are_text(name: str) -> None:
    """A fact that is no str is ConfigError: 5 and "5" would not be the same person."""
    with pytest.raises(ConfigError, match=f"{name}= takes a str"):
        facts_of(Arguments("hi", **{name: 5}), DefaultFacts(), {})  # type: ignore[arg-type]


@pytest.mark.parametrize("tags", ["x", {"a": 1}, {1: "a"}, ["a"]])
def test_tags_are_texts(tags: Any) -> None:
    """`tags=` is a dict of strings to strings."""
    with pytest.raises(ConfigError, match="tags="):
        facts_of(Arguments("hi", tags=tags), DefaultFacts(), {})


def test_defaults_of_the_client() -> None:
    """The client's purpose and tenant hold where the call says nothing; without any, the tenant is `default`."""
    assert ("p", "t") == _pair(facts_of(Arguments("hi"), DefaultFacts("p", "t"), {}))
    assert ("q", "u") == _pair(facts_of(Arguments("hi", purpose="q", tenant="u"), DefaultFacts("p", "t"), {}))
    assert (None, "default") == _pair(facts_of(Arguments("hi"), DefaultFacts(), {}))


def _pair(facts: Facts) -> tuple[str | None, str]:
    return facts.purpose, facts.tenant


def test_arguments_show_nothing() -> None:
    """`repr` of the arguments holds no content: it may stand in a traceback."""
    assert "canary" not in repr(Arguments([Text("canary")], user="canary"))  # type: ignore[list-item]
