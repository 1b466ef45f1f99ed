"""Texts made by chance from a seed: chat, e-mail, document, transcript, with values planted at known places."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from benchmarks.privacy_values import VALUES, decoy


def _listed(phrases: str) -> tuple[str, ...]:
    return tuple(phrase.strip() for phrase in phrases.split(","))


_OPENINGS = _listed("In the end, As far as we know, After the meeting, Most of the time, To be honest, By now")
_WHO = _listed("team, customer, office, committee, supplier, driver, tenant, clerk, partner, visitor, manager, teacher")
_DID = _listed(
    "looked at, would like to change, did not agree with, is waiting for, has written about, asked for, returned,"
    "repaired, measured, painted, forgot, counted, sold, moved, opened, closed, cleaned, checked, praised, refused"
)
_KIND = _listed(
    "second, old, green, broken, heavy, cheap, wooden, quiet, narrow, early, late, empty, full, bright, cold, warm,"
    "dusty, folded, glass, iron, paper, plastic, round, square, tall, short, spare, used, washed, yellow"
)
_THING = _listed(
    "draft, delivery, garden, report, printer, refund, table, ladder, window, kettle, folder, bridge, engine, cable,"
    "carpet, bottle, curtain, drawer, shelf, blanket, bucket, candle, chair, clock, cupboard, fence, filter, gate,"
    "hammer, hinge, jacket, kitchen, lamp, lock, mirror, needle, oven, parcel, pillow, pipe, plate, pump, roof, rope,"
    "saddle, screen, shovel, sink, spoon, stair, stove, switch, tank, tile, tower, tray, valve, wagon, wheel"
)
_ENDS = _listed("and will come back to it., without a reason., because it was late., as it was agreed., so we wait.")


@dataclass(frozen=True, slots=True)
class Planted:
    """A text, and what was planted in it: start, end, entity."""

    text: str
    values: tuple[tuple[int, int, str], ...]


@dataclass(frozen=True, slots=True)
class Kind:
    """How a text of a kind looks: one value in so many sentences, and what begins and ends a line."""

    every: int
    speaker: bool
    sentences: int


KINDS = {
    "chat": Kind(every=3, speaker=False, sentences=100),
    "email": Kind(every=4, speaker=False, sentences=4),
    "document": Kind(every=7, speaker=False, sentences=8),
    "transcript": Kind(every=6, speaker=True, sentences=2),
}


def prose(random: Random) -> str:
    """A sentence that says nothing about anybody."""
    opening, who, did, kind, thing, end = (
        random.choice(part) for part in (_OPENINGS, _WHO, _DID, _KIND, _THING, _ENDS)
    )
    return f"{opening} the {who} {did} the {kind} {thing} {end}"


def planted(kind: str, size: int, *, seed: int, personal: bool = True) -> Planted:
    """A text of about `size` characters; without personal data it holds decoys only."""
    random, shape = Random(f"{kind} {size} {seed} {personal}"), KINDS[kind]
    out: list[str] = []
    values: list[tuple[int, int, str]] = []
    length, number = 0, 0
    while length < size:
        new_line = number % shape.sentences == 0
        lead = ("\n" if out else "") if new_line else " "
        if shape.speaker and new_line:
            lead += random.choice(["Agent: ", "Caller: "])
        sentence = _sentence(random, shape, number, personal)
        if sentence[1]:
            start = length + len(lead) + sentence[2]
            values.append((start, start + sentence[3], sentence[1]))
        out.append(lead + sentence[0])
        length += len(out[-1])
        number += 1
    return Planted("".join(out), tuple(values))


def _sentence(random: Random, shape: Kind, number: int, personal: bool) -> tuple[str, str, int, int]:
    """A sentence; and the entity planted in it, where it begins and how long it is."""
    if personal and number % shape.every == shape.every // 2:
        entity = random.choice(list(VALUES))
        make, frames = VALUES[entity]
        value, frame = make(random), random.choice(frames)
        return frame.format(value), entity, frame.index("{}"), len(value)
    return (decoy(random) if random.random() < 0.15 else prose(random)), "", 0, 0


def conversation(turns: int, *, seed: int) -> list[str]:
    """What user and assistant say in turn: 400 characters of a question, a thousand of an answer."""
    return [
        planted("chat" if index % 2 == 0 else "email", 400 if index % 2 == 0 else 1_000, seed=seed * 1_000 + index).text
        for index in range(2 * turns)
    ]
