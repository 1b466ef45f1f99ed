"""Surrogates in a durable vault: the unique index sees to it that no two values share one, whoever mints first."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from psf_runtime.errors import StateError
from psf_runtime.guards.privacy.minting import remembered
from psf_runtime.guards.privacy.surrogates import kept_as, written
from tests.stores.case import Case
from tests.unit.guards.privacy.driving import Exchange, told

ADDRESS = "81.2.69.160"


def rows(count: int) -> list[tuple[str, str]]:
    return [(kept_as("IP", f"81.2.{n // 200}.{n % 200}"), f"81.2.{n // 200}.{n % 200}") for n in range(count)]


def test_workers_share_them(case: Case) -> None:
    """Four workers that meet the same values in different orders give each value the same one, and no two the same."""
    wanted, found, lock = rows(120), [], threading.Lock()

    def work(turn: int) -> None:
        order = wanted[turn * 30 :] + wanted[: turn * 30]
        tokens = dict(zip(order, case.vault().mint("t", "c", order), strict=True))
        with lock:
            found.append([tokens[row] for row in wanted])

    threads = [threading.Thread(target=work, args=(turn,)) for turn in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 4
    assert all(tokens == found[0] for tokens in found)
    surrogates = {written("IP", value, token[-8:]) for (_, value), token in zip(wanted, found[0], strict=True)}
    assert len(surrogates) == len(wanted)


def test_a_range_that_is_used_up_changes_nothing(case: Case) -> None:
    """One more value than there are addresses is a StateError, and none of the new values is kept."""
    vault: Any = case.vault()
    vault.mint("t", "c", rows(760))
    with pytest.raises(StateError, match="surrogates for IP is used up"):
        vault.mint("t", "c", rows(770))

    assert len(remembered(vault.known("t", "c")).surrogates) == 760


def test_another_process_restores_them(case: Case) -> None:
    """What one worker sent, another knows: the value comes back, and is replaced where nothing detects it."""
    request = told(f"block {ADDRESS}", conversation="c")
    first = Exchange(request, vault=case.vault(), actions={"IP": "surrogate"})
    second = Exchange(request, vault=case.vault(), actions={"IP": "surrogate"})
    later = Exchange(told(f"is {ADDRESS} gone", conversation="c"), vault=case.vault(), actions={"IP": "surrogate"})

    assert first.text == second.text
    assert second.says(first.text) == f"block {ADDRESS}"
    assert first.text.removeprefix("block ") in later.text
