"""One sender in a process of its own, told over standard input what to measure next.

Run: python -m benchmarks.worker NAME URLS, where NAME is a file of benchmarks/senders without `with_`, and URLS a JSON
object of base URLs by kind of answer. The first line that it writes tells the version of the package and whether it has
a blocking side. Then each line in asks for one round, and each line out is its result, both as JSON. The round
{"measure": "peak"} tells the most memory held. A round that fails answers {"error": ...}.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import os
import sys
import traceback
from typing import Any

from benchmarks.rows import Bench, peak_memory_mb


def one_round(bench: Bench, command: dict[str, Any]) -> dict[str, float]:
    """Do what a command asks for."""
    match command["measure"]:
        case "calls":
            return bench.calls(command["row"], times=command["times"], warm=command["warm"])
        case "flight":
            return bench.flight(command["in_flight"], seconds=command["seconds"], warm=command["warm"])
        case "peak":
            return {"peak_mb": peak_memory_mb()}
        case other:
            raise ValueError(f"nothing is called {other}")


def main() -> int:
    """Answer until standard input ends."""
    name, urls = sys.argv[1], json.loads(sys.argv[2])
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints must not stand between the answers
    sender = importlib.import_module(f"benchmarks.senders.with_{name}")
    version = importlib.metadata.version(sender.PACKAGE.replace("_", "-"))
    bench = Bench(sender.Sender, urls)
    print(json.dumps({"version": version, "blocking": sender.SYNC}), file=answers, flush=True)
    for line in sys.stdin:
        try:
            answer: dict[str, Any] = one_round(bench, json.loads(line))
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)
    bench.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
