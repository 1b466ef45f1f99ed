"""psf_runtime and its peers in one run: a stub, a process for each sender, rounds in turn."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks.figures import OURS, compared, per_sender
from benchmarks.floor import most_calls_per_second
from benchmarks.measure import Result, middle
from benchmarks.peers import Peer
from benchmarks.rounds import BrokenSenderError, Rounds, Work, Worker, quiet_environment, take_rounds
from benchmarks.stub import Stub

KINDS = ("answer", "slow", "stream")
_LEAST_STUB = 10_000.0


@dataclass(slots=True)
class Comparison:
    """Everything that one run told: rounds by row, versions and problems by sender, what the stub manages."""

    measured: dict[str, Rounds] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    stub: list[float] = field(default_factory=list)

    def results(self) -> list[Result]:
        """The figures with bars."""
        stub = Result("stub_calls_s", *middle(self.stub), _LEAST_STUB, "the stub, asked by bare sockets", least=True)
        return [*compared(self.measured), stub]

    def as_data(self) -> dict[str, object]:
        """The figures of every sender, for the JSON file."""
        return {
            "senders": {
                sender: {
                    "version": self.versions[sender],
                    "rows": {key: {"value": value, "spread": spread} for key, (value, spread) in rows.items()},
                }
                for sender, rows in per_sender(self.measured).items()
            },
            "missing": self.missing,
        }


def flights(quick: bool) -> list[Work]:
    """The rows with many calls in flight; the memory is read after the 512, in processes that did nothing else."""
    seconds, warm, patience = (0.6, 1.0, 2.5) if quick else (1.5, 3.0, 12.0)
    rounds = 3 if quick else 5
    # With 512 calls in flight the pool of httpx spends 10 to 20 ms on each: a round takes longer than all others.
    at_512 = ("httpx",) if quick else ()

    def flight(in_flight: int, leave_out: tuple[str, ...]) -> Work:
        command = {"measure": "flight", "in_flight": in_flight, "seconds": seconds, "warm": warm}
        return Work(f"flight_{in_flight}", command, rounds, patience=patience, leave_out=leave_out)

    return [flight(512, at_512), Work("peak", {"measure": "peak"}, 1, leave_out=at_512), flight(64, ())]


def calls(quick: bool) -> list[Work]:
    """The rows with one call after the other."""

    def row(name: str, times: int, rounds: int) -> Work:
        command = {"measure": "calls", "row": name, "times": times, "warm": max(1, times // 10)}
        return Work(name, command, rounds, blocking=name.endswith("_sync"))

    if quick:
        return [
            row("small_sync", 100, 6),
            row("small_async", 100, 6),
            row("history_sync", 4, 5),
            row("stream_sync", 2, 3),
            row("stream_async", 1, 3),
        ]
    return [
        row("small_sync", 200, 15),
        row("small_async", 200, 15),
        row("history_sync", 8, 9),
        row("stream_sync", 3, 7),
        row("stream_async", 3, 7),
    ]


def compare(peers: Sequence[Peer], *, quick: bool) -> Comparison:
    """Measure psf_runtime, in the environment that runs this, and every peer that has one.

    Raises BrokenSenderError when psf_runtime itself cannot be measured; a peer that cannot be is told in `missing`.
    """
    told = Comparison(missing={peer.name: peer.problem for peer in peers if peer.problem})
    pythons = {OURS: sys.executable} | {peer.name: peer.python for peer in peers if not peer.problem}
    with Stub() as stub:
        told.stub = [asyncio.run(most_calls_per_second(stub.port, 0.5)) for _ in range(3)]
        for works in (flights(quick), calls(quick)):
            with _workers(pythons, stub, told) as workers:
                for work in works:
                    told.measured[work.name] = take_rounds(workers, work, told.missing)
                    if OURS in told.missing:  # without it there is nothing to compare
                        raise BrokenSenderError(told.missing[OURS])
    return told


@contextmanager
def _workers(pythons: dict[str, str], stub: Stub, told: Comparison) -> Iterator[list[Worker]]:
    """A fresh process for each sender that is not broken; they start side by side."""
    urls = {kind: stub.url(kind) for kind in KINDS}
    started: list[Worker] = []
    ready: list[Worker] = []
    try:
        for name, python in pythons.items():
            if name not in told.missing:
                path = os.environ.get("PYTHONPATH") if name == OURS else None
                environ = quiet_environment(os.environ, path=path)
                started.append(Worker(name, python=python, urls=urls, environ=environ))
        for worker in started:
            try:
                worker.wait()
            except BrokenSenderError as error:
                told.missing[worker.name] = str(error)
                continue
            ready.append(worker)
            told.versions[worker.name] = worker.version
        yield ready
    finally:
        for worker in started:
            worker.close()
