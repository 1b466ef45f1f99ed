"""`assert_no_personal_data_sent`: found in every form and every place, and never a test that tests nothing."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime import Client
from psf_runtime.testing import MockProvider, assert_no_personal_data_sent

VALUE = "jörg/müller@acme.example"
FORMS: dict[str, Callable[[str], str]] = {
    "as it is": lambda value: value,
    "in capitals": str.upper,
    "JSON-escaped": lambda value: json.dumps({"k": value}),
    "JSON-escaped with slashes": lambda value: json.dumps(value).replace("/", "\\/"),
    "URL-quoted": lambda value: quote(value, safe=""),
    "URL-quoted but for slashes": lambda value: quote(value, safe="/"),
    "hex": lambda value: value.encode().hex(),
    "hex in capitals": lambda value: value.encode().hex().upper(),
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "base64 after one byte": lambda value: base64.b64encode(b"x" + value.encode()).decode(),
    "base64 after two bytes, for URLs": lambda value: base64.urlsafe_b64encode(b"xy" + value.encode()).decode(),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_found(form: str) -> None:
    """In a list of bytes, and as the text of them."""
    data = f"before {FORMS[form](VALUE)} after"
    for sent in ([data.encode()], [data], data.encode()):
        with pytest.raises(AssertionError, match=r"value 1 \(24 characters\) in the bytes of call 1 of 1"):
            assert_no_personal_data_sent(sent, VALUE)


@settings(max_examples=60, deadline=None)
@given(
    value=st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=9, max_size=20),
    form=st.sampled_from(sorted(FORMS)),
)
def test_any_value_is_found_in_any_form(value: str, form: str) -> None:
    """Whatever letters it has."""
    if form == "in capitals" and not value.isascii():
        value = "someone else"
    with pytest.raises(AssertionError):
        assert_no_personal_data_sent([f"<{FORMS[form](value)}>"], value)


def test_the_error_does_not_repeat_the_value() -> None:
    """It says which value, where, and nothing of it; all findings are listed at once."""
    with pytest.raises(AssertionError) as caught:
        assert_no_personal_data_sent(
            ["nothing", f"{VALUE} and bob@acme.example"], "carol@acme.example", VALUE, "bob@acme.example"
        )
    assert str(caught.value).splitlines() == [
        "personal data was sent:",
        "  value 2 (24 characters) in the bytes of call 2 of 2",
        "  value 3 (16 characters) in the bytes of call 2 of 2",
    ]


def test_requests_of_other_libraries_are_read() -> None:
    """Body, address and headers of an httpx request."""
    places = {
        "the body": httpx.Request("POST", "http://x/", content=VALUE.encode()),
        "the address": httpx.Request("POST", f"http://x/?q={quote(VALUE)}"),
        "a header": httpx.Request("POST", "http://x/", headers={"x-user": VALUE.encode()}),
    }
    for place, request in places.items():
        with pytest.raises(AssertionError, match=f"in {place} of call 1"):
            assert_no_personal_data_sent([request], VALUE)
    with pytest.raises(TypeError, match="has no bytes"):
        assert_no_personal_data_sent([object()], VALUE)


def test_a_client_sends_tokens_and_a_bare_mock_shows_what_it_got() -> None:
    """Through the layers nothing is found; without them it is."""
    mock = MockProvider("x")
    with Client(mock) as client:
        client.complete("Write to jane@acme.example")
    assert_no_personal_data_sent(mock, "jane@acme.example")
    with pytest.raises(AssertionError):
        assert_no_personal_data_sent(mock, "Write to")


def test_what_had_no_reply_was_sent_all_the_same() -> None:
    """A call that the mock could not answer is looked at too."""
    mock = MockProvider()
    with Client(mock) as client, pytest.raises(ValueError, match="no reply left"):
        client.complete("A word of mine")
    with pytest.raises(AssertionError, match="call 1 of 1"):
        assert_no_personal_data_sent(mock, "A word of mine")


@pytest.mark.parametrize(("values", "says"), [((), "no value"), (("abc",), "3 characters"), (("  x  ",), "value 1")])
def test_values_that_test_nothing_are_refused(values: tuple[str, ...], says: str) -> None:
    """No value, or one so short that it stands in everything."""
    with pytest.raises(ValueError, match=says):
        assert_no_personal_data_sent([b"x"], *values)


def test_nothing_sent_is_nothing_tested() -> None:
    """Without a call the assertion fails."""
    sent: list[Any] = [MockProvider(), []]
    for nothing in sent:
        with pytest.raises(AssertionError, match="nothing was sent"):
            assert_no_personal_data_sent(nothing, VALUE)
