"""What a call has touched is free as soon as the call is over, without the garbage collector."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterator

import pytest

from psf_runtime import AsyncClient, Client, Policy
from psf_runtime.providers.mock import MockProvider

MESSAGES = [
    {"role": "system", "content": "You answer customers of a shop that sells garden tools. Be short, and be polite."},
    {"role": "user", "content": "Which spade is right for heavy soil? Please write to jane.doe@example.com about it."},
]


@pytest.fixture
def client() -> Iterator[Client]:
    with Client(
        MockProvider("Blue ones, and jane.doe@example.com will hear of it.", strict=False), policy=Policy.standard()
    ) as made:
        yield made


def left_behind(work: Callable[[], object]) -> int:
    """How many objects only the garbage collector could free after `work`, once everything is warm.

    The least of three rounds: threads that earlier tests have left leave garbage of their own.
    """
    work()
    gc.collect()
    gc.disable()
    counts = []
    try:
        for _ in range(3):
            work()
            counts.append(gc.collect())
    finally:
        gc.enable()
    return min(counts)


def test_a_whole_answer_leaves_nothing_behind(client: Client) -> None:
    """Hundreds of calls in flight would otherwise keep the collector busy: it was half of their time."""
    assert left_behind(lambda: client.complete(MESSAGES)) == 0


def test_a_stream_leaves_nothing_behind(client: Client) -> None:
    """Read to its end."""

    def work() -> None:
        with client.stream(MESSAGES) as events:
            for _ in events:
                pass

    assert left_behind(work) == 0


def test_a_stream_that_is_left_early_leaves_nothing_behind(client: Client) -> None:
    """Leaving throws into every layer; no layer keeps what was thrown."""

    def work() -> None:
        with client.stream(MESSAGES) as events:
            next(iter(events))

    assert left_behind(work) == 0


def test_an_async_call_leaves_nothing_behind() -> None:
    """Also one that is cancelled on its way."""

    async def main() -> tuple[int, int]:
        async with AsyncClient(
            MockProvider("Blue ones, and jane.doe@example.com will hear of it.", strict=False), policy=Policy.standard()
        ) as client:
            await client.complete(MESSAGES)
            gc.collect()
            gc.disable()
            answered, cancelled = [], []
            try:
                for _ in range(3):
                    await client.complete(MESSAGES)
                    answered.append(gc.collect())
                    task = asyncio.ensure_future(client.complete(MESSAGES))
                    await asyncio.sleep(0)
                    task.cancel()
                    await asyncio.wait([task])
                    del task
                    cancelled.append(gc.collect())
            finally:
                gc.enable()
            return min(answered), min(cancelled)

    assert asyncio.run(main()) == (0, 0)
