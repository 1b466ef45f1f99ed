"""The names tagger: what it finds, how it decodes, and what it refuses."""

from __future__ import annotations

from array import array
from itertools import pairwise, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.errors import ConfigError
from psf_runtime.guards.privacy.tagger import model as model_module
from psf_runtime.guards.privacy.tagger.features import BUCKETS, Sentence, case_of, shape_of
from psf_runtime.guards.privacy.tagger.lists import COMMON, GIVEN, WordLists
from psf_runtime.guards.privacy.tagger.model import TAGS, Model, load, pack, unpack
from psf_runtime.guards.privacy.tagger.names import ENTITIES, find_tagged
from psf_runtime.guards.privacy.tagger.sums import scores_of
from psf_runtime.guards.privacy.tagger.tokens import sentences_of, tokens_of
from psf_runtime.guards.privacy.tagger.viterbi import best_path

HEAD = {"words": {"1": "ann\nbob", "8": "will"}, "places": "new york", "transitions": [[0] * 7] * 7}


def found(text: str) -> set[tuple[str, str]]:
    return {(text[hit.start : hit.end], hit.entity) for hit in find_tagged(text)}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Hi, this is Maria Kowalski from Leeds.", {("Maria Kowalski", "PERSON"), ("Leeds", "LOCATION")}),
        ("my name is john miller and i live in london", {("john miller", "PERSON"), ("london", "LOCATION")}),
        ("PLEASE CALL JOHN SMITH IN NEW YORK", {("JOHN SMITH", "PERSON"), ("NEW YORK", "LOCATION")}),
        ("We met Ludwig van Beethoven.", {("Ludwig van Beethoven", "PERSON")}),
        ("Ask Peter's sister.", {("Peter", "PERSON")}),
        ("Please send the report by noon, the function returns a list.", set()),
        ("", set()),
        ("   \n\n ", set()),
    ],
)
def test_names(text: str, names: set[tuple[str, str]]) -> None:
    """Names come with their exact places, in usual writing, in lower case and in capitals."""
    assert found(text) == names


@settings(max_examples=60)
@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    """Whatever the text, finds are in order, apart from each other, inside of it, and of the declared kinds."""
    hits = find_tagged(text)
    ends = [0, *(hit.end for hit in hits)]
    assert all(end <= hit.start < hit.end <= len(text) for end, hit in zip(ends, hits, strict=False))
    assert {hit.entity for hit in hits} <= ENTITIES


@settings(max_examples=80)
@given(st.text(max_size=120))
def test_tokens_cover_the_text(text: str) -> None:
    """Every sign that is no blank stands in exactly one token, also when the text is cut into sentences."""
    whole = tokens_of(text)
    assert "".join(word for word, _, _ in whole) == "".join(text.split())
    assert all(text[start:end] == word for word, start, end in whole)
    cut = [token for sentence in sentences_of(text) for token in sentence]
    assert "".join(word for word, _, _ in cut) == "".join(text.split())


@settings(max_examples=60)
@given(st.lists(st.lists(st.integers(-9, 9), min_size=3, max_size=3), min_size=1, max_size=5), st.data())
def test_best_path(scores: list[list[int]], data: st.DataObject) -> None:
    """No sequence of tags has a higher sum than the one that is found."""
    steps = data.draw(st.lists(st.lists(st.integers(-9, 9), min_size=3, max_size=3), min_size=3, max_size=3))

    def total(path: tuple[int, ...]) -> int:
        around = (0, *path, 0)
        moves = sum(steps[one][two] for one, two in pairwise(around))
        return moves + sum(row[tag] for row, tag in zip(scores, path, strict=True))

    best = max(total(path) for path in product(range(3), repeat=len(scores)))
    assert total(tuple(best_path(scores, steps, first=0, last=0))) == best


@settings(max_examples=30)
@given(st.lists(st.integers(0, BUCKETS - 1), max_size=40), st.integers(0, 2**32))
def test_lanes(buckets: list[int], seed: int) -> None:
    """The sum of rows in lanes is the sum of the weights, tag by tag."""
    rows = array("H", [128]) * (8 * BUCKETS)
    weights = {}
    for number, bucket in enumerate(buckets):
        for tag in range(len(TAGS)):
            weights[bucket, tag] = (seed + 31 * number + 7 * tag) % 255 - 127
            rows[bucket * 8 + tag] = weights[bucket, tag] + 128
    model = Model(WordLists({}, []), rows, [])
    assert model.scores(buckets) == [sum(weights[bucket, tag] for bucket in buckets) for tag in range(len(TAGS))]


def test_round_trip() -> None:
    """Lists, transitions and weights come out of a file as they went in."""
    weights = bytearray(BUCKETS * len(TAGS))
    weights[7 * len(TAGS) + 2] = 256 - 5
    model = unpack(pack(HEAD, bytes(weights)))
    assert model.lists.bits("ann") == GIVEN
    assert model.lists.bits("will") == COMMON
    assert model.lists.place_marks(["in", "new", "york", "now"]) == ["", "B", "I", ""]
    assert model.scores([7]) == [0, 0, -5, 0, 0, 0, 0]


def test_another_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights that are not the ones this version was made with are refused."""
    monkeypatch.setattr(model_module, "SHA256", "0" * 64)
    with pytest.raises(ConfigError, match="names model"):
        load.__wrapped__()


@pytest.mark.parametrize(
    ("words", "case"),
    [(["Call", "me"], "M"), (["call", "me"], "L"), (["CALL", "ME"], "U"), (["I", "am"], "M"), (["4", "?"], "L")],
)
def test_case(words: list[str], case: str) -> None:
    """How a sentence is written decides how much a capital says."""
    assert case_of(words) == case


@pytest.mark.parametrize(("word", "shape"), [("Smith", "Xxx"), ("IBM", "XX"), ("of", "xx"), ("A4-Size", "X9-Xxx")])
def test_shape(word: str, shape: str) -> None:
    """A shape keeps what kind of signs a word has."""
    assert shape_of(word) == shape


def test_candidates() -> None:
    """Common words in lower case are not looked at; capitals, listed and unknown words are."""
    sentence = Sentence(
        ["Will", "you", "ask", "bob", "xyzzy", "?"], WordLists({"will": 8, "you": 8, "ask": 8, "bob": 1}, [])
    )
    assert [sentence.may_be_name(i) for i in range(6)] == [True, False, False, True, True, False]


def test_long_text() -> None:
    """A long run without an end is cut, and nothing is lost but at the cuts."""
    text = "word " * 500 + "my name is Peter Jackson."
    assert ("Peter Jackson", "PERSON") in found(text)


def test_sums_that_are_kept_change_nothing() -> None:
    """Scores from kept sums are the scores from the features one by one, but for what all tags have in common."""
    model = load()
    for text in (
        "Hi, this is Maria Kowalski from Leeds.",
        "i met will smith in new york (USA)",
        "CALL JOHN O'NEIL, ok?",
    ):
        for tokens in sentences_of(text):
            sentence = Sentence([word for word, _, _ in tokens], model.lists)
            for _ in range(2):
                for i in range(sentence.size):
                    quick, slow = scores_of(sentence, i, model)[: len(TAGS)], model.scores(sentence.buckets(i))
                    assert [one - quick[0] for one in quick] == [one - slow[0] for one in slow]


def test_nothing_of_a_text_is_kept_but_listed_words() -> None:
    """A word that is in no list, such as a rare name or a number, stays out of the memory of sums."""
    model = load()
    find_tagged("my name is Xyzzyq Qwfpgj, call 5550143")
    assert not any(part in ("xyzzyq", "qwfpgj", "5550143") for key in model.kept for part in key)  # type: ignore[attr-defined]
