"""Rounds taken in turn: each sender in a process of its own, all of them on one machine in one run."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.stub import ROOT

_SECONDS_A_ROUND = 180.0
# Settings of the machine's owner that would change what is measured, or where it is sent.
_NOT_HANDED_ON = ("OPENAI_", "LITELLM_", "PSF_", "PYTHON", "AIOHTTP_")

Round = dict[str, float]
Rounds = dict[str, list[Round | None]]  # by sender; None: that round was not taken


class BrokenSenderError(Exception):
    """A sender could not be started, or did not do what it was told to."""


@dataclass(frozen=True, slots=True)
class Work:
    """One row of the comparison.

    Attributes:
        command: what every sender is told; `rounds`: how often.
        blocking: needs a blocking side; senders without one are left out.
        patience: seconds that one sender may take for all its rounds; a slower one gets fewer, but at least one.
        leave_out: senders that are not asked.
    """

    name: str
    command: Mapping[str, Any]
    rounds: int
    blocking: bool = False
    patience: float = float("inf")
    leave_out: tuple[str, ...] = ()


class Worker:
    """A sender in its own process, which starts at once; `wait` until it is ready, `close` it at the end."""

    def __init__(self, name: str, *, python: str, urls: Mapping[str, str], environ: Mapping[str, str]) -> None:
        self.name = name
        self._errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        self._process = subprocess.Popen(
            [python, "-m", "benchmarks.worker", name, json.dumps(dict(urls))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            cwd=ROOT,
            env=dict(environ),
        )
        self.version = ""
        self.blocking = False

    def wait(self) -> None:
        """Until it has imported its package. Raises BrokenSenderError."""
        hello = self._answer()
        self.version = str(hello["version"])
        self.blocking = bool(hello["blocking"])

    def measure(self, command: Mapping[str, Any]) -> Round:
        """One round. Raises BrokenSenderError."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(dict(command)) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise BrokenSenderError(self._why("it has ended")) from None
        return self._answer()

    def close(self) -> None:
        """End the process, and wait for it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.close()
            self._process.wait(timeout=15)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._errors.close()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        late = threading.Timer(_SECONDS_A_ROUND, self._process.kill)
        late.start()
        try:
            line = self._process.stdout.readline()
        finally:
            late.cancel()
        if not line:
            raise BrokenSenderError(self._why("it ended without an answer"))
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise BrokenSenderError(self._why(str(answer["error"])))
        return answer

    def _why(self, what: str) -> str:
        self._errors.seek(0)
        lines = self._errors.read().strip().splitlines()
        return f"{self.name}: {what}" + (f" ({lines[-1][:200]})" if lines else "")


def quiet_environment(environ: Mapping[str, str], *, path: str | None = None) -> dict[str, str]:
    """The environment of a sender: no proxies, no keys, no switches of the libraries; LiteLLM kept off the network."""
    kept = {
        name: value
        for name, value in environ.items()
        if not name.upper().endswith("_PROXY") and not name.startswith(_NOT_HANDED_ON)
    }
    kept |= {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_TELEMETRY": "False", "NO_PROXY": "127.0.0.1"}
    if path is not None:
        kept["PYTHONPATH"] = path
    return kept


def take_rounds(workers: Sequence[Worker], work: Work, broken: dict[str, str]) -> Rounds:
    """Every sender in turn, round after round; who comes first moves on with the rounds.

    A sender that breaks is noted in `broken` and left out from then on.
    """
    able = [worker for worker in workers if worker.blocking or not work.blocking]
    able = [worker for worker in able if worker.name not in work.leave_out]
    taken: Rounds = {worker.name: [] for worker in able}
    spent = dict.fromkeys(taken, 0.0)
    for number in range(work.rounds):
        turn = number % max(1, len(able))
        for worker in able[turn:] + able[:turn]:
            if worker.name in broken or (number and spent[worker.name] > work.patience):
                taken[worker.name].append(None)
                continue
            began = time.monotonic()
            try:
                taken[worker.name].append(worker.measure(work.command))
            except BrokenSenderError as error:
                broken[worker.name] = str(error)
                print(f"left out from here on: {error}", file=sys.stderr)
                taken[worker.name].append(None)
            spent[worker.name] += time.monotonic() - began
    return taken
