"""Rules of the mock provider: which request gets which reply."""

from __future__ import annotations

import re
from typing import Any

import pytest

from psf_runtime.errors import ConfigError, RateLimitError
from psf_runtime.providers.mock import MockProvider
from psf_runtime.providers.mock.replies import call, fault
from psf_runtime.types.messages import Message, ToolResult
from psf_runtime.types.request import Facts, OutputSchema, Request, Tool


def say(mock: MockProvider, text: str = "hello", **changes: Any) -> str:
    """The text of the answer to one user message."""
    request = Request((Message.user(text),), **{"model": "mock", **changes})
    source = mock.open(request, stream=True, left=None)
    try:
        pieces = []
        while (batch := source.read(None)) is not None:
            pieces += [getattr(chunk, "text", "") for chunk in batch]
        return "|".join(pieces)
    finally:
        source.close()


def test_keywords_are_joined_by_and() -> None:
    """A rule holds when every keyword matches; the first rule that holds answers."""
    mock = MockProvider("neither")
    mock.on(text="refund", purpose="support").reply("both")
    mock.on(text="refund").reply("text only")
    assert say(mock, "my refund", facts=Facts(purpose="support")) == "both"
    assert say(mock, "my refund") == "text only"
    assert say(mock, "hello", facts=Facts(purpose="support")) == "neither"


@pytest.mark.parametrize("matcher", ["refund", re.compile(r"re.und"), lambda text: text.endswith("refund")])
def test_a_matcher_is_a_text_a_pattern_or_a_function(matcher: Any) -> None:
    """The three kinds say yes to the same message and no to another one."""
    mock = MockProvider("no")
    mock.on(text=matcher).reply("yes")
    assert say(mock, "Where is my refund") == "yes"
    assert say(mock, "Where is my parcel") == "no"


@pytest.mark.parametrize(
    ("keyword", "matcher", "changes"),
    [
        ("tool", "pay_out", {"tools": (Tool("look_up"), Tool("pay_out"))}),
        ("model", "claude", {"model": "claude"}),
        ("purpose", "refunds", {"facts": Facts(purpose="refunds")}),
        ("output", "Claim", {"output": OutputSchema("Claim", {})}),
    ],
)
def test_keywords_look_at_the_request(keyword: str, matcher: str, changes: dict[str, Any]) -> None:
    """Tool names, target, purpose and schema name can be asked for."""
    mock = MockProvider("no")
    mock.on(**{keyword: matcher}).reply("yes")
    assert say(mock) == "no"
    assert say(mock, **changes) == "yes"


def test_system_and_tool_result_are_read() -> None:
    """Instructions and tool answers can be asked for."""
    mock = MockProvider()
    mock.on(system="brief").reply("short")
    mock.on(tool_result=re.compile("7781")).reply("found")
    asked = Request((Message.user("Where?"),))
    for request, expected in (
        (Request((Message.system("be brief"), Message.user("Where?"))), "short"),
        (asked.add(Message("tool", (ToolResult("call_1", "order 7781"),))), "found"),
    ):
        source = mock.open(request, stream=True, left=None)
        assert [getattr(chunk, "text", "") for chunk in source.read(None) or []] == [expected]
        source.close()


def test_when_sees_the_whole_request() -> None:
    """`when=` is for everything that has no keyword."""
    mock = MockProvider("no")
    mock.on(when=lambda request: request.limits.max_tokens is None and len(request.messages) == 1).reply("yes")
    assert say(mock) == "yes"


def test_replies_follow_each_other_and_the_last_one_stays() -> None:
    """First a fault, then a text, then the text again."""
    mock = MockProvider()
    mock.on(text="hello").reply(fault.rate_limit(retry_after=2)).then("fine")
    with pytest.raises(RateLimitError):
        say(mock)
    assert [say(mock), say(mock)] == ["fine", "fine"]


def test_times_limits_a_reply() -> None:
    """`times(n)` counts the reply before it; a rule whose last reply is counted ends, and the next rule answers."""
    mock = MockProvider()
    mock.on().reply("a").times(2).then("b").times(1)
    mock.on().reply("rest")
    assert [say(mock) for _ in range(5)] == ["a", "a", "b", "rest", "rest"]


def test_chunks_belong_to_one_reply() -> None:
    """One reply may be cut finer than the others."""
    mock = MockProvider()
    mock.on().reply("abc", chunks=1).then("def")
    assert [say(mock), say(mock)] == ["a|b|c", "def"]


def test_times_needs_a_reply_and_a_number() -> None:
    """Misuse is a ConfigError at once."""
    mock = MockProvider()
    with pytest.raises(ConfigError, match="times"):
        mock.on().times(2)
    with pytest.raises(ConfigError, match="times"):
        mock.on().reply("x").times(0)
    with pytest.raises(ConfigError, match="chunks"):
        mock.on().reply("x", chunks=0)


def test_no_rule_matches_is_an_error_with_a_difference_per_rule() -> None:
    """The error says what each rule wanted and what came instead: names as they are, of texts only their length."""
    mock = MockProvider()
    mock.on(text="refund", purpose="support").reply("x")
    mock.on().reply("once").times(1)
    mock.on(when=lambda request: False).reply("x")
    mock.on(text="hello")
    mock.on(system=re.compile("brief"), tool=lambda name: False).reply("x")
    say(mock)
    with pytest.raises(ConfigError) as caught:
        say(mock, facts=Facts(purpose="billing"), tools=(Tool("look_up"),))

    assert caught.value.why.split("\n           ")[2:] == [
        "rule 1 on(text, purpose): text     wanted a text with 'refund', came 5 characters without it",
        "  purpose  wanted a text with 'support', came 'billing'",
        "rule 2 on(): used up",
        "rule 3 on(when): when= said no",
        "rule 4 on(text): has no reply",
        "rule 5 on(tool, system): tool    wanted what the function says yes to, came 'look_up'",
        "  system  wanted a match of 'brief', came none",
    ]


def test_a_request_without_a_reply_is_kept_for_the_author() -> None:
    """The error shows no text of the request; `unmatched` has its exact bytes, and `calls` does not count it."""
    mock = MockProvider()
    mock.on(text="refund").reply("x")
    with pytest.raises(ConfigError) as caught:
        say(mock, "my SECRET parcel")

    assert "SECRET" not in str(caught.value)
    assert "my SECRET parcel" in mock.unmatched[-1].wire
    assert mock.calls == ()


def test_unused_lists_what_was_not_asked_for() -> None:
    """Rules that never matched, and those not asked to their last reply, unless they are optional."""
    mock = MockProvider()
    mock.on(text="never").reply("x")
    mock.on(text="maybe", optional=True).reply("x")
    mock.on(text="hello").reply("a").then(call("pay_out", amount=40))
    say(mock)
    assert mock.unused() == ["rule 1 on(text): used 0 times", "rule 3 on(text): used 1 times"]
    say(mock)
    say(mock, "never")
    assert mock.unused() == []


def test_an_unmet_count_is_unused() -> None:
    """`times(2)` that was asked for once is not finished."""
    mock = MockProvider()
    mock.on().reply("a").times(2)
    say(mock)
    assert mock.unused() == ["rule 1 on(): used 1 times"]
