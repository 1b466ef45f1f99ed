"""Erasing, retention and rotation: what is destroyed stays destroyed, in backups from the day on the receipt."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import MappingProxyType

import pytest
from sqlalchemy import Connection, select

from psf_runtime.errors import ConfigError, StateError
from psf_runtime.stores.keys import Keyring, parse_keyring
from psf_runtime.stores.keys_environment import EnvironmentKeys
from psf_runtime.stores.sql.schema import KEYS
from psf_runtime.stores.sql.shredding import Swept
from tests.stores.case import BOB, JANE, START, Case

DAY = 86400.0


def test_an_erased_subject_is_gone_and_leaves_tombstones(case: Case) -> None:
    """In every conversation: its values are known no more, others are; the receipt counts and dates."""
    vault = case.vault()
    (first,) = vault.mint("t", "c", [JANE], subject="jane")
    (second,) = vault.mint("t", "d", [JANE], subject="jane")
    (bob,) = vault.mint("t", "d", [BOB])
    case.time.now += 100
    receipt = vault.erase_subject("t", "jane")

    assert (vault.known("t", "c"), vault.known("t", "d")) == ({}, {bob: BOB})
    assert vault.tombstones("t", "c").tokens == {first: START + 100}
    assert vault.tombstones("t", "d").tokens == {second: START + 100}
    on_sqlite = case.file is not None
    assert receipt == {
        "kind": "subject_erasure",
        "subject": receipt["subject"],
        "erased_at": START + 100,
        "values": 2,
        "conversations": 2,
        "keys": 2,  # the subject's, and that of the conversation in which nothing else is left
        "epoch": 1,
        "backups_unreadable_at": START + 30 * DAY,
        "files": "overwritten" if on_sqlite else "until_epoch_ends",
        "unattributed": 1,
        "not_reached": ["values filed under another subject, or under none", receipt["not_reached"][1]],
    }
    assert "jane" not in str(receipt)
    assert vault.erase_subject("t", "jane")["values"] == 0


def test_erasure_is_for_one_tenant(case: Case) -> None:
    """The same name of a subject in another tenant is another person."""
    vault = case.vault()
    vault.mint("t", "c", [JANE], subject="jane")
    (kept,) = vault.mint("u", "c", [JANE], subject="jane")
    vault.erase_subject("t", "jane")

    assert (vault.known("t", "c"), vault.known("u", "c")) == ({}, {kept: JANE})


def test_an_erased_token_never_comes_to_mean_something_else(case: Case) -> None:
    """The same value gets another token afterwards; the old one stays a tombstone."""
    vault = case.vault()
    vault.mint("t", "c", [BOB])
    (old,) = vault.mint("t", "c", [JANE], subject="jane")
    vault.erase_subject("t", "jane")
    (new,) = vault.mint("t", "c", [JANE], subject="jane")

    assert new != old
    assert vault.known("t", "c")[new] == JANE
    assert list(vault.tombstones("t", "c").tokens) == [old]


def test_a_forgotten_conversation_says_when(case: Case) -> None:
    """Its tombstone is one for the whole; the subject's values elsewhere stay."""
    vault = case.vault()
    vault.mint("t", "c", [JANE], subject="jane")
    (kept,) = vault.mint("t", "d", [JANE], subject="jane")
    assert vault.tombstones("t", "c").forgotten is None

    assert vault.forget("t", "c") == 1
    assert vault.tombstones("t", "c").forgotten == START
    assert vault.known("t", "d") == {kept: JANE}


def test_after_erasure_no_file_holds_the_wrapped_key_or_the_sealed_value(sqlite_case: Case) -> None:
    """The main file and its log are searched for the bytes that were there before."""
    vault = sqlite_case.vault()
    vault.mint("t", "c", [JANE], subject="jane")
    vault.mint("t", "c", [BOB], subject="bob")
    wrapped = [row[0] for row in sqlite_case.sql("SELECT wrapped FROM psf_keys WHERE kind = 'subject'")]
    sealed = [row[0] for row in sqlite_case.sql("SELECT sealed FROM psf_values")]
    before = sqlite_case.bytes_at_rest()
    assert [value in before for value in [*wrapped, *sealed]] == [True] * 4

    assert vault.erase_subject("t", "jane")["files"] == "overwritten"
    after = sqlite_case.bytes_at_rest()
    assert sorted(value in after for value in wrapped) == [False, True]
    assert sorted(value in after for value in sealed) == [False, True]


def test_a_reader_in_the_way_makes_the_receipt_pending(sqlite_case: Case) -> None:
    """The subject is erased, and the receipt does not claim more than that; erasing again finishes it."""
    vault = sqlite_case.vault(lock_seconds=0.05)
    vault.mint("t", "c", [JANE], subject="jane")
    receipts = []

    def while_reading(connection: object, _moment: object) -> None:
        receipts.append(vault.erase_subject("t", "jane"))

    sqlite_case.foundation().read(while_reading)
    assert (receipts[0]["files"], receipts[0]["values"]) == ("pending", 1)
    assert vault.known("t", "c") == {}
    assert vault.erase_subject("t", "jane")["files"] == "overwritten"


def test_a_backup_is_readable_until_the_epoch_is_retired(sqlite_case: Case, tmp_path: Path) -> None:
    """A copy made before the erasure opens with the old epoch, and with nothing once that is destroyed."""
    vault = sqlite_case.vault()
    (token,) = vault.mint("t", "c", [JANE], subject="jane")
    (kept,) = vault.mint("t", "k", [BOB])
    sqlite_case.close()
    assert sqlite_case.file is not None
    backup = Case(f"sqlite:///{shutil.copytree(sqlite_case.file.parent, tmp_path / 'copy')}/psf.db", sqlite_case.keys)
    vault.erase_subject("t", "jane")
    assert backup.vault().known("t", "c") == {token: JANE}  # what the receipt says

    epochs = sqlite_case.epochs()
    assert epochs.rotate() == {"epoch": 2, "rewrapped": 1}
    assert epochs.retire(1) == {"epoch": 1, "retired_at": START}
    with pytest.raises(StateError, match="does not hold epoch 1"):
        backup.vault().known("t", "c")
    backup.close()
    assert vault.known("t", "k") == {kept: BOB}


def test_values_that_come_back_from_a_backup_stay_erased(case: Case) -> None:
    """A value table restored without its keys, or beside newer ones, restores nothing and stops nothing."""
    vault = case.vault()
    vault.mint("t", "c", [JANE], subject="jane")
    vault.mint("t", "c", [BOB])
    for kind in ("subject", "conversation"):
        saved = case.sql("SELECT code, sealed, digest FROM psf_values WHERE owner_kind = :kind", kind=kind)
        vault.erase_subject("t", "jane") if kind == "subject" else vault.forget("t", "c")
        for code, sealed, digest in saved:
            revive = "UPDATE psf_values SET sealed = :sealed, digest = :digest, erased = NULL WHERE code = :code"
            case.sql(revive, sealed=sealed, digest=digest, code=code)

        assert JANE not in vault.known("t", "c").values()
        (again,) = vault.mint("t", "c", [JANE], subject="jane")
        assert vault.known("t", "c")[again] == JANE


def test_rotation_changes_no_token_and_no_value(case: Case) -> None:
    """Old rows still open, with the bytes they had; new keys are wrapped under the new epoch, in all workers."""
    vault, other = case.vault(), case.vault()
    tokens = vault.mint("t", "c", [JANE, BOB], subject="s")
    before = case.sql("SELECT code, sealed FROM psf_values ORDER BY code")
    report = case.epochs().rotate()

    assert report == {"epoch": 2, "rewrapped": 2}
    assert case.sql("SELECT code, sealed FROM psf_values ORDER BY code") == before
    assert [one.mint("t", "c", [JANE, BOB]) for one in (vault, other)] == [tokens, tokens]
    other.mint("t", "new", [JANE])
    assert case.sql("SELECT epoch, count(*) FROM psf_keys GROUP BY epoch") == [(2, 3)]
    assert case.sql("SELECT epoch, count(*) FROM psf_values GROUP BY epoch ORDER BY epoch") == [(1, 2), (2, 1)]
    assert case.epochs().epochs() == [
        {"epoch": 1, "began": START, "retired": None, "keys": 0},
        {"epoch": 2, "began": START, "retired": None, "keys": 3},
    ]


def test_a_rotation_that_stopped_halfway_goes_on(case: Case) -> None:
    """Keys left under the old epoch are wrapped anew by the next run, which begins no further epoch."""
    vault = case.vault()
    tokens = [vault.mint("t", f"c{number}", [JANE]) for number in range(3)]
    case.epochs().rotate()
    data_keys, foundation = case.foundation().data_keys, case.foundation()

    def back(connection: Connection, _moment: object) -> None:
        data_keys.rewrap(connection, connection.execute(select(KEYS)).first(), 1)

    foundation.write(back)
    with pytest.raises(ConfigError, match="epoch 1 of the keys is in use"):
        case.epochs().retire(1)

    assert case.epochs().rotate() == {"epoch": 2, "rewrapped": 1}
    assert [vault.mint("t", f"c{number}", [JANE]) for number in range(3)] == tokens


def test_the_current_epoch_is_never_retired(case: Case) -> None:
    """Not even when nothing is wrapped under it."""
    case.vault().known("t", "c")
    with pytest.raises(ConfigError, match="epoch 1 of the keys is in use"):
        case.epochs().retire(1)


def test_a_variable_rotates_when_its_owner_adds_an_epoch(case: Case) -> None:
    """Without a newer epoch: ConfigError. With one: rotated; a worker with the old text stops by name."""
    ring = Keyring(case.keys.names(), MappingProxyType({1: case.keys.key(1)}))
    old = EnvironmentKeys(environ={"PSF_KEY": ring.text()})
    new = EnvironmentKeys(environ={"PSF_KEY": ring.advanced().text()})
    worker = case.vault(old)
    tokens = worker.mint("t", "c", [JANE])
    with pytest.raises(ConfigError, match="there is no newer epoch"):
        case.epochs(old).rotate()

    assert case.epochs(new).rotate() == {"epoch": 2, "rewrapped": 1}
    with pytest.raises(StateError, match="does not hold epoch 2"):
        worker.known("t", "c")
    assert case.vault(new).mint("t", "c", [JANE]) == tokens
    with pytest.raises(ConfigError, match="still in the key source"):
        case.epochs(new).retire(1)
    alone = parse_keyring(new._keyring.without(1).text(), where="a test")
    assert case.epochs(EnvironmentKeys(environ={"PSF_KEY": alone.text()})).retire(1)["epoch"] == 1


def test_values_expire_and_the_sweep_counts_them(case: Case) -> None:
    """Past its retention a value is known no more; the sweep removes rows, tombstones and keys, and says how many."""
    vault = case.vault(retention_seconds=100)
    vault.mint("t", "c", [JANE])
    vault.mint("t", "c", [("EMAIL", "eve@example.com")], subject="eve")
    vault.erase_subject("t", "eve")
    case.time.now += 50
    (later,) = vault.mint("t", "d", [BOB])
    assert vault.sweep() == Swept(0, 0, 0)

    case.time.now += 50
    assert (vault.known("t", "c"), vault.known("t", "d")) == ({}, {later: BOB})
    assert vault.sweep() == Swept(values=1, tombstones=1, keys=1)
    assert vault.sweep() == Swept(0, 0, 0)
    assert case.sql("SELECT kind, items FROM psf_erasures WHERE kind = 'sweep'") == [("sweep", 1)]
    assert vault.mint("t", "d", [BOB]) == [later]


def test_an_expired_value_is_minted_anew(case: Case) -> None:
    """Before any sweep, too: the row that is past its time is no obstacle, and the token is the one it had."""
    vault = case.vault(retention_seconds=100)
    (old,) = vault.mint("t", "c", [JANE])
    case.time.now += 100
    assert vault.known("t", "c") == {}

    assert vault.mint("t", "c", [JANE]) == [old]
    assert vault.known("t", "c") == {old: JANE}
    assert vault.sweep() == Swept(0, 0, 0)


def test_a_lasting_conversation_keeps_its_tokens_when_it_is_forgotten(case: Case) -> None:
    """An index of vectors holds its tokens; any other conversation gets new ones, which nobody can foretell."""
    vault = case.vault(lasting=["index"])
    lasting, other = vault.mint("t", "index", [JANE, BOB]), vault.mint("t", "c", [JANE, BOB])
    vault.forget("t", "index")
    vault.forget("t", "c")

    assert (vault.known("t", "index"), vault.known("t", "c")) == ({}, {})
    assert vault.mint("t", "index", [BOB, JANE]) == lasting[::-1]
    assert set(vault.mint("t", "c", [JANE, BOB])) & set(other) == set()
    assert set(vault.mint("u", "index", [JANE, BOB])) & set(lasting) == set()


def test_minting_sweeps_once_an_hour(case: Case) -> None:
    """Nobody has to call the sweep: whoever writes removes what is past its time, and then not again for an hour."""
    vault = case.vault(retention_seconds=100)
    count = "SELECT count(*) FROM psf_values"
    vault.mint("t", "c", [JANE])
    case.time.now += 3599
    vault.mint("t", "d", [JANE])
    assert case.sql(count) == [(2,)]

    case.time.now += 101
    vault.mint("t", "e", [JANE])
    assert case.sql(count) == [(1,)]
    assert case.sql("SELECT kind, items FROM psf_erasures") == [("sweep", 2)]
