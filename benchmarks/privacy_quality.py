"""How much of what was planted is found, and how much of what is found was planted. On generated texts only.

That measures spellings that the generator knows, not the world: a figure here is a floor for comparison, no promise.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.privacy_texts import planted
from benchmarks.privacy_values import VALUES

Span = tuple[int, int, str]
_OVERLAP = 0.5


@dataclass(frozen=True, slots=True)
class Score:
    """Counts for one entity: planted, planted and found, found."""

    planted: int = 0
    hit: int = 0
    found: int = 0
    right: int = 0

    @property
    def recall(self) -> float | None:
        """The share of planted values that were found; None when there were none."""
        return self.hit / self.planted if self.planted else None

    @property
    def precision(self) -> float | None:
        """The share of finds that were planted; None when nothing was found."""
        return self.right / self.found if self.found else None


def scores(answers: Sequence[Iterable[Sequence[int | str]]], *, size: int) -> dict[str, Score]:
    """Each entity's score over the documents of the seeds 0, 1, 2 ..., whose finds are `answers`."""
    counts = {entity: [0, 0, 0, 0] for entity in VALUES}
    for seed, answer in enumerate(answers):
        values = planted("document", size, seed=seed).values
        found = [(int(start), int(end), str(entity)) for start, end, entity in answer]
        for entity, count in counts.items():
            wanted = [value for value in values if value[2] == entity]
            given = [one for one in found if one[2] == entity]
            count[0] += len(wanted)
            count[1] += sum(any(_same(value, one) for one in given) for value in wanted)
            count[2] += len(given)
            count[3] += sum(any(_same(value, one) for value in wanted) for one in given)
    return {entity: Score(*count) for entity, count in counts.items()}


def _same(one: Span, other: Span) -> bool:
    """Whether two spans share at least half of what they cover together."""
    shared = min(one[1], other[1]) - max(one[0], other[0])
    return shared > 0 and shared / (max(one[1], other[1]) - min(one[0], other[0])) >= _OVERLAP


def quality_lines(table: Mapping[str, Mapping[str, Score]]) -> list[str]:
    """The table as text: recall and precision of every entity, a column for each reader."""
    lines = [f"{'':<14}" + "".join(f"{name:>17}" for name in table)]
    for entity in VALUES:
        cells = [
            f"{_percent(each[entity].recall):>9} /{_percent(each[entity].precision):>6}" for each in table.values()
        ]
        lines.append(f"{entity:<14}" + "".join(cells))
    return lines


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.2f}"
