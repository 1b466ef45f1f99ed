"""Clients over a durable state: what one knew, the next one knows; without keys or extras, none is made."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from psf_runtime import AsyncClient, Client, Policy
from psf_runtime.cli.main import main
from psf_runtime.errors import ConfigError, StateError
from psf_runtime.stores.keys_file import FileKeys, create_key_file
from tests.stores.case import Case

TEXT = "Write to jane@example.com please"


def policy_of(case: Case) -> Policy:
    assert isinstance(case.keys, FileKeys)
    return Policy.standard(state=case.address, key=f"file:{case.keys.path}")


def test_a_second_client_knows_what_the_first_one_knew(case: Case) -> None:
    """The same value has the same token after a restart, and is restored from it; a subject is not needed."""
    case.time.now = 0  # the clients bring their own clock
    with Client("mock:echo", policy=policy_of(case)) as first:
        assert TEXT in first.complete(TEXT, conversation="thread").text
        known = first._core.state.vault.known("default", "named:thread")
    with Client("mock:echo", policy=policy_of(case)) as second:
        assert second._core.state.vault.known("default", "named:thread") == known
        assert TEXT in second.complete(TEXT, conversation="thread").text
        again = second._core.state.vault.known("default", "named:thread")

    assert list(known.values()) == [("EMAIL", "jane@example.com")]
    assert again == known


def test_an_async_client_uses_the_same_vault(case: Case) -> None:
    """Ten calls at once on one event loop, over a vault that waits."""

    async def run() -> list[str]:
        async with AsyncClient("mock:echo", policy=policy_of(case)) as client:
            calls = [client.complete(f"{TEXT} {number}", conversation="thread") for number in range(10)]
            return [answer.text for answer in await asyncio.gather(*calls)]

    texts = asyncio.run(run())

    assert [f"{TEXT} {number}" in text for number, text in enumerate(texts)] == [True] * 10


def test_a_client_connects_to_nothing_before_its_first_call(sqlite_case: Case) -> None:
    """Making one makes no file."""
    assert sqlite_case.file is not None
    with Client("mock:echo", policy=policy_of(sqlite_case)) as client:
        assert not sqlite_case.file.exists()
        client.complete("hello")
        assert sqlite_case.file.exists()


def test_nothing_is_sent_when_the_state_is_down(tmp_path: Path, keys: FileKeys) -> None:
    """A call over a state that cannot be opened is a StateError; no provider is asked."""
    policy = Policy.standard(state=f"sqlite:///{tmp_path}/absent/psf.db", key=f"file:{keys.path}")
    with Client("mock:echo", policy=policy) as client:
        with pytest.raises(StateError, match="its file cannot be opened"):
            client.complete(TEXT)
        outcomes = [entry.record for entry in client._core.state.ledger.entries() if entry.kind == "outcome"]

    assert [outcome["error"] for outcome in outcomes if "error" in outcome] in ([], ["StateError"])
    assert all(not outcome.get("attempts") for outcome in outcomes)


@pytest.mark.parametrize("state", ["sqlite:///psf.db", "postgresql+psycopg://u:hunter2@db/psf"])
def test_a_durable_state_needs_keys(monkeypatch: pytest.MonkeyPatch, state: str) -> None:
    """Without any: a ConfigError that names `psf key new`, when the client is made."""
    monkeypatch.delenv("PSF_KEY", raising=False)
    with pytest.raises(ConfigError) as info:
        Client("mock:echo", state=state)

    assert "psf key new" in info.value.change
    assert "hunter2" not in str(info.value)


def test_the_environment_may_name_state_and_keys(
    monkeypatch: pytest.MonkeyPatch, sqlite_case: Case, keys: FileKeys
) -> None:
    """PSF_STATE and PSF_KEY are enough."""
    monkeypatch.setenv("PSF_STATE", sqlite_case.address)
    monkeypatch.setenv("PSF_KEY", keys.path.read_text())
    with Client("mock:echo") as client:
        client.complete(TEXT, conversation="thread")
    with Client("mock:echo") as client:
        assert len(client._core.state.vault.known("default", "named:thread")) == 1
        assert client._core.state.survives.startswith("database: tokens survive")


@pytest.mark.parametrize(
    ("state", "missing", "extra"),
    [
        ("sqlite:///psf.db", "sqlalchemy", "sql"),
        ("postgresql+psycopg://u@db/psf", "sqlalchemy", "postgres"),
        ("postgresql+psycopg://u@db/psf", "psycopg", "postgres"),
    ],
)
def test_a_missing_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, keys: FileKeys, state: str, missing: str, extra: str
) -> None:
    """Without the library that a state needs: a ConfigError with the line that installs it."""
    real: Callable[..., Any] = importlib.util.find_spec
    seen = "psf_runtime.stores.sql.opening.find_spec"
    monkeypatch.setattr(seen, lambda name: None if name == missing else real(name))
    with pytest.raises(ConfigError) as info:
        Client("mock:echo", policy=Policy.standard(state=state, key=f"file:{keys.path}"))

    assert info.value.change == f"pip install 'psf-runtime[{extra}]'"


def test_a_client_in_memory_loads_no_database_library() -> None:
    """Neither importing the library nor a client in memory loads SQLAlchemy or psycopg."""
    script = (
        "import sys; from psf_runtime import Client; Client('mock:echo').complete('hello');"
        "print([name for name in ('sqlalchemy', 'psycopg') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "state",
    [
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///file:x?mode=memory",
        "sqlite:///folder/",
        "sqlite+aiosqlite:///x",
        "postgresql://u:hunter2@db/psf",
        "postgresql+psycopg://u:hunter2@db",
        "postgresql+psycopg://[hunter2",
        "mysql://u:hunter2@db/psf",
    ],
)
def test_an_address_that_is_none_is_refused_unseen(state: str) -> None:
    """When the client is made, and without repeating what may hold a password."""
    with pytest.raises(ConfigError, match="the state cannot be used") as info:
        Client("mock:echo", state=state)

    assert "hunter2" not in str(info.value)


def test_psf_key_new_makes_a_file_apart_from_the_state(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Mode 0600, never printed, never twice, never beside the state."""
    state, secrets = tmp_path / "state", tmp_path / "secrets"
    state.mkdir()
    secrets.mkdir()
    monkeypatch.setenv("PSF_STATE", f"sqlite:///{state}/psf.db")
    file = secrets / "psf.keys"

    assert main(["key", "new", str(file)]) == 0
    shown = capsys.readouterr()
    assert file.read_text().split(":")[1][:20] not in shown.out + shown.err
    assert file.stat().st_mode & 0o777 == 0o600
    assert main(["key", "new", str(file)]) == 2
    assert "there is a file of that name" in capsys.readouterr().err
    assert main(["key", "new", str(state / "psf.keys")]) == 2
    assert "it would lie beside the state" in capsys.readouterr().err
    assert main(["key", "new"]) == 2
    assert "which file" in capsys.readouterr().err
    assert main(["key", "new", str(secrets / "more"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"file": str(secrets / "more"), "epoch": 1, "mode": "0600"}
    assert list(state.iterdir()) == []


def test_psf_key_rotate_begins_an_epoch(
    monkeypatch: pytest.MonkeyPatch, sqlite_case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Data keys are wrapped anew; the old epoch is destroyed only when asked; the values stay known."""
    assert isinstance(sqlite_case.keys, FileKeys)
    file = tmp_path / "psf.toml"
    file.write_text(f'state = "{sqlite_case.address}"\nkey = "file:{sqlite_case.keys.path}"\n')
    file.chmod(0o600)
    with Client("mock:echo", policy=str(file)) as client:
        client.complete(TEXT, conversation="thread")

    assert main(["key", "rotate", "--policy", str(file)]) == 0
    assert "epoch 2 began; 1 data keys wrapped anew" in capsys.readouterr().out
    assert main(["key", "rotate", "--policy", str(file), "--retire", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said == {"epoch": 3, "rewrapped": 1, "retired": [1, 2], "not_retired": []}
    with pytest.raises(StateError):
        sqlite_case.keys.key(1)
    with Client("mock:echo", policy=str(file)) as client:
        assert len(client._core.state.vault.known("default", "named:thread")) == 1


def test_psf_key_rotate_needs_a_durable_state(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In memory there is nothing to rotate, and a file is no argument of it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PSF_STATE", raising=False)

    assert main(["key", "rotate"]) == 2
    assert "the state is in memory" in capsys.readouterr().err
    assert main(["key", "rotate", str(create_key_file(tmp_path / "k"))]) == 2
    assert "takes no file" in capsys.readouterr().err
