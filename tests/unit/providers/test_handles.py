"""Handles: signed reasoning goes back to the same place only."""

from __future__ import annotations

from dataclasses import replace

import pytest

from psf_runtime.errors import ConfigError
from psf_runtime.providers.dialect.carrying import Carrying, put_back
from psf_runtime.providers.handles import Handles
from psf_runtime.stores.sealing import Sealer
from psf_runtime.types.messages import Message, Reasoning, Text
from psf_runtime.types.request import Facts, Request

SEALER = Sealer(b"k" * 32)
HANDLES = Handles(SEALER, "a")
FACTS = Facts(tenant="t", user="u", conversation="c")
CARRIED = b'[[0,{"type":"thinking","signature":"s"}]]'


def asked(handle: str, facts: Facts = FACTS) -> Request:
    turn = Message("assistant", (Reasoning("", handle), Text("yes")))
    return Request((Message.user("hi"), turn), facts=facts)


def test_round_trip() -> None:
    """What was carried comes back word for word, and is not readable in between."""
    handle = HANDLES.make(CARRIED, FACTS)
    assert "thinking" not in handle
    assert HANDLES.resolve(asked(handle)).messages[1].parts[0] == Reasoning("", CARRIED.decode())


def test_another_target() -> None:
    """A fallback gets neither the reasoning nor an error."""
    handle = HANDLES.make(CARRIED, FACTS)
    assert Handles(SEALER, "b").resolve(asked(handle)).messages[1].parts == (Text("yes"),)
    assert Handles(None, "a").resolve(asked(handle)).messages[1].parts == (Text("yes"),)


@pytest.mark.parametrize("change", [{"tenant": "t2"}, {"user": "u2"}, {"user": None}, {"conversation": "c2"}])
def test_somebody_else(change: dict[str, str | None]) -> None:
    """Another tenant, user or conversation is refused before anything is sent."""
    handle = HANDLES.make(CARRIED, FACTS)
    with pytest.raises(ConfigError, match="signature"):
        HANDLES.resolve(asked(handle, replace(FACTS, **change)))


@pytest.mark.parametrize("handle", ["vendor-signature", "psf1", ""])
def test_raw_signatures(handle: str) -> None:
    """A vendor's own signature is refused; no signature at all is none of our business."""
    request = asked(handle)
    if not handle:
        assert HANDLES.resolve(request) is request
        return
    with pytest.raises(ConfigError, match="no handle"):
        HANDLES.resolve(request)


@pytest.mark.parametrize("cut", [-1, -8, 30])
def test_changed(cut: int) -> None:
    """A handle that was changed or cut is refused."""
    handle = HANDLES.make(CARRIED, FACTS)
    with pytest.raises(ConfigError, match="changed"):
        HANDLES.resolve(asked(handle[:cut]))


def test_nothing_carried() -> None:
    """No handle for nothing."""
    assert HANDLES.make(b"", FACTS) == ""
    assert Carrying().dump() == b""


def test_places() -> None:
    """What was carried comes back in its places among the other parts."""
    carrying = Carrying()
    carrying.add(0, {"r": 1})
    carrying.add(1, {"r": 2})
    carrying.add(9, {"r": 3})
    assert put_back([{"t": 1}, {"t": 2}], carrying.dump().decode()) == [
        {"r": 1},
        {"t": 1},
        {"r": 2},
        {"t": 2},
        {"r": 3},
    ]
