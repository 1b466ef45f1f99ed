"""Short ways of secrets, tokens and the tripwire: they never pass over what the long way finds."""

from __future__ import annotations

import base64
import json
from unittest.mock import patch
from urllib.parse import quote, quote_plus

from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.guards.privacy.edits import Leaf
from psf_runtime.guards.privacy.plan import Plan, add_literals
from psf_runtime.guards.privacy.recognise.credentials import find_keys, may_hold_keys
from psf_runtime.guards.privacy.secrets import SecretSession
from psf_runtime.guards.privacy.token_search import find
from psf_runtime.guards.privacy.tokens import Token
from psf_runtime.guards.privacy.tripwire import Tripwire
from psf_runtime.types.chunks import TextDelta
from psf_runtime.types.context import Context

KEYS = (
    "ghp_" + "a1B2" * 9,
    "AKIAABCDEFGHIJKLMNOP",
    "sk-proj-" + "x9" * 14,
    "-----BEGIN RSA PRIVATE KEY-----",
    "sk_live_0123456789ab",
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.one_of(st.sampled_from((*KEYS, "task-", "eyJ", "SG.", " word ")), st.text(max_size=4)), max_size=6),
    st.lists(st.integers(1, 30), min_size=1, max_size=4),
)
def test_looking_only_at_what_is_new_stops_the_same_answers(parts: list[str], sizes: list[int]) -> None:
    """The same goes on after every piece, or the answer stops at the same piece, as when all is searched each time."""
    text = "".join(parts)

    def follow() -> list[str]:
        session, out, start, number = SecretSession(Context("c")), [], 0, 0
        try:
            while start < len(text):
                size = sizes[number % len(sizes)]
                out.append(session.text(text[start : start + size], TextDelta))
                start, number = start + size, number + 1
            out.append(session.flush(TextDelta))
        except Exception as error:
            out.append(type(error).__name__)
        return out

    short = follow()
    with patch("psf_runtime.guards.privacy.secrets.may_hold_keys", lambda text: True):
        assert short == follow()
    assert may_hold_keys(text) or find_keys(text) == []


TABLE = {"M2T9AX4K": Token("M2T9AX4K", "EMAIL", "a@b.example"), "Q7W3E9RT": Token("Q7W3E9RT", "PERSON", "Ada")}


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from(("EMAIL_M2T9AX4K", "email m2t9ax4k", "Straße-", "Person_q7w3E9RT", " ", "ß", "M2T9", "x")),
        max_size=8,
    ).map("".join)
)
def test_tokens_are_looked_for_wherever_a_code_stands(text: str) -> None:
    """Literals are marked exactly where the tolerant search finds a live token."""
    plan = Plan([Leaf(text, "here")], [[]])

    assert add_literals(plan, TABLE) == bool(list(find(text, TABLE)))


VALUES = st.lists(
    st.tuples(
        st.sampled_from(("EMAIL", "PERSON")),
        st.text(alphabet='abYZ 19@.-_+/äß"\\\n%&字\ud800', min_size=2, max_size=14),
    ),
    min_size=1,
    max_size=3,
)


def spelled(value: str) -> list[bytes]:
    """Every way in which the bytes of a request may hold a value."""
    raw = value.encode("utf-8", "surrogatepass")
    escaped = json.dumps(value)[1:-1].encode()
    return [
        raw,
        escaped,
        escaped.replace(b"/", b"\\/"),
        json.dumps(value, ensure_ascii=False)[1:-1].encode("utf-8", "surrogatepass"),
        quote(raw, safe="").encode(),
        quote(raw).encode(),
        quote_plus(raw).encode(),
        raw.hex().upper().encode(),
        *(base64.b64encode(b"x" * offset + raw) for offset in range(3) if len(raw) >= 8),
        *(base64.urlsafe_b64encode(b"x" * offset + raw) for offset in range(3) if len(raw) >= 8),
    ]


@settings(max_examples=200, deadline=None)
@given(VALUES, st.sampled_from((b" ", b'"', b"wordsandwordsandwords ")))
def test_the_tripwire_finds_every_spelling(values: list[tuple[str, str]], beside: bytes) -> None:
    """As it is, escaped, quoted, in hex and base64; and nothing in bytes that hold none of them."""
    tripwire = Tripwire(values)
    for _, value in values:
        if len(value.strip()) >= 4:
            for form in spelled(value):
                assert tripwire(beside + form + b" ") is not None, form
    assert tripwire(b"wordsandwordsandwordsandmorewords #") is None
