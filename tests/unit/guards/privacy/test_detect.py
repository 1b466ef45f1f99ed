"""The options of the built-in detector: entities, thresholds, lists, recognisers of one's own, encoded text."""

from __future__ import annotations

import base64
import time
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from psf_runtime.errors import ConfigError
from psf_runtime.guards.privacy.custom import Custom, Words
from psf_runtime.guards.privacy.detect import Builtin, kind_of
from psf_runtime.guards.privacy.normalise import normalise
from psf_runtime.guards.privacy.pattern_cost import check_pattern
from psf_runtime.guards.privacy.settle import settle
from psf_runtime.ports import Detection

MAIL = "jane.doe@example.com"


def found(text: str, **options: Any) -> list[tuple[str, str]]:
    return [(hit.entity, text[hit.start : hit.end]) for hit in Builtin(**options).find(text)]


def test_only_what_is_wanted_is_found() -> None:
    """`entities` narrows, `thresholds` cut, `names` chooses the tier."""
    text = f"Mr Bob Stone, {MAIL}, 98765 43210. Maria Kowalski is here."
    assert found(text, entities=["EMAIL"]) == [("EMAIL", MAIL)]
    assert ("PHONE", "98765 43210") in found(text)
    assert ("PHONE", "98765 43210") not in found(text, thresholds={"PHONE": 0.6})
    assert found(text, entities=["PERSON"]) == [("PERSON", "Bob Stone"), ("PERSON", "Maria Kowalski")]
    assert found(text, entities=["PERSON"], names="rules") == [("PERSON", "Bob Stone")]
    assert found(text, entities=["PERSON", "EMAIL"], names="off") == [("EMAIL", MAIL)]


@pytest.mark.parametrize("options", [{"entities": ["EMIAL"]}, {"names": "spacy"}])
def test_options_that_cannot_work_are_refused(options: Any) -> None:
    """An entity that nothing finds would be a false promise."""
    with pytest.raises(ConfigError):
        Builtin(**options)


def test_own_words_patterns_and_functions() -> None:
    """A phrase in any case, a quick pattern, a callable; and what is allowed is left alone."""
    deny = [
        Custom("CODENAME", words=["Blue Heron"]),
        Custom("CASE_NUMBER", pattern=r"CASE-\d{4,8}"),
        Custom("LAST_WORD", find_spans=lambda text: [(len(text) - 3, len(text))]),
    ]
    text = f"Project blue  heron, CASE-12345, {MAIL} end"
    assert found(text, deny=deny) == [
        ("CODENAME", "blue  heron"),
        ("CASE_NUMBER", "CASE-12345"),
        ("EMAIL", MAIL),
        ("LAST_WORD", "end"),
    ]
    assert found(text, allow=Words(frozenset({MAIL.upper()}))) == []
    assert found(text, allow=Words(patterns=(r"[a-z.]{1,20}@example\.com",))) == []


def test_every_option_gives_another_version() -> None:
    """Findings are remembered by version: no two ways of looking may share one. A function is asked every time."""
    builtins = [
        Builtin(),
        Builtin(entities=["EMAIL"]),
        Builtin(names="rules"),
        Builtin(names="off"),
        Builtin(decode=True),
        Builtin(thresholds={"PHONE": 0.6}),
        Builtin(allow=Words(frozenset({"x"}))),
        Builtin(deny=[Custom("AA_BB", words=["x"])]),
        Builtin(deny=[Custom("AA_BB", words=["y"])]),
        Builtin(deny=[Custom("AA_BB", pattern="xy")]),
    ]
    assert len({kind_of([one]) for one in builtins}) == len(builtins)
    assert kind_of([Builtin(deny=[Custom("AA_BB", find_spans=lambda text: [])])]) == ""


@pytest.mark.parametrize(
    "pattern",
    [r"(a+)+b", r"a*", r"\w+@\w+", r"(a|aa){1,30}c", r"(a)\1", r"a{0,100}a{0,100}a{0,100}b", "(", "", "x" * 2000],
)
def test_a_pattern_that_may_be_slow_is_refused(pattern: str) -> None:
    """Before any text is read, whatever the text would have been."""
    with pytest.raises(ConfigError):
        check_pattern(pattern)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.sampled_from(["a{1,9}", "(?:ab|a){1,3}", "[ab]{2,40}", "b", "(?:a{1,5}|b)", "a?", r"\w{1,30}"]),
        min_size=1,
        max_size=5,
    ).map("".join)
)
def test_a_pattern_that_is_taken_is_linear(pattern: str) -> None:
    """Four times the text takes about four times as long, on a text made to go wrong."""
    try:
        compiled = check_pattern(pattern + "c")
    except ConfigError:
        return

    def seconds(size: int) -> float:
        text = "a" * size
        begun = time.process_time()
        assert compiled.search(text) is None
        return time.process_time() - begun

    short = min(seconds(500) for _ in range(2))
    assert seconds(2_000) <= 4 * 4 * max(short, 0.0005)


@pytest.mark.parametrize(
    "encoded",
    [
        base64.b64encode(f"write to {MAIL}".encode()).decode(),
        base64.urlsafe_b64encode(f"??>>{MAIL}".encode()).decode().rstrip("="),
        f"to {MAIL}".encode().hex(),
        "jane%2Edoe%40example%2Ecom",
    ],
)
def test_encoded_personal_data_is_found_when_asked_for(encoded: str) -> None:
    """The whole encoded run is marked."""
    text = f"the value {encoded} came"
    assert found(text, decode=True) == [("EMAIL", encoded)]
    assert found(text) == []


def test_a_stronger_find_leaves_the_rest_of_a_name() -> None:
    """What has a shape wins over a guess; what sticks out of it is not let go."""
    name, mail = Detection(0, 20, "PERSON", 0.6), Detection(10, 30, "EMAIL", 1.0)
    assert settle([name, mail]) == [Detection(0, 10, "PERSON", 0.6), mail]
    assert settle([name, mail], lambda start, end: False) == [mail]
    assert settle([Detection(0, 20, "PERSON"), Detection(5, 9, "PERSON")]) == [Detection(0, 20, "PERSON")]


@settings(max_examples=100)
@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 12), st.sampled_from(["PERSON", "EMAIL", "URL", "PHONE"])))
)
def test_settled_finds_are_apart_and_in_order(raw: list[tuple[int, int, str]]) -> None:
    """Whatever overlaps, the outcome does not; and every shaped find still has something on it."""
    finds = [Detection(start, start + size, entity) for start, size, entity in raw]
    kept = settle(finds)
    assert all(one.end <= other.start for one, other in pairwise(kept))
    for find in finds:
        if find.end > find.start and find.entity != "URL":
            assert any(one.start < find.end and find.start < one.end for one in kept)


@settings(max_examples=150)
@given(st.text(alphabet="ab\u0301é\u200b１٣ﬁ ", max_size=20))
def test_the_way_back_from_the_copy(text: str) -> None:
    """Each character of the copy stands for a span of the original, in order, that folds to no less than it."""
    copy = normalise(text)
    spans = [copy.back(place, place + 1) for place in range(len(copy.text))]
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert spans == sorted(spans)


def test_a_name_with_combining_marks_is_found_whole() -> None:
    """A decomposed accent does not end a name."""
    name = "Jose\u0301 Garci\u0301a"
    assert found(f"Dear {name},\nhello", entities=["PERSON"], names="rules") == [("PERSON", name)]
