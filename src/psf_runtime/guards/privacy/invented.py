"""Tokens that nobody made: what a model makes up when it imitates them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Literal

from psf_runtime.errors import Blocked
from psf_runtime.guards.privacy.actions import type_word
from psf_runtime.guards.privacy.tokens import LONGEST, Token, code_of, entity_of, shaped

WhatOfInvented = Literal["leave", "mask", "block"]
MOST_INVENTED = 20  # invented codes in one answer; more is somebody guessing


class Invented:
    """Finds invented tokens, and says what stands in their place.

    Args:
        entities: type words that count. A word of another kind (`SHA_9F3K2M1A`) is a name in somebody's program.
        block: stop the answer at the first one, instead of writing the type word.
        typed: what people typed in this request and looks like a token: it is no invention.
    """

    def __init__(self, entities: Collection[str], *, block: bool, typed: Collection[str] = ()) -> None:
        self._entities = frozenset(entities)
        self._block = block
        self._typed = frozenset(typed)

    def find(self, text: str, table: Mapping[str, Token]) -> Iterator[tuple[int, int]]:
        """Where they stand in a text."""
        for match in shaped(text):
            token = match.group()
            if len(token) <= LONGEST and self.is_one(token, table):
                yield match.span()

    def is_one(self, token: str, table: Mapping[str, Token]) -> bool:
        """Whether what is shaped like a token is an invention."""
        return entity_of(token) in self._entities and code_of(token) not in table and token not in self._typed

    def instead(self, token: str) -> str:
        """What stands in its place. Raises Blocked when there may be none."""
        if self._block:
            raise Blocked(
                "the answer holds a token that nobody made",
                control="privacy.tokens",
                why="a value that was never sent cannot be meant by it",
                change='ask again, or set privacy.invented to "mask" or "leave"',
            )
        return type_word(entity_of(token))
