"""MemoryRecall: findings by text, bounded, bound to a tenant, and gone after an erasure."""

from __future__ import annotations

import gc
import threading

import pytest

from psf_runtime.errors import ConfigError
from psf_runtime.stores.memory_recall import SHORTEST, MemoryRecall
from psf_runtime.stores.memory_vault import MemoryVault

TEXT = "a canary that nobody else writes " * 4


class Looker:
    """Finds how long a text is, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, text: str) -> tuple[int, ...]:
        self.asked += 1
        return (len(text),)


def test_a_text_is_looked_at_once() -> None:
    """The second time the finding is remembered."""
    recall, look = MemoryRecall(), Looker()

    assert [recall.found("t", "k", TEXT, look) for _ in range(3)] == [(len(TEXT),)] * 3
    assert look.asked == 1
    assert repr(recall) == "MemoryRecall(1 texts)"


def test_a_short_text_is_not_kept() -> None:
    """Looking it up would cost as much as looking at it."""
    recall, look = MemoryRecall(), Looker()
    recall.found("t", "k", "x" * (SHORTEST - 1), look)

    assert len(recall) == 0


@pytest.mark.parametrize(
    ("tenant", "kind", "text"),
    [("u", "k", TEXT), ("t", "k2", TEXT), ("t", "k", TEXT + "."), ("t1:k", "", TEXT), ("", "1:t1:k", TEXT)],
)
def test_another_tenant_version_or_text_is_looked_at_anew(tenant: str, kind: str, text: str) -> None:
    """None of the three can be taken for another, whatever stands in them."""
    recall, look = MemoryRecall(), Looker()
    recall.found("t", "k", TEXT, look)
    recall.found(tenant, kind, text, look)

    assert look.asked == 2
    assert len(recall) == 2


def test_it_is_bounded_by_entries_and_what_is_in_them() -> None:
    """What was not used for longest goes first; a finding larger than everything is not kept."""
    recall = MemoryRecall(capacity=10)
    texts = [TEXT + str(number) for number in range(3)]
    for text in texts:
        recall.found("t", "k", text, lambda text: ((1, 2), 3))  # 4 units each
    look = Looker()
    recall.found("t", "k", texts[0], look)
    recall.found("t", "k", texts[2], look)

    assert look.asked == 1
    recall.found("t", "large", TEXT, lambda text: tuple(range(20)))
    assert len(recall) == 3  # 4 + 4 + 2 units: nothing more fits, and the large one was left out
    with pytest.raises(ConfigError):
        MemoryRecall(capacity=0)


def test_it_holds_no_text() -> None:
    """Nothing of a remembered text can be reached from the memory."""
    recall = MemoryRecall()
    recall.found("t", "k", TEXT, lambda text: (len(text),))
    reached: list[object] = [recall]
    strings: list[str] = []
    seen: set[int] = set()
    while reached:
        one = reached.pop()
        if id(one) in seen or isinstance(one, type):
            continue
        seen.add(id(one))
        if isinstance(one, str | bytes):
            strings.append(str(one))
        elif isinstance(one, dict | list | tuple | MemoryRecall):
            reached.extend(gc.get_referents(one))
    assert strings
    assert not any("canary" in string for string in strings)


def test_forgetting_a_conversation_empties_it() -> None:
    """An erasure leaves no spans behind, also of what was being looked at meanwhile."""
    vault = MemoryVault(b"v" * 32)
    recall = vault.recall
    recall.found("t", "k", TEXT, lambda text: (1,))
    vault.forget("t", "c")
    assert len(recall) == 0

    def erased_meanwhile(text: str) -> tuple[int]:
        vault.forget("t", "c")
        return (1,)

    assert recall.found("t", "k", TEXT, erased_meanwhile) == (1,)
    assert len(recall) == 0


def test_a_forked_child_begins_empty() -> None:
    """With a key and a lock of its own: another thread may have held the parent's."""
    recall = MemoryRecall()

    def fork_meanwhile(text: str) -> tuple[int]:
        with recall._lock:
            recall.start_anew()
            return recall.found("t", "inner", text, lambda text: (7,))

    assert recall.found("t", "k", TEXT, fork_meanwhile) == (7,)


def test_many_threads_agree() -> None:
    """Eight threads over a memory that is too small for all their texts get the right findings and keep its bound."""
    recall = MemoryRecall(capacity=20)
    wrong: list[str] = []

    def work() -> None:
        for number in range(400):
            text = TEXT + "x" * (number % 23)
            if recall.found("t", "k", text, lambda text: (len(text),)) != (len(text),):
                wrong.append(text)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(recall) == 10
