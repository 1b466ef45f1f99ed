"""The laws of key sources: the same key every time, and none for an epoch that is not there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from psf_runtime.errors import StateError
from psf_runtime.testing.stores.common import refused


def check_keys(make: Callable[[], Any]) -> None:
    """Run all of them. Those about rotating need `advance` and `retire`."""
    stable(make())
    if hasattr(make(), "advance"):
        rotating(make())


def stable(keys: Any) -> None:
    """32 bytes each, the same every time, no two alike, and none of them in the `repr`."""
    epoch = keys.current()
    names, key = keys.names(), keys.key(epoch)
    assert epoch >= 1, "epochs begin with 1"
    assert (len(names), len(key)) == (32, 32), "a key has not 32 bytes"
    assert (keys.names(), keys.key(epoch)) == (names, key), "a key is another one the next time"
    assert names != key, "the key for names wraps data too"
    for secret in (names, key):
        assert secret.hex() not in repr(keys), "its repr shows a key"
        assert repr(secret)[2:-1] not in repr(keys), "its repr shows a key"
    refused("the key of an epoch that never was", lambda: keys.key(epoch + 1000), StateError)


def rotating(keys: Any) -> None:
    """A new epoch has a new key; the old one stays until it is retired, and then it is gone."""
    old = keys.current()
    key = keys.key(old)
    new = keys.advance()
    assert new > old, "a new epoch is not newer"
    assert keys.current() == new, "the new epoch is not the current one"
    assert keys.key(new) != key, "a new epoch has the old key"
    assert keys.key(old) == key, "the old key went with the new epoch"
    keys.retire(old)
    refused("the key of a retired epoch", lambda: keys.key(old), StateError)
