"""Where the keys of a durable state come from, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.errors import ConfigError, StateError
from psf_runtime.ports import KeyProvider, RotatingKeys
from psf_runtime.stores.keys import Keyring, new_keyring, parse_keyring
from psf_runtime.stores.keys_callable import CallableKeys
from psf_runtime.stores.keys_environment import EnvironmentKeys
from psf_runtime.stores.keys_file import FileKeys, create_key_file
from psf_runtime.stores.keys_source import open_keys

KEYS = st.binary(min_size=32, max_size=32)


@settings(max_examples=50, deadline=None)
@given(st.lists(KEYS, min_size=2, max_size=6, unique=True))
def test_a_keyring_survives_its_text(keys: list[bytes]) -> None:
    """What is written is read again, on lines or in one line, with comments."""
    ring = Keyring(keys[0], dict(enumerate(keys[1:], start=1)))
    for text in (ring.text(), ring.text().replace("\n", ","), "# secret\n" + ring.text() + "  # the end"):
        again = parse_keyring(text, where="a test")
        assert (again.names, dict(again.epochs)) == (ring.names, ring.epochs)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda text: "", "it lacks the entry 'names', or a numbered one"),
        (lambda text: text.splitlines()[0], "it lacks the entry 'names', or a numbered one"),
        (lambda text: text.splitlines()[1], "it lacks the entry 'names', or a numbered one"),
        (lambda text: text + text, "an entry is there twice, or is neither 'names' nor the number of an epoch"),
        (lambda text: text.replace("\n1:", "\n0:"), "an entry is there twice, or is neither 'names' nor the number"),
        (lambda text: text.replace("\n1:", "\nx:"), "an entry is there twice, or is neither 'names' nor the number"),
        (lambda text: text.replace("\n1:", "\n99999999999999:"), "an entry is there twice, or is neither"),
        (lambda text: text.strip()[:-1], "an entry is not NUMBER:KEY with a key of 32 bytes in base 64"),
        (lambda text: "hunter2", "an entry is not NUMBER:KEY with a key of 32 bytes in base 64"),
        (lambda text: "names:hunter2€", "an entry is not NUMBER:KEY with a key of 32 bytes in base 64"),
        (lambda text: text + "2" + text.splitlines()[0].removeprefix("names"), "two entries hold the same key"),
        (lambda text: "x" * 70_000, "it is longer than 65536 characters"),
    ],
)
def test_a_text_that_is_no_keyring_is_refused_unseen(change: object, why: str) -> None:
    """The error says where and why, and nothing of the text."""
    text = new_keyring().text()
    with pytest.raises(ConfigError) as info:
        parse_keyring(change(text), where="the variable X")  # type: ignore[operator]

    assert info.value.what == "the variable X holds no usable keys"
    assert info.value.why.startswith(why)
    assert "psf key new" in info.value.change
    assert "hunter2" not in str(info.value)
    assert text[6:20] not in str(info.value)


def test_epochs_come_and_go() -> None:
    """A new epoch has a key of its own; the current one cannot be destroyed; a destroyed one is missed by number."""
    ring = new_keyring().advanced()

    assert (ring.current, len({ring.names, *ring.epochs.values()})) == (2, 3)
    assert dict(ring.without(1).epochs) == {2: ring.key(2)}
    with pytest.raises(ConfigError, match="cannot be destroyed"):
        ring.without(2)
    with pytest.raises(StateError, match="does not hold epoch 7"):
        ring.key(7)
    assert repr(ring) == "Keyring(epochs [1, 2])"


def test_a_new_file_is_for_its_owner_only(tmp_path: Path) -> None:
    """Mode 0600, whatever the umask; never over another file, nor through a link; two first runs make one key."""
    before = os.umask(0)
    try:
        path = create_key_file(tmp_path / "psf.keys")
    finally:
        os.umask(before)
    content = path.read_text()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for name in ("psf.keys", "link"):
        with pytest.raises(ConfigError, match="no key was made"):
            create_key_file(tmp_path / name)

    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text() == content
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["link", "psf.keys"]


def test_a_key_is_not_made_in_a_git_work_tree(tmp_path: Path) -> None:
    """Nor in a folder below one, nor in a folder that is not there."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "deep").mkdir()
    with pytest.raises(ConfigError, match="do not belong into a git work tree"):
        create_key_file(tmp_path / "deep" / "psf.keys")
    (tmp_path / ".git").rmdir()
    with pytest.raises(ConfigError, match="FileNotFoundError"):
        create_key_file(tmp_path / "absent" / "psf.keys")

    assert list((tmp_path / "deep").iterdir()) == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_file_that_others_may_read_or_write_is_refused(tmp_path: Path, mode: int) -> None:
    """Also when the mode changes while it is in use."""
    keys = FileKeys(create_key_file(tmp_path / "psf.keys"))
    keys.names()
    keys.path.chmod(mode)
    with pytest.raises(ConfigError, match="others than its owner"):
        keys.names()


def test_a_file_is_rotated_and_all_who_read_it_follow(tmp_path: Path) -> None:
    """A new epoch is there for others at once; a retired one is gone, with its bytes; the mode stays."""
    path = create_key_file(tmp_path / "psf.keys")
    one, two = FileKeys(path), FileKeys(path)
    first = two.key(1)
    held = path.open("rb")

    assert one.advance() == 2
    assert (two.current(), two.key(1)) == (2, first)
    assert set(held.read()) == {0}  # the replaced bytes were overwritten
    held.close()
    one.retire(1)
    with pytest.raises(StateError, match="does not hold epoch 1"):
        two.key(1)
    assert path.stat().st_mode & 0o777 == 0o600
    assert isinstance(one, RotatingKeys)


def test_a_file_that_is_gone_is_a_state_error(tmp_path: Path) -> None:
    """A key file that vanishes stops; it is never made anew."""
    keys = FileKeys(create_key_file(tmp_path / "psf.keys"))
    keys.path.unlink()
    with pytest.raises(StateError, match="FileNotFoundError"):
        keys.current()
    with pytest.raises(StateError, match="FileNotFoundError"):
        keys.advance()

    assert not keys.path.exists()


def test_a_service_gives_keys_by_name() -> None:
    """Each is fetched once a minute at most; what the service raises is named by its class only."""
    now, asked, secret = [0.0], [], b"k" * 32

    def fetch(name: str) -> bytes:
        asked.append(name)
        if name == "9":
            raise RuntimeError("token hunter2")
        return b"short" if name == "8" else secret

    keys: KeyProvider = CallableKeys(fetch, current=lambda: 3, keep=500, clock=lambda: now[0])
    assert [keys.current(), keys.key(3), keys.key(3), keys.names()] == [3, secret, secret, secret]
    assert asked == ["3", "names"]
    now[0] = 60.0
    keys.key(3)
    assert asked == ["3", "names", "3"]
    with pytest.raises(StateError) as info:
        keys.key(9)
    assert info.value.why == "the key source raised RuntimeError"
    assert info.value.__context__ is None
    with pytest.raises(StateError, match="something that is no key"):
        keys.key(8)
    broken = CallableKeys(fetch, current=lambda: int("hunter2"))
    with pytest.raises(StateError, match="raised ValueError"):
        broken.current()
    assert repr(keys) == "CallableKeys(...)"


def test_the_source_is_what_the_setting_says(tmp_path: Path) -> None:
    """A file, a variable of a name, else PSF_KEY; without any: ConfigError that names `psf key new`."""
    path = create_key_file(tmp_path / "psf.keys")
    text = path.read_text()
    names = FileKeys(path).names()

    assert open_keys(f"file:{path}", {}).names() == names
    assert open_keys("env:MINE", {"MINE": text}).names() == names
    assert open_keys(None, {"PSF_KEY": text}).names() == names
    for setting, environ in ((None, {}), ("env:MINE", {"PSF_KEY": text}), ("file:", {}), ("vault:x", {})):
        with pytest.raises(ConfigError, match="psf key new"):
            open_keys(setting, environ)
    with pytest.raises(ConfigError, match="there is no key file"):
        open_keys(f"file:{tmp_path}/absent", {})
    assert repr(EnvironmentKeys(environ={"PSF_KEY": text})) == "EnvironmentKeys('PSF_KEY')"


def test_keys_beside_the_state_are_refused(tmp_path: Path) -> None:
    """In its folder, below it, or through a link: one archive would hold both."""
    state, deep = tmp_path / "state", tmp_path / "state" / "deep"
    deep.mkdir(parents=True)
    elsewhere = create_key_file(tmp_path / "psf.keys")
    (tmp_path / "link").symlink_to(state)
    for place in (create_key_file(state / "a"), create_key_file(deep / "b"), tmp_path / "link" / "a"):
        with pytest.raises(ConfigError, match="beside the state"):
            open_keys(f"file:{place}", {}, state_file=state / "psf.db")

    assert open_keys(f"file:{elsewhere}", {}, state_file=state / "psf.db").current() == 1
