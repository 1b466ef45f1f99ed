"""One table for everybody who may receive a request."""

from __future__ import annotations

import pytest

from psf_runtime.errors import ConfigError
from psf_runtime.guards.privacy.recipients import actions_for, strictest_of, table_of

BASE = {"EMAIL": "token", "PHONE": "allow"}
PLACES = {"EU": {"EMAIL": "allow"}, "DE": {"PHONE": "token"}, "US": {"EMAIL": "mask"}}


def profile(place: str | None) -> tuple[str, str]:
    found = strictest_of(*actions_for(BASE, PLACES, place)).profile
    return found["EMAIL"], found["PHONE"]


def test_a_place_has_its_own_table() -> None:
    """What it names takes the place of what holds everywhere; a smaller place comes before a larger one."""
    assert profile("US") == ("mask", "allow")
    assert profile("EU") == ("allow", "allow")
    assert profile("DE") == ("allow", "token")
    assert profile("SG") == ("token", "allow")


def test_an_unknown_place_gets_the_strictest_of_all() -> None:
    """And so does a host that may be in either of two places."""
    assert profile(None) == ("mask", "token")
    assert profile("EU+US") == ("mask", "allow")


def test_the_strictest_over_several_recipients() -> None:
    """A value that one of them may not have at all, nobody gets."""
    table = strictest_of({"EMAIL": "allow"}, {"EMAIL": "block"}, {"IP": "hash"})

    assert table.profile["EMAIL"] == "block"
    assert table.profile["IP"] == "token"


def test_a_surrogate_is_one_only_where_all_want_it() -> None:
    """Else a token, which is as strict; and what is never restored counts as masked."""
    assert table_of({"EMAIL": "surrogate"}).surrogates == {"EMAIL"}
    assert strictest_of({"EMAIL": "surrogate"}, {"EMAIL": "token"}).surrogates == frozenset()
    assert strictest_of({"EMAIL": "surrogate"}, {"EMAIL": "mask"}).profile["EMAIL"] == "mask"
    assert strictest_of({"EMAIL": "surrogate"}, {"EMAIL": "mask"}).surrogates == frozenset()
    assert table_of({"CREDIT_CARD": "surrogate"}).profile["CREDIT_CARD"] == "mask"


def test_what_cannot_be_is_refused() -> None:
    """Unknown actions, and surrogates without a reserved range."""
    with pytest.raises(ConfigError, match="actions that do not exist"):
        table_of({"EMAIL": "shred"})
    with pytest.raises(ConfigError, match="no surrogates for PERSON"):
        strictest_of({"PERSON": "surrogate"}, {"PERSON": "token"})
