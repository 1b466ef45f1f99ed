"""`facts(...)`: blocks, decorators, and what may not be."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from psf_runtime.client.ambient import ambient, current_block, facts, remember
from psf_runtime.errors import ConfigError
from psf_runtime.types.decision import Decision


def test_blocks_nest_and_merge() -> None:
    """An inner block adds to the outer one and wins where both speak; leaving it, also by an error, undoes it."""
    assert {} == ambient()
    with facts(purpose="a", user="u"):
        with pytest.raises(KeyError), facts(purpose="b"):
            raise KeyError(*ambient())
        with facts(purpose="b"):
            assert {"purpose": "b", "user": "u"} == ambient()
        assert {"purpose": "a", "user": "u"} == ambient()
    assert {} == ambient()
    assert current_block() is None


def test_a_tenant_cannot_be_changed_inside() -> None:
    """A block may not speak for another tenant than the block around it; the same tenant may be said again."""
    with facts(tenant="a"):
        with facts(tenant="a"):
            pass
        with pytest.raises(ConfigError, match="another tenant"), facts(tenant="b"):
            pass
        assert "a" == ambient()["tenant"]


def test_an_open_block_is_not_entered_again() -> None:
    """One object is one block at a time; after it was left it may be used again."""
    block = facts(user="u")
    with block, pytest.raises(ConfigError, match="open already"):
        block.__enter__()
    assert {} == ambient()
    with block:
        assert {"user": "u"} == ambient()
    assert {} == ambient()


def test_decorated_functions_run_inside() -> None:
    """Functions and coroutines run with the facts, each call in a block of its own, and keep their names."""

    @facts(user="u")
    def plain(more: int) -> tuple[int, object]:
        return more, ambient().get("user")

    @facts(user="v")
    async def later() -> object:
        await asyncio.sleep(0)
        return ambient().get("user")

    assert (1, "u") == plain(1)
    assert "v" == asyncio.run(later())
    assert ("plain", "later") == (plain.__name__, later.__name__)
    assert {} == ambient()


def test_generators_are_not_decorated() -> None:
    """A generator's body runs after the block was left, so its facts would be lost: ConfigError."""

    def steps() -> Iterator[int]:
        yield 1

    async def asteps() -> AsyncIterator[int]:
        yield 1

    for function in (steps, asteps):
        with pytest.raises(ConfigError, match="generator"):
            facts(user="u")(function)


def test_decisions_go_to_all_blocks_around() -> None:
    """The innermost block tells the outer ones; without a block nothing happens."""
    with facts() as outer, facts() as inner:
        remember(current_block(), Decision("1"))
    remember(None, Decision("2"))
    assert ["1"] == [decision.call_id for decision in outer.decisions]
    assert inner.decision == outer.decision == Decision("1")
    assert facts().decision is None


def test_a_block_shows_names_only() -> None:
    """`repr` says which facts are set, never what they are."""
    assert "facts(subject, tags)" == repr(facts(subject="customer:42", tags={"a": "b"}))
