"""From rounds to figures: differences and ratios within a round, then their median and spread. Arithmetic alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks.measure import Result, middle
from benchmarks.rounds import Rounds

OURS = "psf_runtime"
Measured = Mapping[str, Rounds]  # by row


@dataclass(frozen=True, slots=True)
class Comparison:
    """One figure that sets psf_runtime against a peer: `row` is whose rounds, `kind` a difference or a ratio."""

    key: str
    row: str
    peer: str
    kind: str
    bar: float | None
    baseline: str


@dataclass(frozen=True, slots=True)
class Column:
    """One figure of every sender: `field` of the rounds of `row`, divided by `divide`."""

    key: str
    row: str
    field: str
    divide: float = 1.0


COMPARISONS = (
    Comparison("added_us_sync", "small_sync", "httpx", "difference", 250.0, "httpx, the same POST, its JSON parsed"),
    Comparison("added_us_async", "small_async", "httpx", "difference", 300.0, "httpx, the same POST, its JSON parsed"),
    Comparison("stream_ratio", "stream_sync", "httpx", "ratio", 3.0, "httpx, the same lines read and parsed"),
    Comparison("stream_async_ratio", "stream_async", "httpx", "ratio", None, "httpx, the same lines read and parsed"),
    Comparison("history_200k_ratio", "history_sync", "openai", "ratio", 0.2, "openai SDK, 200 KB sent again"),
    Comparison("openai_sdk_ratio", "small_sync", "openai", "ratio", 1.0, "openai SDK, small blocking call"),
    Comparison("litellm_ratio", "small_sync", "litellm", "ratio", 0.33, "LiteLLM, small blocking call"),
)
COLUMNS = (
    Column("small_sync_us", "small_sync", "cpu_us"),
    Column("small_async_us", "small_async", "cpu_us"),
    Column("history_200k_ms", "history_sync", "cpu_us", 1e3),
    Column("stream_ms", "stream_sync", "cpu_us", 1e3),
    Column("stream_async_ms", "stream_async", "cpu_us", 1e3),
    Column("calls_s_64", "flight_64", "calls_s"),
    Column("cpu_us_64", "flight_64", "cpu_us"),
    Column("calls_s_512", "flight_512", "calls_s"),
    Column("cpu_us_512", "flight_512", "cpu_us"),
    Column("rss_512_mb", "peak", "peak_mb"),
)
_BARS = {
    "calls_s_64": (1_000.0, True, "64 calls in flight, each answered after 50 ms"),
    "calls_s_512": (2_000.0, True, "512 calls in flight, each answered after 50 ms"),
    "rss_512_mb": (60.0, False, "peak memory of the process with 512 calls in flight"),
}
_COMBINE: Mapping[str, Callable[[float, float], float]] = {
    "difference": lambda ours, theirs: ours - theirs,
    "ratio": lambda ours, theirs: ours / theirs,
}


def within_rounds(rounds: Rounds, field: str, *, peer: str, kind: str) -> list[float]:
    """psf_runtime against a peer, once for every round that both took."""
    combine = _COMBINE[kind]
    pairs = zip(rounds.get(OURS, []), rounds.get(peer, []), strict=False)
    return [combine(ours[field], theirs[field]) for ours, theirs in pairs if ours is not None and theirs is not None]


def values_of(rounds: Rounds, field: str, sender: str) -> list[float]:
    """A field of every round that a sender took."""
    return [taken[field] for taken in rounds.get(sender, []) if taken is not None]


def compared(measured: Measured) -> list[Result]:
    """The figures with bars. One whose peer was not measured is left out."""
    results = []
    for wanted in COMPARISONS:
        values = within_rounds(measured.get(wanted.row, {}), "cpu_us", peer=wanted.peer, kind=wanted.kind)
        if values:
            results.append(Result(wanted.key, *middle(values), wanted.bar, wanted.baseline))
    own = per_sender(measured).get(OURS, {})
    for key, (bar, least, baseline) in _BARS.items():
        if key in own:
            results.append(Result(key, *own[key], bar, baseline, least=least))
    return results


def per_sender(measured: Measured) -> dict[str, dict[str, tuple[float, float]]]:
    """Median and spread of every column, by sender. What a sender cannot do is left out."""
    table: dict[str, dict[str, tuple[float, float]]] = {}
    for column in COLUMNS:
        rounds = measured.get(column.row, {})
        for sender in rounds:
            values = [value / column.divide for value in values_of(rounds, column.field, sender)]
            if values:
                table.setdefault(sender, {})[column.key] = middle(values)
    return table


def table_lines(table: Mapping[str, Mapping[str, tuple[float, float]]], names: Mapping[str, str]) -> list[str]:
    """The table as text: a line for each column key, a column for each sender under the heading in `names`."""
    senders = list(table)
    lines = [f"{'':<16}" + "".join(f"{names.get(sender, sender):>22}" for sender in senders)]
    for column in COLUMNS:
        cells = []
        for sender in senders:
            found = table[sender].get(column.key)
            cells.append(f"{'-':>22}" if found is None else f"{found[0]:>13,.1f} ±{found[1]:>7,.1f}")
        lines.append(f"{column.key:<16}" + "".join(cells))
    return lines
