"""What psf_runtime costs: the engine alone, whole calls beside other packages, an import, and whether memory grows.

Run: python -m benchmarks.overhead [--quick] [--json FILE] [--peers DIR] [--profile KEY]
The other packages are installed in environments of their own (benchmarks/peers.py), made here when they are not there.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import sys
import time
from pathlib import Path

from benchmarks.figures import per_sender, table_lines
from benchmarks.layers import PROFILES, print_profile
from benchmarks.measure import Result, difference, interleaved, report
from benchmarks.peers import default_folder, make_peers
from benchmarks.pipelines import (
    CHUNKS,
    Active,
    LeanTransport,
    NoOp,
    complete,
    complete_async,
    empty_async_task,
    mock,
    stream,
    stream_async,
)
from benchmarks.processes import growth_kb, import_costs, over
from benchmarks.side_by_side import Comparison, compare

CALLS = 20_000
WARM_CALLS = 11_000  # the last 10,000 decisions are kept in memory on purpose


def call_results(rounds: int) -> list[Result]:
    """Whole calls: guards over the empty pipeline, and the empty async pipeline over an empty async function."""
    with asyncio.Runner() as runner:
        variants = {
            "empty": complete([]),
            "12 no-ops": complete([NoOp()] * 12),
            "8 active": complete([Active()] * 8),
            "async nothing": empty_async_task(runner),
            "async mock": complete_async([], mock(), runner),
            "async lean": complete_async([], LeanTransport(), runner),
        }
        measured = interleaved(variants, times=2_000, rounds=rounds)
    empty = "a sync call through the empty pipeline"
    nothing = "an async function that does nothing"
    return [
        Result("noop12_us", *difference(measured, "12 no-ops", "empty"), 5.0, empty),
        Result("engine8_us", *difference(measured, "8 active", "empty"), 12.0, empty),
        Result(
            "empty_async_us", *difference(measured, "async mock", "async nothing"), 12.0, f"{nothing} (mock provider)"
        ),
        Result(
            "empty_async_lean_us",
            *difference(measured, "async lean", "async nothing"),
            None,
            f"{nothing} (no provider)",
        ),
    ]


def chunk_results(rounds: int) -> list[Result]:
    """Streams: per chunk and guard, the dearer of sync and async."""
    guards = 8
    with asyncio.Runner() as runner:
        variants = {
            "sync empty": stream([]),
            "sync no-op": stream([NoOp()] * guards),
            "sync active": stream([Active()] * guards),
            "async empty": stream_async([], runner),
            "async no-op": stream_async([NoOp()] * guards, runner),
            "async active": stream_async([Active()] * guards, runner),
        }
        measured = interleaved(variants, times=8, rounds=rounds)
    results = []
    for key, kind, bar in (("noop_chunk_us", "no-op", 0.02), ("active_chunk_us", "active", 0.25)):
        costs = [
            difference(measured, f"{mode} {kind}", f"{mode} empty", divide=CHUNKS * guards)
            for mode in ("sync", "async")
        ]
        results.append(
            Result(key, *max(costs), bar, f"the empty pipeline, {CHUNKS:,} chunks, dearer of sync and async")
        )
    return results


def import_results(rounds: int) -> list[Result]:
    """Whole processes: CPU and peak memory over a bare Python."""
    statements = {"bare": "", "package": "import psf_runtime", "client": "from psf_runtime import Client"}
    costs = import_costs(statements, rounds)
    cpu, cpu_spread = over(costs, "package", 0)
    client, client_spread = over(costs, "client", 0)
    memory, memory_spread = over(costs, "package", 1)
    bare = "a process of bare Python"
    return [
        Result("import_cpu_ms", cpu, cpu_spread, 60.0, f"{bare}: import psf_runtime"),
        Result("import_client_cpu_ms", client, client_spread, None, f"{bare}: from psf_runtime import Client"),
        Result("import_rss_mb", memory / 1024, memory_spread / 1024, 6.0, f"{bare}: import psf_runtime"),
    ]


def growth_results() -> list[Result]:
    """Memory after 20,000 more calls: through a Client whose log in memory is full, and through the engine alone."""
    client = growth_kb(CALLS, engine_only=False, warm=WARM_CALLS)
    engine = growth_kb(CALLS, engine_only=True, warm=1_000)
    warm = f"the same Client after its first {WARM_CALLS:,} calls, the log in memory being full"
    return [
        Result("rss_growth_kb_20k", client, 0.0, 1024.0, warm),
        Result("rss_growth_engine_kb_20k", engine, 0.0, None, "the same engine after its first 1,000 calls, 8 guards"),
    ]


def engine_results(rounds: int) -> list[Result]:
    """Everything that needs no other package and no network."""
    return [*call_results(rounds), *chunk_results(rounds), *import_results(rounds), *growth_results()]


def show(told: Comparison) -> None:
    """Print what every sender costs, and who could not be measured."""
    names = {sender: f"{sender} {version}" for sender, version in told.versions.items()}
    print("every sender, median and half the distance between the quartiles (us and ms are CPU):")
    for line in table_lines(per_sender(told.measured), names):
        print(line)
    for name, problem in told.missing.items():
        print(f"not measured: {name}: {problem}")
    print()


def parsed() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="fewer rounds: within 90 s on two cores")
    parser.add_argument("--json", metavar="FILE", help="write the results as JSON, too")
    parser.add_argument("--peers", metavar="DIR", help="where the environments of the other packages are")
    parser.add_argument("--profile", metavar="KEY", choices=PROFILES, help="where the CPU of one figure goes, instead")
    return parser.parse_args()


def main() -> int:
    """Measure everything, print the tables."""
    options = parsed()
    if options.profile:
        print_profile(options.profile)
        return 0
    folder = Path(options.peers) if options.peers else default_folder(os.environ)
    peers = make_peers(folder.resolve())
    began = time.monotonic()
    load = os.getloadavg()[0]
    results = engine_results(5 if options.quick else 25)
    told = compare(peers, quick=options.quick)
    show(told)
    machine = {"platform": platform.platform(), "cpus": os.cpu_count(), "load_before": round(load, 2)}
    beside = {"measured": time.strftime("%Y-%m-%d"), "machine": machine, "quick": options.quick, **told.as_data()}
    code = report(results + told.results(), json_file=options.json, beside=beside)
    if load > 0.5:
        print(f"the machine was busy before (load {load:.1f}): calls a second are lower than they could be")
    print(f"measured in {time.monotonic() - began:.0f} s", file=sys.stderr)
    return code


if __name__ == "__main__":
    raise SystemExit(main())
