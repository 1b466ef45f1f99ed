"""The best sequence of tags for a run of tokens, given the scores of each token and of each step."""

from __future__ import annotations

from collections.abc import Sequence


def best_path(scores: Sequence[Sequence[int]], steps: Sequence[Sequence[int]], *, first: int, last: int) -> list[int]:
    """The tags with the highest sum of scores and steps, by number (A. Viterbi, 1967).

    Args:
        scores: per token, the score of each tag.
        steps: `steps[a][b]` is the score of tag `b` after tag `a`.
        first, last: the tags that stand before and after the run.
    """
    size = len(steps)
    best = [steps[first][tag] + score for tag, score in enumerate(scores[0])]
    back: list[list[int]] = []
    for row in scores[1:]:
        origins = []
        totals = []
        for tag in range(size):
            origin = max(range(size), key=lambda before: best[before] + steps[before][tag])
            origins.append(origin)
            totals.append(best[origin] + steps[origin][tag] + row[tag])
        best = totals
        back.append(origins)
    tag = max(range(size), key=lambda final: best[final] + steps[final][last])
    path = [tag]
    for origins in reversed(back):
        tag = origins[tag]
        path.append(tag)
    return path[::-1]
