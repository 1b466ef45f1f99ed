"""The laws of vaults: a value has one token in its conversation, and comes back letter by letter, there only."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from psf_runtime.testing.stores.common import MARKER, at_once, hides_content, says_whether_it_waits

JANE = ("EMAIL", f"jane.{MARKER}@example.com")
BOB = ("EMAIL", "bob@example.com")
ODD = (
    ("PERSON", "Zoë Žižek"),
    ("PERSON", "\U0001f600 smile"),
    ("ADDRESS", "line one\nline two\ttab"),
    ("ID", '{"json": "\\\\ quoted"}'),
    ("ID", " leading and trailing "),
    ("SECRET", "x" * 5000),
    ("ID", "EMAIL_M2T9AX4K"),
)
_TOKEN = re.compile(r"[A-Z][A-Z_]*_[0-9A-HJKMNP-TV-Z]{8}")


def check_vault(make: Callable[[], Any]) -> None:
    """Run all of them, each on an empty vault."""
    for law in (one_token, walls, round_trip, snapshots, forgetting, threads):
        law(make())


def one_token(vault: Any) -> None:
    """In a conversation a value has one token, in any order and however often, and others have others."""
    says_whether_it_waits(vault)
    first, second, again = vault.mint("t", "c", [JANE, BOB, JANE])
    assert first == again, "the same value has two tokens"
    assert first != second, "two values share a token"
    assert vault.mint("t", "c", [BOB, JANE]) == [second, first], "a value has another token later"
    assert vault.mint("t", "c", []) == [], "no values have tokens"
    for token, (entity, _) in ((first, JANE), (second, BOB)):
        assert token.startswith(f"{entity}_"), "a token does not begin with its entity"
        assert _TOKEN.fullmatch(token), "a token is not ENTITY_ and eight characters"
    hides_content(vault)


def walls(vault: Any) -> None:
    """Another tenant, or another conversation, has other tokens and knows nothing, whatever their names look like."""
    (token,) = vault.mint("t", "c", [JANE])
    others = [("t", "d"), ("u", "c"), ("tc", ""), ("", "tc"), ("T", "c"), ("t", "c "), ("t\x00c", "")]
    for other in others:
        assert dict(vault.known(*other)) == {}, "another tenant or conversation knows a value"
    for other in others:
        assert vault.mint(*other, [JANE]) != [token], "another tenant or conversation has the same token"


def round_trip(vault: Any) -> None:
    """Every value comes back letter by letter, with its entity."""
    tokens = vault.mint("t", "c", list(ODD))
    assert len(set(tokens)) == len(ODD), "two values share a token"
    assert dict(vault.known("t", "c")) == dict(zip(tokens, ODD, strict=True)), "a value comes back changed"


def snapshots(vault: Any) -> None:
    """What `known` returned does not change when the vault does."""
    vault.mint("t", "c", [JANE])
    known = vault.known("t", "c")
    before = dict(known)
    vault.mint("t", "c", [BOB])
    assert dict(known) == before, "what a caller was given changes in its hands"


def forgetting(vault: Any) -> None:
    """`forget` destroys what one conversation knows, counts it, and touches no other."""
    vault.mint("t", "c", [JANE, BOB])
    (kept,) = vault.mint("t", "d", [JANE])
    assert vault.forget("t", "c") == 2, "forget does not say how many values there were"
    assert vault.forget("t", "c") == 0, "what was forgotten is there still"
    assert dict(vault.known("t", "c")) == {}, "a forgotten value is known"
    assert dict(vault.known("t", "d")) == {kept: JANE}, "another conversation was forgotten too"


def threads(vault: Any) -> None:
    """Threads that mint the same values at once get the same tokens."""
    values = [("ID", f"value {number}") for number in range(20)]
    minted = at_once(lambda number: vault.mint("t", "c", values[number:] + values[:number]))
    count = len(values)
    in_order = {tuple(tokens[count - number :] + tokens[: count - number]) for number, tokens in enumerate(minted)}
    assert len(in_order) == 1, "threads got different tokens for the same value"
    assert len(vault.known("t", "c")) == len(values), "a value was kept twice"
