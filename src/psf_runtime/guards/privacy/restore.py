"""Restoring values in streamed text: only what could still become a token is held back."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping

from psf_runtime.guards.privacy.actions import LITERAL, type_word
from psf_runtime.guards.privacy.places import PlaceFinder
from psf_runtime.guards.privacy.tokens import FIRST_LETTER, LAST_LETTER, LONGEST, Hit, Token, find

# What a token, its brackets and its separator are made of; type words may be translated into Latin, Greek, Cyrillic.
_RUN_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-:\\%[]<>{}" + "".join(
    map(chr, range(FIRST_LETTER, LAST_LETTER + 1))
)
_RUN = frozenset(_RUN_CHARACTERS)
_DECORATION = "[]<>{}:-"


class TextRestorer:
    """Restores one part of an answer, piece by piece; the result does not depend on how the text was cut.

    Args:
        table: code -> token, of this request only.
        keep_brackets: tokens that the request itself had in brackets.
        as_json: the text is JSON, so restored values are escaped.
        counts: where restored and unrestored tokens are counted.
        places: follows the whole channel; a link that one part begins is not over in the next.
    """

    __slots__ = ("_as_json", "_context", "_counts", "_held", "_keep", "_pending", "_places", "_table", "_words")

    def __init__(
        self,
        table: Mapping[str, Token],
        *,
        keep_brackets: frozenset[str],
        as_json: bool,
        counts: Counter[str],
        places: PlaceFinder,
    ) -> None:
        self._table = table
        self._keep = keep_brackets
        self._as_json = as_json
        self._counts = counts
        self._places = places
        self._pending: list[str] = []
        self._held = ""
        self._context = ""
        self._words = tuple({token.entity for token in table.values()})

    def feed(self, piece: str) -> str:
        """What may go on, restored."""
        buffer = self._held + piece
        last = buffer[-1:]
        if last not in _RUN and last != " ":
            self._held = ""
            return self._restored(buffer, len(buffer))
        cut = self._first_open(buffer)
        if cut == 0:
            self._held = buffer
            return ""
        return self._restored(buffer, cut)

    def end(self) -> str:
        """What was held back, restored."""
        rest = self._restored(self._held, len(self._held)) if self._held else ""
        self._held = ""
        self._places.feed("".join(self._pending))
        self._pending.clear()
        return rest

    def _first_open(self, buffer: str) -> int:
        """Where what could still become a token begins."""
        start = len(buffer.rstrip(_RUN_CHARACTERS))
        if start and buffer[start - 1] == " ":
            before = buffer[: start - 1]
            word = before[len(before[-LONGEST:].rstrip(_RUN_CHARACTERS)) + max(0, len(before) - LONGEST) :]
            if word and word.rstrip(_DECORATION).replace("-", "_").upper().endswith(self._words):
                start -= len(word) + 1
        return max(start, len(buffer) - LONGEST)

    def _restored(self, buffer: str, cut: int) -> str:
        """The first `cut` characters of the buffer, restored; the rest is held."""
        offset = len(self._context)
        text = self._context + buffer
        cut += offset
        place = offset
        out: list[str] = []
        for hit in find(text, self._table, start=offset, keep_brackets=self._keep):
            if hit.start >= cut:
                break
            between = text[place : hit.start]
            out.append(between)
            out.append(self._value(hit, between))
            place = hit.end
            cut = max(cut, place)  # a token that reaches over the cut is complete: nothing longer exists
        rest = text[place:cut]
        out.append(rest)
        self._pending.append(rest)
        self._held = text[cut:]
        self._context = text[max(0, cut - LONGEST) : cut]
        return "".join(out)

    def _value(self, hit: Hit, before: str) -> str:
        self._pending.append(before)
        self._places.feed("".join(self._pending))
        self._pending.clear()
        place = self._places.place()
        self._places.feed("x")
        token = hit.token
        if place != "text" and token.entity != LITERAL:
            self._counts[f"unrestored.{token.entity}"] += 1
            return type_word(token.entity)
        self._counts[f"restored.{token.entity}"] += 1
        return json.dumps(token.value, ensure_ascii=False)[1:-1] if self._as_json else token.value
