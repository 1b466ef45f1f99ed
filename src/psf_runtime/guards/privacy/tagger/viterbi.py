"""The best sequence of tags for a run of tokens, given the scores of each token and of each step."""

from __future__ import annotations

from collections.abc import Sequence
from operator import add


def best_path(scores: Sequence[Sequence[int]], steps: Sequence[Sequence[int]], *, first: int, last: int) -> list[int]:
    """The tags with the highest sum of scores and steps, by number (A. Viterbi, 1967).

    Args:
        scores: per token, the score of each tag.
        steps: `steps[a][b]` is the score of tag `b` after tag `a`.
        first, last: the tags that stand before and after the run.
    """
    into = list(zip(*steps, strict=True))
    best = list(map(add, steps[first], scores[0]))
    back: list[list[int]] = []
    for row in scores[1:]:
        origins = []
        totals = []
        for column, score in zip(into, row, strict=True):
            sums = list(map(add, best, column))
            top = max(sums)
            origins.append(sums.index(top))
            totals.append(top + score)
        best = totals
        back.append(origins)
    sums = list(map(add, best, into[last]))
    tag = sums.index(max(sums))
    path = [tag]
    for origins in reversed(back):
        tag = origins[tag]
        path.append(tag)
    return path[::-1]
