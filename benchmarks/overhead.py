"""What the engine adds to a call, what an import costs, and whether memory grows.

Run: python -m benchmarks.overhead [--quick] [--json FILE]
"""

from __future__ import annotations

import asyncio

from benchmarks.measure import Result, arguments, difference, interleaved, report
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


def main() -> int:
    """Measure everything, print the table."""
    options = arguments(__doc__.splitlines()[0])
    results = call_results(9 if options.quick else 25)
    results += chunk_results(9 if options.quick else 25)
    results += import_results(9 if options.quick else 25)
    results += growth_results()
    return report(results, json_file=options.json)


if __name__ == "__main__":
    raise SystemExit(main())
