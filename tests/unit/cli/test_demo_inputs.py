"""The inputs of `psf demo`: well formed, varied, invented, and such that the echo model can repeat them."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from psf_runtime.cli.demo_input import NAMES as READ

FOLDER = files("psf_runtime.cli") / "demo_inputs"
NAMES = sorted(entry.name for entry in FOLDER.iterdir() if entry.name.endswith(".json"))
SHOWS = {"complete", "stream", "structured", "approval", "fallback"}
REACH = 16  # bytes that the echo model compares to find its place

EMAIL = re.compile(r"[\w.+-]+@([\w-]+(?:\.[\w-]+)+)")
IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: [A-Z0-9]{4}){3,7}(?: [A-Z0-9]{1,4})?\b")
CARD = re.compile(r"\b(?:\d{4} \d{4} \d{4} \d{4}|\d{4} \d{6} \d{5})\b")
US_PHONE = re.compile(r"\+1 \d{3} (\d{3} \d{4})")


def load(name: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((FOLDER / name).read_text(encoding="utf-8"))
    return value


def texts(name: str) -> Iterator[str]:
    return (message["content"] for message in load(name)["messages"])


def all_text() -> str:
    return "\n".join(text for name in NAMES for text in texts(name))


def is_luhn(digits: str) -> bool:
    doubled = [int(d) * (2 if place % 2 else 1) for place, d in enumerate(reversed(digits))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def is_iban(text: str) -> bool:
    moved = text[4:] + text[:4]
    return int("".join(str(int(sign, 36)) for sign in moved)) % 97 == 1


def with_tokens(text: str) -> str:
    """About what leaves: every value replaced by a token that starts as its neighbours of the same kind do."""
    for number, (kind, pattern) in enumerate((("EMAIL", EMAIL), ("IBAN", IBAN), ("CARD", CARD), ("PHONE", US_PHONE))):
        for place, match in enumerate(list(pattern.finditer(text))):
            text = text.replace(match.group(), f"{kind}_{number}K{place}QX7T{place}")
    return text


def repeated(text: str) -> list[bytes]:
    raw = text.encode()
    windows = [raw[start : start + REACH] for start in range(len(raw) - REACH + 1)]
    return [window for place, window in enumerate(windows) if window in windows[:place]]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_has_every_field(name: str) -> None:
    """The fields that the demonstration reads, of the right kind, in one order."""
    data = load(name)
    assert list(data) == [
        "title",
        "language",
        "show",
        "purpose",
        "note",
        "private",
        "masked",
        "messages",
        "tools",
        "output",
    ]
    assert all(isinstance(data[field], str) and data[field] for field in ("title", "language", "purpose", "note"))
    assert data["show"] in SHOWS
    assert data["messages"][-1]["role"] == "user"
    assert all(set(message) == {"role", "content"} for message in data["messages"])
    assert all(tool["function"]["parameters"]["type"] == "object" for tool in data["tools"])
    assert data["output"] is None or data["show"] == "structured"


@pytest.mark.parametrize("name", NAMES)
def test_every_planted_value_stands_in_the_texts(name: str) -> None:
    """A value that is nowhere could not leak, so looking for it would prove nothing."""
    data = load(name)
    said = "\n".join(texts(name))
    assert data["private"]
    assert [value for value in (*data["private"], *data["masked"]) if value not in said] == []


@pytest.mark.parametrize("name", NAMES)
def test_no_address_account_or_card_is_forgotten(name: str) -> None:
    """Whatever has the form of one is listed among the values that may not leave."""
    data = load(name)
    said = "\n".join(texts(name))
    found = {match.group() for match in IBAN.finditer(said)}
    found |= {match.group() for match in CARD.finditer(IBAN.sub("", said)) if is_luhn(match.group().replace(" ", ""))}
    found |= {match.group() for match in EMAIL.finditer(said)} - {"s3cr3t-Pa55@db.example.com"}  # part of a URL
    found |= {match.group() for match in US_PHONE.finditer(said)}
    assert found - {*data["private"], *data["masked"]} == set()


def test_the_demonstration_reads_every_file() -> None:
    """In the order of their names."""
    assert [f"{name}.json" for name in READ] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_echo_model_can_repeat_it(name: str) -> None:
    """No 16 bytes occur twice, neither in clear nor with tokens; question and answer fit into a slot."""
    script = list(texts(name))[-1]
    assert repeated(script) == []
    assert repeated(with_tokens(script)) == []
    assert len(script.encode()) < 1200


@pytest.mark.parametrize("name", [name for name in NAMES if load(name)["output"]])
def test_a_structured_script_fits_its_schema(name: str) -> None:
    """The JSON in the message has the schema's fields in the schema's order, which the grammar imposes."""
    data = load(name)
    assert list(json.loads(data["messages"][-1]["content"])) == list(data["output"]["properties"])
    assert data["output"]["required"] == list(data["output"]["properties"])


@pytest.mark.parametrize("name", [name for name in NAMES if load(name)["tools"]])
def test_a_tool_script_calls_a_declared_tool(name: str) -> None:
    """Name and arguments of the scripted call are those that are declared."""
    data = load(name)
    script = json.loads(data["messages"][-1]["content"].partition("<tool_call>\n")[2].partition("\n</tool_call>")[0])
    function = data["tools"][0]["function"]
    assert script["name"] == function["name"]
    assert list(script["arguments"]) == list(function["parameters"]["properties"])


def test_everything_is_invented() -> None:
    """Reserved domains, reserved telephone numbers."""
    domains = {match.group(1) for match in EMAIL.finditer(all_text())}
    assert domains
    assert all(re.fullmatch(r"(.*\.)?example(\.com|\.net|\.org)?", domain) for domain in domains)
    phones = US_PHONE.findall(all_text())
    assert len(phones) >= 3
    assert all(re.fullmatch(r"555 01\d\d", phone) for phone in phones)


def test_accounts_and_cards_have_valid_checksums() -> None:
    """Otherwise no detector would find them; one number is wrong on purpose."""
    accounts = [match.group().replace(" ", "") for match in IBAN.finditer(all_text())]
    assert {account[:2] for account in accounts} >= {"DE", "ES", "GB", "PL"}
    assert all(is_iban(account) for account in accounts)
    outside = IBAN.sub("", all_text())
    cards = [match.group().replace(" ", "") for match in CARD.finditer(outside)]
    assert sorted(card for card in cards if is_luhn(card)) == ["378282246310005", "4012888888881881"]
    assert [card for card in cards if not is_luhn(card)] == ["4012888888881882"]


def test_they_are_varied() -> None:
    """At least five languages, every way of sending, several scripts, and characters that are easily broken."""
    inputs = [load(name) for name in NAMES]
    assert {"en", "de", "fr", "es", "pl"} <= {data["language"] for data in inputs}
    assert {data["show"] for data in inputs} == SHOWS
    scripts = {unicodedata.name(sign, "").partition(" ")[0] for sign in all_text() if sign.isalpha()}
    assert {"LATIN", "CYRILLIC", "GREEK", "HEBREW", "CJK", "HIRAGANA"} <= scripts
    assert any(unicodedata.combining(sign) for sign in all_text())
    assert "\u200d" in all_text()


def test_the_list_of_examples_is_complete() -> None:
    """examples/README.md names every file, and every script that is there."""
    examples = Path(__file__).parents[3] / "examples"
    readme = (examples / "README.md").read_text(encoding="utf-8")
    assert [name for name in NAMES if f"`{name}`" not in readme] == []
    assert [path.name for path in examples.glob("*.py") if f"({path.name})" not in readme] == []
