"""Sealed values open where they were sealed, and nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.errors import ConfigError, StateError
from psf_runtime.stores.sealing import Sealer

KEY = bytes(range(32))
places = st.lists(st.text(max_size=6), max_size=4).map(tuple)


@settings(max_examples=50, deadline=None)
@given(st.binary(max_size=60), places)
def test_a_value_comes_back_at_its_place(value: bytes, place: tuple[str, ...]) -> None:
    """Another sealer with the same key opens it."""
    assert value == Sealer(KEY).open(Sealer(KEY).seal(value, place), place)


@settings(max_examples=80, deadline=None)
@given(places, places)
def test_a_value_does_not_open_elsewhere(place: tuple[str, ...], other: tuple[str, ...]) -> None:
    """However two places share their letters, a value moved from one to the other is refused."""
    sealer = Sealer(KEY)
    sealed = sealer.seal(b"value", place)
    if place == other:
        assert sealer.open(sealed, other) == b"value"
    else:
        with pytest.raises(StateError, match="Tampered"):
            sealer.open(sealed, other)
        assert sealer.digest(*place) != sealer.digest(*other)


def test_no_byte_can_be_changed() -> None:
    """A flip of any byte, a cut anywhere and an addition are noticed."""
    sealer = Sealer(KEY)
    sealed = sealer.seal(b"value", ("here",))
    flipped = [sealed[:i] + bytes([sealed[i] ^ 1]) + sealed[i + 1 :] for i in range(len(sealed))]
    cut = [sealed[:i] for i in range(len(sealed))]
    for broken in [*flipped, *cut, sealed + b"x"]:
        with pytest.raises(StateError, match="Tampered"):
            sealer.open(broken, ("here",))


def test_another_key_opens_nothing() -> None:
    """Keys that are made when none is given differ from each other."""
    sealed = Sealer().seal(b"value", ("here",))
    with pytest.raises(StateError, match="another key"):
        Sealer().open(sealed, ("here",))


def test_equal_values_are_sealed_differently() -> None:
    """A nonce is never used twice, and the value does not show."""
    sealer = Sealer(KEY)
    sealed = {sealer.seal(b"value", ("here",)) for _ in range(50)}
    assert len(sealed) == 50
    assert not any(b"value" in one for one in sealed)


def test_digests_depend_on_the_key() -> None:
    """Who lacks the key cannot confirm a guess; who has it gets the same digest."""
    assert Sealer(KEY).digest("anna") == Sealer(KEY).digest("anna")
    assert Sealer(KEY).digest("anna") != Sealer(bytes(32)).digest("anna")


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_a_key_of_another_size_is_refused(size: int) -> None:
    """The error says how long it is and how to make one, and does not print it."""
    with pytest.raises(ConfigError, match="32 bytes") as info:
        Sealer(b"k" * size)
    assert f"it is {size} bytes" == info.value.why


def test_the_key_does_not_show() -> None:
    """Neither in the repr nor in the sealed bytes."""
    sealer = Sealer(b"k" * 32)
    assert repr(sealer) == "Sealer(...)"
    assert b"kkkk" not in sealer.seal(b"", ())
