"""Everything that holds digits: each cluster of them is looked at once and sent to what may recognise it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from psf_runtime.guards.privacy.recognise.cards import SHORTEST, find_cards
from psf_runtime.guards.privacy.recognise.clusters import Groups, clusters, groups_of, number_of, windows
from psf_runtime.guards.privacy.recognise.dates import date_at
from psf_runtime.guards.privacy.recognise.ibans import iban_at
from psf_runtime.guards.privacy.recognise.ids import CERTAIN, SIZES, national
from psf_runtime.guards.privacy.recognise.lettered import lettered
from psf_runtime.guards.privacy.recognise.phones import PHONE_SIZES, phone
from psf_runtime.guards.privacy.recognise.words import BEFORE, named
from psf_runtime.ports import Detection

_WORD = re.compile(r"[^\W_]*+(?:-[^\W_]++){0,3}")
_LETTERS_BEFORE = 7  # a number with letters in front has at most so many
_BY_WORD = {"passport": "PASSPORT", "licence": "DRIVING_LICENCE", "account": "BANK_ACCOUNT", "medical": "MEDICAL_ID"}
_WORD_SIZES = {"PASSPORT": (6, 12), "DRIVING_LICENCE": (5, 20), "BANK_ACCOUNT": (6, 18), "MEDICAL_ID": (5, 16)}
_NAMED_SCORE = 0.6
_STRONG = frozenset({"FR_NIR"})  # checked twice as hard as a card
ENTITIES = frozenset(_WORD_SIZES)


def find_numbers(text: str, lowered: str) -> list[Detection]:
    """Cards, accounts, telephones, dates, papers and other numbers; `lowered` is the text in lower case."""
    found: list[Detection] = []
    done = 0
    for start, end in clusters(text):
        if start < done:
            continue
        before = start and text[start - 1].isalpha()
        after = text[end : end + 1].isalpha()
        if before or after:
            end, hits = _in_word(text, lowered, start, end)
            done = end
        else:
            hits = _in_cluster(text, lowered, start, end)
        found += hits
    return found


def _in_word(text: str, lowered: str, start: int, end: int) -> tuple[int, list[Detection]]:
    """A cluster that letters touch: where to go on, and what was found."""
    begin = start
    while begin > 0 and start - begin < _LETTERS_BEFORE and (text[begin - 1].isalpha() or text[begin - 1].isdigit()):
        begin -= 1
    word = _WORD.match(text, begin)
    stop = word.end() if word is not None else end
    account = iban_at(text, begin)
    if account is not None:
        return account.end, [account]
    if stop - begin < _SHORTEST_WORD and end - start < _SHORTEST_WORD:
        return max(end, stop), []
    families = named(lowered, begin, stop)
    hit = lettered(text, begin, families)
    if hit is None and begin == start and start > 1:
        hit = _apart(text, start, families)
    if hit is not None:
        return hit.end, [hit]
    if end > stop or (begin == start and text[start : start + 1].isdigit() and end - start >= 7):
        hits = _in_cluster(text, lowered, start, end)
        if hits:
            return end, hits
    generic = _by_word(text, begin, stop, families)
    return max(stop, start + 1), [] if generic is None else [generic]


_SHORTEST_WORD = 6
_KNOWN_SIZES = SIZES | PHONE_SIZES
_OF_A_DATE = 3
_SHORT_CARD = 13  # so many digits pass for a card by chance too often to be one behind the word for an order


def _in_cluster(text: str, lowered: str, start: int, end: int) -> list[Detection]:
    groups = groups_of(text, start, end)
    day = date_at(text, lowered, groups)
    if day is not None:
        return [day]
    families = named(lowered, start, end)
    whole = _one(text, groups, families)
    if whole is not None and (end - start < SHORTEST or whole.entity in _STRONG or whole.score >= CERTAIN):
        return [whole]
    if end - start >= SHORTEST:
        cards = find_cards(text, groups)
        if cards and not (families[-1:] == ("order",) and end - start <= _SHORT_CARD):
            return cards + _beside(text, groups, cards, lowered)
    if whole is not None:
        return [whole]
    if len(groups) > 1:
        parts = list(_parts(text, groups, lowered))
        if parts:
            return parts
    apart = _apart(text, start, families)
    if apart is not None:
        return [apart]
    generic = _by_word(text, start, end, families)
    return [] if generic is None else [generic]


def _one(text: str, groups: Groups, families: tuple[str, ...]) -> Detection | None:
    """What the groups are as one number: of an identity number and a telephone the surer one."""
    known: Detection | None = None
    if len(groups) < 9:
        number = number_of(text, groups)
        if number.sizes in SIZES and not _touched(text, number.start, number.end):
            known = national(number, families)
    call = phone(text, groups, families)
    if known is None or (call is not None and call.score > known.score):
        return call
    return known


def _touched(text: str, start: int, end: int) -> bool:
    """Whether a number is part of a longer one: `x-12-345`, `1.2.345-67`, `12-345/6`."""
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    if before[-1:] in ("-", "+", "#") and before[:1].isalnum():
        return True
    if before[-1:] in (".", "/") and before[:1].isdigit():
        return True
    return after[:1] in ("-", "/", ".", ",") and after[1:].isdigit()


def _parts(text: str, groups: Groups, lowered: str) -> Iterator[Detection]:
    """The numbers that stand side by side in one cluster, with blanks between."""
    done = 0
    for first, last in windows(text, groups):
        if first < done or (first, last) == (0, len(groups)):
            continue
        part = groups[first:last]
        length = part[-1][1] - part[0][0]
        if not _SHORTEST_WORD < length < 40:
            continue
        # A column of single digits is no number: groups have two on average. And a cluster has no letters in it, so
        # words are near its ends only.
        if length < 3 * len(part) - 2:
            continue
        near = part[0][0] - groups[0][0] < BEFORE or groups[-1][1] - part[-1][1] < BEFORE
        if not near and tuple([stop - begin for begin, stop in part]) not in _KNOWN_SIZES and len(part) != _OF_A_DATE:
            continue
        families = named(lowered, part[0][0], part[-1][1]) if near else ()
        hit = date_at(text, lowered, part) or _one(text, part, families)
        if hit is not None:
            yield hit
            done = last


def _beside(text: str, groups: Groups, cards: list[Detection], lowered: str) -> list[Detection]:
    """What else stands in a cluster that holds a card."""
    free = [group for group in groups if not any(card.start <= group[0] < card.end for card in cards)]
    return list(_parts(text, free, lowered)) if len(free) > 1 else []


def _apart(text: str, start: int, families: tuple[str, ...]) -> Detection | None:
    """A number whose letters stand apart from its digits: `AB 12 34 56 C`, `X-1234567-L`, `12345678-Z`."""
    for begin in (start - 3, start - 2, start):
        if begin >= 0 and text[begin].isalnum():
            hit = lettered(text, begin, families)
            if hit is not None:
                return hit
    return None


def _by_word(text: str, start: int, end: int, families: tuple[str, ...]) -> Detection | None:
    """A number that nothing but the word before it makes known: a passport, a licence, an account, a patient."""
    if not families or families[-1] not in _BY_WORD:
        return None
    entity = _BY_WORD[families[-1]]
    signs = [character for character in text[start:end] if character.isalnum()]
    fewest, most = _WORD_SIZES[entity]
    digits = sum(map(str.isdigit, signs))
    if not fewest <= len(signs) <= most or digits < 4 or digits * 2 < len(signs):
        return None
    if entity == "BANK_ACCOUNT" and digits < len(signs):
        return None
    return Detection(start, end, entity, _NAMED_SCORE)
