"""What an attacker who can write to the database, or a broken disk, may do: be noticed, or delete. Never mislead."""

from __future__ import annotations

import itertools
import os
import sqlite3
from pathlib import Path

import pytest

from psf_runtime.errors import ConfigError, StateError
from psf_runtime.stores.keys_file import FileKeys, create_key_file
from psf_runtime.stores.sql import sqlite_file, troubles
from tests.stores.case import BOB, JANE, Case

CAROL = ("PERSON", "Carol Dent")
SEALED_COLUMNS = ("sealed", "entity", "digest", "epoch", "created", "expires", "key_id", "owner", "room_key_id")


def rows_of(case: Case, column: str) -> list[tuple[str, object]]:
    return [(row[0], row[1]) for row in case.sql(f"SELECT code, {column} FROM psf_values ORDER BY code")]


@pytest.mark.parametrize("column", ["sealed", "digest", "entity"])
def test_swapped_columns_do_not_open(case: Case, column: str) -> None:
    """Two rows of one conversation that exchange a column restore nothing: a StateError, in known and in mint."""
    vault = case.vault()
    vault.mint("t", "c", [JANE, CAROL], subject="s")
    (one, first), (two, second) = rows_of(case, column)
    spare = "spare" if column == "entity" else b"spare"  # a digest may be there only once
    for code, value in ((two, spare), (one, second), (two, first)):
        case.sql(f"UPDATE psf_values SET {column} = :value WHERE code = :code", value=value, code=code)

    for work in (lambda: vault.known("t", "c"), lambda: vault.mint("t", "c", [JANE, CAROL])):
        with pytest.raises(StateError, match="does not belong where it lies"):
            work()


def test_a_row_moved_to_another_code_does_not_open(case: Case) -> None:
    """A code that is changed does not stand for the value any more, nor does a code exchanged between two rows."""
    vault = case.vault()
    vault.mint("t", "c", [JANE, BOB])
    (one, _), (two, _) = rows_of(case, "entity")
    for old, new in ((one, "SPARE"), (two, one), ("SPARE", two)):
        case.sql("UPDATE psf_values SET code = :new WHERE code = :old", new=new, old=old)

    with pytest.raises(StateError, match="does not belong where it lies"):
        vault.known("t", "c")


@pytest.mark.parametrize("where", [("t", "d"), ("u", "c")])
def test_rows_moved_to_another_conversation_or_tenant_restore_nothing(case: Case, where: tuple[str, str]) -> None:
    """Whoever moves a row, or a row with its keys, to a place they may read learns nothing there."""
    vault = case.vault()
    vault.mint("t", "c", [JANE], subject="s")
    vault.mint(*where, [BOB], subject="s")
    names = case.foundation().names
    tenant, conversation = names.tenant(where[0]), names.conversation(*where)
    for table in ("psf_values", "psf_keys"):
        case.sql(f"DELETE FROM {table} WHERE tenant = :tenant AND tenant != :own", tenant=tenant, own=names.tenant("t"))
    case.sql("DELETE FROM psf_values WHERE conversation = :conversation", conversation=conversation)
    case.sql("DELETE FROM psf_keys WHERE owner = :conversation", conversation=conversation)
    case.sql("UPDATE psf_values SET tenant = :tenant, conversation = :c", tenant=tenant, c=conversation)

    assert vault.known(*where) == {}

    old = names.conversation("t", "c")
    case.sql("UPDATE psf_keys SET owner = :new WHERE owner = :old", new=conversation, old=old)
    case.sql("UPDATE psf_keys SET tenant = :tenant", tenant=tenant)
    with pytest.raises(StateError, match="does not belong where it lies"):
        vault.known(*where)


def test_swapped_wrapped_keys_do_not_open(case: Case) -> None:
    """The wrapped keys of two conversations that change places open nothing."""
    vault = case.vault()
    vault.mint("t", "c", [JANE])
    vault.mint("t", "d", [BOB])
    (one, first), (two, second) = case.sql("SELECT owner, wrapped FROM psf_keys ORDER BY owner")
    case.sql("UPDATE psf_keys SET wrapped = :value WHERE owner = :owner", value=second, owner=one)
    case.sql("UPDATE psf_keys SET wrapped = :value WHERE owner = :owner", value=first, owner=two)

    for conversation in "cd":
        with pytest.raises(StateError, match="does not belong where it lies"):
            vault.known("t", conversation)


def test_every_column_of_a_row_is_bound(case: Case) -> None:
    """Whichever column of a row is changed: a StateError, or the row is as good as deleted. Never another value."""
    vault = case.vault()
    (jane,) = vault.mint("t", "c", [JANE], subject="s")
    (bob,) = vault.mint("t", "c", [BOB], subject="r")
    (good,) = case.sql(f"SELECT {', '.join(SEALED_COLUMNS)} FROM psf_values WHERE code = :code", code=jane[-8:])
    (other,) = case.sql(f"SELECT {', '.join(SEALED_COLUMNS)} FROM psf_values WHERE code = :code", code=bob[-8:])
    case.sql("DELETE FROM psf_values WHERE code = :code", code=bob[-8:])
    for column, old, new in zip(SEALED_COLUMNS, good, other, strict=True):
        changed = old + 1 if isinstance(old, int) else new if new != old else "PERSON"
        changed = os.urandom(16) if column == "room_key_id" else changed
        case.sql(f"UPDATE psf_values SET {column} = :value", value=changed)
        try:
            found = vault.known("t", "c")
        except StateError as error:
            found = {"refused": error.what}  # type: ignore[dict-item]
        assert found in ({}, {"refused": "a row of the state does not belong where it lies"}), column
        case.sql(f"UPDATE psf_values SET {column} = :value", value=old)

    assert vault.known("t", "c") == {jane: JANE}


def test_another_key_file_is_refused_before_anything_is_read(case: Case, tmp_path: Path) -> None:
    """The keys of another state open nothing and change nothing; with the right ones all is there."""
    (token,) = case.vault().mint("t", "c", [JANE])
    strange = case.vault(FileKeys(create_key_file(tmp_path / "other.keys")))
    for work in (lambda: strange.known("t", "c"), lambda: strange.mint("t", "c", [BOB])):
        with pytest.raises(StateError) as info:
            work()
        assert info.value.why == "its keys are others than the ones given"

    assert case.vault().known("t", "c") == {token: JANE}


def test_a_state_of_a_later_version_is_refused(case: Case) -> None:
    """What a newer library has written is not guessed at."""
    case.vault().mint("t", "c", [JANE])
    case.sql("UPDATE psf_state SET schema_version = 2")
    with pytest.raises(StateError) as info:
        case.vault().known("t", "c")

    assert "it has the form 2" in info.value.why


def test_a_state_without_its_own_row_is_refused(case: Case) -> None:
    """A vault in use whose describing row is gone stops."""
    vault = case.vault()
    vault.mint("t", "c", [JANE])
    case.sql("DELETE FROM psf_state")
    with pytest.raises(StateError) as info:
        vault.known("t", "c")

    assert info.value.why == "the row that describes it is gone"


def test_a_clock_that_went_back_closes_the_vault(case: Case) -> None:
    """More than 5 s back: a StateError, because what has expired would seem to live. Less is nothing."""
    vault = case.vault()
    (token,) = vault.mint("t", "c", [JANE])
    case.time.now -= 5
    assert vault.known("t", "c") == {token: JANE}

    case.time.now -= 1
    for work in (lambda: vault.known("t", "c"), lambda: vault.mint("t", "c", [BOB]), lambda: vault.forget("t", "c")):
        with pytest.raises(StateError) as info:
            work()
        assert (info.value.what, info.value.why) == ("the clock cannot be trusted", "it went back by more than 5 s")

    case.time.now += 6
    assert vault.known("t", "c") == {token: JANE}


def test_a_locked_file_is_a_state_error_and_loses_nothing(sqlite_case: Case) -> None:
    """While somebody else holds the file, minting fails by name; afterwards all is as before."""
    vault = sqlite_case.vault(lock_seconds=0.05)
    (token,) = vault.mint("t", "c", [JANE])
    holder = sqlite3.connect(str(sqlite_case.file), isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StateError) as info:
        vault.mint("t", "c", [BOB])
    assert vault.known("t", "c") == {token: JANE}  # readers need no lock
    holder.close()

    assert info.value.why == "the database is locked by somebody else"
    assert len(vault.mint("t", "c", [JANE, BOB])) == 2


def test_a_locked_table_is_a_state_error(postgres_case: Case) -> None:
    """The same in PostgreSQL, where somebody holds the lock of the store."""
    vault = postgres_case.vault(lock_seconds=0.05)
    vault.mint("t", "c", [JANE])

    def hold(connection: object, _moment: object) -> None:
        with pytest.raises(StateError) as info:
            vault.mint("t", "c", [BOB])
        assert info.value.why == "the database is locked by somebody else"

    postgres_case.foundation().write(hold, alone=True)
    assert len(vault.mint("t", "c", [JANE, BOB])) == 2


@pytest.mark.parametrize("damage", ["header", "pages"])
def test_a_corrupt_file_is_a_state_error(sqlite_case: Case, damage: str) -> None:
    """A file whose beginning or pages are overwritten is named as corrupt, and is left as it is."""
    vault = sqlite_case.vault()
    vault.mint("t", "c", [("ID", f"number {number}") for number in range(300)])
    sqlite_case.close()
    assert sqlite_case.file is not None
    content = bytearray(sqlite_case.file.read_bytes())
    start = 0 if damage == "header" else 4096
    content[start:] = (b"\xa5" * 4096 * 20)[: len(content) - start] if damage == "pages" else content[start:]
    if damage == "header":
        content[:100] = b"\xa5" * 100
    sqlite_case.file.write_bytes(content)
    with pytest.raises(StateError) as info:
        sqlite_case.vault().known("t", "c")

    assert info.value.why == "the database file is corrupt, or is no database"
    assert sqlite_case.file.read_bytes() == bytes(content)


def test_every_flipped_byte_of_what_is_sealed_is_noticed(sqlite_case: Case) -> None:
    """One changed bit in the sealed value, or in its wrapped key, is a StateError."""
    vault = sqlite_case.vault()
    vault.mint("t", "c", [JANE])
    for table, column in (("psf_values", "sealed"), ("psf_keys", "wrapped")):
        ((good,),) = sqlite_case.sql(f"SELECT {column} FROM {table}")
        for place in range(len(good)):
            bad = good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :]
            sqlite_case.sql(f"UPDATE {table} SET {column} = :bad", bad=bad)
            with pytest.raises(StateError, match="does not belong where it lies"):
                vault.known("t", "c")
        sqlite_case.sql(f"UPDATE {table} SET {column} = :good", good=good)

    assert list(vault.known("t", "c").values()) == [JANE]


@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_that_was_removed_or_replaced_is_noticed(sqlite_case: Case, tmp_path: Path, replaced: bool) -> None:
    """Open connections do not go on writing into a file that nobody will find again; the file put back is used."""
    vault = sqlite_case.vault()
    (token,) = vault.mint("t", "c", [JANE])
    assert sqlite_case.file is not None
    sqlite_case.file.rename(tmp_path / "aside.db")
    if replaced:
        sqlite_case.file.touch(mode=0o600)
    for work in (lambda: vault.known("t", "c"), lambda: vault.mint("t", "c", [BOB])):
        with pytest.raises(StateError) as info:
            work()
        assert info.value.why == "its file was removed, or replaced by another, while it was in use"

    (tmp_path / "aside.db").rename(sqlite_case.file)
    assert vault.known("t", "c") == {token: JANE}


def test_an_unreachable_database_is_a_state_error(tmp_path: Path, keys: FileKeys) -> None:
    """A folder that is not there, and a server that is not there, are named; the address is not repeated."""
    absent = Case(f"sqlite:///{tmp_path}/nowhere/psf.db", keys).vault()
    silent = Case("postgresql+psycopg://u:hunter2@127.0.0.1:1/psf", keys).vault()
    reasons = []
    for vault in (absent, silent):
        with pytest.raises(StateError) as info:
            vault.mint("t", "c", [JANE])
        assert "hunter2" not in str(info.value)
        assert info.value.__context__ is None
        reasons.append(info.value.why)

    assert reasons == ["its file cannot be opened (FileNotFoundError)", "the database cannot be reached"]


def test_a_database_that_does_not_exist_is_named(postgres_case: Case) -> None:
    """A server that refuses says why."""
    missing = Case(postgres_case.address.replace("/postgres?", "/absent?"), postgres_case.keys).vault()
    with pytest.raises(StateError) as info:
        missing.known("t", "c")

    assert info.value.why == "the database cannot be reached"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_file_that_others_may_read_is_refused(sqlite_case: Case, mode: int) -> None:
    """A state whose file is open to others is not used."""
    sqlite_case.vault().mint("t", "c", [JANE])
    assert sqlite_case.file is not None
    sqlite_case.file.chmod(mode)
    with pytest.raises(ConfigError, match="others than its owner may read or write it"):
        sqlite_case.vault().known("t", "c")


def test_a_network_file_system_is_refused(sqlite_case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where SQLite's locks do not hold; which kind of file system it is, the system tells."""
    if Path("/proc/self/mounts").exists():
        assert sqlite_file._file_system(Path("/proc/self/status")) == "proc"
    monkeypatch.setattr(sqlite_file, "_file_system", lambda _path: "nfs4")
    with pytest.raises(ConfigError, match="cannot lie on a network file system"):
        sqlite_case.vault().known("t", "c")


def test_an_entity_has_a_plain_name(case: Case) -> None:
    """A name that no token could hold is refused before anything is kept."""
    with pytest.raises(ConfigError, match="plain ASCII"):
        case.vault().mint("t", "c", [JANE, ("NÄME", "x")])

    assert case.vault().known("t", "c") == {}


def test_all_files_are_for_the_owner_only(sqlite_case: Case) -> None:
    """With a umask of 022, the file, its log and its index have mode 0600."""
    assert sqlite_case.file is not None
    before = os.umask(0o022)
    try:
        sqlite_case.vault().mint("t", "c", [JANE])
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in sqlite_case.file.parent.iterdir()}

    assert modes == {"psf.db": 0o600, "psf.db-wal": 0o600, "psf.db-shm": 0o600}


def test_nothing_personal_is_at_rest_in_clear(sqlite_case: Case) -> None:
    """Neither value, subject, conversation nor tenant is in any byte of any file, nor a key."""
    vault = sqlite_case.vault()
    planted = ["Zebedee Quillfeather", "zq@planted.example", "patient:77-ZQ", "ward of ZQ-9", "tenant-ZQ-clinic"]
    conversation, tenant, subject = planted[3], planted[4], planted[2]
    vault.mint(tenant, conversation, [("PERSON", planted[0]), ("EMAIL", planted[1])], subject=subject)
    vault.erase_subject(tenant, "someone else")
    sqlite_case.chain().append(tenant, "stream of ZQ-9", planted[0].encode(), "0" * 64)
    sqlite_case.secrets().put(tenant, "name of ZQ-9", planted[1].encode(), None)
    vault.mint(tenant, conversation, [("PERSON", planted[0] + " junior")])
    at_rest = sqlite_case.bytes_at_rest().lower()
    secrets = [sqlite_case.keys.names(), sqlite_case.keys.key(1)]
    forms = [text.lower().encode(code) for text in planted for code in ("utf-8", "utf-16-le")]
    found = [form for form in [*forms, b"quillfeather", b"zq-9", b"zq@", *secrets] if form in at_rest]

    assert found == []
    assert len(at_rest) > 10_000


def test_pairs_of_errors_can_be_told_apart() -> None:
    """Each thing that goes wrong with a database has words of its own."""
    reasons = [value for name, value in vars(troubles).items() if name.startswith("_") and name[1:].isupper()]
    texts = [reason[0] for reason in reasons if isinstance(reason, tuple)]

    assert len(texts) == 9
    assert [pair for pair in itertools.combinations(texts, 2) if pair[0] == pair[1]] == []
