"""What only psf_runtime has: restoring in streams, the guard over a whole conversation, and a free event loop."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from random import Random
from typing import Any

from benchmarks.measure import cpu_microseconds, middle
from benchmarks.pipelines import LeanTransport
from benchmarks.privacy_texts import conversation, planted
from psf_runtime import AsyncClient
from psf_runtime.flow.aio import AsyncDriver
from psf_runtime.flow.compose import compose
from psf_runtime.flow.sync import SyncDriver
from psf_runtime.flow.world import Journey, World
from psf_runtime.guards.privacy.detect import Builtin
from psf_runtime.guards.privacy.places import PlaceFinder
from psf_runtime.guards.privacy.restore import Restoring, TextRestorer
from psf_runtime.guards.privacy.tokenise import Tokenise
from psf_runtime.guards.privacy.tokens import Token
from psf_runtime.stores.memory_recall import MemoryRecall
from psf_runtime.stores.memory_vault import MemoryVault
from psf_runtime.types.context import Context
from psf_runtime.types.messages import Message
from psf_runtime.types.request import Facts, Request

_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TICK = 0.001
Figure = tuple[float, float]


def history_guard(rounds: int, turns: int = 20) -> Figure:
    """Milliseconds of CPU that the Tokenise guard takes for all turns of a conversation that is sent whole each time.

    More than detection: the walk through the request, known values, tokens, and an answer to restore.
    """
    return middle([_history_once(number, turns) / 1e3 for number in range(rounds)])


def _history_once(seed: int, turns: int) -> float:
    recall = MemoryRecall()
    driver = SyncDriver(compose([_tokenise()]), World(LeanTransport()))
    messages = _messages(conversation(turns, seed=seed))
    facts = Facts(conversation="benchmark")

    def work(_: int) -> None:
        for turn in range(turns):
            request = Request(tuple(messages[: 2 * turn + 1]), model="m", facts=facts)
            driver.complete(Journey(Context("c", facts=facts, recall=recall)), request)

    return cpu_microseconds(work, 1)


def _tokenise() -> Tokenise:
    return Tokenise(vault=MemoryVault(), detectors=[Builtin()], key=b"benchmark")


def _messages(texts: list[str]) -> list[Message]:
    return [Message.user(text) if index % 2 == 0 else Message.assistant(text) for index, text in enumerate(texts)]


def loop_gaps(rounds: int, *, size: int) -> dict[str, Figure]:
    """The longest time, in ms, that another task of the loop waits for its turn: through the guard, a client, nothing.

    Wall-clock time: on a busy machine other processes are in it, which is what `idle` shows.
    """
    texts = [planted("transcript", size, seed=number).text for number in range(rounds)]
    gaps: dict[str, list[float]] = {"idle": [], "guard": [], "client": []}
    with asyncio.Runner() as runner:
        for text in texts:
            gaps["idle"].append(runner.run(_longest_gap(asyncio.sleep(0.15))))
            gaps["guard"].append(runner.run(_longest_gap(_through_guard(text))))
            gaps["client"].append(runner.run(_longest_gap(_through_client(text))))
    return {name: middle(values) for name, values in gaps.items()}


async def _through_guard(text: str) -> None:
    driver = AsyncDriver(compose([_tokenise()]), World(LeanTransport()))
    await driver.complete(Journey(Context("c")), Request((Message.user(text),), model="m"))


async def _through_client(text: str) -> None:
    client = AsyncClient("mock:echo")
    await client.complete(text)


async def _longest_gap(work: Any) -> float:
    longest, done = 0.0, asyncio.Event()

    async def tick() -> None:
        nonlocal longest
        while not done.is_set():
            began = time.perf_counter()
            await asyncio.sleep(_TICK)
            longest = max(longest, time.perf_counter() - began - _TICK)

    ticking = asyncio.create_task(tick())
    await asyncio.sleep(0)
    await work
    done.set()
    await ticking
    return longest * 1e3


def restore_us_per_delta(rounds: int) -> Figure:
    """Microseconds of CPU for each delta of four characters, of an answer with a token in every other sentence."""
    table, answer = _answer(Random("restore"), sentences=400)
    pieces = [answer[start : start + 4] for start in range(0, len(answer), 4)]
    costs = []
    for _ in range(rounds):

        def work(_: int) -> None:
            restorer = _restorer(table)
            for piece in pieces:
                restorer.feed(piece)
            restorer.end()

        costs.append(cpu_microseconds(work, 1) / len(pieces))
    return middle(costs)


def stream_mismatches(count: int) -> int:
    """How many of so many random chunkings of answers give another text than the whole answer at once."""
    random = Random("chunkings")
    wrong = 0
    for _ in range(count):
        table, answer = _answer(random, sentences=random.randint(1, 4))
        whole = _restorer(table)
        expected = whole.feed(answer) + whole.end()
        restorer, place, out = _restorer(table), 0, []
        while place < len(answer):
            size = random.randint(1, random.choice([2, 5, 30]))
            out.append(restorer.feed(answer[place : place + size]))
            place += size
        wrong += "".join(out) + restorer.end() != expected
    return wrong


def _restorer(table: dict[str, Token]) -> TextRestorer:
    return TextRestorer(Restoring(table, Counter()), places=PlaceFinder())


def _answer(random: Random, *, sentences: int) -> tuple[dict[str, Token], str]:
    """An answer as models write them: tokens plain, decorated, in links and code, and some that nobody made."""
    table: dict[str, Token] = {}
    for entity in ("PERSON", "EMAIL", "PHONE", "IBAN"):
        code = "".join(random.choices(_LETTERS, k=6)) + "7K"
        table[code] = Token(code, entity, f"value of {entity} {random.randint(1, 99)}")
    out = []
    for number in range(sentences):
        token = random.choice(list(table.values()))
        code = token.code if random.random() < 0.9 else "Z7Z7Z7Z7"
        shape = random.choice(_SHAPES)
        text = "The report is ready and the rest follows tomorrow. "
        if number % 2 == 0:
            text = "As you said, " + shape.format(word=token.entity, code=code, lower=code.lower()) + " is right. "
        out.append(text)
    return table, "".join(out)


_SHAPES = (
    "{word}_{code}",
    "{word}_{code}",
    "[{word}_{code}]",
    "<{word}_{code}>",
    "**{word}_{code}**",
    "{word}-{code}",
    "{word} {code}",
    "{word}\\_{code}",
    "personne_{code}",
    "{word}_{lower}",
    "{word}_{code}'s",
    "[the page](https://example.org/?q={word}_{code})",
    "`f({word}_{code})`",
    "{word}_{code}{word}_{code}",
)
