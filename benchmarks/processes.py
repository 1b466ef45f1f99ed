"""Figures of whole processes: what an import costs, and whether many calls make one grow."""

from __future__ import annotations

import os
import subprocess
import sys

from benchmarks.measure import middle

# The peak comes from /proc: what getrusage tells includes the peak of the process that started this one.
_IMPORT = """
{statement}
import resource
used = resource.getrusage(resource.RUSAGE_SELF)
with open("/proc/self/status") as lines:
    peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
print((used.ru_utime + used.ru_stime) * 1e3, peak)
"""

_GROWTH = """
import gc
from psf_runtime import Client
from psf_runtime.testing import MockProvider

def resident():
    gc.collect()
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))

client = Client(MockProvider("It is on its way.", strict=False))
def calls(count):
    for _ in range(count):
        client.complete("Where is my order 7781?")

calls({warm})
before = resident()
calls({count})
print(resident() - before)
"""

_ENGINE_GROWTH = """
import gc
from benchmarks.pipelines import Active, REQUEST, mock
from psf_runtime.flow.compose import compose
from psf_runtime.flow.sync import SyncDriver
from psf_runtime.flow.world import Journey, World
from psf_runtime.types.context import Context

def resident():
    gc.collect()
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))

driver = SyncDriver(compose([Active()] * 8), World(mock()))
def calls(count):
    for _ in range(count):
        driver.complete(Journey(Context("c")), REQUEST)

calls({warm})
before = resident()
calls({count})
print(resident() - before)
"""


def _numbers(program: str) -> list[float]:
    # Compiled files are kept, as they are wherever a package is installed: else every import would compile anew.
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120, env=environ)
    return [float(word) for word in done.stdout.split()]


def import_costs(statements: dict[str, str], rounds: int) -> dict[str, tuple[list[float], list[float]]]:
    """CPU milliseconds and peak memory in kB of fresh processes, one list per statement, measured in turn."""
    costs: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in statements}
    for _ in range(rounds):
        for name, statement in statements.items():
            cpu, memory = _numbers(_IMPORT.format(statement=statement))
            costs[name][0].append(cpu)
            costs[name][1].append(memory)
    return costs


def over(costs: dict[str, tuple[list[float], list[float]]], name: str, column: int) -> tuple[float, float]:
    """Median and spread of a column over the bare process, round by round."""
    pairs = zip(costs[name][column], costs["bare"][column], strict=True)
    return middle([value - bare for value, bare in pairs])


def growth_kb(count: int, *, engine_only: bool, warm: int) -> float:
    """How many kB a process holds more after so many calls than after the first `warm` ones."""
    program = _ENGINE_GROWTH if engine_only else _GROWTH
    return _numbers(program.format(count=count, warm=warm))[0]
