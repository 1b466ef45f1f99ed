"""`check_guard`: all laws that hold for a guard, over random answers. Needs `hypothesis`."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import HealthCheck, given, settings

from psf_runtime.flow.protocols import Guard
from psf_runtime.testing.generators import WORDS, answers
from psf_runtime.testing.laws import check_cuts, check_fusing, check_one_path, check_sharing
from psf_runtime.types.chunks import Chunk
from psf_runtime.types.request import Request


def check_guard(
    guard: Guard, *, request: Request | None = None, words: Sequence[str] = WORDS, examples: int = 50
) -> None:
    """Run laws 1, 2, 9 and 12 on your guard in all four modes.

    Args:
        guard: an instance; it is used again and again, as in a real client.
        request: what is asked; a small default one when None.
        words: what answers are made of: put in the words your guard looks for, and pieces of them.
        examples: how many random answers.

    Raises AssertionError with the smallest answer that breaks a law.
    """

    @settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
        derandomize=True,
        report_multiple_bugs=False,
    )
    @given(chunks=answers(tuple(words)))
    def laws(chunks: list[Chunk]) -> None:
        check_one_path(lambda: [guard], lambda: lambda _: [[chunk] for chunk in chunks], request=request)
        check_cuts(lambda: [guard], chunks, request=request)
        check_fusing(lambda: [guard, guard], lambda: lambda _: [chunks], request=request)
        check_sharing([guard], [lambda _: [chunks], lambda _: [chunks[:1]]], request=request)

    laws()
