"""Restoring values in streamed text: only what could still become a token is held back."""

from __future__ import annotations

import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from psf_runtime.guards.privacy.actions import LITERAL, type_word
from psf_runtime.guards.privacy.invented import Invented
from psf_runtime.guards.privacy.places import PlaceFinder
from psf_runtime.guards.privacy.surrogates import Surrogates, is_surrogate, plain_entity
from psf_runtime.guards.privacy.token_search import FIRST_LETTER, HYPHENS, LAST_LETTER, Hit, find
from psf_runtime.guards.privacy.tokens import LONGEST, UNSEEN, WITHOUT_UNSEEN, Token

# What a token, its brackets and its separator are made of; type words may be translated into Latin, Greek, Cyrillic.
_RUN_CHARACTERS = (
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_:\\%[]<>{}&;#\uff3f"
    + HYPHENS
    + UNSEEN
    + "".join(map(chr, range(FIRST_LETTER, LAST_LETTER + 1)))
)
_RUN = frozenset(_RUN_CHARACTERS)
_BLANK = " \t\r\n"
_LONGEST_GAP = 18  # characters of white space within a token: a wrapped line, indented
_AFTER_WORD = f"[]<>{{}}:_{HYPHENS}{UNSEEN}"
_SEPARATORS = frozenset(f":_{HYPHENS}")
Found = tuple[int, int, Token | None]  # begin, end, and the token that stands there; None: an invented one


@dataclass(frozen=True, slots=True, repr=False)
class Restoring:
    """What an answer is restored with.

    Attributes:
        table: code -> token, of this request only.
        counts: where restored and unrestored tokens are counted.
        keep_brackets: tokens that the request itself had in brackets.
        as_json: the answer is JSON, so restored values are escaped.
        surrogates: values that left as other values; None: there are none.
        invented: what becomes of tokens that nobody made.
    """

    table: Mapping[str, Token]
    counts: Counter[str]
    keep_brackets: frozenset[str] = frozenset()
    as_json: bool = False
    surrogates: Surrogates | None = None
    invented: Invented | None = None
    words: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        words = {token.entity.replace("_", "") for token in self.table.values()}
        object.__setattr__(self, "words", tuple(words))


class TextRestorer:
    """Restores one part of an answer, piece by piece; the result does not depend on how the text was cut.

    Args:
        restoring: the table and the settings.
        places: follows the whole channel; a link that one part begins is not over in the next.
    """

    __slots__ = ("_context", "_held", "_pending", "_places", "_restoring")

    def __init__(self, restoring: Restoring, *, places: PlaceFinder) -> None:
        self._restoring = restoring
        self._places = places
        self._pending: list[str] = []
        self._held = ""
        self._context = ""

    def feed(self, piece: str) -> str:
        """What may go on, restored."""
        buffer = self._held + piece
        last = buffer[-1:]
        if last not in _RUN and last not in _BLANK and self._restoring.surrogates is None:
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
        if start and buffer[start - 1] in _BLANK:
            start = self._word_before(buffer, start)
        surrogates = self._restoring.surrogates
        if surrogates is not None:
            start = min(start, surrogates.open_at(buffer))
        return max(start, len(buffer) - LONGEST)

    def _word_before(self, buffer: str, start: int) -> int:
        """Where the type word begins from which white space leads to `start`; `start` when there is none."""
        end = len(buffer[:start].rstrip(_BLANK))
        if start - end > _LONGEST_GAP:
            return start
        edge = max(0, end - LONGEST)
        begin = edge + len(buffer[edge:end].rstrip(_RUN_CHARACTERS))
        word = buffer[begin:end].translate(WITHOUT_UNSEEN)
        if not word or (buffer[end:start] != " " and word[-1] not in _SEPARATORS):
            return start
        letters = "".join([sign for sign in word.rstrip(_AFTER_WORD) if sign.isalnum()]).upper()
        return begin if letters.endswith(self._restoring.words) else start

    def _restored(self, buffer: str, cut: int) -> str:
        """The first `cut` characters of the buffer, restored; the rest is held."""
        offset = len(self._context)
        text = self._context + buffer
        cut += offset
        place = offset
        out: list[str] = []
        for start, end, token in self._hits(text, offset):
            if start >= cut:
                break
            between = text[place:start]
            out.append(between)
            out.append(self._value(token, between, text[start:end]))
            place = end
            cut = max(cut, place)  # a token that reaches over the cut is complete: nothing longer exists
        rest = text[place:cut]
        out.append(rest)
        self._pending.append(rest)
        self._held = text[cut:]
        self._context = text[max(0, cut - LONGEST) : cut]
        return "".join(out)

    def _hits(self, text: str, start: int) -> Iterator[Found]:
        """Tokens, surrogates and, where something is to become of them, invented tokens (None); in order."""
        restoring = self._restoring
        live = find(text, restoring.table, start=start, keep_brackets=restoring.keep_brackets)
        if restoring.surrogates is None and restoring.invented is None:
            return ((hit.start, hit.end, hit.token) for hit in live)
        return merged(text, start, live, restoring)

    def _value(self, token: Token | None, before: str, found: str) -> str:
        restoring = self._restoring
        self._pending.append(before)
        self._places.feed("".join(self._pending))
        self._pending.clear()
        place = self._places.place()
        self._places.feed("x")
        if token is None:
            restoring.counts["invented"] += 1
            return found if restoring.invented is None else restoring.invented.instead(found)
        entity = plain_entity(token.entity)
        if place != "text" and entity != LITERAL:
            restoring.counts[f"unrestored.{entity}"] += 1
            return found if is_surrogate(token.entity) else type_word(entity)
        restoring.counts[f"restored.{entity}"] += 1
        return json.dumps(token.value, ensure_ascii=False)[1:-1] if restoring.as_json else token.value


def merged(text: str, start: int, live: Iterator[Hit], restoring: Restoring) -> Iterator[Found]:
    """Everything of a text that is replaced on its way back, in order and without overlaps; live tokens win."""
    tokens: list[Found] = [(hit.start, hit.end, hit.token) for hit in live]
    others: list[Found] = []
    if restoring.surrogates is not None:
        others += restoring.surrogates.find(text, start)
    if restoring.invented is not None:
        others += [(*span, None) for span in restoring.invented.find(text, restoring.table) if span[0] >= start]
    starts = [each[0] for each in tokens]
    free: list[Found] = []
    for begin, end, token in others:
        place = bisect_left(starts, begin)
        before = tokens[place - 1][1] if place else 0
        behind = starts[place] if place < len(starts) else len(text)
        if before <= begin and end <= behind:
            free.append((begin, end, token))
    return iter(sorted([*tokens, *free], key=lambda each: each[:2]))
