"""One suite for every vault: in memory, in SQLite, in PostgreSQL."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from psf_runtime.errors import StateError
from psf_runtime.ports import Vault
from psf_runtime.stores.memory_vault import MemoryVault
from psf_runtime.stores.token_codes import ALPHABET, codes
from tests.stores.case import BOB, JANE

MakeVault = Callable[..., Any]
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=30)  # lone surrogates and NUL included


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def make(request: pytest.FixtureRequest) -> MakeVault:
    """Makes vaults of one kind; all that it makes in one test share their rows, unless they are in memory."""
    if request.param == "memory":
        return MemoryVault
    name = "sqlite_case" if request.param == "sqlite" else "postgres_case"
    vault: MakeVault = request.getfixturevalue(name).vault
    return vault


def test_the_same_value_has_the_same_token(make: MakeVault) -> None:
    """Within a conversation a value has one token, in any order and however often."""
    vault: Vault = make()
    first, second, again = vault.mint("t", "c", [JANE, BOB, JANE])

    assert first == again
    assert first != second
    assert [second, first] == vault.mint("t", "c", [BOB, JANE])
    assert vault.known("t", "c") == {first: JANE, second: BOB}
    assert vault.mint("t", "c", []) == []


def test_tenants_and_conversations_share_nothing(make: MakeVault) -> None:
    """Another tenant or conversation has other tokens and knows no value, whatever their names look like."""
    vault: Vault = make()
    (token,) = vault.mint("t", "c", [JANE])
    others = [("t", "d"), ("u", "c"), ("tc", ""), ("", "tc"), ("T", "c"), ("t", "c ")]

    assert {token: JANE} == vault.known("t", "c")
    assert [vault.known(*other) for other in others] == [{}] * len(others)
    assert token not in [vault.mint(*other, [JANE])[0] for other in others]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=ANY_TEXT, entity=st.sampled_from(["EMAIL", "PERSON"]), tenant=ANY_TEXT, conversation=ANY_TEXT)
def test_any_value_comes_back(make: MakeVault, value: str, entity: str, tenant: str, conversation: str) -> None:
    """Entity, underscore, eight characters with a digit and a letter; the value comes back letter by letter."""
    vault: Vault = make()
    (token,) = vault.mint(tenant, conversation, [(entity, value)])
    code = token.removeprefix(f"{entity}_")

    assert re.fullmatch(f"[{ALPHABET}]{{8}}", code)
    assert re.search("[0-9]", code)
    assert re.search("[A-Z]", code)
    assert vault.known(tenant, conversation)[token] == (entity, value)


def test_spellings_of_one_value_are_related_and_differ(make: MakeVault) -> None:
    """Each spelling has its own code; the first five characters are those of the person."""
    vault: Vault = make()
    tokens = vault.mint("t", "c", [("PERSON", name) for name in ("Anna Smith", "ANNA  SMITH", "Bob Stone")])
    anna, loud, bob = (token.removeprefix("PERSON_") for token in tokens)

    assert anna[:5] == loud[:5]
    assert anna != loud
    assert anna[:5] != bob[:5]


def test_a_collision_is_decided_by_the_unique_index(make: MakeVault) -> None:
    """When codes run into each other, no two values ever share one."""

    def few(key: bytes, entity: str, value: str) -> Iterator[str]:
        return (code[:1] + "AAAAAA" + str(turn % 10) for turn, code in enumerate(codes(key, entity, value)))

    vault: Vault = make(draw=few)
    values = [("EMAIL", f"user{number}@example.com") for number in range(150)]
    tokens = vault.mint("t", "c", values[:100]) + vault.mint("t", "c", values[100:])

    assert len(set(tokens)) == 150
    assert dict(zip(tokens, values, strict=True)) == vault.known("t", "c")


def test_a_full_conversation_refuses_and_keeps_what_it_has(make: MakeVault) -> None:
    """One value too many is a StateError that names the limit; nothing of the list is kept."""
    vault: Vault = make(max_values=2)
    vault.mint("t", "c", [JANE])
    with pytest.raises(StateError) as info:
        vault.mint("t", "c", [BOB, ("EMAIL", "carol@example.com")])

    assert "2 values" in info.value.why
    assert "bob" not in str(info.value)
    assert list(vault.known("t", "c").values()) == [JANE]
    assert len(vault.mint("t", "c", [BOB, JANE])) == 2


def test_forgetting_destroys(make: MakeVault) -> None:
    """After `forget` nothing is known, it says how much there was, and the other conversation is untouched."""
    vault: Vault = make()
    vault.mint("t", "c", [JANE, BOB])
    (kept,) = vault.mint("t", "d", [JANE])

    assert vault.forget("t", "c") == 2
    assert vault.forget("t", "c") == 0
    assert vault.known("t", "c") == {}
    assert vault.known("t", "d") == {kept: JANE}
    assert len(vault.mint("t", "c", [JANE])) == 1


def test_many_values_at_once(make: MakeVault) -> None:
    """Thousands of values in one call have their own tokens, and are found again."""
    vault: Vault = make()
    values = [("ID", f"number {number}") for number in range(3000)]
    tokens = vault.mint("t", "c", values)

    assert len(set(tokens)) == 3000
    assert vault.mint("t", "c", values) == tokens
    assert vault.known("t", "c") == dict(zip(tokens, values, strict=True))


def test_threads_agree(make: MakeVault) -> None:
    """8 threads that mint the same 200 values, each in another order, get the same tokens, without an error."""
    vault: Vault = make()
    values = [("EMAIL", f"user{number}@example.com") for number in range(200)]
    found: list[dict[tuple[str, str], str]] = [{} for _ in range(8)]
    failed: list[Exception] = []

    def work(number: int) -> None:
        try:
            for place in range(200):
                pair = values[(place * 7 + number * 25) % 200]
                (found[number][pair],) = vault.mint("t", "c", [pair])
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    assert found == [found[0]] * 8
    assert {token: pair for pair, token in found[0].items()} == vault.known("t", "c")
