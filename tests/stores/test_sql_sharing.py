"""Many workers, one state: engines, threads, forked children and processes agree, and none disturbs another."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from psf_runtime.stores.sql.vault import SqlVault
from tests.stores.case import BOB, JANE, START, Case

WORKER = """
import json, sys
from psf_runtime.stores.keys_file import FileKeys
from psf_runtime.stores.sql.opening import open_stores
address, keys, start = sys.argv[1], FileKeys(sys.argv[2]), int(sys.argv[3])
vault = open_stores(address, keys, clock=lambda: float(sys.argv[4])).vault
print("ready", flush=True)
sys.stdin.readline()
found = {}
for place in range(60):
    name = f"user{(place * 7 + start) % 60}"
    found[name] = vault.mint("t", "c", [("PERSON", name)])[0]
print(json.dumps(found))
"""

ENDLESS = """
import sys
from psf_runtime.stores.keys_file import FileKeys
from psf_runtime.stores.sql.opening import open_stores
vault = open_stores(sys.argv[1], FileKeys(sys.argv[2]), clock=lambda: float(sys.argv[3])).vault
for number in range(5000):
    print(vault.mint("t", "c", [("PERSON", f"user{number}")])[0], f"user{number}", flush=True)
"""


def in_child(work: Callable[[], Any]) -> Any:
    """Run work in a forked child and hand back its result."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            result = work()
        except BaseException as error:
            result = f"{type(error).__name__}: {error}"
        os.write(writer, json.dumps(result).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        result = json.loads(pipe.read())
    os.waitpid(child, 0)
    return result


def test_two_engines_agree(case: Case) -> None:
    """Two workers that meet two values in different order give them the same tokens."""
    one, two = case.vault(), case.vault()
    first = one.mint("t", "c", [JANE])
    second = two.mint("t", "c", [BOB, JANE])

    assert one.mint("t", "c", [JANE, BOB]) == [*first, second[0]]
    assert second[1:] == first
    assert one.known("t", "c") == two.known("t", "c")


def test_two_processes_agree(case: Case) -> None:
    """Two processes that open a new state at once, and mint the same values at once, get the same tokens."""
    command = [sys.executable, "-c", WORKER, case.address, str(getattr(case.keys, "path", ""))]
    workers = [
        subprocess.Popen([*command, start, str(START)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for start in ("0", "31")
    ]
    for worker in workers:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "ready\n"
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("go\n")
        worker.stdin.flush()
    one, two = (json.loads(worker.communicate(timeout=60)[0]) for worker in workers)

    assert len(set(one.values())) == 60
    assert one == two
    assert {token: ("PERSON", name) for name, token in one.items()} == case.vault().known("t", "c")


def test_a_killed_worker_loses_nothing_that_it_had_told(case: Case) -> None:
    """A process killed while it mints: every token it had handed out is known, and no two values share one."""
    command = [sys.executable, "-c", ENDLESS, case.address, str(getattr(case.keys, "path", "")), str(START)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        told = [worker.stdout.readline() for _ in range(25)]
        worker.kill()
        told += [line for line in worker.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    tokens = [line.split() for line in told]
    known = case.vault().known("t", "c")

    assert len(tokens) >= 25
    assert [known[token] for token, _ in tokens] == [("PERSON", name) for _, name in tokens]
    assert case.vault().mint("t", "c", [("PERSON", name) for _, name in tokens]) == [token for token, _ in tokens]


def test_a_forked_child_has_connections_of_its_own(case: Case) -> None:
    """Parent and children use the vault after a fork; all agree, and the parent's connections go on working."""
    vault = case.vault()
    (jane,) = vault.mint("t", "c", [JANE])
    children = [in_child(lambda: vault.mint("t", "c", [BOB, JANE])) for _ in range(3)]

    assert children == [[*vault.mint("t", "c", [BOB]), jane]] * 3
    assert len(vault.known("t", "c")) == 2


def test_a_fork_in_the_middle_of_a_write_hangs_nobody(case: Case) -> None:
    """A child forked while another thread writes has a lock of its own, and its parent's write is not disturbed."""
    vault = case.vault()
    vault.mint("t", "c", [JANE])
    inside, go_on = threading.Event(), threading.Event()

    def slow(_key: bytes, _entity: str, _value: str) -> Any:
        inside.set()
        go_on.wait(20)
        return iter(["AAAA1111"])

    held = SqlVault(vault._foundation, draw=slow)
    tokens: list[str] = []
    writer = threading.Thread(target=lambda: tokens.extend(held.mint("t", "d", [BOB])))
    writer.start()
    inside.wait(20)
    known = in_child(lambda: list(vault.known("t", "c").values()))
    go_on.set()
    writer.join()

    assert known == [list(JANE)]
    assert tokens == ["EMAIL_AAAA1111"]


def test_8_threads_mint_200_values_each(case: Case) -> None:
    """1,600 values in 8 threads, each in a conversation of its own, without an error."""
    vault = case.vault()
    failed: list[Exception] = []

    def work(number: int) -> None:
        try:
            for turn in range(20):
                vault.mint("t", f"c{number}", [("ID", f"{turn} {value}") for value in range(10)])
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []
    assert [len(vault.known("t", f"c{number}")) for number in range(8)] == [200] * 8


def test_what_one_erases_is_gone_for_all(case: Case) -> None:
    """Another worker knows a forgotten conversation, or an erased subject, no more, and remembers no findings."""
    one, two = case.vault(), case.vault()
    one.mint("t", "c", [JANE], subject="jane")
    one.mint("t", "d", [BOB])
    two.known("t", "c")
    text = "a text that is long enough to be remembered, with a name in it, and more than that"
    two.recall.found("t", "kind", text, lambda _text: ((1, 2),))
    assert len(two.recall) == 1

    one.erase_subject("t", "jane")
    assert (two.known("t", "c"), len(two.recall)) == ({}, 0)

    two.recall.found("t", "kind", text, lambda _text: ((1, 2),))
    one.forget("t", "d")
    assert (two.known("t", "d"), len(two.recall)) == ({}, 0)


def test_erasing_and_minting_at_once_leaves_no_row_that_nobody_can_open(case: Case) -> None:
    """While one thread mints under a subject, another erases it: every row that is left opens."""
    vault, eraser = case.vault(), case.vault()
    failed: list[Exception] = []

    def mint() -> None:
        try:
            for number in range(60):
                vault.mint("t", f"c{number % 3}", [("ID", f"value {number}")], subject="s")
        except Exception as error:
            failed.append(error)

    minting = threading.Thread(target=mint)
    minting.start()
    erased = sum(eraser.erase_subject("t", "s")["values"] for _ in range(15))
    minting.join()
    erased += eraser.erase_subject("t", "s")["values"]

    assert failed == []
    assert erased == 60
    assert [eraser.known("t", f"c{number}") for number in range(3)] == [{}] * 3
    assert case.sql("SELECT count(*) FROM psf_keys") == [(0,)]


def test_a_closed_vault_opens_again(case: Case) -> None:
    """Closing lets go of the connections; the next use makes new ones."""
    vault = case.vault()
    (token,) = vault.mint("t", "c", [JANE])
    case.close()

    assert vault.known("t", "c") == {token: JANE}


def test_a_vault_says_that_it_waits(case: Case) -> None:
    """Async drivers run it in a thread."""
    assert case.vault().blocking is True
    assert repr(case.vault()) in ("SqlVault(sqlite)", "SqlVault(postgresql)")


@pytest.mark.parametrize("setting", ["retention_seconds", "max_values", "epoch_seconds"])
def test_settings_must_be_above_zero(sqlite_case: Case, setting: str) -> None:
    """A vault that could keep nothing is refused."""
    with pytest.raises(ValueError, match="must be above zero"):
        sqlite_case.vault(**{setting: 0})
