"""One reader in a process of its own, told over standard input what to measure next.

Run: python -m benchmarks.privacy_worker NAME, a name of `privacy_readers.READERS`. The first line that it writes tells
its version. Then each line in asks for one thing, and each line out is the answer, both as JSON. Texts are made here
from the same seeds in every process.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
import time
import traceback
from typing import Any

from benchmarks.measure import cpu_microseconds
from benchmarks.privacy_readers import READERS, Reader
from benchmarks.privacy_texts import conversation, planted


def cold(reader: Reader, command: dict[str, Any]) -> dict[str, float]:
    """Texts that were never seen before, each once."""
    texts = [
        planted(command["kind"], command["size"], seed=command["seed"] + index, personal=command["personal"]).text
        for index in range(command["times"])
    ]
    waiting = iter(texts)

    def work(times: int) -> None:
        for _ in range(times):
            reader.read(next(waiting))

    return {"cpu_us": cpu_microseconds(work, len(texts))}


def warm(reader: Reader, command: dict[str, Any]) -> dict[str, float]:
    """One text that came before, again and again: through the reader's memory, if it has one."""
    text = planted(command["kind"], command["size"], seed=command["seed"], personal=command["personal"]).text
    read = getattr(reader, "again", reader.read)
    read(text)

    def work(times: int) -> None:
        for _ in range(times):
            read(text)

    return {"cpu_us": cpu_microseconds(work, command["times"])}


def history(reader: Reader, command: dict[str, Any]) -> dict[str, float]:
    """A conversation that is sent whole with every turn, from an empty memory."""
    messages = conversation(command["turns"], seed=command["seed"])
    read = getattr(reader, "again", reader.read)
    getattr(reader, "forget", lambda: None)()

    def work(_: int) -> None:
        for turn in range(command["turns"]):
            for message in messages[: 2 * turn + 1]:
                read(message)

    return {"cpu_us": cpu_microseconds(work, 1)}


def found(reader: Reader, command: dict[str, Any]) -> dict[str, Any]:
    """What is found in documents, for the parent to compare with what was planted."""
    texts = [planted("document", command["size"], seed=seed).text for seed in range(command["texts"])]
    return {"found": [reader.read(text) for text in texts]}


COMMANDS = {"cold": cold, "warm": warm, "history": history, "found": found}


def main() -> int:
    """Answer until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints must not stand between the answers
    began = time.perf_counter()
    reader = READERS[sys.argv[1]]()
    reader.read("The first text pays for what is made late: ann@example.org, 202-555-0143.")
    hello = {
        "version": importlib.metadata.version(reader.package),
        "blocking": True,
        "start_s": time.perf_counter() - began,
        "note": reader.note,
    }
    print(json.dumps(hello), file=answers, flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        try:
            answer: dict[str, Any] = COMMANDS[command["measure"]](reader, command)
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
