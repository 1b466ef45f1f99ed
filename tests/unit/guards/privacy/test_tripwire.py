"""The last look before bytes leave."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest

from psf_runtime.stores.memory_vault import MemoryVault
from tests.unit.guards.privacy.driving import EMAIL, Exchange, Words, told

KEY = "sk-proj-" + "abcd1234" * 4


@pytest.mark.parametrize(
    "form",
    [
        lambda value: value,
        lambda value: value.upper(),
        lambda value: json.dumps(value),
        lambda value: json.dumps(value, ensure_ascii=False),
        lambda value: quote(value),
        lambda value: quote(value, safe="").lower(),
        lambda value: value.encode().hex(),
        lambda value: value.encode().hex().upper(),
        lambda value: base64.b64encode(value.encode()).decode(),
        lambda value: base64.b64encode(b"a" + value.encode()).decode(),
        lambda value: base64.urlsafe_b64encode(b"ab" + value.encode() + b"tail").decode(),
    ],
)
@pytest.mark.parametrize("value", [EMAIL, "Zoë Dent", "+1 202 555 0143"])
def test_the_tripwire_finds_a_value_in_any_form(value: str, form: object) -> None:
    """Raw, escaped, quoted, hex or base64 at any offset: the entity is named."""
    exchange = Exchange(f"I am {value}", detectors=[Words({value: "SOMETHING"})])
    data = f'{{"x": "{form(value)}"}}'.encode()  # type: ignore[operator]

    assert exchange.sent.stamp.find_leak(data) == "SOMETHING"
    assert exchange.sent.stamp.find_leak(exchange.text.encode()) is None


def test_the_tripwire_knows_irreversible_and_earlier_values() -> None:
    """Masked secrets and values of earlier turns are searched for; typed tokens and allowed entities are not."""
    vault = MemoryVault(b"v" * 32)
    Exchange(told(EMAIL, conversation="c"), vault=vault)
    request = told(f"{KEY} EMAIL_ABCD1234 10.1.2.3", conversation="c")
    leak = Exchange(request, vault=vault, actions={"IP": "allow"}).sent.stamp.find_leak

    assert leak(EMAIL.encode()) == "EMAIL"
    assert leak(KEY.encode()) == "SECRET"
    assert leak(b"EMAIL_ABCD1234 10.1.2.3") is None


def test_the_tripwire_is_not_tripped_by_words_that_contain_a_name() -> None:
    """A short name counts only where it stands alone, behind an escape too; very short values are not searched for."""
    leak = Exchange("I am Mark, al", detectors=[Words({"Mark": "PERSON", "al": "PERSON"})]).sent.stamp.find_leak

    assert leak(b"Marketing, benchmark, al") is None
    assert leak(b'"Dear\\nMark"') == "PERSON"
    assert leak(b"q=%20Mark") == "PERSON"
