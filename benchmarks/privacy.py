"""What finding and replacing personal data costs, beside Presidio and others; in one run, in turn, on generated texts.

Run: python -m benchmarks.privacy [--quick] [--json FILE] [--peers DIR]
The other packages are installed in environments of their own (benchmarks/privacy_peers.py), made when they are not
there. Every reader has a process of its own; they take turns, round after round. Times are CPU time but for the loop.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.figures import values_of, within_rounds
from benchmarks.measure import Result, middle, report
from benchmarks.peers import default_folder
from benchmarks.privacy_own import history_guard, loop_gaps, restore_us_per_delta, stream_mismatches
from benchmarks.privacy_peers import make_peers
from benchmarks.privacy_quality import Score, quality_lines, scores
from benchmarks.rounds import BrokenSenderError, Rounds, Work, Worker, quiet_environment, take_rounds
from benchmarks.stub import ROOT
from psf_runtime.guards.privacy.detect import Builtin

OURS = "psf_runtime"
SIZES = {"200": ("chat", 200), "2k": ("email", 2_048), "20k": ("document", 20_480), "200k": ("transcript", 204_800)}
LARGEST = ("transcript", 524_288)
# What a quick run does not ask of readers that take many seconds for it.
_LARGE = ("cold_200k", "cold_200k_none", "cold_512k", "warm_200k", "history")
_SPARED = {"presidio": ("cold_512k", "warm_200k"), "presidio_model": _LARGE, "maskrelay": _LARGE}
TURNS = 20
DOCUMENT = 4_000
CHUNKINGS = 10_000
# What Presidio's default English recognisers look for, by our names.
SEVENTEEN = frozenset(
    (
        *("CREDIT_CARD", "CRYPTO", "DATE_TIME", "EMAIL", "IBAN", "IP", "MAC", "MEDICAL_LICENSE", "PHONE", "UK_NHS"),
        *("URL", "US_BANK_NUMBER", "US_DRIVER_LICENSE", "US_ITIN", "US_PASSPORT", "US_SSN", "UUID"),
    )
)
Measured = dict[str, Rounds]


class ReaderProcess(Worker):
    """A reader in its own process."""

    def __init__(self, name: str, *, python: str, environ: Mapping[str, str]) -> None:
        self.name = name
        self.version = self.note = ""
        self.blocking = True
        self.start_s = 0.0
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        self._process = subprocess.Popen(
            [python, "-m", "benchmarks.privacy_worker", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            cwd=ROOT,
            env=dict(environ),
        )

    def wait(self) -> None:
        """Until it has read its first text. Raises BrokenSenderError."""
        hello: Any = self._answer()
        self.version, self.note, self.start_s = str(hello["version"]), str(hello["note"]), float(hello["start_s"])

    def found(self, *, texts: int, size: int) -> Any:
        """What it finds in each of the documents."""
        answer: Any = self.measure({"measure": "found", "texts": texts, "size": size})
        return answer["found"]


@contextmanager
def readers(pythons: Mapping[str, str], broken: dict[str, str]) -> Iterator[list[ReaderProcess]]:
    """A process for each reader; who cannot start is noted in `broken`."""
    started: list[ReaderProcess] = []
    ready: list[ReaderProcess] = []
    try:
        for name, python in pythons.items():
            path = os.environ.get("PYTHONPATH") if python == sys.executable else None
            started.append(ReaderProcess(name, python=python, environ=quiet_environment(os.environ, path=path)))
        for reader in started:
            try:
                reader.wait()
                ready.append(reader)
            except BrokenSenderError as error:
                broken[reader.name] = str(error)
        yield ready
    finally:
        for reader in started:
            reader.close()


def works(*, quick: bool) -> list[Work]:
    """What every reader is told to do."""
    rounds = 3 if quick else 11
    patience = 4.0 if quick else 25.0
    out = []
    for number, (label, (kind, size)) in enumerate({**SIZES, "512k": LARGEST}.items()):
        times = max(1, (20_000 if quick else 40_000) // size)
        for personal in (True, False):
            if label == "512k" and not personal:
                continue
            name = f"cold_{label}" if personal else f"cold_{label}_none"
            command = {"measure": "cold", "kind": kind, "size": size, "personal": personal, "times": times}
            # Within a round every reader sees the same texts, and sees them for the first time.
            out.append(Work(name, {**command, "seed": 100_000 * number}, rounds, patience=patience))
    warm = {"measure": "warm", "personal": True, "seed": 1}
    for label in ("2k", "200k"):
        kind, size = SIZES[label]
        command = {**warm, "kind": kind, "size": size, "times": max(1, 40_000 // size)}
        out.append(Work(f"warm_{label}", command, rounds, patience=patience))
    out.append(Work("history", {"measure": "history", "turns": TURNS, "seed": 1}, rounds, patience=patience))
    return out


def fresh(work: Work, number: int) -> Work:
    """The same work for one round, on texts of its own."""
    seed = work.command["seed"] + 1_000 * number
    return Work(work.name, {**work.command, "seed": seed}, 1, patience=work.patience)


def measure_all(ready: Sequence[ReaderProcess], broken: dict[str, str], *, quick: bool) -> Measured:
    """Every work, round after round. A reader that was slow in one round of a work is spared the next ones."""
    measured: Measured = {}
    for work in works(quick=quick):
        able = [reader for reader in ready if not (quick and work.name in _SPARED.get(reader.name, ()))]
        taken: Rounds = {reader.name: [] for reader in able}
        spent = dict.fromkeys(taken, 0.0)
        for number in range(work.rounds):
            turn = number % max(1, len(able))
            patient = [one for one in [*able[turn:], *able[:turn]] if spent[one.name] <= work.patience]
            for reader in patient:
                began = time.monotonic()
                taken[reader.name] += take_rounds([reader], fresh(work, number), broken)[reader.name]
                spent[reader.name] += time.monotonic() - began
        measured[work.name] = taken
    return measured


def own_value(measured: Measured, row: str, divide: float = 1e3) -> tuple[float, float]:
    """Median and spread of our own rounds of a row, in ms."""
    return middle([value / divide for value in values_of(measured[row], "cpu_us", OURS)])


def results_of(measured: Measured, *, quick: bool) -> list[Result]:
    """The figures with bars, then those that only psf_runtime has."""
    out = [
        Result("cold_2k_ms", *own_value(measured, "cold_2k"), 0.6, "CPU, e-mails of 2 KB that were never seen"),
        *_speedup(measured, "cold_2k_speedup", "cold_2k", 10.0, "Presidio's AnalyzerEngine, the same e-mails"),
        Result("warm_2k_ms", *own_value(measured, "warm_2k"), 0.2, "CPU, an e-mail of 2 KB that came before"),
        Result("context_200k_ms", *own_value(measured, "cold_200k"), 50.0, "CPU, a transcript of 200 KB, context on"),
    ]
    pairs = zip(
        values_of(measured["cold_512k"], "cpu_us", OURS), values_of(measured["cold_200k"], "cpu_us", OURS), strict=False
    )
    growth = middle([large / small for large, small in pairs])
    out.append(Result("scaling_512k_over_200k", *growth, 2.6, "512 KB over 200 KB; linear is 2.56"))
    out += _speedup(measured, "history_speedup", "history", 50.0, f"Presidio, {TURNS} turns, all sent again each turn")
    gaps = loop_gaps(5 if quick else 15, size=204_800)
    out += [
        Result("loop_gap_ms", *gaps["guard"], 10.0, "wall, longest wait of another task while 200 KB are tokenised"),
        Result("loop_gap_idle_ms", *gaps["idle"], None, "the same while nothing runs: the machine's own part"),
        Result("loop_gap_client_ms", *gaps["client"], None, "the same through a whole AsyncClient"),
        Result("history_guard_ms", *history_guard(3 if quick else 7), None, f"CPU of the whole guard, {TURNS} turns"),
        Result("restore_us_per_delta", *restore_us_per_delta(5 if quick else 15), 5.0, "CPU, deltas of 4 characters"),
        Result("stream_mismatches", stream_mismatches(CHUNKINGS), 0.0, 0.0, f"of {CHUNKINGS:,} random chunkings"),
    ]
    return out


def _speedup(measured: Measured, key: str, row: str, bar: float, baseline: str) -> list[Result]:
    """How many times Presidio takes what we take, within rounds; nothing when it was not measured."""
    ratios = [1 / ratio for ratio in within_rounds(measured[row], "cpu_us", peer="presidio", kind="ratio")]
    return [Result(key, *middle(ratios), bar, baseline, least=True)] if ratios else []


def time_lines(measured: Measured, ready: Sequence[ReaderProcess]) -> list[str]:
    """Milliseconds of CPU for one text, a line for each row, a column for each reader."""
    lines = [f"{'ms of CPU a text':<18}" + "".join(f"{reader.name:>16}" for reader in ready)]
    for row, rounds in measured.items():
        cells = []
        for reader in ready:
            values = [value / 1e3 for value in values_of(rounds, "cpu_us", reader.name)]
            cells.append(f"{'-':>16}" if not values else f"{middle(values)[0]:>16,.3f}")
        lines.append(f"{row:<18}" + "".join(cells))
    return lines


def pythons_of(folder: Path, broken: dict[str, str]) -> dict[str, str]:
    """Which Python runs which reader."""
    pythons = {OURS: sys.executable}
    for peer in make_peers(folder):
        if peer.problem:
            broken[peer.name] = peer.problem
            continue
        pythons[peer.name] = peer.python
        if peer.name == "presidio":
            pythons["presidio_model"] = peer.python
    if find_spec("presidio_analyzer") is not None:
        pythons["adapter"] = sys.executable
    return pythons


def quality_of(ready: Sequence[ReaderProcess], broken: dict[str, str], *, quick: bool) -> dict[str, dict[str, Score]]:
    """What every reader finds of what was planted."""
    table = {}
    for reader in ready:
        if reader.name not in broken:
            answers = reader.found(texts=20 if quick else 100, size=DOCUMENT)
            table[reader.name] = scores(answers, size=DOCUMENT)
    return table


def unasked() -> list[str]:
    """The entities of Presidio's seventeen that the built-in detector does not look for: the comparison lacks them."""
    return sorted(SEVENTEEN - Builtin().entities)


def show(ready: Sequence[ReaderProcess], measured: Measured, quality: Mapping[str, Mapping[str, Score]]) -> None:
    """Print who was measured, the times of all, and what was found."""
    for reader in ready:
        print(f"{reader.name:<15} {reader.version:<10} ready after {reader.start_s:>5.2f} s   {reader.note}")
    if unasked():
        print(f"the built-in detector does less: of Presidio's 17 it does not look for {', '.join(unasked())}")
    print()
    print("\n".join(time_lines(measured, ready)))
    print("\nrecall / precision of values planted in generated texts (no measure of real ones):")
    print("\n".join(quality_lines(quality)))
    print()


def parsed() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--json", metavar="FILE", help="write the results as JSON, too")
    parser.add_argument("--peers", metavar="DIR", help="where the environments of the other packages are")
    return parser.parse_args()


def main() -> int:
    """Measure everything, print the tables; 1 when a bar is broken."""
    options, broken = parsed(), dict[str, str]()
    logging.getLogger("psf_runtime").setLevel(logging.ERROR)  # what a client says once is no part of the report
    folder = Path(options.peers) if options.peers else default_folder(os.environ)
    pythons = pythons_of(folder.resolve(), broken)
    began, load = time.monotonic(), os.getloadavg()[0]
    with readers(pythons, broken) as ready:
        quality = quality_of(ready, broken, quick=options.quick)
        measured = measure_all(ready, broken, quick=options.quick)
        show(ready, measured, quality)
        beside = {
            "measured": time.strftime("%Y-%m-%d"),
            "machine": {"platform": platform.platform(), "cpus": os.cpu_count(), "load_before": round(load, 2)},
            "quick": options.quick,
            "readers": {one.name: {"version": one.version, "note": one.note, "start_s": one.start_s} for one in ready},
            "rows_ms": {row: _medians(rounds) for row, rounds in measured.items()},
            "quality": {name: _shares(each) for name, each in quality.items()},
            "not_looked_for": unasked(),
            "missing": broken,
        }
    results = results_of(measured, quick=options.quick)
    code = report(results, json_file=options.json, beside=json.loads(json.dumps(beside)))
    for name, problem in broken.items():
        print(f"not measured to the end: {name}: {problem}")
    if load > 0.5:
        print(f"the machine was busy before (load {load:.1f}): trust the ratios more than the times")
    print(f"measured in {time.monotonic() - began:.0f} s", file=sys.stderr)
    return code


def _medians(rounds: Rounds) -> dict[str, float]:
    medians = {}
    for name in rounds:
        values = [value / 1e3 for value in values_of(rounds, "cpu_us", name)]
        if values:
            medians[name] = round(middle(values)[0], 4)
    return medians


def _shares(table: Mapping[str, Score]) -> dict[str, Any]:
    return {entity: {"recall": one.recall, "precision": one.precision} for entity, one in table.items()}


if __name__ == "__main__":
    raise SystemExit(main())
