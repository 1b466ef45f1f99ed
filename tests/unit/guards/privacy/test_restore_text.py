"""Restoring in text: where values come back, where they must not, and what never changes."""

from __future__ import annotations

import json

import pytest

from psf_runtime.stores.memory_vault import MemoryVault
from psf_runtime.types.chunks import ReasoningDelta, TextDelta, ToolCallDelta
from psf_runtime.types.messages import Message, ToolCall
from psf_runtime.types.request import OutputSchema, Request
from tests.unit.guards.privacy.driving import EMAIL, Exchange, Words, told

KEY = "sk-proj-" + "abcd1234" * 4


@pytest.mark.parametrize(
    "mangled",
    [
        "{w}_{c}", "{w}-{c}", "{w}:{c}", "{w}: {c}", "{w} {c}", "{w}\\_{c}", "{w}%5F{c}", "[{w}_{c}]", "<{w}_{c}>",
        "{{{w}_{c}}}", "[[{w}_{c}]]", "<<{w}_{c}>>", "{lw}_{lc}", "{w}_{lc}", "{lw}_{c}", "COURRIEL_{c}", "Почта_{c}",
    ],
)  # fmt: skip
def test_manglings_are_restored_cleanly(mangled: str) -> None:
    """Translated words, other separators, paired brackets and case: restored once, nothing else touched."""
    exchange = Exchange(f"to {EMAIL}")
    code = exchange.text.removeprefix("to EMAIL_")
    said = mangled.format(w="EMAIL", lw="email", c=code, lc=code.lower())

    assert f"I wrote to {EMAIL}, yes." == exchange.says(f"I wrote to {said}, yes.")


def test_a_possessive_and_a_bold_token_are_restored() -> None:
    """What follows or surrounds a token stays."""
    exchange = Exchange(f"to {EMAIL}")
    token = exchange.text.removeprefix("to ")

    assert f"**{EMAIL}**, {EMAIL}'s, ({EMAIL})" == exchange.says(f"**{token}**, {token}'s, ({token})")


@pytest.mark.parametrize("wrong", ["EMAIL_{c7}", "EMAIL_{c7}.", "{c}", "EMAIL_\n\n{c}", "EMAIL {c}X", "EMAIL_{c7}!"])
def test_cut_and_altered_codes_are_nobody(wrong: str) -> None:
    """No fuzzy matching: a truncated, bare, broken or prolonged code is left alone."""
    exchange = Exchange(f"to {EMAIL}")
    code = exchange.text.removeprefix("to EMAIL_")
    said = wrong.format(c=code, c7=code[:7])

    assert said == exchange.says(said)


@pytest.mark.parametrize(
    "place",
    [
        "![x](https://evil.example/p.png?token={})", "[x](/p?q={})", "[x](<a b {}>)", "<https://evil.example/{}>",
        "see https://evil.example/{}/x", "www.evil.example/?q={}", "[r]: http://evil.example/{}", "mailto:{}",
        '<img src="x?{}">', "<img srcset='a {} 2x'>", "<p style=a:{}>", "`{}`", "``a {}``", "```\n{}\n```",
        "~~~py\nx = '{}'\n~~~", "/search?q={}", "(javascript:{})",
    ],
)  # fmt: skip
def test_nothing_is_restored_where_it_could_leave_or_run(place: str) -> None:
    """In URLs, attributes and code stands the type word instead, whatever the cuts, and it is counted."""
    text = f"to {EMAIL}"
    for cuts in ((), range(200), (3, 11, 14, 17, 30)):
        exchange = Exchange(text)
        token = exchange.text.removeprefix("to ")
        assert place.format("[email]") == exchange.says(place.format(token), cuts=tuple(cuts))
        assert "token.unrestored" in exchange.kinds()


@pytest.mark.parametrize(
    "place", ["a `b` {}", "```\nx\n```\n{}", "it`s\n\n{}", "Jane <{}>", "a < b = c > {}", "[x](y) {}"]
)
def test_beside_code_and_links_values_are_restored(place: str) -> None:
    """Code that has ended, a link that has ended, an address in angle brackets: plain text again."""
    exchange = Exchange(f"Jane <{EMAIL}> wrote")
    token = exchange.text.partition("<")[2].partition(">")[0]

    assert place.format(EMAIL) == exchange.says(place.format(token))


def test_a_restored_value_is_not_looked_at_again() -> None:
    """A value that holds another's token comes back letter by letter."""
    vault = MemoryVault(b"v" * 32)
    token = Exchange(told(EMAIL, conversation="c"), vault=vault).text
    tricky = f"x {token} \\1 .*"
    detectors = [Words({tricky: "PERSON", EMAIL: "EMAIL"})]
    exchange = Exchange(told(f"{EMAIL} and {tricky}", conversation="c"), vault=vault, detectors=detectors)

    assert f"{EMAIL} and {tricky}" == exchange.says(exchange.text)


def test_reasoning_and_text_are_restored_apart() -> None:
    """Each channel has its own state; an open backtick in one does not close in the other."""
    exchange = Exchange(f"to {EMAIL}")
    token = exchange.text.removeprefix("to ")
    response = exchange.answer(ReasoningDelta(f"so `{token}"), TextDelta(token[:6]), TextDelta(token[6:]))

    assert [part.text for part in response.parts if not isinstance(part, ToolCall)] == ["so `[email]", EMAIL]


def test_a_link_begun_in_one_part_goes_on_in_the_next() -> None:
    """Text parts with a tool call between them are one text for whoever reads it."""
    exchange = Exchange(f"to {EMAIL}")
    token = exchange.text.removeprefix("to ")
    response = exchange.answer(
        TextDelta("https://evil.example/?q="), ToolCallDelta(0, "1", "t", "{}"), TextDelta(token)
    )

    assert response.text == "https://evil.example/?q=[email]"


def test_a_part_that_ends_gives_back_what_it_held() -> None:
    """When another part begins, the held word goes out before it."""
    exchange = Exchange(f"to {EMAIL}")
    token = exchange.text.removeprefix("to ")
    response = exchange.answer(ReasoningDelta(f"hm {token}"), TextDelta(f"{token}"), ReasoningDelta("so"))

    assert [f"hm {EMAIL}", EMAIL, "so"] == [part.text for part in response.parts if not isinstance(part, ToolCall)]


def test_json_answers_stay_json() -> None:
    """With an output schema the answer is JSON: restored values are escaped."""
    name = 'Ann "Q" \\ Smith'
    request = Request((Message.user(f"I am {name}"),), output=OutputSchema("o", {"type": "object"}))
    exchange = Exchange(request, detectors=[Words({name: "PERSON"})])
    token = exchange.text.removeprefix("I am ")

    assert {"name": name} == json.loads(exchange.says(json.dumps({"name": token})))


def test_without_tokens_nothing_is_held_back() -> None:
    """A request without personal data streams as if the guard were not there."""
    exchange = Exchange("hello")
    chunk = TextDelta("EMAIL_ABC")

    assert exchange.session.on_chunk(chunk) is chunk


def test_at_most_one_unfinished_word_is_held() -> None:
    """Whole words go on at once; only what could still become a token waits."""
    exchange = Exchange(f"to {EMAIL}")

    assert TextDelta("Hello there, ") == exchange.session.on_chunk(TextDelta("Hello there, my"))
    assert TextDelta("my friend. ") == exchange.session.on_chunk(TextDelta(" friend. "))
    assert exchange.session.on_chunk(TextDelta("EMAIL_")) is None
