"""Where the CPU of a call goes, layer by layer: each function's own time, added up by package.

Run: python -m benchmarks.layers KEY, KEY being one of PROFILES, a figure of `benchmarks.overhead`.
A profiler makes small Python functions look dearer than they are. So the shares are taken from the profile, and the
microseconds are those shares of what a call costs without it. The profiler's clock also runs while a call waits for
its answer (a clock of CPU is too slow to be read at every function), so sockets are left out; they take 20 to 30 us.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.rows import Bench
from benchmarks.senders.with_psf_runtime import Sender
from benchmarks.side_by_side import KINDS
from benchmarks.stub import Stub

# By figure: the row, and how many calls are profiled.
PROFILES: Mapping[str, tuple[str, int]] = {
    "added_us_sync": ("small_sync", 500),
    "added_us_async": ("small_async", 500),
    "stream_ratio": ("stream_sync", 5),
    "stream_async_ratio": ("stream_async", 5),
    "history_200k_ratio": ("history_sync", 10),
}
_SHOWN = 15
_SYSTEM_CALLS = ("'_socket.socket' objects", "'select.", "'_ssl._SSLSocket' objects")

Function = tuple[str, int, str]  # file, line, name; as the profiler writes them


@dataclass(frozen=True, slots=True)
class Share:
    """What one layer or function takes: `seconds` under the profiler."""

    name: str
    seconds: float


def layer_of(function: Function) -> str:
    """The layer that a function belongs to: a part of psf_runtime, another package, or Python itself."""
    path = function[0].replace("\\", "/")
    if "/psf_runtime/" in path:
        parts = path.rpartition("/psf_runtime/")[2].split("/")
        depth = 2 if parts[0] in ("guards", "providers") and len(parts) > 2 else 1
        return ".".join(["psf_runtime", *(part.removesuffix(".py") for part in parts[:depth])])
    if "/site-packages/" in path:
        return path.rpartition("/site-packages/")[2].split("/")[0].removesuffix(".py")
    if "/benchmarks/" in path:
        return "the benchmark itself"
    if path.startswith("<"):
        return "generated code"  # what dataclasses make
    parts = path.split("/")
    folder = parts[-2] if len(parts) > 1 else ""
    return f"python {parts[-1].removesuffix('.py') if folder.startswith('python') else folder}"


def is_socket(function: Function) -> bool:
    """Whether it talks to the kernel about a connection, or waits for one."""
    return function[0] == "~" and any(call in function[2] for call in _SYSTEM_CALLS)


def layers(stats: Mapping[Function, Any]) -> list[Share]:
    """Own time by layer, the dearest first.

    What a function written in C took goes to whoever called it; sockets are left out.
    """
    sums: defaultdict[str, float] = defaultdict(float)
    for function, (_calls, _primitive, own, _total, callers) in stats.items():
        if function[0] != "~":
            sums[layer_of(function)] += own
        elif not is_socket(function):
            for caller, (_count, _simple, part, _all) in callers.items():
                sums["python, in C" if caller[0] == "~" else layer_of(caller)] += part
    return sorted((Share(name, seconds) for name, seconds in sums.items()), key=lambda share: -share.seconds)


def functions(stats: Mapping[Function, Any]) -> list[Share]:
    """Own time by function, the dearest first; sockets are left out."""
    shares = []
    for (path, line, name), (_calls, _primitive, own, _total, _callers) in stats.items():
        if is_socket((path, line, name)):
            continue
        where = name if path == "~" else f"{layer_of((path, line, name))}  {path.rpartition('/')[2]}:{line} {name}"
        shares.append(Share(where, own))
    return sorted(shares, key=lambda share: -share.seconds)


def lines(title: str, shares: list[Share], cost: float) -> list[str]:
    """A table: percent of the call, and microseconds of what it costs without a profiler."""
    total = sum(share.seconds for share in shares) or 1.0
    told = [title]
    for share in shares[:_SHOWN]:
        part = share.seconds / total
        told.append(f"{part:>7.1%}  {part * cost:>10.1f} us  {share.name}")
    return told


def print_profile(key: str) -> None:
    """Measure a row with and without the profiler, and print where its time goes."""
    row, times = PROFILES[key]
    profiler = cProfile.Profile()
    with Stub() as stub:
        bench = Bench(Sender, {kind: stub.url(kind) for kind in KINDS})
        cost = bench.calls(row, times=times, warm=max(2, times // 10))["cpu_us"]
        run = bench.ready(row, times)
        profiler.enable()
        run()
        profiler.disable()
        bench.close()
    stats: Mapping[Function, Any] = pstats.Stats(profiler).stats  # type: ignore[attr-defined]
    print(f"{row}: {cost:,.0f} us of CPU a call, of it by layer (own time, {times} calls profiled)")
    for line in [*lines("", layers(stats), cost), "", *lines("the dearest functions", functions(stats), cost)]:
        print(line)


def main() -> int:
    """Print one profile."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("key", choices=PROFILES)
    print_profile(parser.parse_args().key)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
