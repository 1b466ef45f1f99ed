"""MemoryVault: the same value always has the same token, and nobody gets another's."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.errors import ConfigError, StateError
from psf_runtime.stores.memory_vault import MemoryVault
from psf_runtime.stores.token_codes import ALPHABET, canonical, codes, packed

JANE = ("EMAIL", "jane@example.com")
BOB = ("EMAIL", "bob@example.com")


def test_the_same_value_has_the_same_token() -> None:
    """Within a conversation a value has one token, in any order and however often."""
    vault = MemoryVault()
    first, second, again = vault.mint("t", "c", [JANE, BOB, JANE])

    assert first == again
    assert first != second
    assert [second, first] == vault.mint("t", "c", [BOB, JANE])


def test_vaults_with_one_key_agree_without_talking() -> None:
    """Two workers that hold the same key make the same tokens, whatever they met first."""
    one, two = MemoryVault(b"k" * 32), MemoryVault(b"k" * 32)
    expected = one.mint("t", "c", [JANE, BOB])

    assert expected == list(reversed(two.mint("t", "c", [BOB, JANE])))


def test_tenants_and_conversations_share_nothing() -> None:
    """Another tenant or conversation has other tokens and knows no value."""
    vault = MemoryVault()
    (token,) = vault.mint("t", "c", [JANE])

    assert {token: JANE} == vault.known("t", "c")
    assert vault.known("t", "d") == {}
    assert vault.known("u", "c") == {}
    assert token not in vault.mint("u", "c", [JANE]) + vault.mint("t", "d", [JANE])


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=40), st.sampled_from(["EMAIL", "PERSON", "URL_CREDENTIALS"]))
def test_a_token_has_its_shape_and_gives_back_its_value(value: str, entity: str) -> None:
    """Entity, underscore, eight characters with a digit and a letter; the value comes back letter by letter."""
    vault = MemoryVault(b"k" * 32)
    (token,) = vault.mint("t", "c", [(entity, value)])
    code = token.removeprefix(f"{entity}_")

    assert re.fullmatch(f"[{ALPHABET}]{{8}}", code)
    assert re.search("[0-9]", code)
    assert re.search("[A-Z]", code)
    assert {token: (entity, value)} == vault.known("t", "c")


def test_spellings_of_one_value_are_related_and_differ() -> None:
    """Each spelling has its own code; the first five characters are those of the person."""
    tokens = MemoryVault().mint("t", "c", [("PERSON", name) for name in ("Anna Smith", "ANNA  SMITH", "Bob Stone")])
    anna, loud, bob = (token.removeprefix("PERSON_") for token in tokens)

    assert anna[:5] == loud[:5]
    assert anna != loud
    assert anna[:5] != bob[:5]


def test_case_matters_where_it_carries_meaning() -> None:
    """A secret in other letters is another secret; an e-mail address is not."""
    assert canonical("SECRET", "aB") != canonical("SECRET", "ab")
    assert canonical("EMAIL", "Ａ@x.com") == canonical("EMAIL", "a@x.com")


def test_a_collision_is_decided_by_the_unique_index() -> None:
    """When codes run into each other, no two values ever share one."""

    def few(key: bytes, entity: str, value: str) -> Iterator[str]:
        return (code[:1] + "AAAAAA" + str(turn % 10) for turn, code in enumerate(codes(key, entity, value)))

    vault = MemoryVault(draw=few)
    values = [("EMAIL", f"user{number}@example.com") for number in range(200)]
    tokens = vault.mint("t", "c", values)

    assert len(set(tokens)) == 200
    assert dict(zip(tokens, values, strict=True)) == vault.known("t", "c")


def test_a_full_conversation_refuses_and_keeps_what_it_has() -> None:
    """One value too many is a StateError that names the limit; nothing of the list is kept."""
    vault = MemoryVault(max_values=2)
    vault.mint("t", "c", [JANE])
    with pytest.raises(StateError) as info:
        vault.mint("t", "c", [BOB, ("EMAIL", "carol@example.com")])

    assert "2 values" in info.value.why
    assert "bob" not in str(info.value)
    assert list(vault.known("t", "c").values()) == [JANE]
    assert len(vault.mint("t", "c", [BOB, JANE])) == 2


def test_the_least_recently_used_conversation_goes_first() -> None:
    """More conversations than allowed push out the one that was not touched for longest."""
    vault = MemoryVault(max_conversations=2)
    vault.mint("t", "old", [JANE])
    vault.mint("t", "new", [JANE])
    vault.known("t", "old")
    vault.mint("t", "third", [JANE])

    assert [len(vault.known("t", name)) for name in ("old", "new", "third")] == [1, 0, 1]


def test_forgetting_destroys() -> None:
    """After `forget` nothing is known, and it says how much there was."""
    vault = MemoryVault()
    vault.mint("t", "c", [JANE, BOB])

    assert vault.forget("t", "c") == 2
    assert vault.known("t", "c") == {}
    assert vault.forget("t", "c") == 0


def test_rows_that_change_places_do_not_open() -> None:
    """A row moved to another code, entity or conversation is a StateError, never another's value."""
    vault = MemoryVault()
    vault.mint("t", "c", [JANE, BOB])
    rows = vault._conversations["t", "c"].rows
    (first, one), (second, two) = rows.items()
    rows[first], rows[second] = two, one
    with pytest.raises(StateError) as swapped:
        vault.known("t", "c")
    rows[first], rows[second] = one, ("PERSON", two[1])
    with pytest.raises(StateError) as renamed:
        vault.known("t", "c")

    assert {"privacy.tokens"} == {swapped.value.control, renamed.value.control}
    assert swapped.value.__context__ is None


def test_values_do_not_lie_about_in_clear() -> None:
    """Neither the rows nor the repr hold a value."""
    vault = MemoryVault()
    vault.mint("t", "c", [JANE])
    room = vault._conversations["t", "c"]

    assert all(b"jane" not in sealed for _, sealed in room.rows.values())
    assert "jane" not in repr(vault) + repr(room) + repr(room.tokens)


def test_a_short_key_is_refused() -> None:
    """A key of the wrong length is a ConfigError."""
    with pytest.raises(ConfigError):
        MemoryVault(b"short")


def test_threads_agree() -> None:
    """Many threads that meet the same values at once get the same tokens."""
    vault = MemoryVault()
    values = [("EMAIL", f"user{number}@example.com") for number in range(50)]
    results: list[list[str]] = []
    threads = [threading.Thread(target=lambda: results.append(vault.mint("t", "c", values))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [results[0]] * 8 == results


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_has_a_lock_of_its_own() -> None:
    """A child forked while another thread holds the lock still works, and knows what its parent knew."""
    vault = MemoryVault()
    (token,) = vault.mint("t", "c", [JANE])
    with vault._lock:
        child = os.fork()
        if child == 0:
            os._exit(0 if vault.known("t", "c") == {token: JANE} else 1)
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0


def test_packing_is_unambiguous() -> None:
    """Two different lists of fields never give the same bytes."""
    assert packed("ab", "c") != packed("a", "bc")
