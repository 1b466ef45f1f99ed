"""Measuring: interleaved rounds of CPU time, medians with their spread, a table and JSON.

Variants that are compared run in turn, round after round, so that a machine that slows down slows all of them. A cost
is the median over rounds of (variant - baseline) within one round, never a difference of two separate measurements.
"""

from __future__ import annotations

import gc
import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

Work = Callable[[int], object]  # does something so many times


@dataclass(frozen=True, slots=True)
class Result:
    """One figure.

    Attributes:
        value: the median, in the unit that the key names; `spread`: half the distance between the quartiles.
        bar: the most it may be, None when there is none; `baseline`: what was subtracted, or divided by.
        least: the bar is the least that it may be.
    """

    key: str
    value: float
    spread: float
    bar: float | None
    baseline: str
    least: bool = False

    @property
    def good(self) -> bool:
        """Whether the value keeps its bar."""
        if self.bar is None:
            return True
        return self.value >= self.bar if self.least else self.value <= self.bar

    @property
    def mark(self) -> str:
        """What the table says about it."""
        if self.bar is None:
            return "-"
        return "ok" if self.good else "UNDER" if self.least else "OVER"


def cpu_microseconds(work: Work, times: int) -> float:
    """CPU time of one repetition, in microseconds, without garbage collection."""
    gc.collect()
    gc.disable()
    try:
        began = time.process_time()
        work(times)
        return (time.process_time() - began) / times * 1e6
    finally:
        gc.enable()


def interleaved(variants: Mapping[str, Work], *, times: int, rounds: int) -> dict[str, list[float]]:
    """Microseconds of every variant in every round; the order of variants turns from round to round."""
    for work in variants.values():
        work(max(1, times // 10))
    measured: dict[str, list[float]] = {name: [] for name in variants}
    names = list(variants)
    for number in range(rounds):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            measured[name].append(cpu_microseconds(variants[name], times))
    return measured


def difference(
    measured: Mapping[str, list[float]], variant: str, baseline: str, *, divide: float = 1.0
) -> tuple[float, float]:
    """Median and spread of (variant - baseline) / divide, taken round by round."""
    pairs = zip(measured[variant], measured[baseline], strict=True)
    return middle([(value - base) / divide for value, base in pairs])


def middle(values: list[float]) -> tuple[float, float]:
    """The median, and half the distance between the quartiles."""
    if len(values) < 2:
        return values[0], 0.0
    low, median, high = statistics.quantiles(values, n=4)
    return median, (high - low) / 2


def report(results: list[Result], *, json_file: str | None, beside: Mapping[str, object] | None = None) -> int:
    """Print the table, write the JSON with what is `beside` the results; 1 when a bar is broken."""
    for line in result_lines(results):
        print(line)
    if json_file:
        data = {
            "python": sys.version.split()[0],
            "results": {result.key: {**asdict(result), "good": result.good} for result in results},
            **(beside or {}),
        }
        Path(json_file).write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
    return 0 if all(result.good for result in results) else 1


def result_lines(results: list[Result]) -> list[str]:
    """The table as text."""
    width = max(len(result.key) for result in results)
    lines = [f"{'key':<{width}}  {'value':>10}  {'spread':>8}  {'bar':>8}         measured against"]
    for result in results:
        bar = "-" if result.bar is None else f"{'>=' if result.least else '<='}{result.bar:g}"
        lines.append(
            f"{result.key:<{width}}  {result.value:>10.3f}  {result.spread:>8.3f}  {bar:>8}  "
            f"{result.mark:<5}  {result.baseline}"
        )
    return lines
