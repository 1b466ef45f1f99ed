"""Tokens that nobody made: left, replaced by their type word, or the end of the answer; counted in any case."""

from __future__ import annotations

import json

import pytest

from psf_runtime.errors import Blocked, ConfigError
from psf_runtime.types.messages import Message
from psf_runtime.types.request import Request, Tool
from tests.unit.guards.privacy.driving import EMAIL, Exchange

MADE_UP = "EMAIL_ABCD1234"


def test_left_by_default() -> None:
    """A caller sees what the model wrote, and the finding says that one was made up."""
    exchange = Exchange("hello")

    assert exchange.says(f"ask {MADE_UP}") == f"ask {MADE_UP}"
    assert exchange.kinds() == ["token.unknown"]


@pytest.mark.parametrize("text", ["hello", f"to {EMAIL}"])
def test_masked(text: str) -> None:
    """The type word stands in its place, whatever the cuts and whether or not there are real ones; it is counted."""
    exchange = Exchange(text, invented="mask")
    said = f"ask {MADE_UP}, PERSON_ZZ99ZZ99 or {exchange.text}"

    assert exchange.says(said, cuts=range(len(said))) == f"ask [email], [person] or {text}"
    assert "token.unknown" in exchange.kinds()


def test_names_in_programs_stay() -> None:
    """Only type words of what the detectors find count."""
    said = "MAX_SIZE12AB and SHA_9F3K2M1A"

    assert Exchange("hello", invented="mask").says(said) == said


def test_what_a_person_typed_is_no_invention() -> None:
    """It comes back as it was typed."""
    exchange = Exchange(f"what is {MADE_UP}?", invented="mask")

    assert exchange.says(exchange.text) == f"what is {MADE_UP}?"


def test_blocked_before_it_is_delivered() -> None:
    """The answer ends where it begins, and the error does not repeat it."""
    exchange = Exchange("hello", invented="block")
    with pytest.raises(Blocked) as info:
        exchange.says(f"ask {MADE_UP} now")

    assert info.value.control == "privacy.tokens"
    assert "ABCD1234" not in str(info.value)


def test_in_tool_arguments() -> None:
    """The same rule holds for what a tool would get, inside of longer texts, too."""
    request = Request((Message.user(f"to {EMAIL}"),), tools=(Tool("t"),))
    arguments = json.dumps({"to": MADE_UP, "body": f"Dear {MADE_UP}!"})

    assert json.loads(Exchange(request).calls("t", arguments)) == json.loads(arguments)
    masked = Exchange(request, invented="mask").calls("t", arguments)
    assert json.loads(masked) == {"to": "[email]", "body": "Dear [email]!"}
    with pytest.raises(Blocked):
        Exchange(request, invented="block").calls("t", arguments)


def test_a_setting_that_is_none_is_refused() -> None:
    """A typo must not turn a rule off."""
    with pytest.raises(ConfigError):
        Exchange("x", invented="guess")
