"""Gates before the recognisers and short ways of the tripwire: they never pass over what the long way finds."""

from __future__ import annotations

import base64
import json
import re
from typing import Any
from unittest.mock import patch
from urllib.parse import quote, quote_plus

from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.guards.privacy.edits import Leaf
from psf_runtime.guards.privacy.plan import Plan, add_literals
from psf_runtime.guards.privacy.recognise import names, network, numbers, phones
from psf_runtime.guards.privacy.recognise.credentials import find_keys, may_hold_keys
from psf_runtime.guards.privacy.secrets import SecretSession
from psf_runtime.guards.privacy.tokens import Token, find
from psf_runtime.guards.privacy.tripwire import Tripwire
from psf_runtime.types.chunks import TextDelta
from psf_runtime.types.context import Context

WORDS = (
    "my name is", "ich heiße", "ICH HEISSE", "je m’appelle", "mi chiamo", "meu nome é", "nazywam się", "Dear", "Hi",
    "Estimado", "Cara", "Mr.", "Dr. ", "Señora", "Sr ", "Doña", "Maria", "Özil", "Best regards,\n", "Saludos\n", "\n",
    ",", "phone", "TÉLÉPHONE", "Móvil", "call me at", "dıal", "dİal", "text me", "whatſapp", "celular", "SſN",
    "social security", "number ", "+45 32 12 34 56", "(030) 1234567", "202-555-0123", "555-0123", "123-45-6789",
    "123456789", "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00", "dk5000400440116243", "10.0.0.1",
    "aabb.ccdd.eeff", "1a:2b:3c:4d:5e:6f", "x12", "2024-05-03", "0", "00", "+", "-", " ", " ", " ", "\u00a0", "(", ")",
)  # fmt: skip
TEXTS = st.lists(st.sampled_from(WORDS), max_size=12).map("".join)
ANYTHING = re.compile("")
RECOGNISERS = (
    numbers.find_cards,
    numbers.find_ibans,
    numbers.find_ssns,
    phones.find_phones,
    network.find_ips,
    network.find_macs,
    names.find_names,
)


def without_gates(text: str) -> list[Any]:
    """What the recognisers find when every gate is open."""
    with (
        patch.object(numbers, "_RUN_SHAPE", ANYTHING),
        patch.object(numbers, "_SSN_SHAPE", ANYTHING),
        patch.object(numbers, "_NINE_DIGITS", ANYTHING),
        patch.object(numbers, "_TWO_DIGITS", re.compile(r"(?<=[A-Za-z])")),
        patch.object(phones, "_AMERICAN_SHAPE", ANYTHING),
        patch.object(phones, "_TRUNK_SHAPE", ANYTHING),
        patch.object(phones, "_NAMED_SHAPE", ANYTHING),
        patch.object(phones, "_NAMED_WORDS", ("",)),
        patch.object(network, "_V4_SHAPE", ANYTHING),
        patch.object(network, "_DOTTED_SHAPE", ANYTHING),
        patch.object(names, "_PATTERNS", tuple((p, score, lower, ("",)) for p, score, lower, _ in names._PATTERNS)),
    ):
        return [recogniser(text) for recogniser in RECOGNISERS]


@settings(max_examples=400, deadline=None)
@given(TEXTS)
def test_no_gate_hides_a_value(text: str) -> None:
    """What is found with the gates is what is found without."""
    assert [recogniser(text) for recogniser in RECOGNISERS] == without_gates(text)


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
