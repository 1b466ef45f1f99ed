"""What is measured of one sender: one round of one row. Runs inside the sender's own process."""

from __future__ import annotations

import asyncio
import gc
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.conversation import ANSWER_TEXT, STREAMED_TEXT, Messages, history, small


class WrongAnswerError(Exception):
    """A sender gave back another text than the stub sent: what it costs would mean nothing."""


@dataclass(frozen=True, slots=True)
class Row:
    """One kind of work.

    Attributes:
        kind: which answer of the stub; `expected`: the text that must come back; `method`: of the sender.
        prompts: makes the messages of so many calls, the first of which have not been asked before.
    """

    kind: str
    expected: str
    method: str
    prompts: Callable[[int, int], Sequence[Messages]]

    @property
    def blocking(self) -> bool:
        """Whether it needs the blocking side of a sender."""
        return not self.method.startswith("a")


def small_prompts(first: int, count: int) -> list[Messages]:
    """Short questions, each with a number of its own."""
    return [small(number) for number in range(first, first + count)]


def history_prompts(_first: int, count: int) -> list[Messages]:
    """The same long conversation, sent again and again."""
    return [history() for _ in range(count)]


ROWS = {
    "small_sync": Row("answer", ANSWER_TEXT, "complete", small_prompts),
    "small_async": Row("answer", ANSWER_TEXT, "acomplete", small_prompts),
    "history_sync": Row("answer", ANSWER_TEXT, "complete", history_prompts),
    "stream_sync": Row("stream", STREAMED_TEXT, "stream", small_prompts),
    "stream_async": Row("stream", STREAMED_TEXT, "astream", small_prompts),
}
SLOW = Row("slow", ANSWER_TEXT, "acomplete", small_prompts)


class Bench:
    """The senders of one process, one for each kind of answer, and the event loop that they share."""

    def __init__(self, make: Callable[[str], Any], urls: dict[str, str]) -> None:
        self._make = make
        self._urls = urls
        self._senders: dict[str, Any] = {}
        self._runner = asyncio.Runner()
        self._asked = 1_000

    def calls(self, name: str, *, times: int, warm: int) -> dict[str, float]:
        """CPU of calls one after the other, all threads of the process, in microseconds a call."""
        self.ready(name, warm)()
        run = self.ready(name, times)
        gc.collect()
        began = time.process_time()
        run()
        return {"cpu_us": (time.process_time() - began) / times * 1e6}

    def ready(self, name: str, times: int) -> Callable[[], None]:
        """So many calls of a row, their messages made; they are sent when this is called."""
        row = ROWS[name]
        return partial(self._each, row, self._prompts(row, times))

    def flight(self, in_flight: int, *, seconds: float, warm: float) -> dict[str, float]:
        """So many calls in flight, each place asking again when it has its answer, until the time is over.

        First, every place asks once without being measured, so that the connections stand; measuring begins when all
        have their answer, or after `warm` seconds. It ends with the last answer.
        """
        return self._runner.run(
            Flight(self._ask(SLOW), lambda: self._prompts(SLOW, 1)[0], seconds).fly(in_flight, warm)
        )

    def close(self) -> None:
        """Close the senders and the event loop."""
        for sender in self._senders.values():
            self._runner.run(sender.aclose())
        self._runner.close()

    def _each(self, row: Row, prompts: Sequence[Messages]) -> None:
        ask = self._ask(row)
        if row.blocking:
            for messages in prompts:
                _check(ask(messages), row)
        else:
            self._runner.run(_each_async(ask, prompts, row))

    def _ask(self, row: Row) -> Callable[[Messages], Any]:
        if row.kind not in self._senders:
            self._senders[row.kind] = self._make(self._urls[row.kind])
        method: Callable[[Messages], Any] = getattr(self._senders[row.kind], row.method)
        return method

    def _prompts(self, row: Row, count: int) -> Sequence[Messages]:
        self._asked += count
        return row.prompts(self._asked - count, count)


class Flight:
    """Many places that ask at the same time."""

    def __init__(self, ask: Callable[[Messages], Any], prompt: Callable[[], Messages], seconds: float) -> None:
        self._ask = ask
        self._prompt = prompt
        self._seconds = seconds
        self._measuring = asyncio.Event()
        self._until = 0.0
        self._done = 0

    async def fly(self, in_flight: int, warm: float) -> dict[str, float]:
        """Calls a second, and CPU of a call in microseconds."""
        firsts = [asyncio.create_task(self._once()) for _ in range(in_flight)]
        places = [asyncio.create_task(self._place(first)) for first in firsts]
        await asyncio.wait(firsts, timeout=warm)
        gc.collect()
        began, used = time.monotonic(), time.process_time()
        self._until = began + self._seconds
        self._measuring.set()
        await asyncio.gather(*places)
        cpu, wall = time.process_time() - used, time.monotonic() - began
        return {"calls": self._done, "calls_s": self._done / wall, "cpu_us": cpu / self._done * 1e6}

    async def _once(self) -> bool:
        """Ask once; whether it was measured."""
        _check(await self._ask(self._prompt()), SLOW)
        measured = self._measuring.is_set()
        self._done += measured
        return measured

    async def _place(self, first: asyncio.Future[bool]) -> None:
        measured = await first
        await self._measuring.wait()
        if not measured:
            await self._once()
        while time.monotonic() < self._until:
            await self._once()


async def _each_async(ask: Callable[[Messages], Any], prompts: Sequence[Messages], row: Row) -> None:
    for messages in prompts:
        _check(await ask(messages), row)


def _check(text: str, row: Row) -> None:
    if text != row.expected:
        raise WrongAnswerError(f"{row.method}: {len(text)} characters came back, not {len(row.expected)}")


def peak_memory_mb() -> float:
    """The most memory that this process has held.

    From /proc where there is one: what getrusage tells includes the peak of the process that started this one.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = status.read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
