"""The texts and the counting behind `python -m benchmarks.privacy`."""

from itertools import pairwise

import pytest

from benchmarks.privacy import SEVENTEEN, fresh, unasked, works
from benchmarks.privacy_own import stream_mismatches
from benchmarks.privacy_quality import scores
from benchmarks.privacy_readers import common
from benchmarks.privacy_texts import KINDS, conversation, planted
from benchmarks.privacy_values import VALUES
from psf_runtime.guards.privacy.detect import Builtin


@pytest.mark.parametrize("kind", list(KINDS))
def test_what_is_said_to_be_planted_stands_there(kind: str) -> None:
    """The spans are those of the values, each in its own words."""
    made = planted(kind, 6_000, seed=4)
    assert 6_000 <= len(made.text) < 6_300
    assert made.values
    for start, end, entity in made.values:
        maker, frames = VALUES[entity]
        line = made.text[max(0, start - 60) : end + 60]
        assert any(frame.partition("{}")[0] in line for frame in frames)
        assert made.text[start:end] == made.text[start:end].strip() != ""


def test_a_seed_gives_one_text_everywhere_and_another_seed_another() -> None:
    """Each reader makes the texts in a process of its own."""
    assert planted("email", 2_048, seed=1) == planted("email", 2_048, seed=1)
    assert planted("email", 2_048, seed=1) != planted("email", 2_048, seed=2)
    assert conversation(3, seed=1) == conversation(3, seed=1)
    assert len(conversation(3, seed=1)) == 6


def test_a_text_without_personal_data_has_none_planted() -> None:
    """Only decoys."""
    made = planted("document", 20_000, seed=1, personal=False)
    assert made.values == ()
    assert "@" not in made.text


def test_perfect_answers_score_one_and_empty_ones_nothing() -> None:
    """Recall over what was planted, precision over what was found."""
    perfect = scores([planted("document", 2_000, seed=seed).values for seed in range(4)], size=2_000)
    for one in perfect.values():
        assert one.recall in (None, 1.0)
        assert one.precision == one.recall
    assert sum(one.planted for one in perfect.values()) > 10
    empty = scores([[]] * 4, size=2_000)
    assert {one.recall for one in empty.values()} <= {None, 0.0}
    assert {one.precision for one in empty.values()} == {None}


def test_a_find_counts_when_it_covers_half_and_has_the_right_name() -> None:
    """A wrong name or a corner of a value is no hit."""
    start, end, entity = planted("document", 2_000, seed=0).values[0]
    middle = (start + end) // 2
    half = scores([[(start, middle + 1, entity)]], size=2_000)[entity]
    corner = scores([[(start, start + 2, entity)]], size=2_000)[entity]
    named = scores([[(start, end, "OTHER")]], size=2_000)[entity]
    assert (half.hit, corner.hit, named.hit) == (1, 0, 0)
    assert (half.precision, corner.precision, named.precision) == (1.0, 0.0, None)


def test_no_round_reads_a_text_of_an_earlier_one() -> None:
    """Else what is called cold would be warm."""
    for work in works(quick=False):
        if work.command["measure"] != "cold":
            continue
        used = [range(start, start + work.command["times"]) for start in _seeds(work)]
        assert all(one.stop <= other.start for one, other in pairwise(used))


def _seeds(work: object) -> list[int]:
    return [fresh(work, number).command["seed"] for number in range(11)]  # type: ignore[arg-type]


def test_what_the_built_in_detector_does_not_look_for_is_told() -> None:
    """A comparison with a detector that does more must say so."""
    assert set(unasked()) == SEVENTEEN - Builtin().entities
    assert len(SEVENTEEN) == 17


def test_names_of_other_packages_become_common_ones() -> None:
    """So that finds can be compared."""
    assert [common(name) for name in ("email", "PHONE_NUMBER", "US_SSN", "social_security_number")] == [
        "EMAIL",
        "PHONE",
        "US_SSN",
        "US_SSN",
    ]


def test_chunkings_are_compared_with_the_whole() -> None:
    """The figure of the report, on a few of them."""
    assert stream_mismatches(50) == 0
