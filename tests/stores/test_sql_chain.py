"""Streams of rows in SQL, and small values that can be destroyed."""

from __future__ import annotations

import hashlib
import threading

import pytest

from psf_runtime.errors import StateError
from psf_runtime.stores.sql.chain import BEGINNING
from tests.stores.case import Case


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def test_rows_are_added_at_the_end_only(case: Case) -> None:
    """Who names the last row adds one; who names another adds nothing and is told so."""
    one, two = case.chain(), case.chain()

    assert one.append("t", "s", b"first", BEGINNING) is True
    assert two.append("t", "s", b"other", BEGINNING) is False
    assert two.append("t", "s", b"second", digest(b"first")) is True
    assert one.append("t", "s", b"late", digest(b"first")) is False
    assert list(one.scan("t", "s")) == [b"first", b"second"]
    assert one.append("t", "absent", b"x", digest(b"x")) is False
    assert list(one.scan("t", "absent")) == []


def test_streams_are_named_and_apart(case: Case) -> None:
    """Each tenant has its own; names come back as they were given."""
    chain = case.chain()
    assert list(chain.streams()) == []
    names = [("t", "s"), ("u", "s"), ("t\0\ud800", "ü"), ("", "")]
    for tenant, stream in names:
        assert chain.append(tenant, stream, f"of {tenant!r}".encode(), BEGINNING)

    assert sorted(case.chain().streams()) == sorted(names)
    assert [list(chain.scan(*name)) for name in names] == [[f"of {tenant!r}".encode()] for tenant, _ in names]


def test_trimmed_rows_are_gone_and_the_end_stays(case: Case) -> None:
    """After a trim the next row still follows the last one that was ever added, even when none is left."""
    chain = case.chain()
    previous = BEGINNING
    for body in (b"1", b"2", b"3"):
        assert chain.append("t", "s", body, previous)
        previous = digest(body)
    chain.trim("t", "s", 2)
    assert list(chain.scan("t", "s")) == [b"3"]

    chain.trim("t", "s", 9)
    chain.trim("t", "absent", 1)
    assert list(chain.scan("t", "s")) == []
    assert chain.append("t", "s", b"again", BEGINNING) is False
    assert chain.append("t", "s", b"4", previous) is True
    assert list(chain.scan("t", "s")) == [b"4"]


def test_a_missing_or_moved_row_is_noticed(case: Case) -> None:
    """A row that is taken out, exchanged with another, or cut from the end is a StateError."""
    chain = case.chain()
    previous = BEGINNING
    for body in (b"1", b"2", b"3"):
        chain.append("t", "s", body, previous)
        previous = digest(body)
    (one,), (two,), (three,) = case.sql("SELECT sealed FROM psf_links ORDER BY number")
    case.sql("UPDATE psf_links SET sealed = :value WHERE number = 1", value=two)
    case.sql("UPDATE psf_links SET sealed = :value WHERE number = 2", value=one)
    with pytest.raises(StateError, match="does not belong where it lies"):
        chain.scan("t", "s")

    case.sql("UPDATE psf_links SET sealed = :value WHERE number = 1", value=one)
    case.sql("UPDATE psf_links SET sealed = :value WHERE number = 2", value=two)
    case.sql("DELETE FROM psf_links WHERE number = 2")
    with pytest.raises(StateError, match="a row of a stream is missing"):
        chain.scan("t", "s")

    case.sql("UPDATE psf_streams SET next_number = 2")
    with pytest.raises(StateError, match="does not belong where it lies"):
        chain.scan("t", "s")


def test_many_writers_make_one_chain(case: Case) -> None:
    """4 threads append 20 rows each, trying again when another was first: none is lost, and the order is one."""
    chain = case.chain()
    failed: list[Exception] = []

    def work(name: str) -> None:
        try:
            for number in range(20):
                body = f"{name}{number}".encode()
                for _ in range(500):
                    rows = chain.scan("t", "s")
                    if chain.append("t", "s", body, digest(rows[-1]) if rows else BEGINNING):
                        break
                else:
                    raise AssertionError("never first")
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = [body.decode() for body in chain.scan("t", "s")]

    assert failed == []
    assert sorted(rows) == sorted(f"{name}{number}" for name in "abcd" for number in range(20))
    assert [[row for row in rows if row[0] == name] for name in "abcd"] == [
        [f"{name}{number}" for number in range(20)] for name in "abcd"
    ]


def test_secrets_are_set_by_comparison(case: Case) -> None:
    """A value is set only by whoever knows what is there; tenants are apart."""
    one, two = case.secrets(), case.secrets()

    assert one.get("t", "n") is None
    assert one.put("t", "n", b"1", None) is True
    assert two.put("t", "n", b"2", None) is False
    assert two.put("t", "n", b"2", b"1") is True
    assert one.put("t", "n", b"3", b"1") is False
    assert (one.get("t", "n"), one.get("u", "n")) == (b"2", None)


def test_a_dropped_secret_is_gone(case: Case) -> None:
    """For everybody, at once; it can be set anew."""
    one, two = case.secrets(), case.secrets()
    one.put("t", "n", b"1", None)

    assert (two.drop("t", "n"), two.drop("t", "n"), one.get("t", "n")) == (True, False, None)
    assert case.sql("SELECT count(*) FROM psf_keys") == [(0,)]
    assert one.put("t", "n", b"2", None) is True


def test_secrets_and_streams_survive_a_rotation(case: Case) -> None:
    """Their keys are wrapped anew like all others, and the old epoch is not needed any more."""
    chain, secrets, epochs = case.chain(), case.secrets(), case.epochs()
    chain.append("t", "s", b"row", BEGINNING)
    secrets.put("t", "n", b"1", None)
    epochs.rotate()
    epochs.retire(1)

    assert (list(chain.scan("t", "s")), secrets.get("t", "n")) == ([b"row"], b"1")


def test_swapped_secrets_do_not_open(case: Case) -> None:
    """Two sealed values that change places open nothing."""
    secrets = case.secrets()
    secrets.put("t", "n", b"1", None)
    secrets.put("t", "m", b"2", None)
    (one, first), (two, second) = case.sql("SELECT name, sealed FROM psf_secrets ORDER BY name")
    case.sql("UPDATE psf_secrets SET sealed = :value WHERE name = :name", value=second, name=one)
    case.sql("UPDATE psf_secrets SET sealed = :value WHERE name = :name", value=first, name=two)

    for name in "nm":
        with pytest.raises(StateError, match="does not belong where it lies"):
            secrets.get("t", name)
    assert (repr(case.chain()).partition("(")[0], repr(secrets).partition("(")[0]) == ("SqlChain", "SqlSecrets")
