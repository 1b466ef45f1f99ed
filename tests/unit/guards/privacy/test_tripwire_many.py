"""The tripwire with many values: looking at words first passes over nothing, and keeps the time in bounds."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.guards.privacy import tripwire
from psf_runtime.guards.privacy.tripwire import Beginnings, Tripwire

CROWD = [("EMAIL", f"user{number}@crowd{number % 7}.example") for number in range(80)]
VALUES = st.lists(st.text(alphabet='abcXYZ 19@.-_+/äß"\\\n%&字\ud800', min_size=4, max_size=14), min_size=1, max_size=4)
BESIDE = st.sampled_from([b"", b" ", b"x", b"\\n", b"\\u00e4", b"%20", b"\xc3\xa4", b'"', b"9", b"_"])


def found(values: list[tuple[str, str]], data: bytes, **patched: Any) -> str | None:
    with patch.multiple(tripwire, **patched):
        return Tripwire(values)(data)


@settings(max_examples=300, deadline=None)
@given(VALUES, BESIDE, BESIDE, st.data())
def test_looking_at_words_first_passes_over_nothing(values: list[str], left: bytes, right: bytes, data: Any) -> None:
    """With a crowd of other values the same is found as when each is searched for by itself."""
    pairs = [("THING", value) for value in values]
    inside = data.draw(st.sampled_from(values)).encode("utf-8", "surrogatepass")
    sent = b'{"text": "hello ' + left + inside + right + b' there"}'

    assert found([*CROWD, *pairs], sent, _MANY=1) == found([*CROWD, *pairs], sent, _MANY=10**9)


def test_ends_of_words() -> None:
    """Where no word ends like the first word of a value, the value is not searched for; single words always are."""
    ends = Beginnings(b"the quick fox_jumps x1y2z3@example.org")

    assert ends.may_hold(b"quick fox")
    assert ends.may_hold(b"z3@example.org")
    assert ends.may_hold(b"anything")
    assert ends.may_hold(b"+49 30 1234")
    assert not ends.may_hold(b"lazy dog")
    assert not ends.may_hold(b"quic k")


def test_work_done_ahead_changes_nothing() -> None:
    """Forms worked out before or when bytes first come by find the same."""
    pairs = [*CROWD, ("PERSON", "Zoë Quill")]
    data = "dear Zoë Quill".encode()

    assert Tripwire(pairs).ready()(data) == Tripwire(pairs)(data) == "PERSON"
    assert Tripwire(pairs).ready()(b"dear Zoe") is None
