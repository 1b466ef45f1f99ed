"""Payment cards: first digits and lengths of the issuers, and Luhn's check."""

from __future__ import annotations

from psf_runtime.guards.privacy.recognise.checks import luhn
from psf_runtime.guards.privacy.recognise.clusters import Groups
from psf_runtime.ports import Detection

# First digits (low, high) and the lengths that the issuer uses.
# Source: the ranges of ISO/IEC 7812 as the issuers publish them.
_ISSUERS: tuple[tuple[str, str, frozenset[int]], ...] = (
    ("4", "4", frozenset({13, 16, 19})),
    ("51", "55", frozenset({16})),
    ("2221", "2720", frozenset({16})),
    ("34", "34", frozenset({15})),
    ("37", "37", frozenset({15})),
    ("300", "305", frozenset(range(14, 20))),
    ("3095", "3095", frozenset(range(14, 20))),
    ("36", "36", frozenset(range(14, 20))),
    ("38", "39", frozenset(range(14, 20))),
    ("3528", "3589", frozenset(range(16, 20))),
    ("2131", "2131", frozenset({15})),
    ("1800", "1800", frozenset({15})),
    ("2014", "2014", frozenset({15})),
    ("2149", "2149", frozenset({15})),
    ("2200", "2205", frozenset(range(16, 20))),
    ("50", "50", frozenset(range(12, 20))),
    ("56", "69", frozenset(range(12, 20))),
    ("81", "82", frozenset(range(16, 20))),
    ("9792", "9792", frozenset({16})),
    ("1", "1", frozenset({15})),
)
SHORTEST, _LONGEST = 12, 19
_SCORE = 0.95


def find_cards(text: str, groups: Groups) -> list[Detection]:
    """The cards among the groups of a cluster: 12 to 19 digits with a known first part and a right check."""
    found: list[Detection] = []
    first = 0
    while first < len(groups):
        last = _card_from(text, groups, first)
        if last is None:
            first += 1
            continue
        found.append(Detection(groups[first][0], groups[last][1], "CREDIT_CARD", _SCORE))
        first = last + 1
    return found


def _card_from(text: str, groups: Groups, first: int) -> int | None:
    """The index of the last group of the longest card that begins with group `first`."""
    start = groups[first][0]
    if start and (text[start - 1].isalnum() or text[start - 1] in "_+"):
        return None
    digits = ""
    best: int | None = None
    mark = ""
    for last in range(first, len(groups)):
        begin, end = groups[last]
        if last > first:
            between = text[groups[last - 1][1] : begin]
            if between not in (" ", "-", "\u00a0") or (mark and between != mark):
                break  # another sign than before: another number
            mark = between
        digits += text[begin:end]
        if len(digits) > _LONGEST:
            break
        if len(digits) >= SHORTEST and _grouped_like_card(groups, first, last) and is_card(digits):
            after = text[end : end + 1]
            if not (after.isalnum() or after == "_"):
                best = last
    return best


def _grouped_like_card(groups: Groups, first: int, last: int) -> bool:
    sizes = [end - start for start, end in groups[first : last + 1]]
    return len(sizes) == 1 or (sizes[0] >= 3 and all(2 <= size <= 9 for size in sizes))


def is_card(digits: str) -> bool:
    """Whether these digits can be a card: issuer, length and Luhn."""
    if not any(low <= digits[: len(low)] <= high and len(digits) in lengths for low, high, lengths in _ISSUERS):
        return False
    return luhn(digits)
