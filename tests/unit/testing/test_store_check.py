"""`check_store`: every store of the library keeps the laws, and each suite finds a store that breaks one."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from psf_runtime.errors import ConfigError
from psf_runtime.policy.policy import Policy
from psf_runtime.policy.state import open_state
from psf_runtime.stores.cells import MemoryCells
from psf_runtime.stores.keys_environment import EnvironmentKeys
from psf_runtime.stores.keys_file import FileKeys, create_key_file
from psf_runtime.stores.memory_certificates import MemoryCertificates
from psf_runtime.stores.memory_consents import MemoryConsents
from psf_runtime.stores.memory_ledger import MemoryLedger
from psf_runtime.stores.memory_tickets import MemoryTickets
from psf_runtime.stores.memory_vault import MemoryVault
from psf_runtime.testing import ManualClock, check_store
from psf_runtime.types.request import Facts

CLOCK = ManualClock()
MEMORY: Mapping[str, Callable[[], Any]] = {
    "cells": MemoryCells,
    "certificates": MemoryCertificates,
    "consents": MemoryConsents,
    "ledger": MemoryLedger,
    "vault": MemoryVault,
}


@pytest.mark.parametrize("name", MEMORY)
def test_every_store_in_memory_keeps_the_laws(name: str) -> None:
    """The kind is found by the methods, or said."""
    check_store(MEMORY[name])
    check_store(MEMORY[name], kind=name)  # type: ignore[arg-type]


def test_tickets_in_memory_keep_the_laws() -> None:
    """With deadlines, on the clock of the test."""
    check_store(lambda: MemoryTickets(clock=CLOCK), clock=CLOCK)


def test_key_sources_keep_the_laws(tmp_path: Path) -> None:
    """A file, with epochs that are made and destroyed, and the environment."""
    files = iter(range(10))

    def make() -> FileKeys:
        return FileKeys(create_key_file(tmp_path / f"key{next(files)}"))

    check_store(make)
    text = make().path.read_text(encoding="utf-8").strip()
    check_store(lambda: EnvironmentKeys(environ={"PSF_KEY": text}))


def test_a_vault_in_a_database_keeps_the_laws(tmp_path: Path) -> None:
    """SQLite, each time an empty file."""
    numbers = iter(range(20))
    opened = []

    def make() -> Any:
        folder = tmp_path / f"state{next(numbers)}"
        folder.mkdir()
        keys = FileKeys(create_key_file(tmp_path / f"{folder.name}.key"))
        state = open_state(Policy.standard(), f"sqlite:///{folder}/psf.db", CLOCK, keys=keys)
        opened.append(state)
        return state.vault

    try:
        check_store(make)
    finally:
        for state in opened:
            close = getattr(state.durable, "close", None)
            if close is not None:
                close()


class TwoTokens(MemoryVault):
    """Hands out another token for a value that it knows, when it is asked alone."""

    def mint(self, tenant: str, conversation: str, values: Any, *, subject: str | None = None) -> list[str]:
        return super().mint(tenant, f"{conversation}{len(values)}", values, subject=subject)


class Leaky(MemoryVault):
    """Knows in one conversation what another said."""

    def known(self, tenant: str, conversation: str) -> Any:
        return super().known("t", "c")


class Keeps(MemoryVault):
    """Forgets nothing."""

    def forget(self, tenant: str, conversation: str) -> int:
        return len(self.known(tenant, conversation))


class Loud(MemoryCells):
    """Shows its values."""

    def __repr__(self) -> str:
        return f"Loud({self._values})"


class Swallows(MemoryCells):
    """A change that fails is silently none."""

    def update(self, key: str, change: Any) -> Any:
        try:
            return super().update(key, change)
        except Exception:
            return None


class OneId(MemoryLedger):
    """Every intent has the same id."""

    def intend(self, record: Any) -> str:
        super().intend(record)
        return "1"


class TakesAll(MemoryLedger):
    """Accepts what cannot be written down."""

    def intend(self, record: Any) -> str:
        try:
            return super().intend(record)
        except ConfigError:
            return super().intend({})


class Eternal(MemoryCertificates):
    """Certificates do not end."""

    def valid(self, purpose: str, target: str, now: float) -> bool:
        return super().valid(purpose, target, min(now, 1_800_000_099.0))


class Generous(MemoryConsents):
    """Says yes to any recipient."""

    def check(self, facts: Facts, recipient: str, jurisdiction: str, now: float) -> str | None:
        return super().check(facts, "openai", jurisdiction, now)


class Names(MemoryConsents):
    """Names the person in its reason."""

    def check(self, facts: Facts, recipient: str, jurisdiction: str, now: float) -> str | None:
        why = super().check(facts, recipient, jurisdiction, now)
        return None if why is None else f"{why}: {facts.subject}"


class Anybody(MemoryTickets):
    """Does not look at who asks."""

    def _owner(self, facts: Facts) -> tuple[str, str]:
        return "t", "everybody"


class SelfService(MemoryTickets):
    """Lets people approve their own questions."""

    def _requester(self, tenant: str, user: str | None) -> str:
        return os.urandom(8).hex()


BROKEN: list[tuple[Any, str]] = [
    (TwoTokens, "another token later"),
    (Leaky, "knows a value"),
    (Keeps, "is there still"),
    (Loud, "shows what it keeps"),
    (Swallows, "is swallowed"),
    (OneId, "share an id"),
    (TakesAll, "it is accepted"),
    (Eternal, "does not end"),
    (Generous, "another recipient is covered"),
    (Names, "names the person"),
    (lambda: Anybody(clock=CLOCK), "another's ticket"),
    (lambda: SelfService(clock=CLOCK), "one's own question"),
]


@pytest.mark.parametrize(("make", "says"), BROKEN)
def test_a_broken_store_is_found(make: Any, says: str) -> None:
    """Each mistake by the law that is there for it."""
    with pytest.raises(AssertionError, match=says):
        check_store(make)


def test_what_is_no_store_is_refused() -> None:
    """An object without the methods, and a kind that does not exist."""
    with pytest.raises(ConfigError, match="none of the known stores"):
        check_store(object)
    with pytest.raises(ConfigError, match="valut"):
        check_store(MemoryVault, kind="valut")  # type: ignore[arg-type]
