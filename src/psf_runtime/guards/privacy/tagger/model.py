"""The trained weights: read once, checked against the digest in this file, then only looked at."""

from __future__ import annotations

import hashlib
import json
import zlib
from array import array
from collections.abc import Hashable, Iterable
from functools import cache
from importlib.resources import files
from zlib import crc32

from psf_runtime.errors import ConfigError
from psf_runtime.guards.privacy.tagger.features import BUCKETS
from psf_runtime.guards.privacy.tagger.lists import WordLists

TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG")
FILE = "names.bin"
SHA256 = "615d8019df2910f43ef5af7581cbf74f3f74d09887331233b02d16f921420485"
LANE = 16  # bits per tag in a row of weights: the sum of a token's rows never leaves its lane
BIAS = 128
_LANES = 8  # one of them unused, so that a row has a size that arrays know


class Model:
    """Lists, and one row of weights per bucket.

    A row is one number with a lane of 16 bits per tag. Rows are added with one addition each, and the lanes are taken
    apart once per token: about five times quicker than seven sums in Python.

    Args:
        lists: what is known of words.
        rows: BUCKETS x 8 lanes, each a weight plus BIAS.
        transitions: from tag to tag, in the same unit as the weights.
    """

    __slots__ = ("_rows", "certain", "kept", "lists", "transitions")

    def __init__(self, lists: WordLists, rows: array[int], transitions: list[list[int]]) -> None:
        self.lists = lists
        self.transitions = transitions
        self._rows = memoryview(rows).cast("B")
        # Sums of rows that were needed before, for words of the lists only: nothing of a text stays here.
        self.kept: dict[Hashable, int] = {}
        # A token whose score of "no name" leads by so much cannot be turned by any step: it has two beside it.
        self.certain = 2 * (max(map(max, transitions)) - transitions[0][0]) if transitions else 0

    def sum_of(self, features: Iterable[str]) -> int:
        """The rows of some features, added up."""
        total = 0
        rows = self._rows
        for feature in features:
            place = crc32(feature.encode("utf-8", "surrogatepass")) % BUCKETS * 16
            total += int.from_bytes(rows[place : place + 16], "little")
        return total

    def scores(self, buckets: Iterable[int]) -> list[int]:
        """The score of each tag for a token with these features."""
        total = 0
        count = 0
        rows = self._rows
        for bucket in buckets:
            total += int.from_bytes(rows[bucket * 16 : bucket * 16 + 16], "little")
            count += 1
        offset = count * BIAS
        return [((total >> lane) & 0xFFFF) - offset for lane in range(0, LANE * len(TAGS), LANE)]


def pack(head: dict[str, object], weights: bytes) -> bytes:
    """The file for these lists, transitions and weights (BUCKETS x 7 signed bytes)."""
    text = json.dumps(head, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode("utf-8")
    return zlib.compress(len(text).to_bytes(4, "little") + text + weights, 9)


def unpack(data: bytes) -> Model:
    """The model in a file that `pack` made."""
    raw = zlib.decompress(data)
    size = int.from_bytes(raw[:4], "little")
    head = json.loads(raw[4 : 4 + size])
    weights = array("b", raw[4 + size :])
    rows = array("H", bytes(2 * _LANES * BUCKETS))
    for lane in range(len(TAGS)):
        rows[lane::_LANES] = array("H", [weight + BIAS for weight in weights[lane :: len(TAGS)]])
    bits: dict[str, int] = {}
    for bit, words in head["words"].items():
        for word in words.split("\n"):
            bits[word] = bits.get(word, 0) | int(bit)
    places = (tuple(place.split(" ")) for place in head["places"].split("\n"))
    return Model(WordLists(bits, places), rows, head["transitions"])


@cache
def load() -> Model:
    """The model that comes with the package. Raises ConfigError when its file is not the one it was made with."""
    data = files(__package__).joinpath(FILE).read_bytes()
    if hashlib.sha256(data).hexdigest() != SHA256:
        raise ConfigError(
            "the names model cannot be used",
            why="its file is not the one that this version was made with",
            change="install psf-runtime anew",
        )
    return unpack(data)
